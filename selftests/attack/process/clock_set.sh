#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets the clock ten years back while a dialog is up, then right again.
#
# attack: clock_set
# class: process
# when: session
# judge: self
# defence: confinement
# why: certificates are judged by this clock; clock_settime(2) is denied, CAP_SYS_TIME gone. (Time-outs and
#      records go by CLOCK_BOOTTIME, which nobody sets.)
. /attack/lib/attack.sh
ready
now=$(date +%s)
answer=$(date -s "@$((now - 315360000))" 2>&1) || failed "it cannot be set: ${answer##*: }"
then=$(date +%s)
pause 1
date -s "@$((then + 315360001))" >/dev/null
[ "$then" -lt "$now" ] || failed "it was not set"
succeeded "it was $((now - then)) seconds back"
