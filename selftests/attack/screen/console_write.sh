#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes over whatever is on the console.
#
# attack: console_write
# class: screen
# when: session
# judge: picture-write
# dialog: tty
# defence: boot
# why: a terminal shows what anybody writes to it; the console has no screen where a session is held
. /attack/lib/attack.sh
. /attack/lib/console.sh
trap 'reset_console /dev/tty1; succeeded wrote over the console' TERM
ready
while :; do
	paint_console /dev/tty1 || failed /dev/tty1 cannot be written to
	pause 0.3
done
