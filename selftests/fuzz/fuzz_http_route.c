// SPDX-License-Identifier: Apache-2.0
/*
 * A call over HTTP: method, path, one key of the query and its value, each on a line, then
 * the body. What is taken is a request of the route's verb, for a role that is not nobody.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/jsonline.h"
#include "daemon/serviced/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next line, malloc'ed, without what stands behind a NUL. */
static char *line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t len = end ? (size_t)(end - *data) : *size;
	char *text = strndup((const char *)*data, len);

	if (!text)
		abort();
	len += end != NULL;
	*data += len;
	*size -= len;
	return text;
}

static void check(const struct route *route, const char *path, const char *key, const char *value,
		  const char *body, size_t len)
{
	struct json_object *request = NULL;
	struct tconn_error err = { "" };
	const char *verb = "";

	if (route->role == ROUTE_NOBODY)
		abort();
	if (route_request(route, path, body, len, &request, &err)) {
		if (!err.text[0] || request)
			abort();
		return;
	}
	if (route->verb && (!tconn_json_string(request, "do", &verb, NULL) || strcmp(verb, route->verb)))
		abort();
	if (*key && route_query(route, key, *value ? value : NULL, request, &err) && !err.text[0])
		abort();
	json_object_put(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *method = line(&data, &size), *path = line(&data, &size);
	char *key = line(&data, &size), *value = line(&data, &size);
	char *body = malloc(size + 1);
	const struct route *route;
	unsigned int status = 0;

	if (!body)
		abort();
	memcpy(body, data, size);
	route = route_find(method, path, &status);
	if (route)
		check(route, path, key, value, body, size);
	else if (status != 404 && status != 405)
		abort();
	free(method);
	free(path);
	free(key);
	free(value);
	free(body);
	return 0;
}
