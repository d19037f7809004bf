#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Has the kernel start a program outside the REE where it would start modprobe, and
# asks for something that it has no module for.
#
# attack: modprobe_helper
# class: system
# when: idle
# judge: self
# defence: confinement
# why: kernel.modprobe names a program that runs with all capabilities; the REE's /proc/sys is read-only
if [ "$1" = -q ]; then
	# Started by the kernel.
	for folder in /proc/[0-9]*/root/tmp; do
		grep CapBnd /proc/self/status >>"$folder/ran"
	done
	exit 1
fi
. /attack/lib/attack.sh
path=/proc/sys/kernel/modprobe
old=$(cat "$path")
rm -f /tmp/ran
ready
put "$path" /attack/modprobe_helper
# No format of programs that the kernel has.
printf '\377\377\377\377\377\377\377\377' >/tmp/program
chmod 755 /tmp/program
/tmp/program 2>/dev/null
pause 0.5
put "$path" "$old"
[ -s /tmp/ran ] || failed no program was started
succeeded "a program ran outside: $(head -n 1 /tmp/ran)"
