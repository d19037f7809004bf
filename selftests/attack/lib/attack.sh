# SPDX-License-Identifier: Apache-2.0
# What an attack that is a script tells the runner (selftests/attack/run.py).

# In the background, so that SIGTERM is seen at once.
pause() {
	sleep "$1" &
	wait $! 2>/dev/null
}

ready() { echo ready; }
note() { echo "note $*"; }
succeeded() { echo "succeeded: $*"; exit 0; }
failed() { echo "failed: $*"; exit 1; }
unavailable() { echo "unavailable: $*"; exit 77; }

# For attacks that the runner judges by what it sees.
done_until_asked() {
	trap 'succeeded all was done as planned' TERM
	while :; do pause 60; done
}

# put FILE TEXT: notes what became of it; true if it was written.
put() {
	if answer=$( (echo "$2" >"$1") 2>&1 ); then
		note "wrote '$2' to $1"
	else
		note "$1: ${answer##*: }"
		false
	fi
}
