// SPDX-License-Identifier: Apache-2.0
#include "certificate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_file(struct certificate *c, struct tconn_error *err)
{
	int r = tconn_certificate_load(c->path, &c->der, &c->len, err);

	if (!r)
		r = tconn_certificate_identity(c->der, c->len, TCONN_USE_DATA, TCONN_ROLE_DEVICE,
					       &c->who, NULL);
	if (r && c->der)
		r = tconn_certificate_identity(c->der, c->len, TCONN_USE_DATA, TCONN_ROLE_SERVICE,
					       &c->who, err);
	return r;
}

/* Files are replaced whole, so another content is another file. */
static bool is_seen(const struct certificate *c, const struct stat *now)
{
	return now->st_dev == c->seen.st_dev && now->st_ino == c->seen.st_ino &&
	       now->st_size == c->seen.st_size && now->st_mtim.tv_sec == c->seen.st_mtim.tv_sec &&
	       now->st_mtim.tv_nsec == c->seen.st_mtim.tv_nsec;
}

int certificate_load(struct certificate *c, const char *identity_dir, struct tconn_error *err)
{
	if (snprintf(c->path, sizeof(c->path), "%s/data.pem", identity_dir) >= (int)sizeof(c->path))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path too long", identity_dir);
	/* Before it is read: what replaces it meanwhile is looked at again. */
	if (stat(c->path, &c->seen))
		return tconn_fail(err, -errno, "%s: %s", c->path, strerror(errno));
	return read_file(c, err);
}

static int check(const struct certificate *fresh, const struct certificate *c,
		 struct tconn_tpm *tpm, struct tconn_error *err)
{
	struct tconn_blob key;
	int r;

	if (fresh->who.role != c->who.role || strcmp(fresh->who.name, c->who.name))
		return tconn_fail(err, -EXDEV, "it is of %s, not of %s", fresh->who.name, c->who.name);
	r = tconn_tpm_key_public(tpm, TCONN_KEY_DATA, &key, err);
	return r ? r : tconn_certificate_matches(fresh->der, fresh->len, &key, err);
}

int certificate_renew(struct certificate *c, struct tconn_tpm *tpm, struct tconn_error *err)
{
	struct certificate fresh = { .der = NULL };
	struct stat now;
	int r;

	/* Absent is no other one: a daemon that enrols anew may be about to make it. */
	if (stat(c->path, &now) || is_seen(c, &now))
		return 0;
	c->seen = now;
	memcpy(fresh.path, c->path, sizeof(fresh.path));
	fresh.seen = now;
	r = read_file(&fresh, err);
	if (!r)
		r = check(&fresh, c, tpm, err);
	if (r) {
		certificate_free(&fresh);
		return tconn_fail_in(err, r, c->path);
	}
	certificate_free(c);
	*c = fresh;
	return 1;
}

void certificate_free(struct certificate *c)
{
	free(c->der);
	c->der = NULL;
}
