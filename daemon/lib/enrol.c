// SPDX-License-Identifier: Apache-2.0
#include "enrol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "attest.h"
#include "boot_policy.h"
#include "cbor_util.h"
#include "channel.h"
#include "digest.h"
#include "enrol_proof.h"

#define PATH_SIZE 4096
#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))

/* One enrolment under way. */
struct enrolment {
	struct tconn_tpm *tpm;
	const struct tconn_enrol_options *options;
	X509_STORE *trust;		/* the CA alone */
	uint8_t *ca;			/* its certificate, DER */
	size_t ca_len;
	SSL_CTX *ctx;
	struct tconn_channel *channel;
	struct tconn_identity expected;
	struct tconn_blob ek, ak, tls, data;
};

void tconn_enrol_qualifying(const uint8_t credential[32], const struct tconn_blob *key, uint8_t ret[32])
{
	static const char label[] = "tconn-enrol-1";
	uint8_t digest[32];
	struct tconn_piece piece[] = {
		{ label, sizeof(label) - 1 }, { credential, 32 }, { digest, sizeof(digest) },
	};

	tconn_sha256(key->data, key->len, digest);
	tconn_sha256_pieces(piece, 3, ret);
}

/* The service's names are checked by the CA again; a typing error shows here. */
static int expect(struct enrolment *e, struct tconn_error *err)
{
	const struct tconn_enrol_options *o = e->options;

	e->expected.role = o->role;
	if (o->role == TCONN_ROLE_DEVICE)
		return tconn_device_id(&e->ek, e->expected.name, err);
	if (!o->service_name)
		return tconn_fail(err, -EINVAL, "a service enrols under a name");
	if (tconn_identity_name_check(o->role, o->service_name, err))
		return -EINVAL;
	snprintf(e->expected.name, sizeof(e->expected.name), "%s", o->service_name);
	return 0;
}

/* A policy of somebody else would make keys that serve that somebody. */
static int check_boot_policy(const struct tconn_enrol_options *o, struct tconn_error *err)
{
	struct tconn_boot_policy policy;
	int r;

	if (!o->boot_policy != !o->boot_signer)
		return tconn_fail(err, -EINVAL, "a boot policy and its signer go together");
	if (!o->boot_policy)
		return 0;
	r = tconn_boot_policy_load(o->boot_policy, &policy, err);
	return r ? r : tconn_boot_policy_check_signer(&policy, o->boot_signer, err);
}

static int make_keys(struct enrolment *e, struct tconn_error *err)
{
	int r = check_boot_policy(e->options, err);

	if (!r)
		r = tconn_tpm_use_boot_policy(e->tpm, e->options->boot_policy, err);
	return r ? r : tconn_tpm_make_keys(e->tpm, err);
}

static int prepare_keys(struct enrolment *e, struct tconn_error *err)
{
	int r = e->options->renew ? 0 : make_keys(e, err);

	if (!r)
		r = tconn_tpm_ek_public(e->tpm, &e->ek, err);
	if (!r)
		r = tconn_tpm_key_public(e->tpm, TCONN_KEY_AK, &e->ak, err);
	if (!r)
		r = tconn_tpm_key_public(e->tpm, TCONN_KEY_TLS, &e->tls, err);
	if (!r)
		r = tconn_tpm_key_public(e->tpm, TCONN_KEY_DATA, &e->data, err);
	return r;
}

/*
 * The peer must be the CA itself: a service's certificate chains to the same
 * anchor and has serverAuth, but a service must not hand out identities.
 */
static int check_is_ca(struct enrolment *e, struct tconn_error *err)
{
	const uint8_t *peer;
	size_t len;

	if (tconn_channel_peer(e->channel, &peer, &len) || len != e->ca_len ||
	    memcmp(peer, e->ca, len))
		return tconn_fail(err, -EKEYREJECTED, "%s: it is not the issuer of %s",
				  e->options->ca_address, e->options->ca_file);
	return 0;
}

static int reach_ca(struct enrolment *e, struct tconn_error *err)
{
	const struct tconn_enrol_options *o = e->options;
	int r;

	r = tconn_trust_load(o->ca_file, &e->trust, err);
	if (!r)
		r = tconn_certificate_load(o->ca_file, &e->ca, &e->ca_len, err);
	if (!r)
		r = tconn_tls_context(NULL, NULL, e->trust, false, &e->ctx, err);
	if (!r)
		r = tconn_channel_connect(e->ctx, o->ca_address, &e->channel, err);
	return r ? r : check_is_ca(e, err);
}

/* A maker may leave the certificates that lead to its root in the TPM. */
static int read_chain(struct enrolment *e, struct tconn_bytes *ret, struct tconn_error *err)
{
	uint8_t chain[TCONN_EK_CHAIN_MAX];
	size_t len;
	int r = tconn_tpm_ek_chain(e->tpm, chain, sizeof(chain), &len, err);

	return r || !len ? r : tconn_bytes_copy(ret, chain, len, err);
}

static int send_request(struct enrolment *e, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_ENROL_REQUEST };
	int r;

	m.role = e->expected.role;
	if (m.role == TCONN_ROLE_SERVICE)
		snprintf(m.name, sizeof(m.name), "%s", e->expected.name);
	m.ek = e->ek;
	m.ak = e->ak;
	m.tls = e->tls;
	m.data = e->data;
	r = tconn_tpm_ek_certificate(e->tpm, &m.ek_cert.data, &m.ek_cert.len, err);
	if (!r)
		r = read_chain(e, &m.ek_chain, err);
	return r ? r : tconn_message_send(e->channel, &m, err);
}

static int send_proof(struct enrolment *e, const uint8_t credential[32], struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_ENROL_PROOF };
	uint8_t qualifying[32];
	int r;

	tconn_enrol_qualifying(credential, &e->tls, qualifying);
	r = tconn_tpm_certify(e->tpm, TCONN_KEY_TLS, qualifying, &m.certify_tls, &m.certify_tls_sig, err);
	if (r)
		return r;
	tconn_enrol_qualifying(credential, &e->data, qualifying);
	r = tconn_tpm_certify(e->tpm, TCONN_KEY_DATA, qualifying, &m.certify_data, &m.certify_data_sig,
			      err);
	return r ? r : tconn_message_send(e->channel, &m, err);
}

static int answer_challenge(struct enrolment *e, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	uint8_t credential[32];
	int r;

	r = tconn_message_receive(e->channel, TCONN_MSG_ENROL_CHALLENGE, TCONN_MESSAGE_MAX,
				  TCONN_MESSAGE_MS, &m, err);
	if (r)
		return r;
	r = tconn_tpm_activate(e->tpm, &m.credential, &m.secret, credential, err);
	if (!r)
		r = send_proof(e, credential, err);
	OPENSSL_cleanse(credential, sizeof(credential));
	return r;
}

static int check_one(struct enrolment *e, const struct tconn_bytes *cert, enum tconn_use use,
		     const struct tconn_blob *key, const char *what, struct tconn_error *err)
{
	struct tconn_identity who;
	int r;

	r = tconn_certificate_check(e->trust, cert->data, cert->len, use, e->expected.role, &who, err);
	if (!r && strcmp(who.name, e->expected.name))
		r = tconn_fail(err, -EKEYREJECTED, "it names %s", who.name);
	if (!r)
		r = tconn_certificate_matches(cert->data, cert->len, key, err);
	return r ? tconn_fail_in(err, r, what) : 0;
}

static int check_result(struct enrolment *e, const struct tconn_message *m, struct tconn_error *err)
{
	int r = check_one(e, &m->cert_ak, TCONN_USE_AK, &e->ak, "issued AK certificate", err);

	if (!r)
		r = check_one(e, &m->cert_tls, TCONN_USE_TLS, &e->tls, "issued TLS certificate", err);
	if (!r)
		r = check_one(e, &m->cert_data, TCONN_USE_DATA, &e->data, "issued DATA certificate", err);
	return r;
}

static int write_pem(int dir, const char *name, const uint8_t *der, size_t len, struct tconn_error *err)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	X509 *cert = d2i_X509(NULL, &der, (long)len);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool good = f && cert && PEM_write_X509(f, cert) == 1 && !fflush(f) && !fsync(fd);
	int r = good ? 0 : tconn_fail(err, -EIO, "%s: cannot be written: %s", name, strerror(errno));

	X509_free(cert);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	return r;
}

/*
 * All four are complete on the disk before the first takes its name. Keys stay
 * the same over enrolments, so even old and new ones side by side would be valid.
 */
static int write_files(int dir, struct enrolment *e, const struct tconn_message *m,
		       struct tconn_error *err)
{
	const struct {
		const char *name, *new;
		const uint8_t *der;
		size_t len;
	} file[] = {
		{ "ca.pem", ".ca.pem.new", e->ca, e->ca_len },
		{ "ak.pem", ".ak.pem.new", m->cert_ak.data, m->cert_ak.len },
		{ "data.pem", ".data.pem.new", m->cert_data.data, m->cert_data.len },
		{ "tls.pem", ".tls.pem.new", m->cert_tls.data, m->cert_tls.len },
	};
	int r = 0;

	for (size_t i = 0; i < 4 && !r; i++)
		r = write_pem(dir, file[i].new, file[i].der, file[i].len, err);
	for (size_t i = 0; i < 4 && !r; i++)
		if (renameat(dir, file[i].new, dir, file[i].name))
			r = tconn_fail(err, -errno, "%s: %s", file[i].name, strerror(errno));
	if (!r && fsync(dir))
		r = tconn_fail(err, -errno, "fsync: %s", strerror(errno));
	return r;
}

static int save(struct enrolment *e, const struct tconn_message *m, struct tconn_error *err)
{
	const char *path = e->options->identity_dir;
	int dir, r;

	if (mkdir(path, 0700) && errno != EEXIST)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	r = write_files(dir, e, m, err);
	close(dir);
	return r ? tconn_fail_in(err, r, path) : 0;
}

static int take_result(struct enrolment *e, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r;

	r = tconn_message_receive(e->channel, TCONN_MSG_ENROL_RESULT, TCONN_MESSAGE_MAX,
				  TCONN_MESSAGE_MS, &m, err);
	if (!r)
		r = check_result(e, &m, err);
	return r ? r : save(e, &m, err);
}

static int converse(struct enrolment *e, struct tconn_error *err)
{
	int r = send_request(e, err);

	if (!r)
		r = answer_challenge(e, err);
	if (!r)
		r = take_result(e, err);
	if (r)
		tconn_channel_refuse(e->channel, r, err);
	return r;
}

int tconn_enrol(struct tconn_tpm *tpm, const struct tconn_enrol_options *o,
		struct tconn_identity *ret, struct tconn_error *err)
{
	struct enrolment e = { .tpm = tpm, .options = o };
	int r = prepare_keys(&e, err);

	if (!r)
		r = expect(&e, err);
	if (!r)
		r = reach_ca(&e, err);
	if (!r)
		r = converse(&e, err);
	if (!r)
		*ret = e.expected;
	tconn_channel_close(e.channel);
	SSL_CTX_free(e.ctx);
	X509_STORE_free(e.trust);
	free(e.ca);
	return r ? tconn_fail_in(err, r, "enrolment") : 0;
}
