/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this service alive, and is it ready to let devices in? Looks at what it needs for
 * that: its main loop, the database, the TPM, its identity, reference values, room.
 */
#ifndef SERVICED_HEALTH_H
#define SERVICED_HEALTH_H

#include <stdbool.h>

struct server;
struct json_object;

#define HEALTH_BEAT_S	10	/* without a turn of the main loop: it hangs */
#define HEALTH_TPM_S	10	/* between two looks at the TPM */

/* {"ok":true,"live":B,"ready":B,"reasons":[TEXT,...]}: why it is not, in words. */
struct json_object *health_json(struct server *s, bool *ret_ready);

#endif
