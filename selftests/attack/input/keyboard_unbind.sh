#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes the keyboard from its driver while the dialog is up.
#
# attack: keyboard_unbind
# class: input
# when: session
# judge: self
# defence: confinement
# why: drivers are bound and unbound in sysfs, which the REE has read-only; the module ends
#	a session that has lost its last keyboard
. /attack/lib/attack.sh
driver=/sys/bus/serio/drivers/atkbd
end() {
	gone=no
	[ -e $driver/serio0 ] || gone=yes
	put $driver/bind serio0
	[ $gone = yes ] && succeeded "the keyboard was without a driver in the dialog"
	failed "the keyboard has its driver"
}
trap end TERM
put $driver/unbind serio0
ready
while :; do pause 60; done
