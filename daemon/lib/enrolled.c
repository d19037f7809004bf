// SPDX-License-Identifier: Apache-2.0
#include "enrolled.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 3

static const struct {
	const char *file;
	enum tconn_use use;
	enum tconn_key key;
} part[COUNT] = {
	{ "ak.pem", TCONN_USE_AK, TCONN_KEY_AK },
	{ "tls.pem", TCONN_USE_TLS, TCONN_KEY_TLS },
	{ "data.pem", TCONN_USE_DATA, TCONN_KEY_DATA },
};

/* One look at them. */
struct look {
	struct tconn_tpm *tpm;
	const char *dir;
	struct x509_store_st *trust;
	struct tconn_identity who;
	uint8_t *der[COUNT];
	size_t len[COUNT];
};

static int load(struct look *l, size_t i, struct tconn_error *err)
{
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", l->dir, part[i].file) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: path too long", l->dir);
	r = tconn_certificate_load(path, &l->der[i], &l->len[i], err);
	return r == -ENOENT ? tconn_fail(err, r, "%s is not there: this machine is not enrolled", path) : r;
}

static int check(struct look *l, size_t i, enum tconn_role role, struct tconn_error *err)
{
	struct tconn_identity who;
	int r = tconn_certificate_check(l->trust, l->der[i], l->len[i], part[i].use, role, &who, err);

	if (r == 0 && i > 0 && strcmp(who.name, l->who.name))
		r = tconn_fail(err, -EKEYREJECTED, "it names %s, the others %s", who.name, l->who.name);
	if (r)
		return tconn_fail_in(err, r, part[i].file);
	l->who = who;
	return 0;
}

/* 1: the TPM has the key that certificate i is for; 0: it has another or none. */
static int has_key(struct look *l, size_t i, struct tconn_error *err)
{
	struct tconn_blob key;
	int r = tconn_tpm_key_public(l->tpm, part[i].key, &key, err);

	if (r == -ENOENT)
		return 0;
	if (r)
		return r;
	r = tconn_certificate_matches(l->der[i], l->len[i], &key, err);
	return r == -EKEYREJECTED ? 0 : r ? r : 1;
}

/* Why a key is missing: the EK outlives everything but the TPM itself. */
static int explain(struct look *l, struct tconn_error *err)
{
	char id[65] = "";
	struct tconn_blob ek;
	int r = 0;

	if (l->who.role != TCONN_ROLE_DEVICE)
		return tconn_fail(err, -EXDEV, "the certificates in %s are for keys that this TPM does not "
				  "have: another TPM, or it was cleared; enrol again", l->dir);
	r = tconn_tpm_ek_public(l->tpm, &ek, err);
	if (!r)
		r = tconn_device_id(&ek, id, err);
	if (r)
		return r;
	if (strcmp(id, l->who.name))
		return tconn_fail(err, -EXDEV, "this disk belongs to another TPM: it is device %s's, and "
				  "here is that of device %s; put it back, or provision this machine anew",
				  l->who.name, id);
	return tconn_fail(err, -ESTALE, "this TPM was cleared: the keys of device %s are gone; the issuer's "
			  "operator removes the device, then provision it anew", id);
}

static int look(struct look *l, enum tconn_role role, struct tconn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < COUNT && !r; i++)
		r = load(l, i, err);
	for (size_t i = 0; i < COUNT && !r; i++)
		r = check(l, i, role, err);
	for (size_t i = 0; i < COUNT && !r; i++) {
		r = has_key(l, i, err);
		r = r == 0 ? explain(l, err) : r < 0 ? r : 0;
	}
	return r;
}

int tconn_enrolled(struct tconn_tpm *tpm, const char *dir, struct x509_store_st *trust,
		   enum tconn_role role, struct tconn_identity *ret, struct tconn_error *err)
{
	struct look l = { .tpm = tpm, .dir = dir, .trust = trust };
	int r = look(&l, role, err);

	for (size_t i = 0; i < COUNT; i++)
		free(l.der[i]);
	if (r)
		return r;
	*ret = l.who;
	return 0;
}
