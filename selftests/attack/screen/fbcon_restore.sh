#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Draws on the console while it is not in front, and has the kernel bring it there
# whoever is DRM master (sysrq v).
#
# attack: fbcon_restore
# class: screen
# when: session
# judge: picture-write
# defence: boot
# why: /proc/sysrq-trigger; the boot line leaves no console to restore, the REE's /proc is read-only there,
#	and restoring needs the modeset locks
. /attack/lib/attack.sh
. /attack/lib/console.sh

# 4 MB of magenta pixels.
pixels() {
	printf '\377\000\377\000' >/tmp/pixels
	for i in $(seq 10); do
		cat /tmp/pixels /tmp/pixels /tmp/pixels /tmp/pixels >/tmp/more
		mv /tmp/more /tmp/pixels
	done
	cat /tmp/pixels
	rm /tmp/pixels
}

trap 'reset_console /dev/tty1; succeeded the console was brought back' TERM
ready
if [ -c /dev/fb0 ]; then
	# The file is a little shorter than what is written.
	pixels 2>/dev/null >/dev/fb0
else
	note there is no /dev/fb0
fi
while :; do
	put /proc/sysrq-trigger v || failed sysrq cannot be had
	pause 0.5
done
