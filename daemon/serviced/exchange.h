/* SPDX-License-Identifier: Apache-2.0 */
/* One question put to a device: REQUEST, ANSWER, verification, RECEIPT. */
#ifndef SERVICED_EXCHANGE_H
#define SERVICED_EXCHANGE_H

#include "server.h"

/* Fills q's answer part. A negative return ends the connection with a REFUSAL;
 * q->code and q->error say the same to the operator.
 */
int exchange(struct device *d, struct question *q, struct tconn_error *err);

#endif
