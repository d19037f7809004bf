/* SPDX-License-Identifier: Apache-2.0 */
/* When somebody types: keys are seen going down though they cannot be read. */
#ifndef ATTACK_TYPING_H
#define ATTACK_TYPING_H

#include <stdbool.h>

/* Until so many presses have been seen (EVIOCGKEY, polled); false at SIGTERM. */
bool typing_wait(unsigned int presses);

#endif
