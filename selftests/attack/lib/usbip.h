/* SPDX-License-Identifier: Apache-2.0 */
/* USB keyboards that a program makes up: a device at the far end of usbip. */
#ifndef ATTACK_USBIP_H
#define ATTACK_USBIP_H

/* Plugs one in, served by a thread; 0 or a negative errno. */
int usbip_plug_keyboard(void);

/* Presses and releases '0' to '9', or Enter for '\n'. */
void usbip_press(char key);

#endif
