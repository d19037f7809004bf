/* SPDX-License-Identifier: Apache-2.0 */
/* The machine as its own USB keyboard: a HID gadget (configfs) on the dummy host controller. */
#ifndef ATTACK_GADGET_H
#define ATTACK_GADGET_H

/* A whole attack: plugs one in and types a PIN into it until SIGTERM. */
__attribute__((noreturn)) void gadget_intrude(void);

#endif
