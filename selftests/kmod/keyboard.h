/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys typed on the emulated PS/2 keyboard, by its controller's command for that:
 * for the kernel no different from a person's. Codes are those of an AT keyboard.
 */
#ifndef TCONN_TEST_KEYBOARD_H
#define TCONN_TEST_KEYBOARD_H

enum {
	SCAN_5		= 0x06,
	SCAN_ENTER	= 0x1c,
	SCAN_B		= 0x30,
	SCAN_RELEASE	= 0x80,	/* added to one of these */
};

int keyboard_open(void);	/* before all else; 0 or a negative errno */
void scan(unsigned char code);
void type(unsigned char code);	/* press and release */

#endif
