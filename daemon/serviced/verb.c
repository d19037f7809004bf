// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "../lib/jsonline.h"

int verb_need_id(struct json_object *request, const char **ret, struct tconn_error *err)
{
	if (!tconn_json_string(request, "id", ret, NULL))
		return tconn_fail(err, -EPROTO, "\"id\" must be a device id");
	return 0;
}

int verb_add_base64(struct json_object *reply, const struct tconn_bytes *b,
		      struct tconn_error *err)
{
	unsigned char *text = malloc(b->len / 3 * 4 + 8);

	if (!text)
		return tconn_fail(err, -ENOMEM, "out of memory");
	EVP_EncodeBlock(text, b->data, (int)b->len);
	tconn_json_add_string(reply, "cose", (const char *)text);
	free(text);
	return 0;
}
