/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process gives up and closes before it reads its first byte, so that
 * it has nothing from its parent but standard input, output and error, and
 * leaves nothing of its memory anywhere. The module checks the rest (one
 * executable mapping, no tracer) and refuses who can be dumped.
 */
#ifndef TCONN_TUI_HARDEN_H
#define TCONN_TUI_HARDEN_H

/* NULL, or what could not be done. */
const char *tui_harden(void);

/* Keeps all memory out of swap, now and later. NULL, or what could not be done. */
const char *tui_harden_memory(void);

#endif
