/* SPDX-License-Identifier: Apache-2.0 */
/* tconn-labeld's configuration file; each key is described in tconn-labeld(8). */
#ifndef LABELD_SETTINGS_H
#define LABELD_SETTINGS_H

#include <stdint.h>
#include "../lib/error.h"

struct settings {
	char *tcti, *boot_policy, *identity, *trust, *socket, *policy;
	char *evidence;			/* directory; NULL: no environment in labels */
	uint32_t latency_ms;		/* from an item's arrival to its label */
	uint32_t items;			/* of a batch */
};

int settings_load(const char *path, struct settings *ret, struct tconn_error *err);
void settings_free(struct settings *s);

#endif
