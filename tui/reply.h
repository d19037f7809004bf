/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reply on standard output: filled by whoever comes to an end first, then
 * written once. The form is in protocol.h.
 */
#ifndef TCONN_TUI_REPLY_H
#define TCONN_TUI_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "kmod/uapi/tconn.h"
#include "tui/protocol.h"
#include "tui/statement.h"

struct tui_reply {
	enum tconn_tui_status status;
	int32_t error;
	uint32_t refusal;
	bool has_record;
	struct tconn_record record;
	uint8_t answer[TCONN_TUI_ANSWER_MAX];	/* sealed */
	uint32_t answer_len;
	char message[TCONN_TUI_MESSAGE_MAX + 1];	/* ASCII */
};

/* Sets status, error and message; returns -1, so that callers return it. */
int tui_reply_fail(struct tui_reply *reply, enum tconn_tui_status status, int32_t error,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* 0 or a negative errno. */
int tui_reply_write(const struct tui_reply *reply, int fd);

#endif
