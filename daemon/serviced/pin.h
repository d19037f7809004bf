/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing an entered PIN over to whoever needs it, at once, and forgetting it;
 * and what they say of it.
 */
#ifndef SERVICED_PIN_H
#define SERVICED_PIN_H

#include <stddef.h>
#include <stdint.h>
#include "../lib/error.h"

#define PIN_SINK_NONE	"none"
#define PIN_SINK_MS	10000

enum pin_judgement {
	PIN_NOT_JUDGED,		/* taken, no more */
	PIN_RIGHT,
	PIN_WRONG,
};

/*
 * sink "none": nothing is done with it. A Unix socket: the line "DEVICE REQUEST
 * DIGITS" is written to it and its end shut down; the line "right" or "wrong" may
 * come back. A program: run as "SINK DEVICE REQUEST" with the digits and a newline
 * on standard input; exit status 0 is right, 1 wrong. Either has PIN_SINK_MS. The
 * caller wipes digits. Returns an enum pin_judgement, or negative errno where the
 * PIN was not taken.
 */
int pin_hand_over(const char *sink, const char *device, uint64_t request, const uint8_t *digits,
		  size_t len, struct tconn_error *err);

#endif
