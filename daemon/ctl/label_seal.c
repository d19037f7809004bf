// SPDX-License-Identifier: Apache-2.0
/* Archives of labels that have to outlive the labels' own algorithms: seal.h. */
#include "label.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/identity.h"
#include "../lib/jsonline.h"
#include "../lib/seal.h"

#define TOKEN_MAX (16u << 20)

struct sealing {
	const char *key, *certificate, *out;		/* to seal */
	const char *trust, *tsa_trust, *timestamp;	/* to verify */
	uint64_t at;
	const char *seal;
	char **files;
	size_t file_count;
};

static const char *own_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int hash_file(const char *path, size_t hash, struct tconn_seal_file *ret,
		     struct tconn_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (snprintf(ret->name, sizeof(ret->name), "%s", own_name(path)) >= (int)sizeof(ret->name))
		r = tconn_fail(err, -ENAMETOOLONG, "%.200s: name is too long", path);
	else
		r = tconn_seal_hash_file(fd, hash, ret, err);
	close(fd);
	return r;
}

static int load_key(const char *path, EVP_PKEY **ret, struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	ERR_clear_error();
	if (!key)
		return tconn_fail(err, -EINVAL, "%s: no private key in PEM", path);
	*ret = key;
	return 0;
}

static int seal_files(const struct sealing *s, EVP_PKEY *key, const uint8_t *cert, size_t cert_len,
		      struct tconn_error *err)
{
	struct tconn_seal seal = { .time = (uint64_t)time(NULL), .count = s->file_count };
	struct tconn_bytes out = { 0 };
	int r = tconn_seal_hash_for(key, &seal.hash, err);

	seal.file = calloc(seal.count, sizeof(*seal.file));
	if (!r && !seal.file)
		r = tconn_fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; !r && i < seal.count; i++)
		r = hash_file(s->files[i], seal.hash, &seal.file[i], err);
	if (!r)
		r = tconn_seal_sign(&seal, key, cert, cert_len, &out, err);
	if (!r)
		r = tconn_file_replace(s->out, &out, 0644, err);
	tconn_bytes_free(&out);
	tconn_seal_free(&seal);
	return r;
}

static int parse(int argc, char **argv, struct sealing *s)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "out", required_argument, NULL, 'o' },
		{ "trust", required_argument, NULL, 't' },
		{ "tsa-trust", required_argument, NULL, 'T' },
		{ "timestamp", required_argument, NULL, 's' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 },
	};
	const char **strings[] = {
		['k'] = &s->key, ['c'] = &s->certificate, ['o'] = &s->out, ['t'] = &s->trust,
		['T'] = &s->tsa_trust, ['s'] = &s->timestamp,
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == '?')
			return -1;
		if (o == 'a')
			s->at = strtoull(optarg, NULL, 10);
		else
			*strings[o] = optarg;
	}
	s->files = argv + optind;
	s->file_count = (size_t)(argc - optind);
	return 0;
}

int label_seal(const struct ctl *ctl, int argc, char **argv)
{
	struct tconn_error err = { "" };
	struct sealing s = { 0 };
	EVP_PKEY *key = NULL;
	uint8_t *cert = NULL;
	size_t cert_len = 0;
	int r;

	if (parse(argc, argv, &s) || !s.key || !s.certificate || !s.out || !s.file_count || s.trust ||
	    s.tsa_trust || s.timestamp || s.at)
		return usage("label seal --key FILE --certificate FILE --out SEAL FILE...");
	r = load_key(s.key, &key, &err);
	if (!r)
		r = tconn_certificate_load(s.certificate, &cert, &cert_len, &err);
	if (!r)
		r = seal_files(&s, key, cert, cert_len, &err);
	EVP_PKEY_free(key);
	free(cert);
	return r ? failure(ctl, r, &err) : CTL_OK;
}

/* Marks what was given; a file that was not sealed, or twice, is refused. */
static int check_file(const struct tconn_seal *seal, const char *path, bool *given,
		      struct tconn_error *err)
{
	const struct tconn_seal_file *want = tconn_seal_find(seal, own_name(path));
	struct tconn_seal_file got;
	int r;

	if (!want)
		return tconn_fail(err, -EUCLEAN, "%s: was not sealed", path);
	if (given[want - seal->file])
		return tconn_fail(err, -EEXIST, "%s: given twice", path);
	given[want - seal->file] = true;
	r = hash_file(path, seal->hash, &got, err);
	if (!r && (got.size != want->size || memcmp(got.digest, want->digest, seal->hash)))
		r = tconn_fail(err, -EUCLEAN, "%s: is not what was sealed", path);
	return r;
}

static int check_files(const struct sealing *s, const struct tconn_seal *seal,
		       struct tconn_error *err)
{
	bool *given = calloc(seal->count, sizeof(*given));
	int r = given ? 0 : tconn_fail(err, -ENOMEM, "out of memory");

	for (size_t i = 0; !r && i < s->file_count; i++)
		r = check_file(seal, s->files[i], given, err);
	for (size_t i = 0; !r && i < seal->count; i++)
		if (!given[i])
			r = tconn_fail(err, -ENOMSG, "missing: %s was sealed too", seal->file[i].name);
	free(given);
	return r;
}

static void tell(const struct ctl *ctl, const struct tconn_seal *seal,
		 const struct tconn_seal_report *report)
{
	char time[LABEL_TIME_TEXT];
	struct json_object *obj;

	if (!ctl->json) {
		print("seal: good, by %s, SHA-%zu", report->who, 8 * seal->hash);
		print("sealed: %s (%" PRIu64 "), %s", label_time_text(report->sealed_at * 1000000, time),
		      report->sealed_at,
		      report->time_proven ? "proven by a time-stamp" : "as the sealer claims");
		print("files: all %zu checked", seal->count);
		return;
	}
	obj = json_object_new_object();
	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add_string(obj, "who", report->who);
	tconn_json_add(obj, "sealed_at", json_object_new_uint64(report->sealed_at));
	tconn_json_add(obj, "time_proven", json_object_new_boolean(report->time_proven));
	tconn_json_add(obj, "files", json_object_new_uint64(seal->count));
	print_json(obj);
	json_object_put(obj);
}

static int verify(const struct ctl *ctl, const struct sealing *s, struct tconn_seal_check *check,
		  struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes b = { 0 }, token = { 0 };
	__attribute__((cleanup(tconn_seal_free))) struct tconn_seal seal = { 0 };
	struct tconn_seal_report report;
	int r = tconn_file_read(s->seal, TCONN_SEAL_MAX, &b, err);

	if (!r && s->timestamp)
		r = tconn_file_read(s->timestamp, TOKEN_MAX, &token, err);
	check->timestamp = token.data;
	check->timestamp_len = token.len;
	if (!r)
		r = tconn_seal_decode(b.data, b.len, &seal, err);
	if (!r)
		r = tconn_seal_verify(&seal, check, &report, err);
	if (!r)
		r = check_files(s, &seal, err);
	if (!r)
		tell(ctl, &seal, &report);
	return r;
}

int label_verify_seal(const struct ctl *ctl, int argc, char **argv)
{
	struct tconn_seal_check check = { 0 };
	struct tconn_error err = { "" };
	struct sealing s = { 0 };
	int r;

	if (parse(argc, argv, &s) || !s.trust || s.key || s.certificate || s.out || s.file_count < 2)
		return usage("label verify-seal --trust CA_FILE SEAL FILE...");
	s.seal = *s.files++;
	s.file_count--;
	check.now = s.at ? s.at : (uint64_t)time(NULL);
	r = tconn_trust_load(s.trust, &check.trust, &err);
	if (!r && s.tsa_trust)
		r = tconn_trust_load(s.tsa_trust, &check.tsa_trust, &err);
	if (!r)
		r = verify(ctl, &s, &check, &err);
	X509_STORE_free(check.trust);
	X509_STORE_free(check.tsa_trust);
	return r ? label_refused(ctl, r, &err) : CTL_OK;
}
