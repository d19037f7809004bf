// SPDX-License-Identifier: Apache-2.0
/*
 * Lights the scroll lock LED through every evdev node, with no session, where the policy
 * has an attention key.
 *
 * attack: ev_led_watched
 * class: indicator
 * when: idle
 * judge: lamp
 * append: policy.attention-key=88
 * defence: module
 * why: EV_LED written to evdev; the module holds the grab of a keyboard with an attention
 *	key all the time, and what others write to it goes nowhere
 */
#include "evdev.h"

int main(void)
{
	evdev_light_scroll_lock();
}
