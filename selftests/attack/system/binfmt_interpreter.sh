#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Registers itself as the interpreter of all programs whose names end in a suffix that
# it could choose to be any: whoever starts one starts the attacker.
#
# attack: binfmt_interpreter
# class: system
# when: idle
# judge: self
# defence: confinement
# why: binfmt_misc is the same for everybody; the REE can mount none and write to none
case $1 in
*.tconn) exit 42 ;;
esac
. /attack/lib/attack.sh
misc=/tmp/binfmt
mkdir -p "$misc"
ready
mount -t binfmt_misc binfmt_misc "$misc" || failed it cannot be mounted
put "$misc/register" ':attack:E::tconn::/attack/binfmt_interpreter:' || failed it cannot register
echo >/tmp/program.tconn
chmod 755 /tmp/program.tconn
/tmp/program.tconn
status=$?
put "$misc/attack" -1
umount "$misc"
[ "$status" = 42 ] || failed "another program ran, status $status"
succeeded it ran in place of the program that was started
