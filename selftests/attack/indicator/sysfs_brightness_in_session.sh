#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes 0 to every LED's brightness while a session is up.
#
# attack: sysfs_brightness_in_session
# class: indicator
# when: session
# judge: lamp
# quick: yes
# defence: module
# why: brightness in sysfs; it is shut for the lamp while the lamp is lit
. /attack/lib/attack.sh
ready
for led in /sys/class/leds/*; do
	put "$led/brightness" 0
done
done_until_asked
