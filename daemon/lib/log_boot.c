// SPDX-License-Identifier: Apache-2.0
/*
 * TCG PC Client Platform Firmware Profile, "crypto agile" log: the first event
 * has the old SHA-1 form (TCG_PCClientPCREvent) and lists the algorithms and
 * their digest sizes; all others are TCG_PCR_EVENT2 with one digest for each.
 */
#include <string.h>

#include "log.h"
#include "log_cursor.h"
#include "pcr.h"

#define LOG_NAME	"firmware log"
#define ALG_SHA256	0x000b
#define ALGORITHMS_MAX	8
#define SHA1_SIZE	20

struct algorithm {
	uint16_t id, size;
};

struct algorithms {
	uint32_t count;
	struct algorithm alg[ALGORITHMS_MAX];
};

static const char *read_algorithms(struct tconn_cursor *c, struct algorithms *ret)
{
	bool sha256 = false;

	if (!tconn_cursor_u32(c, &ret->count))
		return "ends within the list of algorithms";
	if (!ret->count || ret->count > ALGORITHMS_MAX)
		return "lists no algorithm or more than there are";
	for (uint32_t i = 0; i < ret->count; i++) {
		struct algorithm *alg = &ret->alg[i];

		if (!tconn_cursor_u16(c, &alg->id) || !tconn_cursor_u16(c, &alg->size))
			return "ends within the list of algorithms";
		for (uint32_t j = 0; j < i; j++) {
			if (ret->alg[j].id == alg->id)
				return "lists an algorithm twice";
		}
		if (alg->id == ALG_SHA256 && alg->size != 32)
			return "lists sha256 with a size other than 32";
		sha256 |= alg->id == ALG_SHA256;
	}
	return sha256 ? NULL : "has no sha256 bank: enable it in the firmware's TPM settings";
}

/* TCG_EfiSpecIDEvent. */
static const char *read_spec_id(const uint8_t *data, uint32_t len, struct algorithms *ret)
{
	static const char signature[16] = "Spec ID Event03";
	struct tconn_cursor c = tconn_cursor_at(data, len);
	const uint8_t *p, *vendor_len;
	const char *bad;

	if (!tconn_cursor_take(&c, sizeof(signature), &p) ||
	    memcmp(p, signature, sizeof(signature)))
		return "is no Spec ID Event03: an old log with SHA-1 only";
	if (!tconn_cursor_take(&c, 8, &p))	/* platform class, version, errata, uintn size */
		return "ends within the spec id event";
	bad = read_algorithms(&c, ret);
	if (bad)
		return bad;
	if (!tconn_cursor_take(&c, 1, &vendor_len) || !tconn_cursor_take(&c, *vendor_len, &p))
		return "ends within the vendor information";
	return tconn_cursor_left(&c) ? "has bytes after the vendor information" : NULL;
}

static const char *read_first(struct tconn_cursor *c, struct algorithms *ret)
{
	const uint8_t *sha1, *data;
	uint32_t pcr, type, len;

	if (!tconn_cursor_u32(c, &pcr) || !tconn_cursor_u32(c, &type) ||
	    !tconn_cursor_take(c, SHA1_SIZE, &sha1) || !tconn_cursor_counted(c, &data, &len))
		return "ends within its header";
	if (pcr || type != TCONN_EV_NO_ACTION)
		return "is no spec id event";
	return read_spec_id(data, len, ret);
}

static const struct algorithm *find_algorithm(const struct algorithms *algs, uint16_t id)
{
	for (uint32_t i = 0; i < algs->count; i++) {
		if (algs->alg[i].id == id)
			return &algs->alg[i];
	}
	return NULL;
}

/* Exactly one digest for each algorithm of the log. */
static const char *read_digests(struct tconn_cursor *c, const struct algorithms *algs,
				uint8_t ret_sha256[32])
{
	uint32_t count, seen = 0;

	if (!tconn_cursor_u32(c, &count))
		return "ends within its header";
	if (count != algs->count)
		return "has not one digest for each algorithm of the log";
	for (uint32_t i = 0; i < count; i++) {
		const struct algorithm *alg;
		const uint8_t *digest;
		uint16_t id;

		if (!tconn_cursor_u16(c, &id))
			return "ends within its digests";
		alg = find_algorithm(algs, id);
		if (!alg || seen & 1u << (alg - algs->alg))
			return "has a digest of an algorithm that the log does not list, or two of one";
		seen |= 1u << (alg - algs->alg);
		if (!tconn_cursor_take(c, alg->size, &digest))
			return "ends within its digests";
		if (id == ALG_SHA256)
			memcpy(ret_sha256, digest, 32);
	}
	return NULL;
}

static const char *read_event(struct tconn_cursor *c, const struct algorithms *algs,
			      struct tconn_boot_event *ret)
{
	const char *bad;
	uint32_t len;

	if (!tconn_cursor_u32(c, &ret->pcr) || !tconn_cursor_u32(c, &ret->type))
		return "ends within its header";
	bad = read_digests(c, algs, ret->digest);
	if (bad)
		return bad;
	if (!tconn_cursor_counted(c, &ret->data, &len))
		return "ends within its data";
	ret->data_len = len;
	/* Some EV_NO_ACTION events carry index 0xffffffff: they are extended nowhere. */
	if (ret->pcr >= TCONN_PCR_COUNT && ret->type != TCONN_EV_NO_ACTION)
		return "names a PCR that does not exist";
	return NULL;
}

int tconn_boot_walk(const uint8_t *log, size_t len, tconn_boot_fn fn, void *arg,
		    struct tconn_error *err)
{
	struct tconn_cursor c = tconn_cursor_at(log, len);
	struct algorithms algs = { 0 };
	struct tconn_boot_event event;
	const char *bad;
	int error = tconn_log_check_size(err, LOG_NAME, len, TCONN_LOG_MAX);

	if (error || !len)
		return error;
	bad = read_first(&c, &algs);
	if (bad)
		return tconn_log_bad(err, LOG_NAME, 0, 0, bad);
	for (size_t i = 0; !error && tconn_cursor_left(&c); i++) {
		const size_t offset = tconn_cursor_offset(&c);

		bad = i < TCONN_LOG_EVENTS_MAX ? read_event(&c, &algs, &event) :
		      "is one more than the limit";
		if (bad)
			return tconn_log_bad(err, LOG_NAME, i + 1, offset, bad);
		error = fn(&event, i, arg);
	}
	return error;
}
