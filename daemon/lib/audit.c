// SPDX-License-Identifier: Apache-2.0
#include "audit.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "digest.h"

#define MEMBERS_ENTRY	7
#define MEMBERS_HEAD	6
#define CERTIFICATE_MAX	8192
#define JSON_DEPTH	3

static void put(uint64_t value, int bytes, uint8_t *ret)
{
	for (int i = 0; i < bytes; i++)
		ret[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void tconn_audit_hash(const uint8_t before[32], const struct tconn_audit_entry *e, uint8_t ret[32])
{
	const char *text[] = { e->who, e->what, e->subject, e->detail };
	uint8_t number[8], time[8], len[4][4];
	struct tconn_piece piece[4 + 8] = {
		{ "tconn-audit-1", 13 }, { before, 32 }, { number, 8 }, { time, 8 },
	};

	put(e->number, 8, number);
	put((uint64_t)e->time, 8, time);
	for (int i = 0; i < 4; i++) {
		put(strlen(text[i]), 4, len[i]);
		piece[4 + 2 * i] = (struct tconn_piece){ len[i], 4 };
		piece[5 + 2 * i] = (struct tconn_piece){ text[i], strlen(text[i]) };
	}
	tconn_sha256_pieces(piece, 12, ret);
}

void tconn_audit_head_digest(uint64_t number, const uint8_t hash[32], int64_t time, uint8_t ret[32])
{
	uint8_t n[8], t[8];
	const struct tconn_piece piece[] = {
		{ "tconn-audit-head-1", 18 }, { n, 8 }, { hash, 32 }, { t, 8 },
	};

	put(number, 8, n);
	put((uint64_t)time, 8, t);
	tconn_sha256_pieces(piece, 4, ret);
}

/* -- an export's lines: foreign bytes */

static struct json_object *parse(const char *line, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *obj = NULL;

	if (tok && len && len < TCONN_AUDIT_LINE) {
		json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
		obj = json_tokener_parse_ex(tok, line, (int)len);
		if (json_tokener_get_error(tok) != json_tokener_success ||
		    json_tokener_get_parse_end(tok) != len ||
		    !json_object_is_type(obj, json_type_object)) {
			json_object_put(obj);
			obj = NULL;
		}
	}
	json_tokener_free(tok);
	return obj;
}

/* Without a zero byte in it, so that it is what it was hashed as. */
static bool text(struct json_object *obj, const char *key, const char **ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, key, &v) || !json_object_is_type(v, json_type_string))
		return false;
	*ret = json_object_get_string(v);
	return strlen(*ret) == (size_t)json_object_get_string_len(v);
}

static bool integer(struct json_object *obj, const char *key, int64_t *ret)
{
	struct json_object *v;

	if (!json_object_object_get_ex(obj, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	*ret = json_object_get_int64(v);
	return *ret >= 0;
}

static bool hash_of(struct json_object *obj, uint8_t ret[32])
{
	const char *hex;

	return text(obj, "hash", &hex) && tconn_unhex(hex, strlen(hex), ret, 32);
}

static bool base64(struct json_object *obj, const char *key, struct tconn_bytes *ret)
{
	const char *s;

	return text(obj, key, &s) && tconn_base64_decode(s, CERTIFICATE_MAX, ret) == 0;
}

static int tampered(struct tconn_error *err, const char *how, uint64_t number)
{
	return tconn_fail(err, -EKEYREJECTED, "entry %llu %s", (unsigned long long)number, how);
}

/* What an earlier export ended with has to be there, unchanged. */
static int check_earlier(const struct tconn_audit_check *c, struct tconn_error *err)
{
	if (c->number == c->earlier && memcmp(c->hash, c->earlier_hash, 32))
		return tampered(err, "is another than in the earlier export", c->number);
	return 0;
}

static int take_entry(struct tconn_audit_check *c, struct json_object *obj, struct tconn_error *err)
{
	struct tconn_audit_entry e = { 0 };
	uint8_t said[32], hash[32];
	int64_t number;

	if (json_object_object_length(obj) != MEMBERS_ENTRY || !integer(obj, "number", &number) ||
	    !integer(obj, "time", &e.time) || !text(obj, "who", &e.who) ||
	    !text(obj, "what", &e.what) || !text(obj, "subject", &e.subject) ||
	    !text(obj, "detail", &e.detail) || !hash_of(obj, said))
		return tconn_fail(err, -EBADMSG, "after entry %llu: a line that is no entry",
				  (unsigned long long)c->number);
	e.number = (uint64_t)number;
	if (e.number != c->number + 1)
		return tconn_fail(err, -EKEYREJECTED, "entry %llu follows entry %llu: entries are missing, "
				  "double or out of order", (unsigned long long)e.number,
				  (unsigned long long)c->number);
	tconn_audit_hash(c->hash, &e, hash);
	if (memcmp(hash, said, 32))
		return tampered(err, "was changed, or one before it", e.number);
	c->number = e.number;
	memcpy(c->hash, hash, 32);
	return check_earlier(c, err);
}

static int check_signature(struct tconn_audit_check *c, const struct tconn_bytes *cert,
			   const struct tconn_bytes *signature, struct tconn_error *err)
{
	struct tconn_identity who;
	uint8_t digest[32];
	int r = tconn_certificate_check(c->trust, cert->data, cert->len, TCONN_USE_DATA,
					TCONN_ROLE_SERVICE, &who, err);

	tconn_audit_head_digest(c->number, c->hash, c->time, digest);
	if (r == 0)
		r = tconn_certificate_verify_digest(cert->data, cert->len, digest, signature->data,
						    signature->len, err);
	if (r < 0)
		return tconn_fail_in(err, -EKEYREJECTED, "head");
	memcpy(c->service, who.name, sizeof(c->service));
	return 0;
}

static int take_head(struct tconn_audit_check *c, struct json_object *obj, struct tconn_error *err)
{
	struct tconn_bytes cert = { 0 }, signature = { 0 };
	const char *service;
	uint8_t hash[32];
	int64_t number;
	int r;

	if (json_object_object_length(obj) != MEMBERS_HEAD || !integer(obj, "head", &number) ||
	    !integer(obj, "time", &c->time) || !text(obj, "service", &service) || !hash_of(obj, hash) ||
	    !base64(obj, "certificate", &cert) || !base64(obj, "signature", &signature))
		r = tconn_fail(err, -EBADMSG, "after entry %llu: a line that is no head",
			       (unsigned long long)c->number);
	else if ((uint64_t)number != c->number || memcmp(hash, c->hash, 32))
		r = tconn_fail(err, -EKEYREJECTED, "the head is of entry %llu, but entry %llu is the last: "
			       "entries after it are missing, or the head is another log's",
			       (unsigned long long)number, (unsigned long long)c->number);
	else
		r = check_signature(c, &cert, &signature, err);
	if (r == 0 && strcmp(service, c->service))
		r = tconn_fail(err, -EKEYREJECTED, "head: signed by service %s, but it names another",
			       c->service);
	c->ended = r == 0;
	tconn_bytes_free(&cert);
	tconn_bytes_free(&signature);
	return r;
}

int tconn_audit_line(struct tconn_audit_check *c, const char *line, size_t len,
		     struct tconn_error *err)
{
	struct json_object *obj = parse(line, len);
	int r;

	if (!obj)
		return tconn_fail(err, -EBADMSG, "after entry %llu: a line that is no JSON object",
				  (unsigned long long)c->number);
	if (c->ended)
		r = tconn_fail(err, -EKEYREJECTED, "something stands after the head");
	else if (json_object_object_get_ex(obj, "head", NULL))
		r = take_head(c, obj, err);
	else
		r = take_entry(c, obj, err);
	json_object_put(obj);
	return r;
}

int tconn_audit_end(const struct tconn_audit_check *c, struct tconn_error *err)
{
	if (!c->ended)
		return tconn_fail(err, -EKEYREJECTED, "there is no head: it was cut short after entry %llu",
				  (unsigned long long)c->number);
	if (c->earlier > c->number)
		return tconn_fail(err, -EKEYREJECTED, "it ends at entry %llu, the earlier export at entry %llu: "
				  "entries were taken back", (unsigned long long)c->number,
				  (unsigned long long)c->earlier);
	return 0;
}
