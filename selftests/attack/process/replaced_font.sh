#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Replaces a font, so that the trusted screen shows other characters than it means.
#
# attack: replaced_font
# class: process
# when: idle
# judge: self
# defence: module
# why: fonts, locale and keymap are inside tconn-tui, and so in its digest; it opens no other file
. /attack/lib/attack.sh
ready
# A notice "A", as tui/protocol.h and tui/statement.h say.
request() {
	printf 'TCRQ\002\000\000\000\060\165\000\000\021\000\000\000'
	head -c 72 /dev/zero
	printf 'TCST\001\000\003\000\001\000\000\000\000\000\000\000A'
}
fonts=$(find /usr /etc -name '*.ttf' -o -name '*.otf' -o -name 'fonts.conf' 2>/dev/null)
[ -z "$fonts" ] || failed "fonts are there, which says nothing: $fonts"
request | /usr/sbin/tconn-tui --render-png /tmp/notice.png --size 800x600 ||
	failed "it draws nothing where there are no fonts"
[ -s /tmp/notice.png ] || failed "it drew nothing"
unavailable "tconn-tui draws its text where no font file is: there is none to replace"
