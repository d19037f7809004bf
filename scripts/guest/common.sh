# SPDX-License-Identifier: Apache-2.0
# What all guests do; read by init.

say() {
	echo "guest: $*" >/dev/console
}

mount_filesystems() {
	mount -t proc proc /proc
	mount -t sysfs sysfs /sys
	mount -t devtmpfs devtmpfs /dev
	mkdir -p /dev/pts /dev/shm
	mount -t devpts devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t tmpfs -o mode=0755 tmpfs /run
	mount -t securityfs securityfs /sys/kernel/security
}

# One write holds the whole policy, and only one is ever taken.
load_ima_policy() {
	cat /etc/ima/ima-policy >/sys/kernel/security/ima/policy || say "IMA policy refused"
}

# The boot line's "module.option=value", which insmod alone would not see.
module_options() {
	name=${1##*/}
	name=$(echo "${name%.ko}" | tr - _)
	for word in $(cat /proc/cmdline); do
		case $word in
		"$name".*) echo "${word#*.}" ;;
		esac
	done
}

load_modules() {
	while read -r path; do
		insmod "$path" $(module_options "$path") || say "cannot load $path"
	done </etc/tconn-guest/modules
}

# /dev/virtio-ports/NAME, as udev would make them.
link_ports() {
	mkdir -p /dev/virtio-ports
	for port in /sys/class/virtio-ports/*; do
		[ -s "$port/name" ] && ln -sf "/dev/${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
	done
}

network_up() {
	ip link set lo up
	[ ! -e /sys/class/net/eth0 ] || ip link set eth0 up && ip addr add "$1/24" dev eth0
}

serve_shell() {
	setsid sh /usr/lib/tconn-guest/shell.sh /dev/virtio-ports/tconn.shell </dev/null >/dev/console 2>&1 &
}
