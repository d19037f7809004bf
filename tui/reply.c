// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tui/reply.h"

_Static_assert(sizeof(struct tconn_tui_reply) == 32, "wire form of the reply");
_Static_assert(sizeof(struct tconn_record) == 480, "wire form of the record");

#define REPLY_MAX (sizeof(struct tconn_tui_reply) + sizeof(struct tconn_record) + \
		   TCONN_TUI_ANSWER_MAX + TCONN_TUI_MESSAGE_MAX)

int tui_reply_fail(struct tui_reply *reply, enum tconn_tui_status status, int32_t error,
		   const char *fmt, ...)
{
	va_list ap;

	reply->status = status;
	reply->error = error;
	va_start(ap, fmt);
	vsnprintf(reply->message, sizeof(reply->message), fmt, ap);
	va_end(ap);
	return -1;
}

static size_t append(uint8_t *buf, size_t at, const void *data, size_t len)
{
	memcpy(buf + at, data, len);
	return at + len;
}

static size_t encode(const struct tui_reply *reply, uint8_t *buf)
{
	uint32_t record_len = reply->has_record ? sizeof(reply->record) : 0;
	uint32_t message_len = (uint32_t)strlen(reply->message);
	struct tconn_tui_reply h = {
		.magic = { 'T', 'C', 'R', 'P' },
		.version = htole16(TCONN_TUI_VERSION),
		.status = htole16((uint16_t)reply->status),
		.error = (int32_t)htole32((uint32_t)reply->error),
		.refusal = htole32(reply->refusal),
		.record_len = htole32(record_len),
		.answer_len = htole32(reply->answer_len),
		.message_len = htole32(message_len),
	};
	size_t len = append(buf, 0, &h, sizeof(h));

	len = append(buf, len, &reply->record, record_len);
	len = append(buf, len, reply->answer, reply->answer_len);
	return append(buf, len, reply->message, message_len);
}

int tui_reply_write(const struct tui_reply *reply, int fd)
{
	uint8_t buf[REPLY_MAX];
	size_t len = encode(reply, buf), at = 0;
	int r = 0;

	while (at < len) {
		ssize_t n = write(fd, buf + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : -EIO;
			break;
		}
		at += (size_t)n;
	}
	explicit_bzero(buf, sizeof(buf));
	return r;
}
