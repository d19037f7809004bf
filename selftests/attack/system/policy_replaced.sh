#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Gives the module a policy that lists the attacker's program and needs no lamp;
# loads the module for that, if need be.
#
# attack: policy_replaced
# class: system
# when: idle
# judge: self
# spoils: yes
# quick: yes
# defence: module
# why: whoever is first writes the policy; the module takes one a boot, before the REE starts
. /attack/lib/attack.sh
policy=/sys/kernel/security/tconn/policy
digest=$(sha256sum /attack/policy_replaced | cut -d ' ' -f 1)
ready
insmod /usr/lib/tconn/tconn.ko developer=1 2>/dev/null && note the module was not loaded yet
mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
[ -e "$policy" ] || failed it sees no policy
cat >/tmp/policy <<TEXT
tconn-policy 1
app sha256 $digest mine
display /devices/*
input /devices/*
indicator-required no
TEXT
dd if=/tmp/policy of="$policy" bs=65536 2>/dev/null
grep -q "$digest" "$policy" || failed the policy is what it was
succeeded the policy is the attacker\'s
