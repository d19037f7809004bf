/* SPDX-License-Identifier: Apache-2.0 */
/* Touch screens, and the digits that a finger's place on them stands for. */
#ifndef ATTACK_TOUCH_H
#define ATTACK_TOUCH_H

#include <stddef.h>

/* Opens those of /dev/input that have this axis (ABS_...); returns how many, EVDEV_MAX at most. */
size_t touch_open(unsigned int axis, int *fds);

/* The axis' largest value. */
int touch_range(int fd, unsigned int axis);

/* '0' to '9', of a row of ten across the screen. */
char touch_digit(int place, int range);

#endif
