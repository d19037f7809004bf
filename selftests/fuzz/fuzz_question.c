// SPDX-License-Identifier: Apache-2.0
/*
 * Any JSON object as an operator's request. What is taken can be shown, and what
 * is not has a reason.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/serviced/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct json_object *request)
{
	struct question *q = calloc(1, sizeof(*q));
	struct tconn_error err = { "" };
	const char *statement = NULL;
	struct tconn_statement s;

	if (!q)
		abort();
	if (question_parse(request, q, &statement, &err)) {
		if (!err.text[0])
			abort();
	} else if (tconn_statement_parse(q->statement, q->statement_len, &s, NULL) ||
		   tconn_statement_check_renders(&s, 0, 0, NULL)) {
		abort();
	}
	free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *request = NULL;

	if (!t)
		abort();
	if (size <= 65536)
		request = json_tokener_parse_ex(t, (const char *)data, (int)size);
	if (json_object_is_type(request, json_type_object))
		check(request);
	json_object_put(request);
	json_tokener_free(t);
	return 0;
}
