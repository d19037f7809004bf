#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Root shell for the harness, on a virtio-serial port.
#	request		"TIMEOUT SCRIPT_BYTES STDIN_BYTES\n", the script, its standard input
#	reply		"STATUS OUTPUT_BYTES\n", its output and errors
# A script that outlives TIMEOUT seconds is killed; its STATUS is then 137.

exec 3<>"$1" || exit 1
cd /root || exit 1
mkdir -p /run/shell

# take BYTES FILE: exactly so many from the port, none from what follows them.
take() {
	: >"$2"
	[ "$1" = 0 ] || dd bs="$1" count=1 iflag=fullblock <&3 >"$2" 2>/dev/null
}

echo READY >&3
while read -r timeout script_bytes stdin_bytes <&3; do
	take "$script_bytes" /run/shell/script
	take "$stdin_bytes" /run/shell/stdin
	timeout -s KILL "$timeout" sh /run/shell/script </run/shell/stdin >/run/shell/output 2>&1 3>&-
	status=$?
	# What a child in the background still writes is not of this answer.
	count=$(wc -c </run/shell/output)
	echo "$status $count" >&3
	head -c "$count" /run/shell/output >&3
done
