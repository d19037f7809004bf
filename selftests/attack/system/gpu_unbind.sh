#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes the display device from its driver while a session is up.
#
# attack: gpu_unbind
# class: system
# when: session
# judge: unnoticed
# dialog: tty
# spoils: yes
# defence: module
# why: unbind in sysfs; the module ends its session when the device goes, and the REE cannot write there
. /attack/lib/attack.sh
ready
for device in /sys/bus/virtio/drivers/virtio_gpu/virtio*; do
	[ -e "$device" ] || unavailable no virtio GPU
	put "${device%/*}/unbind" "${device##*/}" || failed it stays bound
done
succeeded the screen has no driver
