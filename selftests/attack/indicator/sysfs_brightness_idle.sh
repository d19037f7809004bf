#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lights the lamp by its brightness, with no session to light it for.
#
# attack: sysfs_brightness_idle
# class: indicator
# when: idle
# judge: lamp
# defence: confinement
# why: brightness in sysfs while no session holds the lamp; the REE's /sys is read-only
. /attack/lib/attack.sh
ready
for led in /sys/class/leds/*::scrolllock; do
	put "$led/brightness" 1
done
done_until_asked
