#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Freezes the trusted user interface for a while in a control group of its own.
#
# attack: cgroup_freezer
# class: process
# when: session
# judge: unnoticed
# defence: confinement
# why: cgroup.freeze holds picture and PIN; the REE sees no cgroups, cannot mount them, and has no
#      number for the process; the module ends the session of an app that is frozen
. /attack/lib/attack.sh
root=/run/attack/cgroup
group=$root/attack
ready
pid=$(pidof tconn-tui) || failed "it sees no tconn-tui"
mkdir -p $root
mount -t cgroup2 none $root || failed "no cgroups can be mounted"
mkdir -p $group
put $group/cgroup.procs "$pid" || failed "it cannot be moved"
put $group/cgroup.freeze 1 || failed "it cannot be frozen"
pause 0.5
frozen=$(grep frozen $group/cgroup.events)
put $group/cgroup.freeze 0
put $root/cgroup.procs "$pid"
rmdir $group
umount $root
[ "$frozen" = "frozen 1" ] || failed "it was not frozen: $frozen"
succeeded "it was frozen for half a second"
