// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <time.h>

#include "../lib/audit.h"
#include "../lib/digest.h"
#include "../lib/jsonline.h"

#define PAGE	64	/* entries of one reply: within its limit also with the largest details */

static void add_base64(struct json_object *obj, const char *key, const uint8_t *data, size_t len)
{
	unsigned char text[16384] = "";

	if (len / 3 * 4 + 5 < sizeof(text))
		EVP_EncodeBlock(text, data, (int)len);
	tconn_json_add_string(obj, key, (const char *)text);
}

/* So far the log goes, signed: what comes later does not belong to this export. */
static int add_head(struct server *s, struct json_object *reply, uint64_t number,
		    struct tconn_error *err)
{
	struct tconn_credentials *own = server_credentials(s);
	struct json_object *head = json_object_new_object();
	uint8_t hash[32], digest[32], signature[72];
	const int64_t now = time(NULL);
	size_t len = 0;
	char hex[65];
	int r = store_audit_hash(s->store, number, hash, err);

	tconn_audit_head_digest(number, hash, now, digest);
	if (r == 0)
		r = tconn_tpm_sign(s->party.tpm, TCONN_KEY_DATA, digest, signature, &len, err);
	if (r == 0) {
		tconn_hex(hash, 32, hex);
		tconn_json_add(head, "head", json_object_new_int64((int64_t)number));
		tconn_json_add(head, "time", json_object_new_int64(now));
		tconn_json_add_string(head, "hash", hex);
		tconn_json_add_string(head, "service", s->self.name);
		add_base64(head, "signature", signature, len);
		add_base64(head, "certificate", own->data_cert.data, own->data_cert.len);
		tconn_json_add(reply, "head", json_object_get(head));
	}
	json_object_put(head);
	tconn_credentials_put(own);
	return r;
}

/* A page of entries after a number; the head comes with the last page. */
int verb_audit_export(struct server *s, struct json_object *request, struct json_object *reply,
		      struct tconn_error *err)
{
	unsigned long long after = 0;
	struct json_object *list;
	size_t count;
	int r;

	tconn_json_uint(request, "after", INT64_MAX, &after);
	r = store_list_audit(s->store, after, PAGE, &list, err);
	if (r < 0)
		return r;
	count = json_object_array_length(list);
	tconn_json_add(reply, "entries", list);
	return count == PAGE ? 0 : add_head(s, reply, after + count, err);
}
