// SPDX-License-Identifier: Apache-2.0
#include "refset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digest.h"
#include "refvals.h"
#include "signed.h"

struct tconn_refset {
	size_t count;
	struct tconn_refvals *refvals[TCONN_REFSET_MAX];
	uint8_t digest[TCONN_REFSET_MAX][32];	/* of the JSON */
	bool withdrawn[TCONN_REFSET_MAX];
	size_t paper_count;
	struct tconn_digests *paper[TCONN_REFSET_MAX];	/* each withdraws some */
	struct tconn_signers *signers;
};

void tconn_refset_free(struct tconn_refset *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		tconn_refvals_free(set->refvals[i]);
	for (size_t i = 0; i < set->paper_count; i++)
		free(set->paper[i]);
	tconn_signers_free(set->signers);
	free(set);
}

static int add_values(struct tconn_refset *set, const uint8_t *json, size_t len,
		      struct tconn_error *err)
{
	int r;

	if (set->count == TCONN_REFSET_MAX)
		return tconn_fail(err, -E2BIG, "over %d files of reference values", TCONN_REFSET_MAX);
	r = tconn_refvals_parse((const char *)json, len, &set->refvals[set->count], err);
	if (r == 0)
		tconn_sha256(json, len, set->digest[set->count++]);
	return r;
}

static int add_withdrawn(struct tconn_refset *set, const uint8_t *json, size_t len,
			 struct tconn_error *err)
{
	int r;

	if (set->paper_count == TCONN_REFSET_MAX)
		return tconn_fail(err, -E2BIG, "over %d files that withdraw", TCONN_REFSET_MAX);
	r = tconn_withdrawn_parse((const char *)json, len, &set->paper[set->paper_count], err);
	if (r == 0)
		set->paper_count++;
	return r;
}

static int add_signed(struct tconn_refset *set, const struct tconn_bytes *file,
		      struct tconn_error *err)
{
	const uint8_t *json;
	char type[64];
	size_t len;
	int r = tconn_signed_open(file->data, file->len, set->signers, type, &json, &len, err);

	if (r < 0)
		return r;
	if (strcmp(type, TCONN_TYPE_REFVALS) == 0)
		return add_values(set, json, len, err);
	if (strcmp(type, TCONN_TYPE_WITHDRAWN) == 0)
		return add_withdrawn(set, json, len, err);
	return tconn_fail(err, -EBADMSG, "is a %s", type);
}

static int load_one(struct tconn_refset *set, const char *path, struct tconn_error *err)
{
	struct tconn_bytes file;
	int r = tconn_refvals_file(path, &file, err);

	if (r < 0)
		return r;
	r = set->signers ? add_signed(set, &file, err) : add_values(set, file.data, file.len, err);
	free(file.data);
	return r < 0 ? tconn_fail_in(err, r, path) : 0;
}

static int ends_with(const struct dirent *d, const char *suffix)
{
	size_t len = strlen(d->d_name), n = strlen(suffix);

	return len > n && d->d_name[0] != '.' && strcmp(d->d_name + len - n, suffix) == 0;
}

static int is_json(const struct dirent *d)
{
	return ends_with(d, ".json");
}

static int is_cose(const struct dirent *d)
{
	return ends_with(d, ".cose");
}

static int load_directory(struct tconn_refset *set, const char *path, struct tconn_error *err)
{
	struct dirent **names;
	int n = scandir(path, &names, set->signers ? is_cose : is_json, alphasort);
	int r = 0;

	if (n < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (r == 0 && snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name) >=
				      (int)sizeof(file))
			r = tconn_fail(err, -ENAMETOOLONG, "%s/%s: path too long", path,
				       names[i]->d_name);
		if (r == 0)
			r = load_one(set, file, err);
		free(names[i]);
	}
	free(names);
	if (r == 0 && set->count == 0)
		r = tconn_fail(err, -ENOENT, "%s: no *.%s file of reference values in it", path,
			       set->signers ? "cose" : "json");
	return r;
}

static void mark_withdrawn(struct tconn_refset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		for (size_t p = 0; p < set->paper_count; p++)
			set->withdrawn[i] |= tconn_digests_have(set->paper[p], set->digest[i]);
	}
}

int tconn_refset_load(const char *path, const char *signers, struct tconn_refset **ret,
		      struct tconn_error *err)
{
	struct tconn_refset *set;
	struct stat st;
	int r = 0;

	if (stat(path, &st))
		return tconn_fail(err, -errno, "%s: reference values: %s", path, strerror(errno));
	set = calloc(1, sizeof(*set));
	if (!set)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (signers)
		r = tconn_signers_load(signers, &set->signers, err);
	if (r == 0)
		r = S_ISDIR(st.st_mode) ? load_directory(set, path, err) : load_one(set, path, err);
	if (r < 0) {
		tconn_refset_free(set);
		return r;
	}
	mark_withdrawn(set);
	*ret = set;
	return 0;
}

bool tconn_refset_entry(const struct tconn_refset *set, size_t index,
			struct tconn_refset_entry *ret)
{
	if (!set || index >= set->count)
		return false;
	*ret = (struct tconn_refset_entry){
		.name = set->refvals[index]->name, .kernel = set->refvals[index]->kernel,
		.is_signed = set->signers != NULL, .withdrawn = set->withdrawn[index],
	};
	memcpy(ret->digest, set->digest[index], 32);
	return true;
}

static size_t passes(const struct tconn_verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->count; i++)
		n += v->check[i].pass;
	return n;
}

/* A version that was withdrawn does not count, however well it fits. */
static int refuse_withdrawn(struct tconn_appraisal *a, struct tconn_verdict *v)
{
	tconn_verdict_add(v, "image-version", false, "%s was withdrawn by its owner: update this device",
			  a->refvals->name);
	if (a->state)
		*a->state = (struct tconn_ima_state){ 0 };
	return -EKEYREJECTED;
}

/* With one file, from the state as it was before the first. */
static int appraise_with(const struct tconn_refset *set, size_t i, struct tconn_appraisal *a,
			 const struct tconn_ima_state *before, struct tconn_verdict *ret)
{
	int r;

	/* Without any file the verdict says so itself: no policy, not trusted. */
	a->refvals = set && i < set->count ? set->refvals[i] : NULL;
	if (a->state)
		*a->state = *before;
	r = tconn_appraise(a, ret);
	if (r == 0 && a->state)
		a->state->refvals = i;
	return a->refvals && set->withdrawn[i] ? refuse_withdrawn(a, ret) : r;
}

int tconn_refset_appraise(const struct tconn_refset *set, const struct tconn_appraisal *a,
			  struct tconn_verdict *ret)
{
	struct tconn_appraisal mine = *a;
	struct tconn_ima_state before = a->state ? *a->state : (struct tconn_ima_state){ 0 };
	struct tconn_verdict best, v;
	int r;

	/* The part of the log that is held was compared with one file. */
	if (a->evidence->ima_base)
		return appraise_with(set, before.refvals, &mine, &before, ret);
	r = appraise_with(set, 0, &mine, &before, &best);
	for (size_t i = 1; r < 0 && set && i < set->count; i++) {
		r = appraise_with(set, i, &mine, &before, &v);
		if (r == 0 || passes(&v) > passes(&best))
			best = v;
	}
	*ret = best;
	return r;
}
