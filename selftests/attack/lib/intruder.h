/* SPDX-License-Identifier: Apache-2.0 */
/* Typing into the dialog what nobody has typed. */
#ifndef ATTACK_INTRUDER_H
#define ATTACK_INTRUDER_H

/*
 * Types a PIN and Enter, again and again until SIGTERM, and prints the last line.
 * press: presses and releases '0' to '9', or Enter for '\n'.
 */
__attribute__((noreturn)) void intruder_type(void (*press)(void *device, char key), void *device);

#endif
