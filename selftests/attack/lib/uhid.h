/* SPDX-License-Identifier: Apache-2.0 */
/* HID keyboards that a program makes up. */
#ifndef ATTACK_UHID_H
#define ATTACK_UHID_H

/* One with name and ids of the real one; an fd or a negative errno. */
int uhid_keyboard(void);

/* Presses and releases '0' to '9', or Enter for '\n'. */
void uhid_press(int fd, char key);

#endif
