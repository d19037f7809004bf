#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Paints another console and brings it to the front.
#
# attack: console_switch
# class: screen
# when: session
# judge: picture-write
# dialog: tty
# defence: boot
# why: VT_ACTIVATE; the boot line leaves no console with a screen, and a console's picture needs the
#	modeset locks
. /attack/lib/attack.sh
. /attack/lib/console.sh
finish() {
	reset_console /dev/tty2
	chvt 1
	succeeded the other console was in front
}
trap finish TERM
ready
paint_console /dev/tty2 || note /dev/tty2 cannot be painted
chvt 2 || failed there is no way to switch
while :; do pause 1; done
