/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing an entered PIN over to whoever needs it, at once, and forgetting it.
 */
#ifndef SERVICED_PIN_H
#define SERVICED_PIN_H

#include <stddef.h>
#include <stdint.h>
#include "../lib/error.h"

#define PIN_SINK_NONE	"none"
#define PIN_SINK_MS	10000

/*
 * sink "none": nothing is done with it. A Unix socket: the line "DEVICE REQUEST
 * DIGITS" is written to it. A program: run as "SINK DEVICE REQUEST" with the
 * digits and a newline on standard input; it must exit with 0 within
 * PIN_SINK_MS. The caller wipes digits.
 */
int pin_hand_over(const char *sink, const char *device, uint64_t request, const uint8_t *digits,
		  size_t len, struct tconn_error *err);

#endif
