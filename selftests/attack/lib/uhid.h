/* SPDX-License-Identifier: Apache-2.0 */
/* A HID keyboard that a program makes up. */
#ifndef ATTACK_UHID_H
#define ATTACK_UHID_H

/* A whole attack: makes one with name and ids of the real one and types a PIN into it until SIGTERM. */
__attribute__((noreturn)) void uhid_intrude(void);

#endif
