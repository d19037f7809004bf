// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "../../kmod/uapi/tconn.h"
#include "digest.h"
#include "log.h"
#include "log_cursor.h"

#define LOG_NAME	"module log"

_Static_assert(sizeof(struct tconn_event) == 44, "log header");
_Static_assert(sizeof(struct tconn_event_boot) == 116, "boot event");
_Static_assert(sizeof(struct tconn_event_policy) == 40, "policy event");
_Static_assert(sizeof(struct tconn_event_app) == 312, "app event");
_Static_assert(sizeof(struct tconn_record) == 480, "record");

/* Bytes of an event's data, 0 for a type that does not exist. */
static size_t event_size(uint32_t type)
{
	switch (type) {
	case TCONN_EVENT_BOOT:
		return sizeof(struct tconn_event_boot);
	case TCONN_EVENT_POLICY:
		return sizeof(struct tconn_event_policy);
	case TCONN_EVENT_APP:
		return sizeof(struct tconn_event_app);
	case TCONN_EVENT_RECORD:
		return sizeof(struct tconn_record);
	default:
		return 0;
	}
}

/* digest = SHA-256(type || len || data), both numbers as they stand in the log. */
static bool digest_is_right(const struct tconn_log_event *e, const uint8_t *type,
			    const uint8_t *len)
{
	const struct tconn_piece pieces[] = {
		{ type, 4 }, { len, 4 }, { e->data, e->data_len },
	};
	uint8_t digest[32];

	tconn_sha256_pieces(pieces, 3, digest);
	return !memcmp(digest, e->digest, 32);
}

static const char *read_event(struct tconn_cursor *c, struct tconn_log_event *ret)
{
	const uint8_t *header = c->at, *digest;
	uint32_t len;

	if (!tconn_cursor_u32(c, &ret->pcr) || !tconn_cursor_u32(c, &ret->type) ||
	    !tconn_cursor_take(c, TCONN_DIGEST_SIZE, &digest))
		return "ends within its header";
	if (!tconn_cursor_counted(c, &ret->data, &len))
		return "ends within its data";
	if (ret->pcr >= TCONN_PCR_COUNT)
		return "names a PCR that does not exist";
	if (!event_size(ret->type))
		return "has an unknown type";
	if (len != event_size(ret->type))
		return "has not the size of its type";
	memcpy(ret->digest, digest, sizeof(ret->digest));
	ret->data_len = len;
	if (!digest_is_right(ret, header + offsetof(struct tconn_event, type),
			     header + offsetof(struct tconn_event, len)))
		return "has a digest that is not the digest of its data";
	return NULL;
}

int tconn_log_walk(const uint8_t *log, size_t len, tconn_log_fn fn, void *arg,
		   struct tconn_error *err)
{
	struct tconn_cursor c = tconn_cursor_at(log, len);
	struct tconn_log_event event;
	int error = tconn_log_check_size(err, LOG_NAME, len, TCONN_LOG_MAX);

	for (size_t i = 0; !error && tconn_cursor_left(&c); i++) {
		const size_t offset = tconn_cursor_offset(&c);
		const char *bad = i < TCONN_LOG_EVENTS_MAX ? read_event(&c, &event) :
				  "is one more than the limit";

		if (bad)
			return tconn_log_bad(err, LOG_NAME, i, offset, bad);
		error = fn(&event, i, arg);
	}
	return error;
}
