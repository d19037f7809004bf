#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Changes parameters of loaded modules and of the kernel, such as those of debugging
# and of the framebuffer console.
#
# attack: module_parameters
# class: system
# when: idle
# judge: self
# defence: confinement
# why: parameters in sysfs change what drivers do and tell; the REE's /sys is read-only
. /attack/lib/attack.sh
ready
changed=
for file in drm_kms_helper/parameters/fbdev_emulation drm/parameters/debug i8042/parameters/debug \
	usbcore/parameters/authorized_default kernel/parameters/panic_on_warn tconn/parameters/*; do
	file=/sys/module/$file
	[ -e "$file" ] || continue
	old=$(cat "$file")
	for new in N Y 0 1 2; do
		[ "$new" != "$old" ] || continue
		(echo "$new" >"$file") 2>/dev/null && [ "$(cat "$file")" != "$old" ] || continue
		changed="$changed ${file##*/}"
		echo "$old" >"$file"
		break
	done
done
[ -n "$changed" ] || failed none could be changed
succeeded "changed and restored:$changed"
