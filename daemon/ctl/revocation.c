// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "../lib/identity.h"
#include "../lib/jsonline.h"
#include "../lib/revocation.h"
#include "ctl.h"

#define CRL_MAX	(16u << 20)

static struct json_object *about(const char *verb, const char *kind, const char *subject,
				 const char *reason)
{
	struct json_object *request = json_object_new_object();

	tconn_json_add_string(request, "do", verb);
	tconn_json_add_string(request, "kind", kind);
	tconn_json_add_string(request, "subject", subject);
	if (reason)
		tconn_json_add_string(request, "reason", reason);
	return request;
}

static void time_words(const char *seconds, char *ret, size_t size)
{
	time_t t = (time_t)strtoll(seconds, NULL, 10);
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(ret, size, "?");
}

static void print_list(struct json_object *reply)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(reply, "revocations", &list);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *r = json_object_array_get_idx(list, i);
		char since[32], until[32] = "";

		time_words(member(r, "time"), since, sizeof(since));
		if (*member(r, "lifted"))
			time_words(member(r, "lifted"), until, sizeof(until));
		print("%s %s  since %s%s%s: %s", member(r, "kind"), member(r, "subject"), since,
		      *until ? ", LIFTED " : "", until, member(r, "reason"));
	}
}

static int list(const struct ctl *ctl)
{
	struct json_object *request = json_object_new_object();

	tconn_json_add_string(request, "do", "revocation-list");
	return call_and_show(ctl, request, print_list);
}

/* -- an issuer's CRL */

/* PEM or DER. */
static X509_CRL *parse_crl(const uint8_t *data, size_t len)
{
	const uint8_t *at = data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);
	BIO *bio;

	if (crl && at == data + len)
		return crl;
	X509_CRL_free(crl);
	bio = BIO_new_mem_buf(data, (int)len);
	crl = bio ? PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	return crl;
}

static X509_CRL *load_crl(const char *path, struct tconn_error *err)
{
	uint8_t *data = malloc(CRL_MAX);
	X509_CRL *crl = NULL;
	size_t len;
	int r = data ? read_whole(path, data, CRL_MAX, &len, err) :
		tconn_fail(err, -ENOMEM, "out of memory");

	if (r == 0) {
		crl = parse_crl(data, len);
		if (!crl)
			tconn_fail(err, -EBADMSG, "%s: no revocation list in PEM or DER", path);
	}
	free(data);
	return crl;
}

static bool signed_by_one_of(X509_CRL *crl, X509_STORE *trust)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *issuer = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (issuer && !X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(crl)) &&
		    X509_get_key_usage(issuer) & KU_CRL_SIGN &&
		    X509_CRL_verify(crl, X509_get0_pubkey(issuer)) == 1)
			return true;
	}
	ERR_clear_error();
	return false;
}

static int check_crl(X509_CRL *crl, const char *trust_file, struct tconn_error *err)
{
	const ASN1_TIME *until = X509_CRL_get0_nextUpdate(crl);
	X509_STORE *trust = NULL;
	int r = tconn_trust_load(trust_file, &trust, err);

	/* A delta takes entries back, others leave some out: neither is what import promises. */
	if (r == 0 && (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0 ||
		       X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >= 0))
		r = tconn_fail(err, -EKEYREJECTED, "the list is not of all certificates");
	if (r == 0 && !signed_by_one_of(crl, trust))
		r = tconn_fail(err, -EKEYREJECTED, "no issuer in %s signed this list", trust_file);
	if (r == 0 && until && X509_cmp_current_time(until) < 0)
		r = tconn_fail(err, -EKEYREJECTED, "the list has ended; get the issuer's newest");
	X509_STORE_free(trust);
	return r;
}

static const char *reason_words(X509_REVOKED *entry)
{
	static const char *const words[] = {
		"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", NULL, NULL, "privilegeWithdrawn",
		"aACompromise",
	};
	ASN1_ENUMERATED *e = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	long n = e ? ASN1_ENUMERATED_get(e) : 0;

	ASN1_ENUMERATED_free(e);
	return n >= 0 && n < (long)(sizeof(words) / sizeof(words[0])) && words[n] ? words[n] : words[0];
}

static void entry_serial(X509_REVOKED *entry, char ret[TCONN_SERIAL_TEXT])
{
	X509 *cert = X509_new();

	ret[0] = '\0';
	if (cert && X509_set_serialNumber(cert, (ASN1_INTEGER *)X509_REVOKED_get0_serialNumber(entry)))
		tconn_serial_text(cert, ret);
	X509_free(cert);
}

/* What is revoked here already stays as it is. */
static int take_entry(const struct ctl *ctl, X509_REVOKED *entry, unsigned int *added)
{
	char serial[TCONN_SERIAL_TEXT], reason[64];
	struct json_object *reply;
	int r;

	entry_serial(entry, serial);
	snprintf(reason, sizeof(reason), "issuer's list: %s", reason_words(entry));
	r = call_service(ctl, about("revocation-add", "certificate", serial, reason), &reply);
	if (r)
		return r;
	if (flag(reply, "ok"))
		(*added)++;
	else if (strtol(member(reply, "code"), NULL, 10) != EEXIST)
		r = reply_code(ctl, reply);
	json_object_put(reply);
	return r;
}

static int take_crl(const struct ctl *ctl, X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	struct json_object *done;
	unsigned int added = 0;
	int r = 0;

	for (int i = 0; i < sk_X509_REVOKED_num(entries) && r == 0; i++)
		r = take_entry(ctl, sk_X509_REVOKED_value(entries, i), &added);
	if (r)
		return r;
	if (!ctl->json) {
		print("%u certificates revoked, %d on the list", added,
		      entries ? sk_X509_REVOKED_num(entries) : 0);
		return CTL_OK;
	}
	done = json_object_new_object();
	tconn_json_add(done, "ok", json_object_new_boolean(1));
	tconn_json_add(done, "added", json_object_new_int64(added));
	print_json(done);
	json_object_put(done);
	return CTL_OK;
}

static int import(const struct ctl *ctl, const char *path, const char *trust)
{
	struct tconn_error err = { "" };
	X509_CRL *crl = load_crl(path, &err);
	int r = crl ? check_crl(crl, trust, &err) : -EBADMSG;

	r = r < 0 ? failure(ctl, r, &err) : take_crl(ctl, crl);
	X509_CRL_free(crl);
	return r;
}

/* -- the command */

struct words {
	const char *reason, *trust;
	int count;
	char **word;
};

static int parse(int argc, char **argv, struct words *ret)
{
	static const struct option options[] = {
		{ "reason", required_argument, NULL, 'r' },
		{ "trust", required_argument, NULL, 't' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'r')
			ret->reason = optarg;
		else if (o == 't')
			ret->trust = optarg;
		else
			return usage("bad option of revocation");
	}
	ret->count = argc - optind;
	ret->word = argv + optind;
	return 0;
}

int command_revocation(const struct ctl *ctl, int argc, char **argv)
{
	struct words w = { 0 };
	const char *what;

	if (parse(argc, argv, &w))
		return CTL_USAGE;
	what = w.count ? w.word[0] : "";
	if (strcmp(what, "add") == 0 && w.count == 3 && !w.trust)
		return call_and_show(ctl, about("revocation-add", w.word[1], w.word[2], w.reason), NULL);
	if (strcmp(what, "lift") == 0 && w.count == 3 && !w.trust && !w.reason)
		return call_and_show(ctl, about("revocation-lift", w.word[1], w.word[2], NULL), NULL);
	if (strcmp(what, "list") == 0 && w.count == 1 && !w.trust && !w.reason)
		return list(ctl);
	if (strcmp(what, "import") == 0 && w.count == 2 && w.trust && !w.reason)
		return import(ctl, w.word[1], w.trust);
	return usage("revocation add device|certificate ID [--reason TEXT], lift device|certificate ID, "
		     "list, or import FILE --trust CA_FILE");
}
