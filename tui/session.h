/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question, from the request to the reply, on either backend: check the
 * statement, bind, check whose request it is and that it fits, draw, activate, then
 * keys until there is an outcome.
 */
#ifndef TCONN_TUI_SESSION_H
#define TCONN_TUI_SESSION_H

#include "tui/backend.h"

/*
 * Fills the reply whatever happens. Gives up when the reader of reply_fd goes
 * away: then nobody is left to ask for. The reply may hold a PIN: wipe it.
 */
void tui_session_run(struct tui_backend *b, const struct tui_request *request, int reply_fd,
		     struct tui_reply *reply);

#endif
