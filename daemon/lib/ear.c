// SPDX-License-Identifier: Apache-2.0
#include "ear.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cose.h"
#include "version.h"

#define CMW_RESULTS	8		/* cm-type: attestation results */
#define CLAIM_ISS	1
#define CLAIM_SUB	2
#define CLAIM_IAT	6
#define CLAIM_PROFILE	265
#define CLAIM_SUBMODS	266
#define CLAIM_VERIFIER	1004
#define EAR_STATUS	1000
#define EAR_VECTOR	1001
#define EAR_CHECKS	70000		/* the n of -70001 */
#define URN_MAX		(TCONN_IDENTITY_MAX + 32)

static const char content_type[] = "application/eat+cwt";
static const char profile[] = "tag:github.com,2023:veraison/ear";
static const char submodule[] = "tconn";
static const char developer[] = "tconn";

const char *tconn_tier_name(enum tconn_tier tier)
{
	switch (tier) {
	case TCONN_TIER_AFFIRMING:
		return "affirming";
	case TCONN_TIER_WARNING:
		return "warning";
	case TCONN_TIER_CONTRAINDICATED:
		return "contraindicated";
	case TCONN_TIER_NONE:
		break;
	}
	return "none";
}

/* What is no check of logs or settings is about who attests. */
static enum tconn_trust_part part_of(const char *check)
{
	if (!strncmp(check, "ima-", 4))
		return TCONN_TRUST_EXECUTABLES;
	if (!strncmp(check, "boot-", 5) || !strncmp(check, "tconn-", 6) ||
	    !strncmp(check, "record-", 7) || !strcmp(check, "secure-boot") ||
	    !strcmp(check, "system"))
		return TCONN_TRUST_CONFIGURATION;
	return TCONN_TRUST_IDENTITY;
}

void tconn_verdict_grade(const struct tconn_verdict *v, enum tconn_tier ret[TCONN_TRUST_PARTS],
			 enum tconn_tier *ret_status)
{
	/* A verdict that lists nothing, or is not trusted for another reason, is no good one. */
	*ret_status = v->trusted && v->count ? TCONN_TIER_NONE : TCONN_TIER_CONTRAINDICATED;
	for (int i = 0; i < TCONN_TRUST_PARTS; i++)
		ret[i] = TCONN_TIER_NONE;
	for (size_t i = 0; i < v->count; i++) {
		const struct tconn_check *c = &v->check[i];
		enum tconn_tier tier = !c->pass ? TCONN_TIER_CONTRAINDICATED :
				       c->warning ? TCONN_TIER_WARNING : TCONN_TIER_AFFIRMING;
		enum tconn_trust_part part = part_of(c->name);

		if (tier > ret[part])
			ret[part] = tier;
		if (tier > *ret_status)
			*ret_status = tier;
	}
}

static void put_urn(struct tconn_cbor_writer *w, uint64_t claim, const char *urn, const char *name)
{
	char text[URN_MAX];

	snprintf(text, sizeof(text), "%s%s", urn, name);
	tconn_cbor_put_uint(w, claim);
	tconn_cbor_put_text(w, text, sizeof(text));
}

static void put_appraisal(struct tconn_cbor_writer *w, const struct tconn_verdict *v)
{
	enum tconn_tier part[TCONN_TRUST_PARTS], status;

	tconn_verdict_grade(v, part, &status);
	tconn_cbor_put_map(w, 1);
	tconn_cbor_put_text(w, submodule, sizeof(submodule));
	tconn_cbor_put_map(w, 3);
	tconn_cbor_put_uint(w, EAR_STATUS);
	tconn_cbor_put_uint(w, status);
	tconn_cbor_put_uint(w, EAR_VECTOR);
	tconn_cbor_put_map(w, TCONN_TRUST_PARTS);
	for (unsigned int i = 0; i < TCONN_TRUST_PARTS; i++) {
		tconn_cbor_put_uint(w, i);
		tconn_cbor_put_uint(w, part[i]);
	}
	tconn_cbor_put_negative(w, EAR_CHECKS);
	tconn_cbor_put_checks(w, v);
}

static int encode_claims(const struct tconn_ear *e, struct tconn_bytes *ret,
			 struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, 6);
	put_urn(&w, CLAIM_ISS, TCONN_URN_SERVICE, e->service);
	put_urn(&w, CLAIM_SUB, TCONN_URN_DEVICE, e->device);
	tconn_cbor_put_uint(&w, CLAIM_IAT);
	tconn_cbor_put_uint(&w, e->time);
	tconn_cbor_put_uint(&w, CLAIM_PROFILE);
	tconn_cbor_put_text(&w, profile, sizeof(profile));
	tconn_cbor_put_uint(&w, CLAIM_SUBMODS);
	put_appraisal(&w, &e->verdict);
	tconn_cbor_put_uint(&w, CLAIM_VERIFIER);
	tconn_cbor_put_map(&w, 2);
	tconn_cbor_put_uint(&w, 0);
	tconn_cbor_put_text(&w, "tconn-serviced " TCONN_VERSION, 64);
	tconn_cbor_put_uint(&w, 1);
	tconn_cbor_put_text(&w, developer, sizeof(developer));
	return tconn_cbor_finish(&w, ret, err);
}

static int wrap(const struct tconn_bytes *cose, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_array(&w, 3);
	tconn_cbor_put_text(&w, content_type, sizeof(content_type));
	tconn_cbor_put_bytes(&w, cose->data, cose->len);
	tconn_cbor_put_uint(&w, CMW_RESULTS);
	return tconn_cbor_finish(&w, ret, err);
}

int tconn_ear_sign(const struct tconn_ear *e, struct tconn_tpm *tpm, const uint8_t *data_cert,
		   size_t data_cert_len, struct tconn_bytes *ret, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes claims = { 0 };
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes protected = { 0 };
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes cose = { 0 };
	struct tconn_cose c = { 0 };
	int error = encode_claims(e, &claims, err);

	if (!error)
		error = tconn_cose_write_header(TCONN_COSE_ES256, content_type, data_cert, data_cert_len,
						&protected, err);
	if (!error) {
		c.payload = claims.data;
		c.payload_len = claims.len;
		c.protected = protected.data;
		c.protected_len = protected.len;
		error = tconn_cose_sign(&c, tpm, data_cert, data_cert_len, err);
	}
	if (!error)
		error = tconn_cose_encode(&c, TCONN_EAR_MAX - 64, &cose, err);
	if (!error)
		error = wrap(&cose, ret, err);
	return error ? tconn_fail_in(err, error, "verdict") : 0;
}

static int expect_text(struct tconn_cbor *r, const char *text, struct tconn_error *err)
{
	char got[64];
	int error = tconn_cbor_string(r, got, sizeof(got), err);

	if (!error && strcmp(got, text))
		return tconn_fail(err, -EBADMSG, "\"%s\" where \"%s\" is expected", got, text);
	return error;
}

static int get_urn(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t claim,
		   const char *urn, char ret[TCONN_IDENTITY_MAX], struct tconn_error *err)
{
	char text[URN_MAX];
	int error = tconn_cbor_expect_key(r, map, claim, err);

	if (!error)
		error = tconn_cbor_string(r, text, sizeof(text), err);
	if (error)
		return error;
	if (strncmp(text, urn, strlen(urn)) || strlen(text + strlen(urn)) >= TCONN_IDENTITY_MAX)
		return tconn_fail(err, -EBADMSG, "claim %" PRIu64 " is no %s...", claim, urn);
	strcpy(ret, text + strlen(urn));
	return 0;
}

static int get_tier(struct tconn_cbor *r, struct tconn_cbor_map *map, uint64_t key,
		    enum tconn_tier *ret, struct tconn_error *err)
{
	uint64_t tier = 0;
	int error = tconn_cbor_expect_key(r, map, key, err);

	if (!error)
		error = tconn_cbor_uint(r, TCONN_TIER_CONTRAINDICATED, &tier, err);
	if (error)
		return error;
	if (tier && !strcmp(tconn_tier_name((enum tconn_tier)tier), "none"))
		return tconn_fail(err, -EBADMSG, "%" PRIu64 " is no tier", tier);
	*ret = (enum tconn_tier)tier;
	return 0;
}

static int get_vector(struct tconn_cbor *r, struct tconn_cbor_map *map, struct tconn_ear *e,
		      struct tconn_error *err)
{
	struct tconn_cbor_map vector;
	int error = tconn_cbor_expect_key(r, map, EAR_VECTOR, err);

	if (!error)
		error = tconn_cbor_map(r, TCONN_TRUST_PARTS, &vector, err);
	for (unsigned int i = 0; !error && i < TCONN_TRUST_PARTS; i++)
		error = get_tier(r, &vector, i, &e->part[i], err);
	return error;
}

static int get_checks(struct tconn_cbor *r, struct tconn_cbor_map *map, struct tconn_ear *e,
		      struct tconn_error *err)
{
	uint64_t n;
	int error;

	if (!map->left)
		return tconn_fail(err, -EBADMSG, "the checks are missing");
	error = tconn_cbor_negative(r, &n, err);
	if (!error && n != EAR_CHECKS)
		return tconn_fail(err, -EBADMSG, "unknown claim -%" PRIu64, n + 1);
	return error ? error : tconn_cbor_checks(r, &e->verdict, err);
}

/* The status must be what the checks give, but for a warning, which they do not show. */
static int check_status(struct tconn_ear *e, struct tconn_error *err)
{
	enum tconn_tier part[TCONN_TRUST_PARTS], status;

	e->verdict.trusted = e->status != TCONN_TIER_CONTRAINDICATED;
	tconn_verdict_grade(&e->verdict, part, &status);
	if ((status == TCONN_TIER_CONTRAINDICATED) != (e->status == TCONN_TIER_CONTRAINDICATED))
		return tconn_fail(err, -EBADMSG, "the status contradicts the checks");
	return 0;
}

static int get_appraisal(struct tconn_cbor *r, struct tconn_ear *e, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(r, 1, &map, err);

	if (!error && map.left != 1)
		return tconn_fail(err, -EBADMSG, "no submodule");
	if (!error)
		error = expect_text(r, submodule, err);
	if (!error)
		error = tconn_cbor_map(r, 3, &map, err);
	if (!error)
		error = get_tier(r, &map, EAR_STATUS, &e->status, err);
	if (!error)
		error = get_vector(r, &map, e, err);
	if (!error)
		error = get_checks(r, &map, e, err);
	return error ? error : check_status(e, err);
}

static int get_verifier(struct tconn_cbor *r, struct tconn_error *err)
{
	struct tconn_cbor_map map;
	char text[64];
	int error = tconn_cbor_map(r, 2, &map, err);

	for (unsigned int i = 0; !error && i < 2; i++) {
		error = tconn_cbor_expect_key(r, &map, i, err);
		if (!error)
			error = tconn_cbor_string(r, text, sizeof(text), err);
	}
	return error;
}

static int decode_claims(const struct tconn_cose *c, struct tconn_ear *e, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(c->payload, c->payload_len);
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(&r, 6, &map, err);

	if (!error)
		error = get_urn(&r, &map, CLAIM_ISS, TCONN_URN_SERVICE, e->service, err);
	if (!error)
		error = get_urn(&r, &map, CLAIM_SUB, TCONN_URN_DEVICE, e->device, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, CLAIM_IAT, err);
	if (!error)
		error = tconn_cbor_uint(&r, INT64_MAX, &e->time, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, CLAIM_PROFILE, err);
	if (!error)
		error = expect_text(&r, profile, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, CLAIM_SUBMODS, err);
	if (!error)
		error = get_appraisal(&r, e, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, CLAIM_VERIFIER, err);
	if (!error)
		error = get_verifier(&r, err);
	return error ? error : tconn_cbor_end(&r, err);
}

static int decode_protected(const struct tconn_cose *c, struct tconn_cose_header *ret,
			    struct tconn_error *err)
{
	int error = tconn_cose_read_header(c, ret, err);

	if (!error && ret->alg != TCONN_COSE_ES256)
		return tconn_fail(err, -EBADMSG, "signed with another algorithm than ES256");
	if (!error && strcmp(ret->type, content_type))
		return tconn_fail(err, -EBADMSG, "\"%s\" where \"%s\" is expected", ret->type,
				  content_type);
	return error;
}

static int unwrap(const uint8_t *cmw, size_t len, struct tconn_cose *ret, struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(cmw, len);
	const uint8_t *cose = NULL;
	size_t count = 0, cose_len = 0;
	uint64_t type = 0;
	int error = tconn_cbor_array(&r, 3, &count, err);

	if (!error && count != 3)
		return tconn_fail(err, -EBADMSG, "no conceptual message wrapper of three");
	if (!error)
		error = expect_text(&r, content_type, err);
	if (!error)
		error = tconn_cbor_bytes(&r, TCONN_EAR_MAX, &cose, &cose_len, err);
	if (!error)
		error = tconn_cbor_uint(&r, UINT32_MAX, &type, err);
	if (!error && type != CMW_RESULTS)
		return tconn_fail(err, -EBADMSG, "no attestation result");
	if (!error)
		error = tconn_cbor_end(&r, err);
	if (!error)
		error = tconn_cose_decode(cose, cose_len, ret, err);
	if (!error && (ret->detached || ret->unprotected_len != 1))
		return tconn_fail(err, -EBADMSG, "has no payload, or an unprotected header");
	return error;
}

/* The claims are read only once it is known who signed them. */
static int verify(const struct tconn_cose *c, struct x509_store_st *trust, struct tconn_ear *e,
		  struct tconn_error *err)
{
	struct tconn_identity signer = { 0 };
	struct tconn_cose_header h;
	int error = decode_protected(c, &h, err);

	if (!error)
		error = tconn_certificate_check(trust, h.cert, h.cert_len, TCONN_USE_DATA,
						TCONN_ROLE_SERVICE, &signer, err);
	if (!error)
		error = tconn_cose_verify(c, TCONN_COSE_ES256, h.cert, h.cert_len, err);
	if (!error)
		error = decode_claims(c, e, err);
	if (!error && strcmp(signer.name, e->service))
		return tconn_fail(err, -EKEYREJECTED, "signed by service %.100s, but it names %.100s",
				  signer.name, e->service);
	return error;
}

int tconn_ear_verify(const uint8_t *cmw, size_t len, struct x509_store_st *trust,
		     struct tconn_ear *ret, struct tconn_error *err)
{
	struct tconn_cose c = { 0 };
	struct tconn_ear e = { 0 };
	int error;

	if (len > TCONN_EAR_MAX)
		return tconn_fail(err, -EMSGSIZE, "verdict: %zu bytes are over the limit of %u", len,
				  TCONN_EAR_MAX);
	error = unwrap(cmw, len, &c, err);
	if (!error)
		error = verify(&c, trust, &e, err);
	if (error)
		return tconn_fail_in(err, error, "verdict");
	*ret = e;
	return 0;
}
