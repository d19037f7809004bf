/* SPDX-License-Identifier: Apache-2.0 */
/* Digits as they were typed, and the codes that stand for them. */
#ifndef ATTACK_DIGITS_H
#define ATTACK_DIGITS_H

#include <stddef.h>
#include <stdint.h>

struct digits {
	char text[256];	/* zero-terminated */
	size_t len;
};

/* Anything but '0' to '9' is left out. */
void digits_add(struct digits *d, char digit);

/* An AT keyboard's make code of set 1, as the i8042 passes it on: '0' to '9' or 0. */
char digits_of_scancode(uint8_t code);

/* Reports of a HID boot keyboard, one after the other: what is newly down. */
struct digits_hid {
	uint8_t last[8];
};

void digits_add_report(struct digits *d, struct digits_hid *hid, const uint8_t *report,
		       size_t len);

/* A usage of HID's keyboard page: '0' to '9' or 0. */
char digits_of_usage(unsigned int usage);

#endif
