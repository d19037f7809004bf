#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gives the keyboard's port to a driver that passes bytes on, and sends the keyboard
# the bytes that light its LEDs, with no session.
#
# attack: serio_raw_led
# class: indicator
# when: idle
# judge: lamp
# spoils: yes
# defence: confinement
# why: the driver of a serio port is chosen in sysfs; the REE's /sys is read-only
. /attack/lib/attack.sh
ready
for port in /sys/bus/serio/devices/serio*; do
	[ "$(cat "$port/id/type")" = 06 ] || continue
	# A name with a newline is none.
	printf serio_raw >"$port/drvctl" && note "$port is serio_raw's"
done
pause 0.5
for node in /dev/serio_raw*; do
	[ -c "$node" ] || failed no serio_raw node
	printf '\355' >"$node" && pause 0.1 && printf '\007' >"$node" && note "wrote to $node"
done 2>/dev/null
done_until_asked
