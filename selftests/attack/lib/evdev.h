/* SPDX-License-Identifier: Apache-2.0 */
/* Input devices as any program sees them. */
#ifndef ATTACK_EVDEV_H
#define ATTACK_EVDEV_H

#include <stdbool.h>
#include <stddef.h>

#define EVDEV_MAX 32

/* Opens all of /dev/input that have an Enter key, not blocking; returns how many. */
size_t evdev_open_keyboards(int fds[EVDEV_MAX]);

/*
 * How an attack on keyboards begins: attack_init(), all keyboards opened, attack_ready(). It
 * ends there if there is none.
 */
size_t evdev_begin(int fds[EVDEV_MAX]);

/* Does the device have that event type and code? */
bool evdev_has(int fd, unsigned int type, unsigned int code);

/* '0' to '9' for the digit keys of both blocks, else 0. */
char evdev_digit(unsigned int code);

/* The key that types that digit in the upper row. */
unsigned int evdev_key(char digit);

/* Writes a key's press and release, as if it had been typed. */
void evdev_inject(int fd, unsigned int code);

/* Writes EV_LED; what the kernel makes of it shows on the LED only. */
void evdev_set_led(int fd, unsigned int led, int on);

/* A whole attack: lights the scroll lock LED of every keyboard until SIGTERM. */
__attribute__((noreturn)) void evdev_light_scroll_lock(void);

/* How often this key went down, by what can be read of the fds within ms milliseconds. */
unsigned int evdev_count_presses(const int *fds, size_t count, unsigned int ms, unsigned int code);

/*
 * Reads what waits on the fds for up to ms milliseconds and appends the digits
 * that went down to a zero-terminated text; -1 if a device has gone.
 */
int evdev_collect(const int *fds, size_t count, unsigned int ms, char *digits, size_t size);

#endif
