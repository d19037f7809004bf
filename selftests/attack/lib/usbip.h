/* SPDX-License-Identifier: Apache-2.0 */
/* A USB keyboard that a program makes up: a device at the far end of usbip. */
#ifndef ATTACK_USBIP_H
#define ATTACK_USBIP_H

/* A whole attack: plugs one in and types a PIN into it until SIGTERM. */
__attribute__((noreturn)) void usbip_intrude(void);

#endif
