// SPDX-License-Identifier: Apache-2.0
/*
 * What a receiver remembers: per signer the newest batch and the TPM's clock in it,
 * per source the newest item and which of the last WINDOW were seen.
 */
#include "label.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "label_read.h"

#define SIGNERS_MAX	256
#define SOURCES_MAX	1024
#define WINDOW		64		/* items of a source */
#define MARK		16		/* bytes of an id that are kept */
#define FILE_MAX	(4u << 20)
#define FILE_VERSION	1

struct signer {
	char who[160];
	struct tconn_label_clock clock;		/* of the newest batch */
};

struct source {
	uint64_t signer;			/* index */
	char name[64];
	uint64_t epoch, sequence;		/* of the newest item */
	uint8_t mark[WINDOW][MARK];		/* by sequence % WINDOW; zero: not seen */
};

struct tconn_label_track {
	size_t signer_count, source_count;
	struct signer signer[SIGNERS_MAX];
	struct source source[SOURCES_MAX];
};

int tconn_label_track_new(struct tconn_label_track **ret, struct tconn_error *err)
{
	struct tconn_label_track *t = calloc(1, sizeof(*t));

	if (!t)
		return tconn_fail(err, -ENOMEM, "out of memory");
	*ret = t;
	return 0;
}

void tconn_label_track_free(struct tconn_label_track *t)
{
	free(t);
}

static bool is_newer(const struct tconn_label_clock *a, const struct tconn_label_clock *b)
{
	return a->epoch > b->epoch || (a->epoch == b->epoch && a->batch > b->batch);
}

static int check_clock(const struct tconn_label_clock *before, const struct tconn_label_clock *c,
		       struct tconn_error *err)
{
	if (c->reset_count < before->reset_count)
		return tconn_fail(err, -ERANGE, "the TPM's count of resets went from %u back to %u",
				  before->reset_count, c->reset_count);
	if (c->reset_count > before->reset_count)
		return 0;	/* its clock may have lost what was not written down yet */
	if (c->restart_count < before->restart_count)
		return tconn_fail(err, -ERANGE, "the TPM's count of restarts went from %u back to %u",
				  before->restart_count, c->restart_count);
	if (c->tpm_clock_ms < before->tpm_clock_ms)
		return tconn_fail(err, -ERANGE, "the TPM's clock went from %" PRIu64 " back to %" PRIu64
				  " ms", before->tpm_clock_ms, c->tpm_clock_ms);
	return 0;
}

static int find_signer(struct tconn_label_track *t, const char *who, uint64_t *ret,
		       struct tconn_error *err)
{
	for (size_t i = 0; i < t->signer_count; i++) {
		if (!strcmp(t->signer[i].who, who)) {
			*ret = i;
			return 0;
		}
	}
	if (t->signer_count == SIGNERS_MAX)
		return tconn_fail(err, -EMSGSIZE, "over %d signers are tracked", SIGNERS_MAX);
	snprintf(t->signer[t->signer_count].who, sizeof(t->signer[0].who), "%s", who);
	*ret = t->signer_count++;
	return 0;
}

static int find_source(struct tconn_label_track *t, uint64_t signer, const char *name,
		       struct source **ret, struct tconn_error *err)
{
	struct source *s;

	for (size_t i = 0; i < t->source_count; i++) {
		s = &t->source[i];
		if (s->signer == signer && !strcmp(s->name, name)) {
			*ret = s;
			return 0;
		}
	}
	if (t->source_count == SOURCES_MAX)
		return tconn_fail(err, -EMSGSIZE, "over %d sources are tracked", SOURCES_MAX);
	s = &t->source[t->source_count++];
	s->signer = signer;
	snprintf(s->name, sizeof(s->name), "%s", name);
	*ret = s;
	return 0;
}

/* An item at or before the newest one of its epoch. */
static int check_old(const struct source *s, uint64_t sequence, const uint8_t id[32],
		     struct tconn_error *err)
{
	static const uint8_t unseen[MARK];
	const uint8_t *mark = s->mark[sequence % WINDOW];

	if (s->sequence - sequence >= WINDOW)
		return tconn_fail(err, -ESTALE, "replayed: item %" PRIu64 " of %s, %" PRIu64
				  " was accepted", sequence, s->name, s->sequence);
	if (!memcmp(mark, id, MARK))
		return tconn_fail(err, -EEXIST, "duplicate: item %" PRIu64 " of %s was accepted before",
				  sequence, s->name);
	if (memcmp(mark, unseen, MARK))
		return tconn_fail(err, -ERANGE, "item %" PRIu64 " of %s was signed twice, differently",
				  sequence, s->name);
	return tconn_fail(err, -EILSEQ, "reordered: item %" PRIu64 " of %s comes after item %" PRIu64,
			  sequence, s->name, s->sequence);
}

static void advance(struct source *s, uint64_t epoch, uint64_t sequence, const uint8_t id[32])
{
	if (epoch != s->epoch || sequence - s->sequence >= WINDOW)
		memset(s->mark, 0, sizeof(s->mark));
	else
		for (uint64_t n = s->sequence + 1; n < sequence; n++)
			memset(s->mark[n % WINDOW], 0, MARK);
	s->epoch = epoch;
	s->sequence = sequence;
	memcpy(s->mark[sequence % WINDOW], id, MARK);
}

static int take_item(struct source *s, uint64_t epoch, uint64_t sequence, const uint8_t id[32],
		     bool allow_gaps, struct tconn_error *err)
{
	uint64_t before = epoch == s->epoch ? s->sequence : 0;

	if (epoch < s->epoch)
		return tconn_fail(err, -ESTALE, "replayed: item %" PRIu64 " of %s is of epoch %" PRIu64
				  ", %" PRIu64 " has begun", sequence, s->name, epoch, s->epoch);
	if (epoch == s->epoch && sequence <= s->sequence)
		return check_old(s, sequence, id, err);
	/* A source that is met for the first time may have begun long ago. */
	if (s->sequence && sequence != before + 1 && !allow_gaps)
		return tconn_fail(err, -ENOMSG, "missing: item %" PRIu64 " of %s, %" PRIu64
				  " was accepted last", before + 1, s->name, before);
	advance(s, epoch, sequence, id);
	return 0;
}

static int take_all(struct tconn_label_track *t, const struct tconn_label *l, uint64_t signer,
		    bool allow_gaps, struct tconn_error *err)
{
	const uint64_t epoch = l->header.clock.epoch;
	struct tconn_label_item item;
	struct source *s = NULL;
	uint8_t id[32];
	int r = 0;

	for (size_t i = 0; !r && i < l->count; i++) {
		r = tconn_label_item(l, i, &item, err);
		if (!r)
			r = find_source(t, signer, l->header.source[item.source].name, &s, err);
		if (r)
			break;
		tconn_label_id(l, i, id);
		r = take_item(s, epoch, item.sequence, id, allow_gaps, err);
	}
	return r;
}

int tconn_label_track_take(struct tconn_label_track *t, const struct tconn_label *l,
			   const struct tconn_label_report *report, bool allow_gaps,
			   struct tconn_error *err)
{
	struct tconn_label_track *next = malloc(sizeof(*next));
	struct signer *signer;
	uint64_t index = 0;
	int r;

	if (!next)
		return tconn_fail(err, -ENOMEM, "out of memory");
	memcpy(next, t, sizeof(*next));
	r = find_signer(next, report->who, &index, err);
	signer = &next->signer[index];
	if (!r && is_newer(&l->header.clock, &signer->clock)) {
		r = check_clock(&signer->clock, &l->header.clock, err);
		signer->clock = l->header.clock;
	}
	if (!r)
		r = take_all(next, l, index, allow_gaps, err);
	if (!r)
		memcpy(t, next, sizeof(*next));
	free(next);
	return r ? tconn_fail_in(err, r, "label") : 0;
}

static void put_signer(struct tconn_cbor_writer *w, const struct signer *s)
{
	tconn_cbor_put_array(w, 6);
	tconn_cbor_put_text(w, s->who, sizeof(s->who));
	tconn_cbor_put_uint(w, s->clock.epoch);
	tconn_cbor_put_uint(w, s->clock.batch);
	tconn_cbor_put_uint(w, s->clock.tpm_clock_ms);
	tconn_cbor_put_uint(w, s->clock.reset_count);
	tconn_cbor_put_uint(w, s->clock.restart_count);
}

static void put_source(struct tconn_cbor_writer *w, const struct source *s)
{
	tconn_cbor_put_array(w, 5);
	tconn_cbor_put_uint(w, s->signer);
	tconn_cbor_put_text(w, s->name, sizeof(s->name));
	tconn_cbor_put_uint(w, s->epoch);
	tconn_cbor_put_uint(w, s->sequence);
	tconn_cbor_put_bytes(w, s->mark, sizeof(s->mark));
}

static int encode(const struct tconn_label_track *t, struct tconn_bytes *ret,
		  struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_array(&w, 3);
	tconn_cbor_put_uint(&w, FILE_VERSION);
	tconn_cbor_put_array(&w, t->signer_count);
	for (size_t i = 0; i < t->signer_count; i++)
		put_signer(&w, &t->signer[i]);
	tconn_cbor_put_array(&w, t->source_count);
	for (size_t i = 0; i < t->source_count; i++)
		put_source(&w, &t->source[i]);
	return tconn_cbor_finish(&w, ret, err);
}

static int expect(struct tconn_cbor *r, size_t want, struct tconn_error *err)
{
	size_t count;
	int error = tconn_cbor_array(r, want, &count, err);

	return !error && count != want ? tconn_fail(err, -EBADMSG, "no state of tracking") : error;
}

static int read_signer(struct tconn_cbor *r, struct signer *ret, struct tconn_error *err)
{
	uint64_t resets = 0, restarts = 0;
	int error = expect(r, 6, err);

	if (!error)
		error = tconn_cbor_string(r, ret->who, sizeof(ret->who), err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->clock.epoch, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->clock.batch, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->clock.tpm_clock_ms, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT32_MAX, &resets, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT32_MAX, &restarts, err);
	ret->clock.reset_count = (uint32_t)resets;
	ret->clock.restart_count = (uint32_t)restarts;
	return error;
}

static int read_source(struct tconn_cbor *r, size_t signers, struct source *ret,
		       struct tconn_error *err)
{
	int error = expect(r, 5, err);

	if (!error)
		error = tconn_cbor_uint(r, signers ? signers - 1 : 0, &ret->signer, err);
	if (!error)
		error = tconn_cbor_string(r, ret->name, sizeof(ret->name), err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->epoch, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->sequence, err);
	return error ? error : tconn_cbor_fixed(r, ret->mark[0], sizeof(ret->mark), err);
}

static int decode(const uint8_t *buf, size_t len, struct tconn_label_track *t,
		  struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	uint64_t version;
	int error = expect(&r, 3, err);

	if (!error)
		error = tconn_cbor_uint(&r, FILE_VERSION, &version, err);
	if (!error)
		error = tconn_cbor_array(&r, SIGNERS_MAX, &t->signer_count, err);
	for (size_t i = 0; !error && i < t->signer_count; i++)
		error = read_signer(&r, &t->signer[i], err);
	if (!error)
		error = tconn_cbor_array(&r, SOURCES_MAX, &t->source_count, err);
	for (size_t i = 0; !error && i < t->source_count; i++)
		error = read_source(&r, t->signer_count, &t->source[i], err);
	return error ? error : tconn_cbor_end(&r, err);
}

int tconn_label_track_load(const char *path, struct tconn_label_track **ret,
			   struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 };
	struct tconn_label_track *t = NULL;
	int r = tconn_label_track_new(&t, err);

	if (r)
		return r;
	r = tconn_file_read(path, FILE_MAX, &b, err);
	if (!r && decode(b.data, b.len, t, err))
		r = tconn_fail_in(err, -EBADMSG, path);
	if (r && r != -ENOENT) {
		tconn_label_track_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

int tconn_label_track_save(const struct tconn_label_track *t, const char *path,
			   struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 };
	int r = encode(t, &b, err);

	return r ? r : tconn_file_replace(path, &b, 0600, err);
}
