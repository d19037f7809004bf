#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the lamp's brightness, on and off by turns and without a pause, from before
# the session until after it.
#
# attack: sysfs_brightness_race
# class: indicator
# when: before
# judge: lamp
# defence: confinement
# why: thousands of writes around take-over and give-back; the REE's /sys is read-only
. /attack/lib/attack.sh
flicker() {
	while :; do
		for led in /sys/class/leds/*::scrolllock; do
			echo 0 >"$led/brightness" || exit
			echo 1 >"$led/brightness"
		done
	done
}
ready
flicker 2>/dev/null &
flicker 2>/dev/null &
done_until_asked
