/* SPDX-License-Identifier: Apache-2.0 */
/* What was decided, for a person or a script: receipts as JSON. */
#ifndef TCONN_WORDS_H
#define TCONN_WORDS_H

#include "receipt.h"

struct json_object;

/* Every field of a receipt; digests and nonces in hex, the statement as its text. */
struct json_object *tconn_receipt_json(const struct tconn_receipt *r);

#endif
