#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hibernates the machine while a session is up, as far as its tasks, and resumes: with
# a disk all memory would be on it, the PIN's included.
#
# attack: hibernate
# class: system
# when: session
# judge: unnoticed
# dialog: tty
# defence: module
# why: state in /sys/power; the module ends its session before, lockdown knows no hibernation, the REE cannot write there
. /attack/lib/attack.sh
ready
put /sys/power/pm_test freezer
put /sys/power/state disk || failed it does not hibernate
put /sys/power/pm_test none
succeeded it hibernated and resumed
