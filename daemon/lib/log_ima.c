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

static const struct {
	const char *name;
	size_t len, fields;
} templates[] = {
	[TCONN_IMA_NG] = { "ima-ng", 6, 2 },
	[TCONN_IMA_SIG] = { "ima-sig", 7, 3 },
	[TCONN_IMA_BUF] = { "ima-buf", 7, 3 },
};

static bool find_template(const uint8_t *name, size_t len, enum tconn_ima_template *ret)
{
	for (unsigned int i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		if (len == templates[i].len && !memcmp(name, templates[i].name, len)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* pcr, SHA-1, template name, template data. */
static const char *read_frame(struct tconn_cursor *c, struct tconn_ima_event *e)
{
	static const uint8_t no_digest[SHA1_SIZE];
	const uint8_t *sha1, *name;
	uint32_t name_len, data_len;

	if (!tconn_cursor_u32(c, &e->pcr) || !tconn_cursor_take(c, SHA1_SIZE, &sha1))
		return "ends within its header";
	if (!tconn_cursor_counted(c, &name, &name_len))
		return "ends within its template name";
	if (!find_template(name, name_len, &e->template))
		return "has a template other than ima-ng, ima-sig and ima-buf";
	if (!tconn_cursor_counted(c, &e->data, &data_len))
		return "ends within its template data";
	e->data_len = data_len;
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

static const char *read_fields(struct tconn_ima_event *e)
{
	struct tconn_cursor c = tconn_cursor_at(e->data, e->data_len);
	const size_t fields = templates[e->template].fields;
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
	if (bad)
		return bad;
	e->buf = fields == FIELDS_MAX ? field[2] : NULL;
	e->buf_len = fields == FIELDS_MAX ? len[2] : 0;
	return NULL;
}

/* Fills every member, so nothing of the entry before is left. */
static const char *read_entry(struct tconn_cursor *c, struct tconn_ima_event *ret)
{
	const char *bad = read_frame(c, ret);

	return bad ? bad : read_fields(ret);
}

void tconn_ima_template_digest(const struct tconn_ima_event *e, uint8_t ret[32])
{
	if (e->violation)
		memset(ret, 0xff, 32);
	else
		tconn_sha256(e->data, e->data_len, ret);
}

int tconn_ima_walk(const uint8_t *log, size_t len, tconn_ima_fn fn, void *arg,
		   struct tconn_error *err)
{
	struct tconn_cursor c = tconn_cursor_at(log, len);
	struct tconn_ima_event entry;
	int error = tconn_log_check_size(err, LOG_NAME, len, TCONN_LOG_MAX);

	for (size_t i = 0; !error && tconn_cursor_left(&c); i++) {
		const size_t offset = tconn_cursor_offset(&c);
		const char *bad = i < TCONN_LOG_EVENTS_MAX ? read_entry(&c, &entry) :
				  "is one more than the limit";

		if (bad)
			return tconn_log_bad(err, LOG_NAME, i, offset, bad);
		error = fn(&entry, i, arg);
	}
	return error;
}
