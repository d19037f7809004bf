#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Changes text and colours in the console's memory.
#
# attack: vcs_write
# class: screen
# when: session
# judge: picture-write
# dialog: tty
# defence: module
# why: /dev/vcsa1; a session is no text, and the REE has no such node
. /attack/lib/attack.sh
. /attack/lib/console.sh

# 2000 cells: a space each, on colour 5.
cells() {
	i=0
	while [ $i -lt 2000 ]; do
		printf ' \120'
		i=$((i + 1))
	done
}

trap 'reset_console /dev/tty1; succeeded changed the console' TERM
ready
[ -c /dev/vcsa1 ] || failed there is no /dev/vcsa1
printf '\033]P5ff00ff' >/dev/tty1 || note the palette cannot be set
while :; do
	# Rows, columns and cursor come first.
	cells | dd of=/dev/vcsa1 bs=4 seek=1 conv=notrunc 2>/dev/null
	pause 0.3
done
