#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An REE without a compositor: a shell on the plain console. It leads a session, so that
# opening the console makes it its terminal; the first process stays, or all of the REE ends.
setsid sh -c 'exec /usr/lib/tconn-guest/kiosk <>/dev/tty1 >&0 2>&0' </dev/null &
wait
