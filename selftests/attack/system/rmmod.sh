#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unloads the module.
#
# attack: rmmod
# class: system
# when: idle
# judge: alive
# unprotected: module
# spoils: yes
# quick: yes
# defence: boot
# why: delete_module; modules_disabled=1 stops it, and the REE has no CAP_SYS_MODULE
. /attack/lib/attack.sh
ready
rmmod tconn 2>&1 | while read -r line; do note "$line"; done
[ ! -e /sys/module/tconn ] || failed the module is still there
succeeded the module is gone
