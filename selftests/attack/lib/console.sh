# SPDX-License-Identifier: Apache-2.0
# Magenta on a text console. Colour 5 of its palette becomes what picture-write looks for.

# The whole of a console, cleared.
paint_console() {
	printf '\033]P5ff00ff\033[45m\033[2J\033[H' 2>/dev/null >"$1"
}

# As it comes up.
reset_console() {
	printf '\033]R\033c' 2>/dev/null >"$1"
}
