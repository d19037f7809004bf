#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The REE: weston and its client, started by tconn-confine. Any other Wayland
# compositor would do.

# libudev listens to udevd's announcements only where it finds this file. The REE
# gets a file; the socket, over which root could give udevd orders, stays outside.
mkdir -p /run/udev && : >/run/udev/control

mkdir -p -m 0700 /run/ree
export XDG_RUNTIME_DIR=/run/ree WAYLAND_DISPLAY=ree
# Leading a session makes its VT its terminal, so that it may set it up without privileges.
setsid weston --tty=1 --socket=ree </dev/null &
for _ in $(seq 300); do
	[ -S /run/ree/ree ] && break
	sleep 0.1
done
weston-terminal --fullscreen --font="DejaVu Sans Mono" --font-size=22 \
	--shell=/usr/lib/tconn-guest/kiosk </dev/null &
wait
