#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gives the lamp a trigger that lights it, with no session.
#
# attack: sysfs_trigger_idle
# class: indicator
# when: idle
# judge: lamp
# defence: confinement
# why: a trigger that is always on; the REE's /sys is read-only
. /attack/lib/attack.sh
ready
for led in /sys/class/leds/*::scrolllock; do
	for trigger in default-on cpu kbd-numlock; do
		grep -q "$trigger" "$led/trigger" || continue
		put "$led/trigger" "$trigger"
		put "$led/brightness" 1
	done
done
done_until_asked
