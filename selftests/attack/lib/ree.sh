#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The REE of a guest: its first program, confined or not. The harness writes to its
# standard input what is to run, and reads /tmp/attack/ID.* of its root folder.
#	start ID PROGRAM	output to ID.log; ID.end once it has ended
#	stop ID			SIGTERM to all of it, SIGKILL after 2.5 s
mkdir -p /tmp/attack
cd /tmp/attack || exit 1

run() {
	setsid sh -c 'echo $$ >"$1.pid"; exec "$2"' - "$1" "$2" >"$1.log" 2>&1 </dev/null
	echo $? >"$1.end"
}

stop() {
	leader=$(cat "$1.pid" 2>/dev/null)
	[ -n "$leader" ] || return
	kill -TERM -"$leader" 2>/dev/null
	for i in $(seq 25); do
		[ ! -e "$1.end" ] || break
		sleep 0.1
	done
	kill -KILL -"$leader" 2>/dev/null
	: >"$1.stopped"
}

while read -r word id program; do
	case $word in
	start) run "$id" "$program" & ;;
	stop) stop "$id" ;;
	esac
done
