#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Loads a kernel module after the device has booted.
#
# attack: late_module
# class: system
# when: idle
# judge: self
# quick: yes
# defence: boot
# why: code in the kernel ends all promises; modules_disabled=1 stops it, and the REE has no CAP_SYS_MODULE
. /attack/lib/attack.sh
ready
insmod /attack/data/late.ko 2>&1 | while read -r line; do note "$line"; done
[ -e /sys/module/pcspkr ] || failed it is not loaded
rmmod pcspkr
succeeded it was loaded
