// SPDX-License-Identifier: Apache-2.0
#include "notice.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "../../tui/statement.h"
#include "ask.h"

/* A request that nobody sent. */
static int compose(const char *text, uint32_t ms, struct tconn_message *ret)
{
	struct tconn_statement s = { .kind = TCONN_KIND_NOTICE, .text = text,
				     .text_len = (uint32_t)strlen(text) };
	int len;

	ret->timeout_ms = ms;
	ret->statement.data = malloc(TCONN_STATEMENT_MAX);
	/* A key of which nobody has the other half: nobody is to be convinced by the record. */
	if (!ret->statement.data || RAND_bytes(ret->nonce, sizeof(ret->nonce)) != 1 ||
	    RAND_bytes(ret->verifier_key, sizeof(ret->verifier_key)) != 1)
		return -ENOMEM;
	len = tconn_statement_encode(&s, ret->statement.data, TCONN_STATEMENT_MAX);
	ret->statement.len = len < 0 ? 0 : (size_t)len;
	return len < 0 ? -EINVAL : 0;
}

static int show_text(const struct notice *n, const char *text, const char *phrase, uint32_t ms,
		     int peer_fd, struct tconn_message *ret_answer, struct tconn_error *err)
{
	const struct ask how = {
		.program = n->state->settings->tui,
		.args = n->state->settings->tui_args,
		.phrase = phrase,
		.stop_fd = n->state->wanted_fd,
		.peer_fd = peer_fd,
	};
	struct tconn_message request = { .type = TCONN_MSG_REQUEST };
	int r = compose(text, ms, &request);

	if (r < 0)
		tconn_fail(err, r, "the notice cannot be made");
	else
		r = ask_person(&how, &request, ret_answer, err);
	tconn_message_free(&request);
	return r;
}

int notice_show(struct notice *n, const char *text, const char *phrase, uint32_t ms, int peer_fd,
		struct tconn_message *ret_answer, struct tconn_error *err)
{
	int r;

	if (!n->plain) {
		r = show_text(n, text, phrase, ms, peer_fd, ret_answer, err);
		if (r < 0 || ret_answer->status != TCONN_TUI_UNPROVEN)
			return r;
		tconn_message_free(ret_answer);
		*ret_answer = (struct tconn_message){ 0 };
		n->plain = true;
	}
	return show_text(n, TCONN_TUI_ATTENTION, phrase, ms, peer_fd, ret_answer, err);
}
