/* SPDX-License-Identifier: Apache-2.0 */
/* What was decided, for a person or a script. */
#ifndef TCONN_WORDS_H
#define TCONN_WORDS_H

#include "receipt.h"

struct json_object;

/* "confirmed", "denied", "entered", "aborted", "none" */
const char *tconn_outcome_name(uint32_t outcome);
/* "press", "hold", "double"; "none" */
const char *tconn_gesture_name(uint32_t type);
/* "closed", "timeout", ...; "none" */
const char *tconn_cause_name(uint32_t cause);
/* "confirm", "pin", "notice" */
const char *tconn_kind_name(uint32_t kind);
/* enum tconn_tui_status in words. */
const char *tconn_tui_status_name(uint32_t status);

/* Every field of a receipt; digests and nonces in hex, the statement as its text. */
struct json_object *tconn_receipt_json(const struct tconn_receipt *r);

#endif
