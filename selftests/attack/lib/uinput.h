/* SPDX-License-Identifier: Apache-2.0 */
/* Keyboards that a program makes up. */
#ifndef ATTACK_UINPUT_H
#define ATTACK_UINPUT_H

#include <linux/input.h>

/*
 * A keyboard with that name and those ids, all keys and the three LEDs; there for
 * evdev and other handlers before it returns. An fd or a negative errno.
 */
int uinput_keyboard(const char *name, const struct input_id *id);

/* Presses and releases a key; 0 or a negative errno. */
int uinput_press(int fd, unsigned int code);

/* Name and ids of the first keyboard that is not made up; 0 or -ENOENT. */
int uinput_copy_real(char *ret_name, size_t size, struct input_id *ret_id);

/* A keyboard with that name and those ids; an fd or a negative errno. */
int uinput_copy(void);

/* A whole attack: makes such a keyboard and types a PIN into it until SIGTERM. */
__attribute__((noreturn)) void uinput_intrude(void);

#endif
