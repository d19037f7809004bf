#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reads the text on the console from its memory.
#
# attack: vcs_read
# class: screen
# when: session
# judge: self
# dialog: tty
# defence: module
# why: /dev/vcs1; a session is no text, and the REE has no such node
. /attack/lib/attack.sh
ready
pause 0.5
found=
for node in /dev/vcs /dev/vcs1 /dev/vcsu1 /dev/vcsa1; do
	text=$(tr -cs '[:alnum:]' ' ' <"$node" 2>/dev/null) || continue
	case $text in
	*"PIN of the card that ends in 1234"*) found=$node ;;
	esac
done
[ "$found" ] || failed "no console has the dialog's text"
note "$found: $(tr -cs '[:alnum:]' ' ' <"$found")"
succeeded "$found has the dialog's text"
