#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Declares the display's connectors unplugged while a session is up, as a cable that is
# pulled would, and looks again at them afterwards.
#
# attack: connector_off
# class: screen
# when: session
# judge: unnoticed
# dialog: tty
# spoils: yes
# defence: confinement
# why: status in sysfs; the REE's /sys is read-only, and what probes in a session waits for the modeset locks
. /attack/lib/attack.sh
ready
pause 0.5
gone=0
for connector in /sys/class/drm/card0-*/status; do
	(echo off >"$connector") 2>/dev/null &
	pause 0.5
	[ "$(cat "$connector")" = connected ] || gone=$((gone + 1))
	(echo detect >"$connector") 2>/dev/null &
done
[ $gone -gt 0 ] || failed "all connectors are what they were"
succeeded "$gone connectors were unplugged"
