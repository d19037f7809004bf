/* SPDX-License-Identifier: Apache-2.0 */
/* The machine as its own USB keyboard: a HID gadget (configfs) on the dummy host controller. */
#ifndef ATTACK_GADGET_H
#define ATTACK_GADGET_H

/* An fd or a negative errno. */
int gadget_keyboard(void);

/* Presses and releases '0' to '9', or Enter for '\n', on the fd that is pointed to. */
void gadget_press(void *fd, char key);

#endif
