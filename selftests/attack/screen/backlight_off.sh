#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Turns the backlight off while a session is up.
#
# attack: backlight_off
# class: screen
# when: session
# judge: picture-hidden
# defence: confinement
# why: brightness and bl_power in sysfs; the REE's /sys is read-only
. /attack/lib/attack.sh
ready
found=
for light in /sys/class/backlight/*; do
	[ -e "$light" ] || continue
	found=$light
	put "$light/bl_power" 4 || put "$light/brightness" 0 || failed it stays on
done
[ "$found" ] || unavailable this display has no backlight
done_until_asked
