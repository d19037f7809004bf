/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder in which sensors leave what the service is to get: NAME, and beside it
 * NAME.label, which is put there last. What the service took is removed; what it cannot take
 * yet stays (-EDQUOT, -EAGAIN); what it refused, or what cannot be sent, is moved to "refused" in the
 * folder and said in the log. Whoever may
 * write there can bring things to the service's ears that it refuses, and nothing else:
 * only plain files are read, no links are followed.
 */
#ifndef TCONND_OUTBOX_H
#define TCONND_OUTBOX_H

#include "../lib/bytes.h"
#include "../lib/error.h"

struct outbox_item {
	char name[256];			/* "": there is none */
	struct tconn_bytes label, data;
};

/* The first in order of names. Freed by outbox_item_free(). What cannot be sent is put away
 * on the way to it.
 */
int outbox_next(const char *dir, struct outbox_item *ret, struct tconn_error *err);
/* code 0: the service has it; else it was refused, why says so. */
void outbox_done(const char *dir, const char *name, int code, const char *why);
void outbox_item_free(struct outbox_item *item);

#endif
