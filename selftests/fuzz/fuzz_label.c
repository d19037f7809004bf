// SPDX-License-Identifier: Apache-2.0
/* Labels as a receiver gets them, and all that is asked of one before it is believed. */
#include <stdlib.h>

#include <openssl/x509_vfy.h>

#include "daemon/lib/label.h"

static void look(const struct tconn_label *l)
{
	struct tconn_label_item item;
	const uint8_t *input;
	uint8_t id[32];
	size_t len;

	for (size_t i = 0; i < tconn_label_count(l); i++) {
		if (tconn_label_item(l, i, &item, NULL) || !tconn_label_source(l, item.source))
			abort();	/* the decoder had looked at each */
		tconn_label_id(l, i, id);
		tconn_label_check_data(&item, "", 0, NULL);
	}
	for (size_t i = 0; i < tconn_label_input_count(l); i++)
		tconn_label_input(l, i, &input, &len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tconn_label_check check;
	struct tconn_label_report report;
	struct tconn_error err = { "" };
	struct tconn_label *l;

	if (!check.trust)
		check.trust = X509_STORE_new();
	if (tconn_label_decode(data, size, &l, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	look(l);
	if (!tconn_label_verify(l, &check, &report, &err))
		abort();	/* nobody is trusted */
	tconn_label_free(l);
	return 0;
}
