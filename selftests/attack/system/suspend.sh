#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Suspends the machine while a session is up, as far as its devices, and resumes.
#
# attack: suspend
# class: system
# when: session
# judge: unnoticed
# dialog: tty
# defence: module
# why: state in /sys/power; the module ends its session before a suspend, and the REE cannot write there
. /attack/lib/attack.sh
ready
put /sys/power/pm_test freezer
put /sys/power/state freeze || failed it does not suspend
put /sys/power/pm_test none
succeeded it suspended and resumed
