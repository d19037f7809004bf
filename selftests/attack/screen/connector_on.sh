#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Declares a display plugged in at the second output while a session is up, as somebody
# who brings one would, so that it lights up beside the dialog.
#
# attack: connector_on
# class: screen
# when: session
# judge: unnoticed
# dialog: tty
# devices: virtio-gpu-pci,id=gpu,max_outputs=2
# spoils: yes
# defence: confinement
# why: status in sysfs; the REE's /sys is read-only, and no other output is lit before the session's end
. /attack/lib/attack.sh
ready
pause 0.5
come=0
for connector in /sys/class/drm/card0-*/status; do
	[ "$(cat "$connector")" = disconnected ] || continue
	(echo on >"$connector") 2>/dev/null &
	pause 0.5
	[ "$(cat "$connector")" = disconnected ] || come=$((come + 1))
	(echo detect >"$connector") 2>/dev/null &
done
[ $come -gt 0 ] || failed "nothing was plugged in"
succeeded "$come connectors have a display now"
