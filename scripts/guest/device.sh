# SPDX-License-Identifier: Apache-2.0
# A device with a screen: the trusted half first, then the REE.

load_tconn() {
	insmod /usr/lib/tconn/tconn.ko $(module_options tconn) || { say "cannot load tconn.ko"; return 1; }
	cat /etc/tconn/device.policy >/sys/kernel/security/tconn/policy || say "device policy refused"
}

start_udev() {
	/usr/lib/systemd/systemd-udevd --daemon
	udevadm trigger --action=add
	udevadm settle --timeout=60
}

# The policy is a program, so that IMA measures it.
# What the REE reads of udev must be there when it starts.
start_ree() {
	mkdir -p /run/udev/tags
	/etc/tconn/ree.policy /usr/lib/tconn-guest/ree.sh </dev/null >/run/ree.log 2>&1 &
}

if [ -e /usr/lib/tconn/tconn.ko ]; then
	load_tconn
fi
network_up 10.7.0.2
start_udev
start_ree
