// SPDX-License-Identifier: Apache-2.0
#include "certificate_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#define SOURCE_MAX	(16 << 20)	/* bytes */
#define TIME_TEXT	32

struct finding {
	bool revoked;
	uint64_t since;			/* then */
	uint64_t from, until;		/* what the source covers; until 0: open */
	const char *source;
};

static uint64_t seconds(const ASN1_TIME *t)
{
	struct tm tm = { 0 };
	time_t at;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	at = timegm(&tm);
	return at > 0 ? (uint64_t)at : 0;
}

static const char *time_text(uint64_t t, char ret[TIME_TEXT])
{
	time_t at = (time_t)t;
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(ret, TIME_TEXT, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return ret;
}

static int search_crl(X509_CRL *crl, X509 *cert, X509 *issuer, struct finding *ret,
		      struct tconn_error *err)
{
	X509_REVOKED *entry = NULL;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) ||
	    X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		return tconn_fail(err, -EKEYREJECTED, "the list is not by the certificate's issuer");
	/* A delta, or a list of some certificates only, would not say all. */
	if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0 ||
	    X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >= 0)
		return tconn_fail(err, -EKEYREJECTED, "the list is not of all certificates");
	*ret = (struct finding){
		.from = seconds(X509_CRL_get0_lastUpdate(crl)),
		.until = seconds(X509_CRL_get0_nextUpdate(crl)),
		.source = "revocation list",
	};
	if (X509_CRL_get0_by_serial(crl, &entry, X509_get_serialNumber(cert)) == 1) {
		ret->revoked = true;
		ret->since = seconds(X509_REVOKED_get0_revocationDate(entry));
	}
	return 0;
}

static int read_crl(const struct tconn_status_source *s, X509 *cert, X509 *issuer,
		    struct finding *ret, struct tconn_error *err)
{
	const uint8_t *at = s->crl;
	X509_CRL *crl = s->crl_len <= SOURCE_MAX ? d2i_X509_CRL(NULL, &at, (long)s->crl_len) : NULL;
	int r;

	if (crl && at == s->crl + s->crl_len)
		r = search_crl(crl, cert, issuer, ret, err);
	else
		r = tconn_fail(err, -EBADMSG, "no revocation list in DER");
	X509_CRL_free(crl);
	return r;
}

static bool find_single(OCSP_BASICRESP *basic, X509 *cert, X509 *issuer, struct finding *ret)
{
	const EVP_MD *const md[] = { EVP_sha256(), EVP_sha1() };	/* they name the issuer only */
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
	bool found = false;
	int status = -1;

	for (size_t i = 0; !found && i < 2; i++) {
		OCSP_CERTID *id = OCSP_cert_to_id(md[i], cert, issuer);

		found = id && OCSP_resp_find_status(basic, id, &status, NULL, &revoked, &from,
						    &until) == 1;
		OCSP_CERTID_free(id);
	}
	if (!found || status == V_OCSP_CERTSTATUS_UNKNOWN)
		return false;
	*ret = (struct finding){
		.revoked = status == V_OCSP_CERTSTATUS_REVOKED, .since = seconds(revoked),
		.from = seconds(from), .until = seconds(until), .source = "OCSP response",
	};
	return true;
}

static int search_ocsp(const struct tconn_status_source *s, OCSP_RESPONSE *response, X509 *cert,
		       X509 *issuer, struct finding *ret, struct tconn_error *err)
{
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
	int r = 0;

	/* OCSP_TRUSTOTHER is not set: the responder chains to trust, or it is nobody. */
	if (!basic || OCSP_basic_verify(basic, NULL, s->trust, 0) != 1)
		r = tconn_fail(err, -EKEYREJECTED, "the OCSP response is not by whom it must be");
	else if (!find_single(basic, cert, issuer, ret))
		r = tconn_fail(err, -EKEYREJECTED, "the OCSP response does not know the certificate");
	OCSP_BASICRESP_free(basic);
	return r;
}

static int read_ocsp(const struct tconn_status_source *s, X509 *cert, X509 *issuer,
		     struct finding *ret, struct tconn_error *err)
{
	const uint8_t *at = s->ocsp;
	OCSP_RESPONSE *response = s->ocsp_len <= SOURCE_MAX ?
				  d2i_OCSP_RESPONSE(NULL, &at, (long)s->ocsp_len) : NULL;
	int r;

	if (response && at == s->ocsp + s->ocsp_len)
		r = search_ocsp(s, response, cert, issuer, ret, err);
	else
		r = tconn_fail(err, -EBADMSG, "no OCSP response in DER");
	OCSP_RESPONSE_free(response);
	return r;
}

static int judge(const struct finding *f, uint64_t when, bool proven, char *ret, size_t size,
		 bool *ret_known, struct tconn_error *err)
{
	char since[TIME_TEXT], until[TIME_TEXT];

	if (f->revoked && (!proven || f->since <= when))
		return tconn_fail(err, -EKEYREVOKED, "revoked since %s%s", time_text(f->since, since),
				  f->since > when ? ", and nothing proves that this was before" : "");
	if (f->revoked)
		snprintf(ret, size, "revoked later (%s)", time_text(f->since, since));
	else
		snprintf(ret, size, "not revoked, %s of %s", f->source, time_text(f->from, since));
	/* What ended before says nothing about that time. */
	*ret_known = f->revoked || !f->until || f->until >= when;
	if (!*ret_known)
		snprintf(ret, size, "unknown: the %s ended %s", f->source,
			 time_text(f->until, until));
	return 0;
}

int tconn_certificate_status(const struct tconn_status_source *s, struct x509_st *cert,
			     struct x509_st *issuer, uint64_t when, bool proven, char *ret,
			     size_t size, bool *ret_known, struct tconn_error *err)
{
	struct finding f = { 0 };
	int r = 0;

	*ret_known = false;
	snprintf(ret, size, "not asked for");
	if (s->crl)
		r = read_crl(s, cert, issuer, &f, err);
	if (!r && s->crl)
		r = judge(&f, when, proven, ret, size, ret_known, err);
	if (!r && s->ocsp)
		r = read_ocsp(s, cert, issuer, &f, err);
	if (!r && s->ocsp)
		r = judge(&f, when, proven, ret, size, ret_known, err);
	ERR_clear_error();
	return r ? tconn_fail_in(err, r, "certificate") : 0;
}
