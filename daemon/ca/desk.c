// SPDX-License-Identifier: Apache-2.0
#include "desk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <tss2/tss2_tpm2_types.h>

#include "../lib/attest.h"
#include "../lib/digest.h"
#include "../lib/enrol_proof.h"
#include "maker.h"

#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))

static int check_service_name(const struct desk *desk, const char *name, struct tconn_error *err)
{
	const char *own = tconn_issuer_name(desk->issuer);
	size_t len = strlen(name), own_len = strlen(own);

	if (desk->profile != PROFILE_SERVICE_PROVIDER || !strcmp(name, own))
		return 0;
	if (len > own_len && name[len - own_len - 1] == '.' && !strcmp(name + len - own_len, own))
		return 0;
	return tconn_fail(err, -EACCES, "a service provider vouches for its own services: %s is neither "
			  "%s nor below it", name, own);
}

static int identify(const struct desk *desk, const struct tconn_message *m, struct tconn_identity *ret,
		    struct tconn_error *err)
{
	ret->role = m->role;
	if (m->role == TCONN_ROLE_DEVICE) {
		if (m->name[0])
			return tconn_fail(err, -EPROTO, "a device has no name, its id comes from its EK");
		return tconn_device_id(&m->ek, ret->name, err);
	}
	if (tconn_identity_name_check(m->role, m->name, err))
		return -EPROTO;
	snprintf(ret->name, sizeof(ret->name), "%s", m->name);
	if (desk->profile == PROFILE_MANUFACTURER)
		return tconn_fail(err, -EACCES, "a manufacturer vouches for devices, not for services");
	return check_service_name(desk, m->name, err);
}

/* As a Name with SHA-256, whatever hash the EK's own has: what its id is made of. */
static void register_ek(const struct tconn_blob *ek, uint8_t ret[STORE_NAME_BYTES])
{
	ret[0] = TPM2_ALG_SHA256 >> 8;
	ret[1] = TPM2_ALG_SHA256 & 0xff;
	tconn_sha256(ek->data, ek->len, ret + 2);
}

/* In PROTOCOL.md's order: what costs little and tells nothing comes first. */
static int examine(const struct desk *desk, const struct tconn_message *m, struct registration *reg,
		   struct tconn_error *err)
{
	const struct maker_papers papers = { m->ek_cert, m->ek_chain };
	int r = maker_check(desk->makers, &papers, &m->ek, err);

	if (!r)
		r = tconn_ek_check(&m->ek, err);
	if (!r)
		r = tconn_ak_check(&m->ak, err);
	if (!r)
		r = tconn_keys_check_alike(&m->ak, &m->tls, &m->data, err);
	if (!r)
		register_ek(&m->ek, reg->ek);
	if (!r)
		r = tconn_name(&m->ak, reg->ak, err);
	return r ? r : store_check(desk->store, reg, err);
}

static int challenge(struct tconn_channel *c, const struct tconn_message *request,
		     const struct registration *reg, const uint8_t credential[32],
		     struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_ENROL_CHALLENGE };
	int r = tconn_make_credential(&request->ek, reg->ak, credential, &m.credential, &m.secret, err);

	return r ? r : tconn_message_send(c, &m, err);
}

static int check_proof(struct tconn_channel *c, const struct tconn_message *request,
		       const uint8_t credential[32], struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { 0 };
	uint8_t qualifying[32];
	int r;

	r = tconn_message_receive(c, TCONN_MSG_ENROL_PROOF, TCONN_MESSAGE_MAX, TCONN_MESSAGE_MS, &m, err);
	if (r)
		return r;
	tconn_enrol_qualifying(credential, &request->tls, qualifying);
	r = tconn_certify_verify(&request->ak, &request->tls, &m.certify_tls, &m.certify_tls_sig,
				 qualifying, err);
	if (r)
		return tconn_fail_in(err, r, "TLS key");
	tconn_enrol_qualifying(credential, &request->data, qualifying);
	r = tconn_certify_verify(&request->ak, &request->data, &m.certify_data, &m.certify_data_sig,
				 qualifying, err);
	return r ? tconn_fail_in(err, r, "DATA key") : 0;
}

/* The credential is known to us and, if the EK and the AK are in one TPM, to it. */
static int prove(struct tconn_channel *c, const struct tconn_message *request,
		 const struct registration *reg, struct tconn_error *err)
{
	uint8_t credential[32];
	int r;

	if (RAND_priv_bytes(credential, sizeof(credential)) != 1)
		return tconn_fail(err, -EIO, "no random bytes");
	r = challenge(c, request, reg, credential, err);
	if (!r)
		r = check_proof(c, request, credential, err);
	OPENSSL_cleanse(credential, sizeof(credential));
	return r;
}

static int issue_one(const struct desk *desk, const struct registration *reg, enum tconn_use use,
		     const struct tconn_blob *key, struct tconn_bytes *ret, struct issued *record,
		     struct tconn_error *err)
{
	int r = tconn_issuer_issue(desk->issuer, &reg->identity, use, key, &ret->data, &ret->len,
				   record->serial, err);

	record->use = use;
	record->der = ret->data;
	record->len = ret->len;
	return r;
}

/* On record before they are handed out: nothing is in use that nobody knows of. */
static int issue(const struct desk *desk, struct tconn_channel *c, const struct tconn_message *request,
		 const struct registration *reg, struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message m = { .type = TCONN_MSG_ENROL_RESULT };
	struct issued issued[3];
	int r;

	r = issue_one(desk, reg, TCONN_USE_AK, &request->ak, &m.cert_ak, &issued[0], err);
	if (!r)
		r = issue_one(desk, reg, TCONN_USE_TLS, &request->tls, &m.cert_tls, &issued[1], err);
	if (!r)
		r = issue_one(desk, reg, TCONN_USE_DATA, &request->data, &m.cert_data, &issued[2], err);
	if (!r)
		r = store_record(desk->store, reg, issued, 3, err);
	return r ? r : tconn_message_send(c, &m, err);
}

static int converse(const struct desk *desk, struct tconn_channel *c, struct registration *reg,
		    struct tconn_error *err)
{
	_cleanup_message_ struct tconn_message request = { 0 };
	int r;

	r = tconn_message_receive(c, TCONN_MSG_ENROL_REQUEST, TCONN_MESSAGE_MAX, TCONN_MESSAGE_MS,
				  &request, err);
	if (!r)
		r = identify(desk, &request, &reg->identity, err);
	if (!r)
		r = examine(desk, &request, reg, err);
	if (!r)
		r = prove(c, &request, reg, err);
	return r ? r : issue(desk, c, &request, reg, err);
}

int desk_enrol(const struct desk *desk, struct tconn_channel *c, struct tconn_identity *ret,
	       struct tconn_error *err)
{
	struct registration reg = { 0 };
	int r = converse(desk, c, &reg, err);

	if (r)
		tconn_channel_refuse(c, r, err);
	*ret = reg.identity;
	return r;
}
