#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reads check sums of the frames that are shown, which tell one picture from another.
#
# attack: crc_read
# class: screen
# when: session
# judge: self
# defence: boot
# why: crc/data in debugfs; the boot line switches debugfs off
. /attack/lib/attack.sh
ready
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
[ -d /sys/kernel/debug/dri ] || failed there is no debugfs
for control in /sys/kernel/debug/dri/*/crtc-*/crc/control; do
	[ -e "$control" ] || unavailable this display makes no check sums
	put "$control" auto || failed it cannot be switched on
	sums=$(timeout 1 cat "${control%control}data")
	[ "$sums" ] && note "$sums" && succeeded got check sums of frames
done
failed no check sums came
