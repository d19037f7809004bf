// SPDX-License-Identifier: Apache-2.0
/*
 * An Authorization header on the first line, then the file of tokens. Who is found is on the
 * list, and has a role.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/serviced/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	size_t len = end ? (size_t)(end - data) : size;
	char *header = strndup((const char *)data, len);
	struct tconn_error err = { "" };
	const struct token *found;
	struct tokens list;

	if (!header)
		abort();
	len += end != NULL;
	if (token_parse((const char *)data + len, size - len, &list, &err)) {
		if (!err.text[0])
			abort();
	} else {
		found = token_find(&list, header);
		if (!list.count || list.count > TOKEN_COUNT ||
		    (found && (found < list.token || found >= list.token + list.count ||
			       found->role == ROUTE_NOBODY || !found->name[0])))
			abort();
	}
	free(header);
	return 0;
}
