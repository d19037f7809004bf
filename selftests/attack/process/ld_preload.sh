#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Has the loader put a library of its own into the trusted user interface.
#
# attack: ld_preload
# class: process
# when: idle
# judge: self
# defence: module
# why: LD_PRELOAD, LD_LIBRARY_PATH, a replaced library: tconn-tui is one static program, and what is
#      mapped beside it refuses the session (selftests/kmod/app_test.c)
. /attack/lib/attack.sh
ready
# A loader would list libraries instead of running the program.
answer=$(LD_TRACE_LOADED_OBJECTS=1 /usr/sbin/tconn-tui --version)
case $answer in
tconn-tui:*) unavailable "tconn-tui has no loader: there is nothing to preload into" ;;
esac
succeeded "a loader runs first: $answer"
