// SPDX-License-Identifier: Apache-2.0
/* tconn-labeld's policy; what it lists is then asked about names out of it. */
#include <stdlib.h>

#include "daemon/lib/label_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tconn_label_policy p;
	struct tconn_error err = { "" };
	char *text = malloc(size + 1);

	/* json-c wants to look at the byte behind. */
	for (size_t i = 0; i < size; i++)
		text[i] = (char)data[i];
	text[size] = '\0';
	if (tconn_label_policy_parse(text, size, &p, &err)) {
		if (!err.text[0])
			abort();
	} else {
		for (size_t i = 0; i < p.count; i++)
			tconn_label_policy_allows(&p.client[i], p.client[i].source[0], "text/plain", &err);
	}
	free(text);
	return 0;
}
