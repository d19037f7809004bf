// SPDX-License-Identifier: Apache-2.0
#include "label_header.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "label_entry.h"

#define HEADERS_MAX	64
#define CRITICAL_MAX	8
#define X5T_SHA256	15	/* the n of -1 - n: -16 */

/* Keys within TCONN_COSE_LABEL. */
enum label_key { KEY_VERSION, KEY_TIME, KEY_COUNTER, KEY_ENVIRONMENT, KEY_SOURCES };
enum environment_key { ENV_EVIDENCE, ENV_QUOTE, ENV_IMA_LOG, ENV_TCONN_LOG, ENV_KERNEL, ENV_COUNT };
enum source_key {
	SOURCE_NAME, SOURCE_CONTENT_TYPE, SOURCE_ALGORITHM, SOURCE_ALGORITHM_VERSION, SOURCE_PROGRAM,
	SOURCE_PROGRAM_DIGEST, SOURCE_PARAMETERS,
};

/* What a protected header may hold, in its order; and which must be there. */
static const struct {
	int64_t label;
	bool required;
} known[] = {
	{ TCONN_COSE_ALG, true },
	{ TCONN_COSE_CRIT, false },
	{ TCONN_COSE_CONTENT_TYPE, true },
	{ TCONN_COSE_X5CHAIN, false },
	{ TCONN_COSE_X5T, false },
	{ TCONN_COSE_VDS, true },
	{ TCONN_COSE_LABEL, true },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

static int known_index(int64_t label)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].label == label)
			return (int)i;
	return -1;
}

static bool is_text(const char *text, size_t size)
{
	struct tconn_cbor_writer w = { 0 };
	bool good = memchr(text, 0, size);

	/* The writer puts '?' where the reader would refuse. */
	if (good)
		tconn_cbor_put_text(&w, text, size);
	good = good && !w.failed && w.len >= strlen(text) &&
	       !memcmp(w.data + w.len - strlen(text), text, strlen(text));
	tconn_cbor_discard(&w);
	return good;
}

static int check_text(const char *text, size_t size, bool required, const char *what,
		      struct tconn_error *err)
{
	if (!is_text(text, size))
		return tconn_fail(err, -EINVAL, "%s is too long, or not UTF-8 without control characters",
				  what);
	return required && !*text ? tconn_fail(err, -EINVAL, "%s is empty", what) : 0;
}

int tconn_label_source_check(const struct tconn_label_source *s, struct tconn_error *err)
{
	int r = check_text(s->name, sizeof(s->name), true, "source name", err);

	if (!r)
		r = check_text(s->content_type, sizeof(s->content_type), true, "content type", err);
	if (!r)
		r = check_text(s->algorithm, sizeof(s->algorithm), false, "algorithm", err);
	if (!r)
		r = check_text(s->algorithm_version, sizeof(s->algorithm_version), false,
			       "algorithm version", err);
	if (!r)
		r = check_text(s->program, sizeof(s->program), false, "program", err);
	if (!r && s->parameter_count > TCONN_LABEL_PARAMETERS_MAX)
		r = tconn_fail(err, -EINVAL, "over %d parameters", TCONN_LABEL_PARAMETERS_MAX);
	for (size_t i = 0; !r && i < s->parameter_count; i++) {
		r = check_text(s->parameter[i].name, sizeof(s->parameter[i].name), true,
			       "parameter name", err);
		if (!r)
			r = check_text(s->parameter[i].value, sizeof(s->parameter[i].value), false,
				       "parameter value", err);
	}
	return r;
}

static void put_chain(struct tconn_cbor_writer *w, const struct tconn_label_header *h)
{
	/* RFC 9360: one certificate is a byte string, several are an array of them. */
	if (h->chain_count > 1)
		tconn_cbor_put_array(w, h->chain_count);
	for (size_t i = 0; i < h->chain_count; i++)
		tconn_cbor_put_bytes(w, h->chain[i].data, h->chain[i].len);
}

static void put_thumbprint(struct tconn_cbor_writer *w, const struct tconn_label_header *h)
{
	tconn_cbor_put_array(w, 2);
	tconn_cbor_put_negative(w, X5T_SHA256);
	tconn_cbor_put_bytes(w, h->thumbprint, sizeof(h->thumbprint));
}

static void put_environment(struct tconn_cbor_writer *w, const struct tconn_label_environment *e)
{
	tconn_cbor_put_uint(w, KEY_ENVIRONMENT);
	tconn_cbor_put_map(w, ENV_COUNT);
	tconn_cbor_put_uint(w, ENV_EVIDENCE);
	tconn_cbor_put_bytes(w, e->evidence, sizeof(e->evidence));
	tconn_cbor_put_uint(w, ENV_QUOTE);
	tconn_cbor_put_bytes(w, e->quote, sizeof(e->quote));
	tconn_cbor_put_uint(w, ENV_IMA_LOG);
	tconn_cbor_put_uint(w, e->ima_log);
	tconn_cbor_put_uint(w, ENV_TCONN_LOG);
	tconn_cbor_put_uint(w, e->tconn_log);
	tconn_cbor_put_uint(w, ENV_KERNEL);
	tconn_cbor_put_text(w, e->kernel, sizeof(e->kernel) - 1);
}

static void put_optional_text(struct tconn_cbor_writer *w, enum source_key key, const char *text,
			      size_t size)
{
	if (!*text)
		return;
	tconn_cbor_put_uint(w, key);
	tconn_cbor_put_text(w, text, size - 1);
}

static void put_source(struct tconn_cbor_writer *w, const struct tconn_label_source *s)
{
	tconn_cbor_put_map(w, 2 + !!*s->algorithm + !!*s->algorithm_version + 2 * !!*s->program +
			   !!s->parameter_count);
	put_optional_text(w, SOURCE_NAME, s->name, sizeof(s->name));
	put_optional_text(w, SOURCE_CONTENT_TYPE, s->content_type, sizeof(s->content_type));
	put_optional_text(w, SOURCE_ALGORITHM, s->algorithm, sizeof(s->algorithm));
	put_optional_text(w, SOURCE_ALGORITHM_VERSION, s->algorithm_version,
			  sizeof(s->algorithm_version));
	put_optional_text(w, SOURCE_PROGRAM, s->program, sizeof(s->program));
	if (*s->program) {
		tconn_cbor_put_uint(w, SOURCE_PROGRAM_DIGEST);
		tconn_cbor_put_bytes(w, s->program_digest, sizeof(s->program_digest));
	}
	if (s->parameter_count) {
		tconn_cbor_put_uint(w, SOURCE_PARAMETERS);
		tconn_cbor_put_array(w, 2 * s->parameter_count);
	}
	for (size_t i = 0; i < s->parameter_count; i++) {
		tconn_cbor_put_text(w, s->parameter[i].name, sizeof(s->parameter[i].name));
		tconn_cbor_put_text(w, s->parameter[i].value, sizeof(s->parameter[i].value));
	}
}

static void put_label(struct tconn_cbor_writer *w, const struct tconn_label_header *h)
{
	const struct tconn_label_clock *c = &h->clock;

	tconn_cbor_put_map(w, 4 + h->environment.present);
	tconn_cbor_put_uint(w, KEY_VERSION);
	tconn_cbor_put_uint(w, TCONN_LABEL_FORMAT);
	tconn_cbor_put_uint(w, KEY_TIME);
	tconn_cbor_put_array(w, 3);
	tconn_cbor_put_uint(w, c->time_us);
	tconn_cbor_put_uint(w, c->uncertainty_us);
	tconn_cbor_put_bool(w, c->synchronised);
	tconn_cbor_put_uint(w, KEY_COUNTER);
	tconn_cbor_put_array(w, 6);
	tconn_cbor_put_uint(w, c->epoch);
	tconn_cbor_put_uint(w, c->batch);
	tconn_cbor_put_uint(w, c->tpm_clock_ms);
	tconn_cbor_put_uint(w, c->reset_count);
	tconn_cbor_put_uint(w, c->restart_count);
	tconn_cbor_put_bool(w, c->safe);
	if (h->environment.present)
		put_environment(w, &h->environment);
	tconn_cbor_put_uint(w, KEY_SOURCES);
	tconn_cbor_put_array(w, h->source_count);
	for (size_t i = 0; i < h->source_count; i++)
		put_source(w, &h->source[i]);
}

int tconn_label_header_encode(const struct tconn_label_header *h, struct tconn_bytes *ret,
			      struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, 4 + !!h->chain_count + h->has_thumbprint);
	tconn_cbor_put_uint(&w, TCONN_COSE_ALG);
	tconn_cbor_put_negative(&w, TCONN_COSE_ES256);
	tconn_cbor_put_uint(&w, TCONN_COSE_CONTENT_TYPE);
	tconn_cbor_put_text(&w, TCONN_LABEL_CONTENT_TYPE, sizeof(TCONN_LABEL_CONTENT_TYPE));
	if (h->chain_count) {
		tconn_cbor_put_uint(&w, TCONN_COSE_X5CHAIN);
		put_chain(&w, h);
	}
	if (h->has_thumbprint) {
		tconn_cbor_put_uint(&w, TCONN_COSE_X5T);
		put_thumbprint(&w, h);
	}
	tconn_cbor_put_uint(&w, TCONN_COSE_VDS);
	tconn_cbor_put_uint(&w, TCONN_VDS_RFC9162);
	tconn_cbor_put_negative(&w, -1 - TCONN_COSE_LABEL);
	put_label(&w, h);
	return tconn_cbor_finish(&w, ret, err);
}

/* The next header label. Deterministic order: unsigned, then negative, each ascending. */
static int take_label(struct tconn_cbor *r, struct tconn_cbor_map *map, int64_t *ret,
		      struct tconn_error *err)
{
	int64_t label, rank;
	int error = tconn_cbor_int(r, &label, err);

	if (error)
		return error;
	if (label > UINT32_MAX || label < -(int64_t)UINT32_MAX)
		return tconn_fail(err, -EBADMSG, "header %" PRId64 " is out of range", label);
	rank = label >= 0 ? label : INT64_MAX / 2 - label;
	if (rank <= map->last_key)
		return tconn_fail(err, -EBADMSG, "header %" PRId64
				  " is repeated or not in ascending order", label);
	map->last_key = rank;
	map->left--;
	*ret = label;
	return 0;
}

struct critical {
	size_t count;
	int64_t label[CRITICAL_MAX];
};

static int read_critical(struct tconn_cbor *r, struct critical *ret, struct tconn_error *err)
{
	int error = tconn_cbor_array(r, CRITICAL_MAX, &ret->count, err);

	if (!error && !ret->count)
		return tconn_fail(err, -EBADMSG, "an empty list of critical headers");
	for (size_t i = 0; !error && i < ret->count; i++)
		error = tconn_cbor_int(r, &ret->label[i], err);
	return error;
}

static int check_critical(const struct critical *c, unsigned int seen, struct tconn_error *err)
{
	for (size_t i = 0; i < c->count; i++) {
		int index = known_index(c->label[i]);

		if (index < 0)
			return tconn_fail(err, -EOPNOTSUPP, "header %" PRId64
					  " is critical, and this version does not know it",
					  c->label[i]);
		if (!(seen & 1u << index))
			return tconn_fail(err, -EBADMSG, "header %" PRId64
					  " is called critical and is not there", c->label[i]);
	}
	return 0;
}

static int read_chain(struct tconn_cbor *r, struct tconn_label_header *ret,
		      struct tconn_error *err)
{
	struct tconn_cbor look = *r;
	size_t count = 1;
	int error = 0;

	if (!tconn_cbor_array(&look, TCONN_LABEL_CHAIN_MAX, &count, NULL)) {
		*r = look;
		if (count < 2)
			return tconn_fail(err, -EBADMSG, "an array of %zu certificates", count);
	}
	for (size_t i = 0; !error && i < count; i++)
		error = tconn_cbor_bytes(r, TCONN_COSE_CERTIFICATE_MAX, &ret->chain[i].data,
					 &ret->chain[i].len, err);
	ret->chain_count = count;
	return error;
}

static int read_thumbprint(struct tconn_cbor *r, struct tconn_label_header *ret,
			   struct tconn_error *err)
{
	size_t count = 0;
	uint64_t alg = 0;
	int error = tconn_cbor_array(r, 2, &count, err);

	if (!error && count != 2)
		return tconn_fail(err, -EBADMSG, "a thumbprint of %zu parts", count);
	if (!error)
		error = tconn_cbor_negative(r, &alg, err);
	if (!error && alg != X5T_SHA256)
		return tconn_fail(err, -EPROTONOSUPPORT, "a thumbprint by another hash than SHA-256");
	ret->has_thumbprint = true;
	return error ? error : tconn_cbor_fixed(r, ret->thumbprint, sizeof(ret->thumbprint), err);
}

static int read_algorithm(struct tconn_cbor *r, struct tconn_error *err)
{
	int64_t alg;
	int error = tconn_cbor_int(r, &alg, err);

	if (!error && alg != -1 - TCONN_COSE_ES256)
		return tconn_fail(err, -EPROTONOSUPPORT, "signed with another algorithm than ES256");
	return error;
}

static int read_content_type(struct tconn_cbor *r, struct tconn_error *err)
{
	char type[64];
	int error = tconn_cbor_string(r, type, sizeof(type), err);

	if (!error && strcmp(type, TCONN_LABEL_CONTENT_TYPE))
		return tconn_fail(err, -EPROTONOSUPPORT, "is a %s, not a " TCONN_LABEL_CONTENT_TYPE,
				  type);
	return error;
}

static int read_vds(struct tconn_cbor *r, struct tconn_error *err)
{
	int64_t vds;
	int error = tconn_cbor_int(r, &vds, err);

	if (!error && vds != TCONN_VDS_RFC9162)
		return tconn_fail(err, -EPROTONOSUPPORT, "another tree than RFC 9162's with SHA-256");
	return error;
}

static int expect_array(struct tconn_cbor *r, size_t want, struct tconn_error *err)
{
	size_t count;
	int error = tconn_cbor_array(r, want, &count, err);

	if (!error && count != want)
		return tconn_fail(err, -EBADMSG, "%zu items where %zu are expected", count, want);
	return error;
}

static int read_uint32(struct tconn_cbor *r, uint32_t *ret, struct tconn_error *err)
{
	uint64_t value;
	int error = tconn_cbor_uint(r, UINT32_MAX, &value, err);

	if (!error)
		*ret = (uint32_t)value;
	return error;
}

static int read_time(struct tconn_cbor *r, struct tconn_label_clock *ret, struct tconn_error *err)
{
	int error = expect_array(r, 3, err);

	if (!error)
		error = tconn_cbor_uint(r, INT64_MAX, &ret->time_us, err);
	if (!error)
		error = read_uint32(r, &ret->uncertainty_us, err);
	return error ? error : tconn_cbor_bool(r, &ret->synchronised, err);
}

static int read_counter(struct tconn_cbor *r, struct tconn_label_clock *ret, struct tconn_error *err)
{
	int error = expect_array(r, 6, err);

	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->epoch, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->batch, err);
	if (!error)
		error = tconn_cbor_uint(r, UINT64_MAX, &ret->tpm_clock_ms, err);
	if (!error)
		error = read_uint32(r, &ret->reset_count, err);
	if (!error)
		error = read_uint32(r, &ret->restart_count, err);
	return error ? error : tconn_cbor_bool(r, &ret->safe, err);
}

static int read_environment_item(struct tconn_cbor *r, uint64_t key,
				 struct tconn_label_environment *ret, struct tconn_error *err)
{
	switch (key) {
	case ENV_EVIDENCE:
		return tconn_cbor_fixed(r, ret->evidence, sizeof(ret->evidence), err);
	case ENV_QUOTE:
		return tconn_cbor_fixed(r, ret->quote, sizeof(ret->quote), err);
	case ENV_IMA_LOG:
		return tconn_cbor_uint(r, UINT64_MAX, &ret->ima_log, err);
	case ENV_TCONN_LOG:
		return tconn_cbor_uint(r, UINT64_MAX, &ret->tconn_log, err);
	default:
		return tconn_cbor_string(r, ret->kernel, sizeof(ret->kernel), err);
	}
}

static int read_environment(struct tconn_cbor *r, struct tconn_label_environment *ret,
			    struct tconn_error *err)
{
	struct tconn_cbor_map map;
	uint64_t key;
	int error = tconn_cbor_map(r, ENV_COUNT, &map, err);

	if (!error && map.left != ENV_COUNT)
		return tconn_fail(err, -EBADMSG, "the environment is not complete");
	while (!error && map.left) {
		error = tconn_cbor_key(r, &map, ENV_COUNT - 1, &key, err);
		if (!error)
			error = read_environment_item(r, key, ret, err);
	}
	ret->present = true;
	return error ? tconn_fail_in(err, error, "environment") : 0;
}

static int read_parameters(struct tconn_cbor *r, struct tconn_label_source *ret,
			   struct tconn_error *err)
{
	size_t count;
	int error = tconn_cbor_array(r, 2 * (size_t)TCONN_LABEL_PARAMETERS_MAX, &count, err);

	if (!error && (!count || count % 2))
		return tconn_fail(err, -EBADMSG, "parameters are pairs of name and value");
	for (size_t i = 0; !error && i < count / 2; i++) {
		struct tconn_label_parameter *p = &ret->parameter[i];

		error = tconn_cbor_string(r, p->name, sizeof(p->name), err);
		if (!error)
			error = tconn_cbor_string(r, p->value, sizeof(p->value), err);
	}
	if (!error)
		ret->parameter_count = count / 2;
	return error;
}

static int read_source_item(struct tconn_cbor *r, uint64_t key, struct tconn_label_source *ret,
			    struct tconn_error *err)
{
	switch (key) {
	case SOURCE_NAME:
		return tconn_cbor_string(r, ret->name, sizeof(ret->name), err);
	case SOURCE_CONTENT_TYPE:
		return tconn_cbor_string(r, ret->content_type, sizeof(ret->content_type), err);
	case SOURCE_ALGORITHM:
		return tconn_cbor_string(r, ret->algorithm, sizeof(ret->algorithm), err);
	case SOURCE_ALGORITHM_VERSION:
		return tconn_cbor_string(r, ret->algorithm_version, sizeof(ret->algorithm_version),
					 err);
	case SOURCE_PROGRAM:
		return tconn_cbor_string(r, ret->program, sizeof(ret->program), err);
	case SOURCE_PROGRAM_DIGEST:
		return tconn_cbor_fixed(r, ret->program_digest, sizeof(ret->program_digest), err);
	default:
		return read_parameters(r, ret, err);
	}
}

static int read_source(struct tconn_cbor *r, struct tconn_label_source *ret, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	uint64_t key;
	int error = tconn_cbor_map(r, SOURCE_PARAMETERS + 1, &map, err);

	while (!error && map.left) {
		error = tconn_cbor_key(r, &map, SOURCE_PARAMETERS, &key, err);
		if (!error)
			error = read_source_item(r, key, ret, err);
	}
	if (!error && (!*ret->name || !*ret->content_type))
		return tconn_fail(err, -EBADMSG, "a source without name or content type");
	return error;
}

static int read_sources(struct tconn_cbor *r, struct tconn_label_header *ret,
			struct tconn_error *err)
{
	int error = tconn_cbor_array(r, TCONN_LABEL_SOURCES_MAX, &ret->source_count, err);

	for (size_t i = 0; !error && i < ret->source_count; i++)
		error = read_source(r, &ret->source[i], err);
	return error ? tconn_fail_in(err, error, "source") : 0;
}

static int read_version(struct tconn_cbor *r, struct tconn_error *err)
{
	uint64_t version;
	int error = tconn_cbor_uint(r, UINT32_MAX, &version, err);

	if (!error && version != TCONN_LABEL_FORMAT)
		return tconn_fail(err, -EPROTONOSUPPORT, "version %" PRIu64 ", not %d", version,
				  TCONN_LABEL_FORMAT);
	return error;
}

static int read_label_item(struct tconn_cbor *r, uint64_t key, struct tconn_label_header *ret,
			   struct tconn_error *err)
{
	switch (key) {
	case KEY_VERSION:
		return read_version(r, err);
	case KEY_TIME:
		return read_time(r, &ret->clock, err);
	case KEY_COUNTER:
		return read_counter(r, &ret->clock, err);
	case KEY_ENVIRONMENT:
		return read_environment(r, &ret->environment, err);
	default:
		return read_sources(r, ret, err);
	}
}

static int read_label(struct tconn_cbor *r, struct tconn_label_header *ret, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	uint64_t key, seen = 0;
	int error = tconn_cbor_map(r, KEY_SOURCES + 1, &map, err);

	while (!error && map.left) {
		error = tconn_cbor_key(r, &map, KEY_SOURCES, &key, err);
		if (!error)
			error = read_label_item(r, key, ret, err);
		if (!error)
			seen |= 1u << key;
	}
	if (!error && (seen | 1u << KEY_ENVIRONMENT) != (1u << (KEY_SOURCES + 1)) - 1)
		return tconn_fail(err, -EBADMSG, "version, time, counter or sources are missing");
	return error;
}

static int read_header(struct tconn_cbor *r, int64_t label, struct tconn_label_header *ret,
		       struct critical *critical, struct tconn_error *err)
{
	const uint8_t *data;
	size_t len;

	switch (label) {
	case TCONN_COSE_ALG:
		return read_algorithm(r, err);
	case TCONN_COSE_CRIT:
		return read_critical(r, critical, err);
	case TCONN_COSE_CONTENT_TYPE:
		return read_content_type(r, err);
	case TCONN_COSE_X5CHAIN:
		return read_chain(r, ret, err);
	case TCONN_COSE_X5T:
		return read_thumbprint(r, ret, err);
	case TCONN_COSE_VDS:
		return read_vds(r, err);
	case TCONN_COSE_LABEL:
		return read_label(r, ret, err);
	default:	/* RFC 9052, section 3: what is not critical may be ignored */
		return tconn_cbor_any(r, &data, &len, err);
	}
}

static int check_complete(unsigned int seen, const struct tconn_label_header *h,
			  struct tconn_error *err)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].required && !(seen & 1u << i))
			return tconn_fail(err, -EBADMSG, "header %" PRId64 " is missing",
					  known[i].label);
	if (!h->chain_count && !h->has_thumbprint)
		return tconn_fail(err, -EBADMSG, "neither a certificate nor its thumbprint");
	return 0;
}

/* First what is critical: of a label from a later version the rest may look wrong. */
static int scan_critical(const uint8_t *buf, size_t len, struct critical *ret, unsigned int *ret_seen,
			 struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	struct tconn_cbor_map map;
	const uint8_t *data;
	int64_t label;
	size_t size;
	int error = tconn_cbor_map(&r, HEADERS_MAX, &map, err);

	while (!error && map.left) {
		error = take_label(&r, &map, &label, err);
		if (error)
			break;
		if (known_index(label) >= 0)
			*ret_seen |= 1u << known_index(label);
		error = label == TCONN_COSE_CRIT ? read_critical(&r, ret, err) :
						   tconn_cbor_any(&r, &data, &size, err);
	}
	if (!error)
		error = tconn_cbor_end(&r, err);
	return error ? error : check_critical(ret, *ret_seen, err);
}

int tconn_label_header_decode(const uint8_t *buf, size_t len, struct tconn_label_header *ret,
			      struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	struct critical critical = { 0 };
	struct tconn_cbor_map map;
	unsigned int seen = 0;
	int64_t label;
	int error = scan_critical(buf, len, &critical, &seen, err);

	if (!error)
		error = tconn_cbor_map(&r, HEADERS_MAX, &map, err);
	while (!error && map.left) {
		error = take_label(&r, &map, &label, err);
		if (!error)
			error = read_header(&r, label, ret, &critical, err);
	}
	if (!error)
		error = check_complete(seen, ret, err);
	return error ? tconn_fail_in(err, error, "protected header") : 0;
}

/* count byte strings, one after the other; ret is all of them. */
static int read_strings(struct tconn_cbor *r, size_t max, size_t max_len,
			struct tconn_label_span *ret, size_t *ret_count, struct tconn_error *err)
{
	const uint8_t *start, *data;
	size_t len;
	int error = tconn_cbor_array(r, max, ret_count, err);

	if (!error && !*ret_count)
		return tconn_fail(err, -EBADMSG, "an empty array");
	start = r->at;
	/* By hand as long as all is well; else the reader says what is not. */
	for (size_t i = 0; !error && i < *ret_count; i++) {
		const uint8_t *at = r->at;

		if (tconn_label_bytes_next(&at, r->end, &data, &len) && len <= max_len)
			r->at = at;
		else
			error = tconn_cbor_bytes(r, max_len, &data, &len, err);
	}
	if (!error)
		*ret = (struct tconn_label_span){ start, (size_t)(r->at - start) };
	return error;
}

static int read_path(struct tconn_cbor *r, struct tconn_label_unprotected *ret,
		     struct tconn_error *err)
{
	int error = tconn_cbor_array(r, sizeof(ret->path) / 32, &ret->path_count, err);

	for (size_t i = 0; !error && i < ret->path_count; i++)
		error = tconn_cbor_fixed(r, ret->path + 32 * i, 32, err);
	return error;
}

static int read_inclusion(const uint8_t *buf, size_t len, struct tconn_label_unprotected *ret,
			  struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	int error = expect_array(&r, 3, err);

	if (!error)
		error = tconn_cbor_uint(&r, TCONN_LABEL_ITEMS_MAX, &ret->leaves, err);
	if (!error)
		error = tconn_cbor_uint(&r, TCONN_LABEL_ITEMS_MAX, &ret->index, err);
	if (!error)
		error = read_path(&r, ret, err);
	return error ? error : tconn_cbor_end(&r, err);
}

static int read_proofs(struct tconn_cbor *r, struct tconn_label_unprotected *ret,
		       struct tconn_error *err)
{
	struct tconn_cbor_map map;
	const uint8_t *data;
	int64_t kind = 0;
	size_t len;
	int error = tconn_cbor_map(r, 1, &map, err);

	if (!error && map.left != 1)
		return tconn_fail(err, -EBADMSG, "no proof");
	if (!error)
		error = tconn_cbor_int(r, &kind, err);
	if (!error && kind != TCONN_VDP_INCLUSION)
		return tconn_fail(err, -EPROTONOSUPPORT, "another proof than that of inclusion");
	if (!error)
		error = expect_array(r, 1, err);
	if (!error)
		error = tconn_cbor_bytes(r, TCONN_LABEL_MAX, &data, &len, err);
	if (!error)
		error = read_inclusion(data, len, ret, err);
	return error ? tconn_fail_in(err, error, "proof") : 0;
}

static int read_unprotected(struct tconn_cbor *r, int64_t label,
			    struct tconn_label_unprotected *ret, struct tconn_error *err)
{
	switch (label) {
	case TCONN_COSE_VDP:
		ret->single = true;
		return read_proofs(r, ret, err);
	case TCONN_COSE_ENTRY:
		return tconn_cbor_bytes(r, TCONN_LABEL_MAX, &ret->entry.data, &ret->entry.len, err);
	case TCONN_COSE_INPUTS:
		return read_strings(r, TCONN_LABEL_INPUTS_MAX, TCONN_LABEL_MAX, &ret->inputs,
				    &ret->inputs_count, err);
	case TCONN_COSE_ENTRIES:
		return read_strings(r, TCONN_LABEL_ITEMS_MAX, TCONN_LABEL_MAX, &ret->entries,
				    &ret->entries_count, err);
	default:	/* nothing signs these: what they say is not to be believed */
		return tconn_fail(err, -EBADMSG, "unknown header %" PRId64, label);
	}
}

int tconn_label_unprotected_decode(const uint8_t *buf, size_t len,
				   struct tconn_label_unprotected *ret, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	struct tconn_cbor_map map;
	int64_t label;
	int error = tconn_cbor_map(&r, 4, &map, err);

	while (!error && map.left) {
		error = take_label(&r, &map, &label, err);
		if (!error)
			error = read_unprotected(&r, label, ret, err);
	}
	if (!error)
		error = tconn_cbor_end(&r, err);
	if (!error && (ret->single != !!ret->entry.len || ret->single == !!ret->entries_count ||
		       (!ret->single && ret->inputs_count)))
		error = tconn_fail(err, -EBADMSG, "it holds neither one entry with its proof nor all of them");
	return error ? tconn_fail_in(err, error, "unprotected header") : 0;
}
