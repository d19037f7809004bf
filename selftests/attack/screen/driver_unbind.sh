#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes the display from its driver while a session is up. On a virtio GPU that upsets
# the kernel itself, tconn or not; so the display is another one.
#
# attack: driver_unbind
# class: screen
# when: session
# judge: unnoticed
# dialog: tty
# devices: bochs-display
# spoils: yes
# defence: confinement
# why: unbind in sysfs; the REE's /sys is read-only, and the module ends its session when the driver goes
. /attack/lib/attack.sh
ready
pause 0.5
for driver in /sys/bus/pci/drivers/bochs*; do
	for device in "$driver"/0000:*; do
		put "$driver/unbind" "${device##*/}" || failed it stays bound
	done
done
succeeded the display has no driver
