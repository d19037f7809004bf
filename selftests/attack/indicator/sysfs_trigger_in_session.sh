#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gives the lamp another trigger while a session is up.
#
# attack: sysfs_trigger_in_session
# class: indicator
# when: session
# judge: lamp
# quick: yes
# defence: module
# why: a trigger of the keyboard's switches the lamp off; sysfs is shut for the lamp while it is lit
. /attack/lib/attack.sh
ready
for led in /sys/class/leds/*::scrolllock; do
	put "$led/trigger" kbd-capslock
	put "$led/trigger" none
done
done_until_asked
