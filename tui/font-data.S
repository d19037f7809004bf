/* SPDX-License-Identifier: Apache-2.0 */
/* FONT_REGULAR and FONT_BOLD are file names, given by the build. */
#include <cet.h>

	.section .rodata
	.balign 16
	.globl tconn_font_regular, tconn_font_regular_end
	.hidden tconn_font_regular, tconn_font_regular_end
tconn_font_regular:
	.incbin FONT_REGULAR
tconn_font_regular_end:
	.balign 16
	.globl tconn_font_bold, tconn_font_bold_end
	.hidden tconn_font_bold, tconn_font_bold_end
tconn_font_bold:
	.incbin FONT_BOLD
tconn_font_bold_end:

	.section .note.GNU-stack, "", @progbits
