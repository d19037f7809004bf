#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Takes the lamp's device from its driver and gives it back, while a session is up.
#
# attack: led_device_unbind
# class: indicator
# when: session
# judge: lamp
# dialog: tty
# spoils: yes
# defence: confinement
# why: unbinding atkbd makes the lamp dark and new; the REE's /sys is read-only
. /attack/lib/attack.sh
ready
for device in /sys/bus/serio/drivers/atkbd/serio*; do
	put "${device%/*}/unbind" "${device##*/}"
	put "${device%/*}/bind" "${device##*/}"
done
done_until_asked
