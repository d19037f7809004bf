#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A dialog as a console program has it: a prompt on its terminal, the PIN to /run/reply.
echo $$ >/run/prompt
printf '\033[37;44m\033[2J\033[H\n'
printf '\033[30;42m%80s\033[37;44m\n\n' ''
printf '  PIN of the card that ends in 1234\n\n  '
printf '\033[30;43m%40s\033[37;44m\r  ' ''
stty -echo
read -r pin
stty echo
printf '\033[0m\033[2J\033[H'
echo "entered $pin" >/run/reply
rm -f /run/prompt
