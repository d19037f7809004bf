// SPDX-License-Identifier: Apache-2.0
/*
 * The SHA-1 template digest in the log decides one thing only: whether the
 * entry is a violation. Nothing needs it to be right, because the sha256 digest
 * that was extended is recomputed from the template data, and a lie about a
 * violation makes the replay differ from the quoted PCR.
 */
#include <string.h>

#include "digest.h"
#include "log.h"
#include "log_cursor.h"

#define LOG_NAME	"IMA log"
#define SHA1_SIZE	20
#define FIELDS_MAX	3
#define DIGEST_MAX	64	/* sha512 */

struct entry {
	struct tconn_ima_event event;
	const uint8_t *data;	/* template data */
	uint32_t data_len;
};

static const struct {
	const char *name;
	size_t fields;
} templates[] = {
	{ "ima-ng", 2 }, { "ima-sig", 3 }, { "ima-buf", 3 },
};

static size_t template_fields(const char *name)
{
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		if (!strcmp(name, templates[i].name))
			return templates[i].fields;
	}
	return 0;
}

/* pcr, SHA-1, template name, template data. */
static const char *read_frame(struct tconn_cursor *c, struct entry *ret)
{
	static const uint8_t no_digest[SHA1_SIZE];
	struct tconn_ima_event *e = &ret->event;
	const uint8_t *sha1, *name;
	uint32_t name_len;

	if (!tconn_cursor_u32(c, &e->pcr) || !tconn_cursor_take(c, SHA1_SIZE, &sha1))
		return "ends within its header";
	if (!tconn_cursor_counted(c, &name, &name_len))
		return "ends within its template name";
	if (!name_len || name_len >= sizeof(e->template_name))
		return "has a template name of a length that no template has";
	memcpy(e->template_name, name, name_len);
	e->template_name[name_len] = '\0';
	if (!template_fields(e->template_name))
		return "has a template other than ima-ng, ima-sig and ima-buf";
	if (!tconn_cursor_counted(c, &ret->data, &ret->data_len))
		return "ends within its template data";
	if (e->pcr >= TCONN_PCR_COUNT)
		return "names a PCR that does not exist";
	e->violation = !memcmp(sha1, no_digest, SHA1_SIZE);
	return NULL;
}

/* Field d-ng: "ALG:", a zero byte, the digest. */
static const char *read_digest(struct tconn_ima_event *e, const uint8_t *field, uint32_t len)
{
	const uint8_t *zero = memchr(field, '\0', len);
	size_t alg_len;

	if (!zero || zero - field < 2 || zero[-1] != ':')
		return "has a digest without an algorithm";
	alg_len = (size_t)(zero - field) - 1;
	if (alg_len >= sizeof(e->digest_alg))
		return "has a digest algorithm with too long a name";
	memcpy(e->digest_alg, field, alg_len);
	e->digest_alg[alg_len] = '\0';
	e->digest = zero + 1;
	e->digest_len = (size_t)(field + len - e->digest);
	if (!e->digest_len || e->digest_len > DIGEST_MAX)
		return "has a digest of a size that no algorithm has";
	return NULL;
}

/* Field n-ng: the path and its terminator. */
static const char *read_path(struct tconn_ima_event *e, const uint8_t *field, uint32_t len)
{
	if (!len || memchr(field, '\0', len) != field + len - 1)
		return "has a path that is not one terminated string";
	e->path = (const char *)field;
	e->path_len = len - 1;
	return NULL;
}

static const char *read_fields(struct entry *entry)
{
	struct tconn_cursor c = tconn_cursor_at(entry->data, entry->data_len);
	struct tconn_ima_event *e = &entry->event;
	const size_t fields = template_fields(e->template_name);
	const uint8_t *field[FIELDS_MAX];
	uint32_t len[FIELDS_MAX];
	const char *bad;

	for (size_t i = 0; i < fields; i++) {
		if (!tconn_cursor_counted(&c, &field[i], &len[i]))
			return "has a field that is longer than its template data";
	}
	if (tconn_cursor_left(&c))
		return "has bytes after its last field";
	bad = read_digest(e, field[0], len[0]);
	if (!bad)
		bad = read_path(e, field[1], len[1]);
	if (!bad && fields == FIELDS_MAX) {
		e->buf = field[2];
		e->buf_len = len[2];
	}
	return bad;
}

static const char *read_entry(struct tconn_cursor *c, struct entry *ret)
{
	const char *bad;

	memset(ret, 0, sizeof(*ret));
	bad = read_frame(c, ret);
	if (!bad)
		bad = read_fields(ret);
	if (bad)
		return bad;
	if (ret->event.violation)
		memset(ret->event.template_digest, 0xff, 32);
	else
		tconn_sha256(ret->data, ret->data_len, ret->event.template_digest);
	return NULL;
}

int tconn_ima_walk(const uint8_t *log, size_t len, tconn_ima_fn fn, void *arg,
		   struct tconn_error *err)
{
	struct tconn_cursor c = tconn_cursor_at(log, len);
	struct entry entry;
	int error = tconn_log_check_size(err, LOG_NAME, len, TCONN_LOG_MAX);

	for (size_t i = 0; !error && tconn_cursor_left(&c); i++) {
		const size_t offset = tconn_cursor_offset(&c);
		const char *bad = i < TCONN_LOG_EVENTS_MAX ? read_entry(&c, &entry) :
				  "is one more than the limit";

		if (bad)
			return tconn_log_bad(err, LOG_NAME, i, offset, bad);
		error = fn(&entry.event, i, arg);
	}
	return error;
}
