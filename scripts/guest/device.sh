# SPDX-License-Identifier: Apache-2.0
# A device with a screen: the trusted half first, then the REE.

load_tconn() {
	insmod /usr/lib/tconn/tconn.ko || { say "cannot load tconn.ko"; return 1; }
	cat /etc/tconn/device.policy >/sys/kernel/security/tconn/policy || say "device policy refused"
}

start_udev() {
	/usr/lib/systemd/systemd-udevd --daemon
	udevadm trigger --action=add
	udevadm settle --timeout=60
}

# Weston and its clients are the REE: any other Wayland compositor would do.
start_ree() {
	mkdir -p -m 0700 /run/ree
	export XDG_RUNTIME_DIR=/run/ree
	setsid weston --tty=1 --log=/run/ree/weston.log --socket=ree </dev/null >/run/ree/output 2>&1 &
	for _ in $(seq 300); do
		[ -S /run/ree/ree ] && break
		sleep 0.1
	done
	export WAYLAND_DISPLAY=ree
	setsid weston-terminal --fullscreen --font="DejaVu Sans Mono" --font-size=22 --shell=/usr/lib/tconn-guest/kiosk \
		</dev/null >/run/ree/terminal.output 2>&1 &
}

if [ -e /usr/lib/tconn/tconn.ko ]; then
	load_tconn
fi
network_up 10.7.0.2
start_udev
start_ree
