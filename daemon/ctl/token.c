// SPDX-License-Identifier: Apache-2.0
/* A token for calls over HTTP, and the line that lets it in (daemon/serviced/token.h). */
#include <errno.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "../lib/digest.h"
#include "../lib/jsonline.h"
#include "ctl.h"

#define PREFIX	"tconn_"
#define BITS	256

/* As text without '+' and '/', which some tools would escape. */
static int make(char ret[64], struct tconn_error *err)
{
	uint8_t secret[BITS / 8];
	unsigned char base64[48];

	if (RAND_bytes(secret, sizeof(secret)) != 1)
		return tconn_fail(err, -EIO, "no random numbers");
	EVP_EncodeBlock(base64, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	for (unsigned char *p = base64; *p; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
		else if (*p == '=')
			*p = '\0';
	}
	snprintf(ret, 64, PREFIX "%s", base64);
	OPENSSL_cleanse(base64, sizeof(base64));
	return 0;
}

static void show(const struct ctl *ctl, const char *token, const char *line)
{
	struct json_object *obj;

	if (!ctl->json) {
		print("token, shown this once:  %s", token);
		print("line for \"http_tokens\":  %s", line);
		return;
	}
	obj = json_object_new_object();
	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "token", token);
	tconn_json_add_string(obj, "line", line);
	print_json(obj);
	json_object_put(obj);
}

int command_token(const struct ctl *ctl, int argc, char **argv)
{
	char token[64], hex[65], line[128];
	struct tconn_error err;
	uint8_t hash[32];
	int r;

	if (argc != 3 || strlen(argv[1]) > 32 || !argv[1][0] ||
	    (strcmp(argv[2], "read") && strcmp(argv[2], "operate")))
		return usage("token NAME read|operate; a name has 1 to 32 characters");
	r = make(token, &err);
	if (r < 0)
		return failure(ctl, r, &err);
	tconn_sha256(token, strlen(token), hash);
	tconn_hex(hash, 32, hex);
	snprintf(line, sizeof(line), "%s %s %s", argv[1], argv[2], hex);
	show(ctl, token, line);
	OPENSSL_cleanse(token, sizeof(token));
	return CTL_OK;
}
