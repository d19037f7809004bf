// SPDX-License-Identifier: Apache-2.0
/*
 * The list of checks, each with the one whose result it builds on. A check whose
 * base did not pass is not made and has not passed.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "appraise_part.h"
#include "pcr.h"

enum check {
	CHECK_AK_CERTIFICATE,
	CHECK_AK_KEY,
	CHECK_QUOTE_SIGNATURE,
	CHECK_QUOTE_FRESH,
	CHECK_QUOTE_PCRS,
	CHECK_KEY_POLICY,
	CHECK_BOOT_LOG,
	CHECK_BOOT_REFERENCE,
	CHECK_SECURE_BOOT,
	CHECK_IMA_LOG,
	CHECK_IMA_REFERENCE,
	CHECK_TCONN_LOG,
	CHECK_TCONN_REFERENCE,
	CHECK_SYSTEM,
	CHECK_COUNT,
};

static bool check_ak_certificate(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *cert = &a->evidence->ak_cert;
	const struct tconn_identity *peer = a->in->peer;
	struct tconn_identity id = { 0 };
	struct tconn_error err = { "" };

	if (!peer || !a->in->trust)
		return tconn_refuse(why, "no identity or no issuer to check against");
	if (tconn_certificate_check(a->in->trust, cert->data, cert->len, TCONN_USE_AK, peer->role,
				    &id, &err))
		return tconn_refuse(why, "%.250s", err.text);
	if (id.role != peer->role || strcmp(id.name, peer->name))
		return tconn_refuse(why, "AK certificate of %.80s, but the TLS certificate is of %.80s",
				    id.name, peer->name);
	return tconn_pass(why, "issued for %.128s", id.name);
}

static bool check_ak_key(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *cert = &a->evidence->ak_cert;
	struct tconn_error err = { "" };

	if (tconn_ak_check(&a->evidence->ak, &err))
		return tconn_refuse(why, "%.250s", err.text);
	if (tconn_certificate_matches(cert->data, cert->len, &a->evidence->ak, &err))
		return tconn_refuse(why, "%.250s", err.text);
	return tconn_pass(why, "restricted signing key of a TPM, the certificate's key");
}

static bool check_quote_signature(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_quote *q = &a->evidence->quote;
	struct tconn_error err = { "" };

	if (tconn_quote_verify(&a->evidence->ak, &q->attest, &q->signature, &a->info, &err))
		return tconn_refuse(why, "%.250s", err.text);
	return tconn_pass(why, "signed by the AK");
}

static bool check_quote_fresh(struct tconn_appraising *a, struct tconn_reason *why)
{
	if (CRYPTO_memcmp(a->info.qualifying, a->in->qualifying, 32))
		return tconn_refuse(why, "the quote is for another nonce, TLS session or peer: it is old or comes from elsewhere");
	return tconn_pass(why, "bound to this nonce and this TLS session");
}

static bool check_quote_pcrs(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_pcrs *pcrs = &a->evidence->quote.pcrs;
	uint8_t digest[32];

	if (a->info.pcr_mask != TCONN_PCR_MASK)
		return tconn_refuse(why, "the quote covers PCR mask %#x, not %#x",
				    a->info.pcr_mask, TCONN_PCR_MASK);
	if (pcrs->mask != TCONN_PCR_MASK)
		return tconn_refuse(why, "values of PCR mask %#x are given, not %#x", pcrs->mask,
				    TCONN_PCR_MASK);
	tconn_pcrs_digest(pcrs, TCONN_PCR_MASK, digest);
	if (!tconn_pcr_equal(digest, a->info.pcr_digest))
		return tconn_refuse(why, "the PCR values given are not those that were quoted");
	return tconn_pass(why, "PCR 0-14, sha256");
}

static const struct {
	const char *name;
	tconn_check_fn fn;
	enum check base;	/* itself: none */
	bool refvals;		/* cannot be made without reference values */
} checks[CHECK_COUNT] = {
	[CHECK_AK_CERTIFICATE] = { "ak-certificate", check_ak_certificate,
				   CHECK_AK_CERTIFICATE, false },
	[CHECK_AK_KEY] = { "ak-key", check_ak_key, CHECK_AK_CERTIFICATE, false },
	[CHECK_QUOTE_SIGNATURE] = { "quote-signature", check_quote_signature, CHECK_AK_KEY, false },
	[CHECK_QUOTE_FRESH] = { "quote-fresh", check_quote_fresh, CHECK_QUOTE_SIGNATURE, false },
	[CHECK_QUOTE_PCRS] = { "quote-pcrs", check_quote_pcrs, CHECK_QUOTE_SIGNATURE, false },
	[CHECK_KEY_POLICY] = { "key-policy", tconn_check_key_policy, CHECK_QUOTE_SIGNATURE, true },
	[CHECK_BOOT_LOG] = { "boot-log", tconn_check_boot_log, CHECK_QUOTE_PCRS, false },
	[CHECK_BOOT_REFERENCE] = { "boot-reference", tconn_check_boot_reference,
				   CHECK_BOOT_LOG, true },
	[CHECK_SECURE_BOOT] = { "secure-boot", tconn_check_secure_boot, CHECK_BOOT_LOG, true },
	[CHECK_IMA_LOG] = { "ima-log", tconn_check_ima_log, CHECK_QUOTE_PCRS, false },
	[CHECK_IMA_REFERENCE] = { "ima-reference", tconn_check_ima_reference,
				  CHECK_IMA_LOG, true },
	[CHECK_TCONN_LOG] = { "tconn-log", tconn_check_tconn_log, CHECK_QUOTE_PCRS, false },
	[CHECK_TCONN_REFERENCE] = { "tconn-reference", tconn_check_tconn_reference,
				    CHECK_TCONN_LOG, true },
	[CHECK_SYSTEM] = { "system", tconn_check_system, CHECK_IMA_REFERENCE, true },
};

_Static_assert((int)CHECK_COUNT <= TCONN_CHECKS_MAX, "verdict holds all checks");

static bool run(enum check c, struct tconn_appraising *a, const bool *passed,
		struct tconn_reason *why)
{
	if (checks[c].base != c && !passed[checks[c].base])
		return tconn_refuse(why, "not checked: %s failed", checks[checks[c].base].name);
	if (checks[c].refvals && !a->refvals)
		return tconn_refuse(why, "not checked: there are no reference values to compare with");
	return checks[c].fn(a, why);
}

static void renew(struct tconn_ima_state *state, const struct tconn_appraising *a, bool trusted)
{
	if (state)
		*state = trusted ? a->ima : (struct tconn_ima_state){ 0 };
}

int tconn_appraise(const struct tconn_appraisal *in, struct tconn_verdict *ret)
{
	struct tconn_appraising a = {
		.evidence = in->evidence, .refvals = in->refvals, .in = in,
	};
	bool passed[CHECK_COUNT] = { false };

	memset(ret, 0, sizeof(*ret));
	ret->trusted = true;
	for (enum check c = 0; c < CHECK_COUNT; c++) {
		struct tconn_reason why = { 0 };

		passed[c] = run(c, &a, passed, &why);
		if (passed[c] && why.warning)
			tconn_verdict_warn(ret, checks[c].name, "%s", why.text);
		else
			tconn_verdict_add(ret, checks[c].name, passed[c], "%s", why.text);
	}
	renew(in->state, &a, ret->trusted);
	return ret->trusted ? 0 : -EKEYREJECTED;
}

/* Reasons quote foreign bytes (paths), and end up on terminals and in JSON. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
	}
}

/* NULL where there is no room, and then the verdict is bad. */
static struct tconn_check *add(struct tconn_verdict *v, const char *name, bool pass)
{
	struct tconn_check *c;

	if (!pass || v->count >= TCONN_CHECKS_MAX)
		v->trusted = false;
	if (v->count >= TCONN_CHECKS_MAX)
		return NULL;
	c = &v->check[v->count++];
	*c = (struct tconn_check){ .pass = pass };
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

void tconn_verdict_add(struct tconn_verdict *v, const char *name, bool pass, const char *fmt, ...)
{
	struct tconn_check *c = add(v, name, pass);
	va_list args;

	if (!c)
		return;
	va_start(args, fmt);
	vsnprintf(c->reason, sizeof(c->reason), fmt, args);
	va_end(args);
	make_printable(c->reason);
}

void tconn_verdict_warn(struct tconn_verdict *v, const char *name, const char *fmt, ...)
{
	struct tconn_check *c = add(v, name, true);
	va_list args;

	if (!c)
		return;
	c->warning = true;
	va_start(args, fmt);
	vsnprintf(c->reason, sizeof(c->reason), fmt, args);
	va_end(args);
	make_printable(c->reason);
}
