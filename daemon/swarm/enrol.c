// SPDX-License-Identifier: Apache-2.0
#include "enrol.h"

#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "../lib/attest.h"
#include "../lib/enrol_proof.h"
#include "../lib/jsonline.h"
#include "device.h"
#include "ek_maker.h"

#define ADMIN_MS	30000
#define ADMIN_TRIES	20
#define ADMIN_PAUSE_US	100000
#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))

/* What all workers share. */
struct work {
	const struct enrol_options *o;
	struct ek_maker *maker;
	SSL_CTX *ctx;
	atomic_uint next, made;
	pthread_mutex_t lock;	/* protects code and err: of the first failure */
	int code;
	struct tconn_error err;
};

static int send_request(struct tconn_channel *c, const struct work *w, const struct soft_tpm *t,
			struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_ENROL_REQUEST };
	int r = soft_tpm_ek_public(t, &m.ek, err);

	m.role = TCONN_ROLE_DEVICE;
	if (!r)
		r = soft_tpm_public(t, TCONN_KEY_AK, &m.ak, err);
	if (!r)
		r = soft_tpm_public(t, TCONN_KEY_TLS, &m.tls, err);
	if (!r)
		r = soft_tpm_public(t, TCONN_KEY_DATA, &m.data, err);
	if (!r)
		r = ek_maker_certify(w->maker, t->ek, &m.ek_cert, err);
	return r ? r : tconn_message_send(c, &m, err);
}

static int certify(const struct soft_tpm *t, enum tconn_key key, const uint8_t credential[32],
		   struct tconn_blob *ret_attest, struct tconn_blob *ret_signature,
		   struct tconn_error *err)
{
	struct tconn_blob public;
	uint8_t qualifying[32];
	int r = soft_tpm_public(t, key, &public, err);

	if (r)
		return r;
	tconn_enrol_qualifying(credential, &public, qualifying);
	return soft_tpm_certify(t, key, qualifying, ret_attest, ret_signature, err);
}

static int answer_challenge(struct tconn_channel *c, const struct soft_tpm *t,
			    struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	_cleanup_message_ struct tconn_message proof = { .type = TCONN_MSG_ENROL_PROOF };
	uint8_t credential[32];
	int r = tconn_message_receive(c, TCONN_MSG_ENROL_CHALLENGE, TCONN_MESSAGE_MAX,
				      TCONN_MESSAGE_MS, &m, err);

	if (!r)
		r = soft_tpm_activate(t, &m.credential, &m.secret, credential, err);
	if (!r)
		r = certify(t, TCONN_KEY_TLS, credential, &proof.certify_tls, &proof.certify_tls_sig, err);
	if (!r)
		r = certify(t, TCONN_KEY_DATA, credential, &proof.certify_data,
			    &proof.certify_data_sig, err);
	OPENSSL_cleanse(credential, sizeof(credential));
	return r ? r : tconn_message_send(c, &proof, err);
}

static int take_result(struct tconn_channel *c, const struct work *w, unsigned int number,
		       const struct soft_tpm *t, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	int r = tconn_message_receive(c, TCONN_MSG_ENROL_RESULT, TCONN_MESSAGE_MAX, TCONN_MESSAGE_MS,
				      &m, err);
	const struct device_papers papers = { m.cert_ak, m.cert_tls, m.cert_data };

	return r ? r : device_save(w->o->dir, number, t, &papers, err);
}

static int converse(const struct work *w, unsigned int number, const struct soft_tpm *t,
		    struct tconn_error *err)
{
	struct tconn_channel *c = NULL;
	int r = tconn_channel_connect(w->ctx, w->o->ca, &c, err);

	if (!r)
		r = send_request(c, w, t, err);
	if (!r)
		r = answer_challenge(c, t, err);
	if (!r)
		r = take_result(c, w, number, t, err);
	tconn_channel_close(c);
	return r;
}

/* The service's word: it is in now, or was before. */
static int read_reply(struct json_object *reply, struct tconn_error *err)
{
	const char *why = "it says neither yes nor no";
	unsigned long long code = 0;
	struct json_object *ok;

	if (json_object_object_get_ex(reply, "ok", &ok) && json_object_get_boolean(ok))
		return 0;
	tconn_json_uint(reply, "code", INT32_MAX, &code);
	if (code == EEXIST)
		return 0;
	tconn_json_string(reply, "error", &why, NULL);
	return tconn_fail(err, -EACCES, "%s", why);
}

/* It hangs up on who is one too many at its operator's socket: later, then. */
static int add_at_service(const char *admin, const char *id, struct tconn_error *err)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int r = -ECONNRESET;

	tconn_json_add_string(request, "do", "device-add");
	tconn_json_add_string(request, "id", id);
	for (int i = 0; i < ADMIN_TRIES && r == -ECONNRESET; i++) {
		if (i)
			usleep(ADMIN_PAUSE_US);
		r = tconn_jsonline_call(admin, request, ADMIN_MS, &reply, err);
	}
	if (!r)
		r = read_reply(reply, err);
	json_object_put(request);
	json_object_put(reply);
	return r ? tconn_fail_in(err, r, admin) : 0;
}

static int let_in(const struct work *w, const struct soft_tpm *t, struct tconn_error *err)
{
	struct tconn_blob ek;
	char id[65];
	int r = w->o->admin ? soft_tpm_ek_public(t, &ek, err) : 0;

	if (r || !w->o->admin)
		return r;
	r = tconn_device_id(&ek, id, err);
	return r ? r : add_at_service(w->o->admin, id, err);
}

/* Known to the service before it is on the disk: what is on the disk is complete. */
static int enrol_one(const struct work *w, unsigned int number, struct tconn_error *err)
{
	struct soft_tpm t;
	int r = soft_tpm_make(&t, err);

	if (r)
		return r;
	r = let_in(w, &t, err);
	if (!r)
		r = converse(w, number, &t, err);
	soft_tpm_free(&t);
	return r;
}

static void give_up(struct work *w, int code, const struct tconn_error *err)
{
	pthread_mutex_lock(&w->lock);
	if (!w->code) {
		w->code = code;
		w->err = *err;
	}
	pthread_mutex_unlock(&w->lock);
	atomic_store(&w->next, w->o->devices);
}

static void *worker(void *arg)
{
	struct work *w = arg;
	struct tconn_error err = { "" };
	unsigned int number;

	while ((number = atomic_fetch_add(&w->next, 1)) < w->o->devices) {
		int r;

		if (device_exists(w->o->dir, number))
			continue;
		r = enrol_one(w, number, &err);
		if (r) {
			give_up(w, r, &err);
			break;
		}
		atomic_fetch_add(&w->made, 1);
	}
	return NULL;
}

static int make_folder(const char *dir, struct tconn_error *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/devices", dir) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long", dir);
	if (mkdir(path, 0700) && errno != EEXIST)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int run_workers(struct work *w, struct tconn_error *err)
{
	pthread_t thread[64];
	unsigned int n = 0;
	int r = 0;

	for (; n < w->o->workers && !r; n += !r)
		r = pthread_create(&thread[n], NULL, worker, w);
	if (r && !n)
		return tconn_fail(err, -r, "no thread: %s", strerror(r));
	while (n)
		pthread_join(thread[--n], NULL);
	if (w->code)
		*err = w->err;
	return w->code;
}

int enrol_swarm(const struct enrol_options *o, unsigned int *ret_made, struct tconn_error *err)
{
	struct work w = { .o = o, .lock = PTHREAD_MUTEX_INITIALIZER };
	X509_STORE *trust = NULL;
	int r = make_folder(o->dir, err);

	if (!r)
		r = ek_maker_load(o->dir, &w.maker, err);
	if (!r)
		r = tconn_trust_load(o->ca_file, &trust, err);
	if (!r)
		r = tconn_tls_context(NULL, NULL, trust, false, &w.ctx, err);
	if (!r)
		r = run_workers(&w, err);
	*ret_made = w.made;
	SSL_CTX_free(w.ctx);
	X509_STORE_free(trust);
	ek_maker_free(w.maker);
	return r;
}
