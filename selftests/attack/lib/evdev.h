/* SPDX-License-Identifier: Apache-2.0 */
/* Input devices as any program sees them. */
#ifndef ATTACK_EVDEV_H
#define ATTACK_EVDEV_H

#include <stdbool.h>
#include <stddef.h>

#define EVDEV_MAX 32

/* Opens all of /dev/input that have an Enter key, not blocking; returns how many. */
size_t evdev_open_keyboards(int fds[EVDEV_MAX]);

/* Does the device have that event type and code? */
bool evdev_has(int fd, unsigned int type, unsigned int code);

/* '0' to '9' for the digit keys of both blocks, else 0. */
char evdev_digit(unsigned int code);

/* The key that types that digit in the upper row. */
unsigned int evdev_key(char digit);

/* Writes EV_LED; what the kernel makes of it shows on the LED only. */
void evdev_set_led(int fd, unsigned int led, int on);

/*
 * Reads what waits on the fds for up to ms milliseconds and appends the digits
 * that went down to a zero-terminated text; -1 if a device has gone.
 */
int evdev_collect(const int *fds, size_t count, unsigned int ms, char *digits, size_t size);

#endif
