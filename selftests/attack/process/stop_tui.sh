#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stops the trusted user interface for a while, then lets it go on.
#
# attack: stop_tui
# class: process
# when: session
# judge: unnoticed
# quick: yes
# defence: confinement
# why: SIGSTOP freezes the picture and the PIN in memory; the REE cannot name processes outside it, and
#      the module ends the session of an app that is stopped
. /attack/lib/attack.sh
ready
tui=$(pidof tconn-tui) || failed "it sees no tconn-tui"
kill -STOP "$tui" || failed "it cannot be stopped"
pause 0.5
kill -CONT "$tui" || failed "it cannot be continued"
succeeded "it was stopped for half a second"
