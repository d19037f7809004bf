// SPDX-License-Identifier: Apache-2.0
/*
 * Lights the scroll lock LED through every evdev node, with no session, where the policy has no attention key.
 *
 * attack: ev_led_idle
 * class: indicator
 * when: idle
 * judge: lamp
 * defence: limit
 * why: EV_LED written to evdev by a REE that has the keyboard; a lamp that is no keyboard's has no such door
 */
#include "evdev.h"

int main(void)
{
	evdev_light_scroll_lock();
}
