// SPDX-License-Identifier: Apache-2.0
#include "route.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "../lib/jsonline.h"

static const struct route routes[] = {
	{ "GET", "/health", ROUTE_HEALTH, NULL, ROUTE_READ, 0 },
	{ "GET", "/metrics", ROUTE_METRICS, NULL, ROUTE_READ, 0 },
	{ "GET", "/v1/status", ROUTE_VERB, "status", ROUTE_READ, 0 },
	{ "GET", "/v1/devices", ROUTE_VERB, "device-list", ROUTE_READ, 0 },
	{ "POST", "/v1/devices", ROUTE_VERB, "device-add", ROUTE_OPERATE, ROUTE_BODY_MAX },
	{ "GET", "/v1/devices/:id", ROUTE_VERB, "device-show", ROUTE_READ, 0 },
	{ "GET", "/v1/devices/:id/verdict", ROUTE_VERB, "verdict-show", ROUTE_READ, 0 },
	{ "POST", "/v1/devices/:id/attest", ROUTE_VERB, "device-attest", ROUTE_OPERATE,
	  ROUTE_BODY_MAX },
	{ "POST", "/v1/devices/:id/rekey", ROUTE_VERB, "device-rekey", ROUTE_OPERATE,
	  ROUTE_BODY_MAX },
	{ "POST", "/v1/devices/:id/replace", ROUTE_VERB, "device-replace", ROUTE_OPERATE,
	  ROUTE_BODY_MAX },
	{ "POST", "/v1/devices/:id/pin-reset", ROUTE_VERB, "device-pin-reset", ROUTE_OPERATE,
	  ROUTE_BODY_MAX },
	{ "POST", "/v1/devices/:id/items", ROUTE_VERB, "item-send", ROUTE_OPERATE, ROUTE_ITEM_MAX },
	{ "POST", "/v1/requests", ROUTE_ASK, "request", ROUTE_OPERATE, ROUTE_BODY_MAX },
	{ "GET", "/v1/requests/:ticket", ROUTE_TICKET, NULL, ROUTE_READ, 0 },
	{ "GET", "/v1/policies", ROUTE_VERB, "policy-list", ROUTE_READ, 0 },
	{ "GET", "/v1/receipts", ROUTE_VERB, "receipt-list", ROUTE_READ, 0 },
	{ "GET", "/v1/receipts/:receipt", ROUTE_VERB, "receipt-show", ROUTE_READ, 0 },
	{ "GET", "/v1/revocations", ROUTE_VERB, "revocation-list", ROUTE_READ, 0 },
	{ "POST", "/v1/revocations", ROUTE_VERB, "revocation-add", ROUTE_OPERATE, ROUTE_BODY_MAX },
	{ "DELETE", "/v1/revocations/:kind/:subject", ROUTE_VERB, "revocation-lift", ROUTE_OPERATE,
	  0 },
	{ "GET", "/v1/audit", ROUTE_VERB, "audit-export", ROUTE_READ, 0 },
};

/* A part of a path, borrowed. */
struct part {
	const char *text;
	size_t len;
};

/* How many; 0: no path that any route could have. */
static size_t split(const char *path, struct part ret[ROUTE_PARTS])
{
	size_t n = 0;

	if (path[0] != '/' || strlen(path) > ROUTE_PATH_MAX)
		return 0;
	for (const char *at = path; *at == '/'; n++) {
		size_t len = strcspn(at + 1, "/");

		if (n == ROUTE_PARTS || !len)
			return 0;
		ret[n] = (struct part){ at + 1, len };
		at += 1 + len;
	}
	return n;
}

static bool is_path(const struct route *route, const struct part *part, size_t count)
{
	struct part own[ROUTE_PARTS];

	if (split(route->path, own) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (own[i].text[0] != ':' &&
		    (own[i].len != part[i].len || memcmp(own[i].text, part[i].text, own[i].len)))
			return false;
	return true;
}

const struct route *route_find(const char *method, const char *path, unsigned int *ret_status)
{
	struct part part[ROUTE_PARTS];
	size_t count = split(path, part);

	*ret_status = 404;
	for (size_t i = 0; count && i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!is_path(&routes[i], part, count))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*ret_status = 405;
	}
	return NULL;
}

/* Decimal, no sign, no leading zero, up to INT64_MAX. */
static bool number(const char *text, size_t len, int64_t *ret)
{
	int64_t n = 0;

	if (!len || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, text[i] - '0', &n))
			return false;
	}
	*ret = n;
	return true;
}

static bool is_word(const struct part *p)
{
	if (p->len > ROUTE_HEX_MAX)
		return false;
	for (size_t i = 0; i < p->len; i++)
		if (!((p->text[i] >= 'a' && p->text[i] <= 'z') ||
		      (p->text[i] >= '0' && p->text[i] <= '9')))
			return false;
	return true;
}

/* What stands in a path is not in a body as well: which of the two would count? */
static int add_part(const char *key, const struct part *p, struct json_object *request,
		    struct tconn_error *err)
{
	int64_t n;

	if (json_object_object_get_ex(request, key, NULL))
		return tconn_fail(err, -EPROTO, "\"%s\" is in the path, not in the body", key);
	if (strcmp(key, "receipt") == 0 || strcmp(key, "ticket") == 0) {
		if (!number(p->text, p->len, &n))
			return tconn_fail(err, -EPROTO, "\"%s\" must be a whole number", key);
		tconn_json_add(request, key, json_object_new_int64(n));
		return 0;
	}
	if (!is_word(p))
		return tconn_fail(err, -EPROTO, "\"%s\" has 1 to %d of a-z and 0-9", key,
				  ROUTE_HEX_MAX);
	tconn_json_add(request, key, json_object_new_string_len(p->text, (int)p->len));
	return 0;
}

static int add_parts(const struct route *route, const char *path, struct json_object *request,
		     struct tconn_error *err)
{
	struct part own[ROUTE_PARTS], part[ROUTE_PARTS];
	size_t count = split(route->path, own);
	int r = 0;

	if (split(path, part) != count)
		return tconn_fail(err, -EPROTO, "another path");
	for (size_t i = 0; r == 0 && i < count; i++) {
		char key[16] = "";

		if (own[i].text[0] != ':')
			continue;
		memcpy(key, own[i].text + 1, own[i].len - 1);
		r = add_part(key, &part[i], request, err);
	}
	return r;
}

/* Files of this machine are named on its own socket only: who calls from elsewhere sends them. */
static int check_item(struct json_object *request, struct tconn_error *err)
{
	if (json_object_object_get_ex(request, "label", NULL) ||
	    json_object_object_get_ex(request, "data", NULL))
		return tconn_fail(err, -EPROTO, "an item comes as \"label_bytes\" and \"data_bytes\", "
				  "in base64");
	return 0;
}

int route_request(const struct route *route, const char *path, const char *body, size_t len,
		  struct json_object **ret, struct tconn_error *err)
{
	struct json_object *request = NULL;
	int r = 0;

	while (len && strchr(" \t\r\n", body[len - 1]) && body[len - 1])
		len--;
	if (len > route->body_max)
		return tconn_fail(err, -EMSGSIZE, "a body over %zu bytes", route->body_max);
	if (len)
		r = tconn_json_parse(body, len, &request, err);
	else
		request = json_object_new_object();
	if (r < 0)
		return r;
	if (json_object_object_get_ex(request, "do", NULL))
		r = tconn_fail(err, -EPROTO, "\"do\" is what the path says");
	if (r == 0 && route->body_max == ROUTE_ITEM_MAX)
		r = check_item(request, err);
	if (r == 0)
		r = add_parts(route, path, request, err);
	if (r < 0) {
		json_object_put(request);
		return r;
	}
	if (route->verb)
		tconn_json_add_string(request, "do", route->verb);
	*ret = request;
	return 0;
}

int route_query(const struct route *route, const char *key, const char *value,
		struct json_object *request, struct tconn_error *err)
{
	int64_t n;

	if (!route->verb || strcmp(route->verb, "audit-export") || strcmp(key, "after"))
		return tconn_fail(err, -EPROTO, "nothing in the query but \"after\" of /v1/audit");
	if (json_object_object_get_ex(request, key, NULL))
		return tconn_fail(err, -EPROTO, "\"after\" twice");
	if (!value || !number(value, strlen(value), &n))
		return tconn_fail(err, -EPROTO, "\"after\" must be a whole number");
	tconn_json_add(request, key, json_object_new_int64(n));
	return 0;
}

unsigned int route_status(int code)
{
	switch (code < 0 ? -code : code) {
	case 0:
		return 200;
	case EINVAL:
	case EPROTO:
	case EBADMSG:
		return 400;
	case ENOENT:
		return 404;
	case EMSGSIZE:
		return 413;
	case EDQUOT:
		return 429;
	case EEXIST:
	case EBUSY:
	case ENOTCONN:
	case EKEYREJECTED:
	case EKEYREVOKED:
	case EACCES:
	case ECANCELED:
		return 409;
	case ETIMEDOUT:
		return 504;
	}
	return 500;
}
