#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a terminal of the REE shows in tests: a shell, for somebody to type at.
cd /tmp || exit 1
: >shell
printf '\033[?25l\033[2J\033[H'
echo 'A shell of the rich environment.'
PS1='ree$ ' exec sh -i
