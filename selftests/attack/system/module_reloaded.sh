#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unloads the module and loads it anew, with a policy that needs no lamp.
#
# attack: module_reloaded
# class: system
# when: idle
# judge: alive
# unprotected: module
# spoils: yes
# defence: boot
# why: a new module takes a new policy; modules_disabled=1 stops it, and the second start shows in PCR and log
. /attack/lib/attack.sh
ready
cp /sys/kernel/security/tconn/policy /tmp/policy 2>/dev/null || failed it sees no policy
rmmod tconn || failed it is not unloaded
insmod /usr/lib/tconn/tconn.ko developer=1 || failed it is not loaded again
sed -i 's/^indicator-required.*/indicator-required no/' /tmp/policy
cat /tmp/policy >/sys/kernel/security/tconn/policy || failed the policy is refused
succeeded the module has a policy that needs no lamp
