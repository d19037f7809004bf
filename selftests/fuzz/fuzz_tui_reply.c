// SPDX-License-Identifier: Apache-2.0
/* The TUI's reply, as tconnd takes it: what is accepted is all of the bytes, each in its place. */
#include <stdlib.h>
#include <string.h>

#include "daemon/tconnd/ask.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool refused(const struct tconn_message *a)
{
	static const char says[] = "the TUI's reply is malformed";

	return a->status == TCONN_TUI_FAILED && strncmp(a->text, says, strlen(says)) == 0;
}

static void check_taken(const struct tconn_message *a, const uint8_t *data, size_t size)
{
	struct tconn_tui_reply h;

	memcpy(&h, data, sizeof(h));
	if (size != sizeof(h) + a->record.len + a->answer.len + h.message_len || a->status != h.status)
		abort();
	if (a->record.len && memcmp(a->record.data, data + sizeof(h), a->record.len) != 0)
		abort();
	if (a->answer.len &&
	    memcmp(a->answer.data, data + sizeof(h) + a->record.len, a->answer.len) != 0)
		abort();
	if (a->status <= TCONN_TUI_ABORTED && a->record.len != sizeof(struct tconn_record))
		abort();
	if (a->answer.len && a->status != TCONN_TUI_DECIDED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	struct tconn_message a = { 0 };

	/* converse() refuses one that is longer. */
	if (size >= sizeof(r.reply))
		return 0;
	memcpy(r.reply, data, size);
	r.got = size;
	if (take_reply(&r, &a) < 0)
		abort();
	if (!refused(&a))
		check_taken(&a, data, size);
	else if (a.record.len || a.answer.len)
		abort();
	tconn_message_free(&a);
	return 0;
}
