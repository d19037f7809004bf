/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keyboard that is typed on, as far as the kernel can tell: the controller of the AT
 * keyboard has a command that makes a byte look as if it came from there. Needs root,
 * and a machine that is not locked down.
 */
#ifndef TCONN_TEST_KEYBOARD_H
#define TCONN_TEST_KEYBOARD_H

enum {
	SCAN_ESC	= 0x01,
	SCAN_5		= 0x06,
	SCAN_ENTER	= 0x1c,
	SCAN_CTRL	= 0x1d,
	SCAN_B		= 0x30,
	SCAN_F12	= 0x58,
	SCAN_RELEASE	= 0x80,	/* added to one of these */
};

/* Told to light its lamp, as a session does, a keyboard loses what is typed meanwhile. */
#define KEYBOARD_LAMP_US	100000

/* One byte; returns when the driver must have had it. 0 or a negative errno. */
int keyboard_scan(unsigned char code);
/* A key down and up. */
int keyboard_type(unsigned char code);

#endif
