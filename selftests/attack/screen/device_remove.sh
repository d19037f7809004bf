#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Has the PCI bus forget the display while a session is up.
#
# attack: device_remove
# class: screen
# when: session
# judge: unnoticed
# dialog: tty
# devices: bochs-display
# spoils: yes
# defence: confinement
# why: remove in sysfs; the REE's /sys is read-only, and the module ends its session when the device goes
. /attack/lib/attack.sh
ready
pause 0.5
for device in /sys/bus/pci/drivers/bochs*/0000:*; do
	put "$device/remove" 1 || failed it stays there
done
succeeded the display is not there
