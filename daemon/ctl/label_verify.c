// SPDX-License-Identifier: Apache-2.0
#include "label.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/identity.h"
#include "../lib/jsonline.h"

#define STATUS_MAX	(16u << 20)	/* bytes of a CRL, an OCSP response or a token */

struct verifying {
	const char *trust, *tsa_trust, *certificate, *crl, *ocsp, *timestamp, *state;
	bool allow_gaps;
	struct tconn_label_check check;
	uint8_t *cert;
	struct tconn_bytes crl_der, ocsp_der, token;
	const char *label;
	char **files;
	size_t file_count;
	size_t checked;		/* items whose data was looked at */
};

static bool take_option(struct verifying *v, int o)
{
	switch (o) {
	case 't':
		v->trust = optarg;
		return true;
	case 'T':
		v->tsa_trust = optarg;
		return true;
	case 'w':
		v->check.who = optarg;
		return true;
	case 'c':
		v->certificate = optarg;
		return true;
	case 'r':
		v->crl = optarg;
		return true;
	case 'o':
		v->ocsp = optarg;
		return true;
	case 's':
		v->timestamp = optarg;
		return true;
	case 'e':
		v->state = optarg;
		return true;
	case 'g':
		v->allow_gaps = true;
		return true;
	case 'S':
		v->check.need_status = true;
		return true;
	case 'N':
		v->check.need_timestamp = true;
		return true;
	case 'a':
		v->check.now = strtoull(optarg, NULL, 10);
		return v->check.now != 0;
	}
	return false;
}

static int parse(int argc, char **argv, struct verifying *v)
{
	static const struct option options[] = {
		{ "trust", required_argument, NULL, 't' },
		{ "tsa-trust", required_argument, NULL, 'T' },
		{ "who", required_argument, NULL, 'w' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "crl", required_argument, NULL, 'r' },
		{ "ocsp", required_argument, NULL, 'o' },
		{ "timestamp", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'e' },
		{ "allow-gaps", no_argument, NULL, 'g' },
		{ "need-status", no_argument, NULL, 'S' },
		{ "need-timestamp", no_argument, NULL, 'N' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (o == '?' || !take_option(v, o))
			return usage("bad option of label verify");
	if (!v->trust || argc - optind < 1)
		return usage("label verify --trust CA_FILE LABEL [FILE...]");
	v->label = argv[optind];
	v->files = argv + optind + 1;
	v->file_count = (size_t)(argc - optind - 1);
	return 0;
}

/* DER, or PEM as most tools write it. */
static int load_crl(const char *path, struct tconn_bytes *ret, struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	X509_CRL *crl = f ? PEM_read_X509_CRL(f, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL;
	int len = crl ? i2d_X509_CRL(crl, &der) : -1, r = 0;

	if (f)
		fclose(f);
	ERR_clear_error();
	X509_CRL_free(crl);
	if (len <= 0)
		return tconn_file_read(path, STATUS_MAX, ret, err);
	ret->data = malloc((size_t)len);
	ret->len = (size_t)len;
	if (ret->data)
		memcpy(ret->data, der, ret->len);
	else
		r = tconn_fail(err, -ENOMEM, "out of memory");
	OPENSSL_free(der);
	return r;
}

static int load(struct verifying *v, struct tconn_error *err)
{
	struct tconn_label_check *c = &v->check;
	int r = tconn_trust_load(v->trust, &c->trust, err);

	if (!r && v->tsa_trust)
		r = tconn_trust_load(v->tsa_trust, &c->tsa_trust, err);
	if (!r && v->certificate)
		r = tconn_certificate_load(v->certificate, &v->cert, &c->certificate_len, err);
	if (!r && v->crl)
		r = load_crl(v->crl, &v->crl_der, err);
	if (!r && v->ocsp)
		r = tconn_file_read(v->ocsp, STATUS_MAX, &v->ocsp_der, err);
	if (!r && v->timestamp)
		r = tconn_file_read(v->timestamp, STATUS_MAX, &v->token, err);
	c->certificate = v->cert;
	c->crl = v->crl_der.data;
	c->crl_len = v->crl_der.len;
	c->ocsp = v->ocsp_der.data;
	c->ocsp_len = v->ocsp_der.len;
	c->timestamp = v->token.data;
	c->timestamp_len = v->token.len;
	return r;
}

static void unload(struct verifying *v)
{
	X509_STORE_free(v->check.trust);
	X509_STORE_free(v->check.tsa_trust);
	free(v->cert);
	tconn_bytes_free(&v->crl_der);
	tconn_bytes_free(&v->ocsp_der);
	tconn_bytes_free(&v->token);
}

static int check_file(const struct tconn_label *l, size_t index, const char *path,
		      struct tconn_error *err)
{
	struct tconn_label_item item;
	uint8_t digest[32];
	uint64_t size;
	char where[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	r = tconn_label_item(l, index, &item, err);
	if (!r)
		r = tconn_label_hash_file(fd, digest, &size, err);
	close(fd);
	if (!r)
		r = tconn_label_check_digest(&item, digest, size, err);
	if (!r)
		return 0;
	snprintf(where, sizeof(where), "item %zu (%s #%" PRIu64 ")", index + 1,
		 tconn_label_source(l, item.source)->name, item.sequence);
	return tconn_fail_in(err, r, where);
}

/* Either no data is checked, and that is said, or that of every item. */
static int check_files(struct verifying *v, const struct tconn_label *l, struct tconn_error *err)
{
	size_t count = tconn_label_count(l);
	int r = 0;

	if (v->file_count && v->file_count != count)
		return tconn_fail(err, -EUCLEAN, "label: %zu items, but data of %zu", count,
				  v->file_count);
	for (size_t i = 0; !r && i < v->file_count; i++)
		r = check_file(l, i, v->files[i], err);
	v->checked = v->file_count;
	return r;
}

static int track(const struct verifying *v, const struct tconn_label *l,
		 const struct tconn_label_report *report, struct tconn_error *err)
{
	struct tconn_label_track *t;
	int r;

	if (!v->state)
		return 0;
	r = tconn_label_track_load(v->state, &t, err);
	if (r)
		return r;
	r = tconn_label_track_take(t, l, report, v->allow_gaps, err);
	if (!r)
		r = tconn_label_track_save(t, v->state, err);
	tconn_label_track_free(t);
	return r;
}

static void tell_json(const struct verifying *v, const struct tconn_label *l,
		      const struct tconn_label_report *report)
{
	struct json_object *obj = json_object_new_object(), *items = json_object_new_array();

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "who", report->who);
	tconn_json_add(obj, "signed_at", json_object_new_uint64(report->signed_at));
	tconn_json_add(obj, "time_proven", json_object_new_boolean(report->time_proven));
	tconn_json_add_string(obj, "certificate", report->status);
	tconn_json_add(obj, "inputs_verified", json_object_new_uint64(report->inputs));
	tconn_json_add(obj, "data_checked", json_object_new_boolean(v->checked != 0));
	tconn_json_add(obj, "order_checked", json_object_new_boolean(v->state != NULL));
	for (size_t i = 0; i < tconn_label_count(l); i++)
		json_object_array_add(items, label_item_json(l, i));
	tconn_json_add(obj, "items", items);
	print_json(obj);
	json_object_put(obj);
}

static void tell(const struct ctl *ctl, const struct verifying *v, const struct tconn_label *l,
		 const struct tconn_label_report *report)
{
	char time[LABEL_TIME_TEXT];

	if (ctl->json) {
		tell_json(v, l, report);
		return;
	}
	print("label: good, by %s", report->who);
	print("time: %s, %s", label_time_text(report->signed_at * 1000000, time),
	      report->time_proven ? "proven by a time-stamp" : "as the signer claims");
	print("certificate: %s", report->status);
	print("data: %s", v->checked ? "all checked" : "not checked, none was given");
	print("order: %s", v->state ? "checked" : "not checked, no --state was given");
	if (report->inputs)
		print("inputs: %zu labels verified too", report->inputs);
	for (size_t i = 0; i < tconn_label_count(l); i++)
		label_print_item(l, i, 0);
}

static int run(const struct ctl *ctl, struct verifying *v)
{
	struct tconn_label_report report;
	struct tconn_error err = { "" };
	struct tconn_label *l = NULL;
	int r = load(v, &err);

	if (!r)
		r = label_load(v->label, &l, &err);
	if (!r)
		r = tconn_label_verify(l, &v->check, &report, &err);
	if (!r)
		r = check_files(v, l, &err);
	/* Last: what was refused is not remembered as seen. */
	if (!r)
		r = track(v, l, &report, &err);
	if (!r)
		tell(ctl, v, l, &report);
	tconn_label_free(l);
	return r ? label_refused(ctl, r, &err) : CTL_OK;
}

int label_verify(const struct ctl *ctl, int argc, char **argv)
{
	struct verifying v = { 0 };
	int r = parse(argc, argv, &v);

	if (!r)
		r = run(ctl, &v);
	unload(&v);
	return r;
}
