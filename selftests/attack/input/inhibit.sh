#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Silences the keyboards (sysfs inhibited) while the dialog is up: who wants to deny
# types in vain.
#
# attack: inhibit
# class: input
# when: session
# judge: self
# defence: confinement
# why: the input core's switch is in sysfs, which the REE has read-only
. /attack/lib/attack.sh
set_all() {
	for file in /sys/class/input/input*/inhibited; do
		put "$file" "$1" || :
	done
}
end() {
	silent=$(cat /sys/class/input/input*/inhibited | grep -c 1)
	set_all 0
	[ "$silent" -gt 0 ] && succeeded "$silent devices were silent in the dialog"
	failed "all devices could be heard"
}
trap end TERM
set_all 1
ready
while :; do pause 60; done
