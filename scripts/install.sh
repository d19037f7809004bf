#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: install.sh install|uninstall DESTDIR FILE:PLACE:MODE...
# Called by make. Folders of our own go with the last file in them.

set -eu
what=$1
root=$2
shift 2

refresh_modules() {
	[ -z "$root" ] || return 0
	for entry; do
		place=${entry#*:}
		case $place in
		/lib/modules/*) release=${place#/lib/modules/}; /sbin/depmod "${release%%/*}" ;;
		esac
	done
}

for entry; do
	file=${entry%%:*}
	place=${entry#*:}
	mode=${place##*:}
	place=$root${place%:*}
	case $what in
	install) install -D -m "$mode" "$file" "$place" ;;
	uninstall)
		rm -f "$place"
		case $place in
		*/share/tconn/*|*/include/tconn/*|*/updates/*) rmdir --ignore-fail-on-non-empty "${place%/*}" 2>/dev/null || : ;;
		esac
		;;
	esac
done
refresh_modules "$@"
