# SPDX-License-Identifier: Apache-2.0
# A guest of the attack matrix (selftests/attack/run.py): attack.guest=bare, module, locked
# or protected on the boot line says how much of the protection it has; policy.KEYWORD=VALUE
# there is one more line of the device policy.

device_policy() {
	cat /etc/tconn/device.policy
	module_options policy | tr = ' '
}

load_tconn() {
	insmod /usr/lib/tconn/tconn.ko $(module_options tconn) || { say "cannot load tconn.ko"; return; }
	device_policy >/run/device.policy
	cat /run/device.policy >/sys/kernel/security/tconn/policy || say "device policy refused"
	for led in /sys/class/leds/*::scrolllock; do
		echo tconn >"$led/trigger" || say "$led cannot be armed"
	done
}

# In this order: afterwards nothing is loaded and nobody lowers it again.
lock_down() {
	cat /etc/sysctl.d/*.conf | sysctl -p - >/dev/null || say "a sysctl was refused"
	echo confidentiality >/sys/kernel/security/lockdown || say "no lockdown"
	echo 1 >/proc/sys/kernel/modules_disabled || say "modules can still be loaded"
}

# What the REE must not see has to be there when it starts.
mkdir -p -m 0700 /etc/tconn /var/lib/tconn
case $(module_options attack) in
guest=bare) ;;
guest=module) load_tconn ;;
guest=locked | guest=protected) load_tconn; lock_down ;;
*) say "the boot line has no attack.guest=bare, module, locked or protected" ;;
esac
