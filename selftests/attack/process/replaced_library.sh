#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Replaces a library of the trusted side's programs, mounts another over it, or has the
# loader put one in front of all (/etc/ld.so.preload).
#
# attack: replaced_library
# class: process
# when: idle
# judge: self
# spoils: yes
# defence: confinement
# why: libseccomp without which nothing is confined; the REE has / read-only and mounts of its own.
#      tconn-tui is static, and the module admits nothing that has a library mapped
. /attack/lib/attack.sh
library=$(find /usr/lib -name 'libseccomp.so.2*' 2>/dev/null | head -n 1)
[ -n "$library" ] || unavailable "nothing here is linked with libseccomp"
changed() {
	[ "$(sha256sum <"$library")" != "$before" ]
}
before=$(sha256sum <"$library")
{ cat "$library"; echo changed; } >/tmp/library
ready
if (cat /tmp/library >"$library") 2>/dev/null && changed; then
	succeeded "$library was written to"
fi
if mount -o bind /tmp/library "$library" 2>/dev/null && changed; then
	umount "$library"
	succeeded "another was mounted over $library"
fi
if (echo "$library" >/etc/ld.so.preload) 2>/dev/null; then
	rm /etc/ld.so.preload
	succeeded "/etc/ld.so.preload was written"
fi
failed "it is what it was"
