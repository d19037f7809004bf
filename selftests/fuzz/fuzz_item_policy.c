// SPDX-License-Identifier: Apache-2.0
/* What a receiver of labelled items accepts. */
#include <stdlib.h>

#include "daemon/lib/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tconn_intake_policy p;
	struct tconn_error err = { "" };
	char *text = malloc(size + 1);

	/* json-c wants to look at the byte behind. */
	for (size_t i = 0; i < size; i++)
		text[i] = (char)data[i];
	text[size] = '\0';
	if (tconn_intake_policy_parse(text, size, &p, &err) && !err.text[0])
		abort();
	free(text);
	return 0;
}
