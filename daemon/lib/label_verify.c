// SPDX-License-Identifier: Apache-2.0
/* What of a label may be believed. */
#include "label.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/x509.h>

#include "certificate_status.h"
#include "chain.h"
#include "digest.h"
#include "identity.h"
#include "label_read.h"
#include "label_time.h"

#define AHEAD_S	300	/* clocks differ */

/* The signer's certificate: the label's own, or the given one that it names. */
static int find_certificate(const struct tconn_label *l, const struct tconn_label_check *check,
			    struct tconn_label_span *ret, struct tconn_error *err)
{
	struct tconn_label_span cert = { check->certificate, check->certificate_len };
	uint8_t thumbprint[32];

	if (l->header.chain_count)
		cert = l->header.chain[0];
	if (!cert.data)
		return tconn_fail(err, -EKEYREJECTED,
				  "the label names its certificate by its hash only; give it as a file");
	tconn_sha256(cert.data, cert.len, thumbprint);
	if (l->header.has_thumbprint && memcmp(thumbprint, l->header.thumbprint, 32))
		return tconn_fail(err, -EKEYREJECTED, "the certificate is not the one that the label names");
	*ret = cert;
	return 0;
}

static void free_chain(STACK_OF(X509) **chain)
{
	sk_X509_pop_free(*chain, X509_free);
}

static int untrusted(const struct tconn_label *l, STACK_OF(X509) *ret, struct tconn_error *err)
{
	for (size_t i = 1; i < l->header.chain_count; i++) {
		X509 *cert = tconn_chain_parse(l->header.chain[i].data, l->header.chain[i].len);

		if (!cert || !sk_X509_push(ret, cert)) {
			X509_free(cert);
			return tconn_fail(err, -EBADMSG, "certificate %zu of the chain is malformed",
					  i + 1);
		}
	}
	return 0;
}

static int check_identity(const struct tconn_label_span *cert, const char *who, char *ret,
			  size_t size, struct tconn_error *err)
{
	struct tconn_identity id;
	int r = tconn_certificate_identity(cert->data, cert->len, TCONN_USE_DATA, TCONN_ROLE_DEVICE,
					   &id, err);

	if (r)
		r = tconn_certificate_identity(cert->data, cert->len, TCONN_USE_DATA,
					       TCONN_ROLE_SERVICE, &id, err);
	if (r)
		return -EKEYREJECTED;
	snprintf(ret, size, "%s%s", id.role == TCONN_ROLE_DEVICE ? TCONN_URN_DEVICE :
								   TCONN_URN_SERVICE, id.name);
	if (who && strcmp(who, ret))
		return tconn_fail(err, -EXDEV, "signed by %s, not by %s", ret, who);
	return 0;
}

static int check_status(const struct tconn_label_check *check, X509 *cert, X509 *issuer,
			struct tconn_label_report *report, struct tconn_error *err)
{
	const struct tconn_status_source source = {
		.crl = check->crl, .crl_len = check->crl_len,
		.ocsp = check->ocsp, .ocsp_len = check->ocsp_len, .trust = check->trust,
	};
	bool is_known;
	int r = tconn_certificate_status(&source, cert, issuer, report->signed_at,
					 report->time_proven, report->status, sizeof(report->status),
					 &is_known, err);

	if (!r && check->need_status && !is_known)
		return tconn_fail(err, -EKEYREJECTED, "certificate: whether it was revoked is %s",
				  report->status);
	return r;
}

static int check_certificate(const struct tconn_label *l, const struct tconn_label_check *check,
			     const struct tconn_label_span *der, uint64_t at,
			     struct tconn_label_report *report, struct tconn_error *err)
{
	__attribute__((cleanup(free_chain))) STACK_OF(X509) *others = sk_X509_new_null();
	X509 *cert = tconn_chain_parse(der->data, der->len), *issuer = NULL;
	int r = cert && others ? untrusted(l, others, err) :
		tconn_fail(err, -EBADMSG, "the certificate is malformed");

	if (!r)
		r = tconn_chain_verify(cert, others, check->trust, at, &issuer, err);
	if (!r)
		r = check_identity(der, check->who, report->who, sizeof(report->who), err);
	if (!r)
		r = check_status(check, cert, issuer, report, err);
	X509_free(issuer);
	X509_free(cert);
	return r;
}

/* A label's own time is a claim: without a token the certificate has to be valid now. */
static int check_time(const struct tconn_label *l, const struct tconn_label_check *check,
		      uint64_t now, struct tconn_label_report *report, struct tconn_error *err)
{
	uint64_t claimed = l->header.clock.time_us / 1000000;
	int r;

	report->signed_at = claimed;
	if (claimed > now + AHEAD_S)
		return tconn_fail(err, -EKEYREJECTED, "the label says that it is from the future");
	if (!check->timestamp && check->need_timestamp)
		return tconn_fail(err, -EKEYREJECTED, "time-stamp: there is none");
	if (!check->timestamp)
		return 0;
	r = tconn_stamp_verify(check->timestamp, check->timestamp_len, l->cose.signature,
			       l->cose.signature_len, check->tsa_trust, now, &report->signed_at, err);
	if (!r && claimed > report->signed_at + AHEAD_S)
		return tconn_fail(err, -EKEYREJECTED, "the label says that it is younger than its time-stamp");
	report->time_proven = !r;
	return r;
}

/* Whether some item of l was derived from item index of from. */
static bool is_input(const struct tconn_label *l, const struct tconn_label *from)
{
	struct tconn_label_item item;
	uint8_t id[32];

	for (size_t i = 0; i < from->count; i++) {
		tconn_label_id(from, i, id);
		for (size_t n = 0; n < l->count; n++) {
			if (tconn_label_item(l, n, &item, NULL))
				continue;
			for (size_t k = 0; k < item.input_count; k++)
				if (!memcmp(item.input[k], id, 32))
					return true;
		}
	}
	return false;
}

static int check_input(const struct tconn_label *l, const struct tconn_label_span *input,
		       const struct tconn_label_check *check, size_t *ret_inputs,
		       struct tconn_error *err)
{
	struct tconn_label_report report;
	struct tconn_label *from;
	int r;

	r = tconn_label_decode(input->data, input->len, &from, err);
	if (r)
		return r;
	r = is_input(l, from) ? tconn_label_verify(from, check, &report, err) :
	    tconn_fail(err, -EBADMSG, "carried as an input, but nothing was derived from it");
	tconn_label_free(from);
	if (!r)
		*ret_inputs += 1 + report.inputs;
	return r;
}

/* What they were signed before is known: the label around them. Who made them may differ. */
static int check_inputs(const struct tconn_label *l, const struct tconn_label_check *check,
			struct tconn_label_report *report, struct tconn_error *err)
{
	struct tconn_label_check inner = *check;
	char where[32];

	inner.who = NULL;
	inner.timestamp = NULL;
	inner.need_timestamp = false;
	inner.now = report->time_proven ? report->signed_at : check->now;
	inner.depth = check->depth + 1;
	if (l->un.inputs_count && inner.depth >= TCONN_LABEL_DEPTH_MAX)
		return tconn_fail(err, -EMSGSIZE, "labels within labels, more than %d deep",
				  TCONN_LABEL_DEPTH_MAX);
	for (size_t i = 0; i < l->un.inputs_count; i++) {
		int r = check_input(l, &l->input[i], &inner, &report->inputs, err);

		snprintf(where, sizeof(where), "input %zu", i + 1);
		if (r)
			return tconn_fail_in(err, r, where);
	}
	return 0;
}

int tconn_label_verify(const struct tconn_label *l, const struct tconn_label_check *check,
		       struct tconn_label_report *ret, struct tconn_error *err)
{
	const uint64_t now = check->now ? check->now : (uint64_t)time(NULL);
	struct tconn_label_report report = { 0 };
	struct tconn_label_span cert = { 0 };
	int r = find_certificate(l, check, &cert, err);

	if (!r)
		r = tconn_cose_verify(&l->cose, TCONN_COSE_ES256, cert.data, cert.len, err);
	if (!r)
		r = check_time(l, check, now, &report, err);
	if (!r)
		r = check_certificate(l, check, &cert, report.time_proven ? report.signed_at : now,
				      &report, err);
	if (!r)
		r = check_inputs(l, check, &report, err);
	if (r)
		return tconn_fail_in(err, r, "label");
	*ret = report;
	return 0;
}

int tconn_label_stamp_query(const struct tconn_label *l, struct tconn_bytes *ret,
			    struct tconn_error *err)
{
	return tconn_stamp_query(l->cose.signature, l->cose.signature_len, ret, err);
}
