// SPDX-License-Identifier: Apache-2.0
#include "refset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tconn_refset {
	size_t count;
	struct tconn_refvals *refvals[TCONN_REFSET_MAX];
};

void tconn_refset_free(struct tconn_refset *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->count; i++)
		tconn_refvals_free(set->refvals[i]);
	free(set);
}

static int load_one(struct tconn_refset *set, const char *path, struct tconn_error *err)
{
	int r;

	if (set->count == TCONN_REFSET_MAX)
		return tconn_fail(err, -E2BIG, "%s: over %d files of reference values", path,
				  TCONN_REFSET_MAX);
	r = tconn_refvals_load(path, &set->refvals[set->count], err);
	if (r == 0)
		set->count++;
	return r;
}

static int is_json(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 5 && d->d_name[0] != '.' && strcmp(d->d_name + len - 5, ".json") == 0;
}

static int load_directory(struct tconn_refset *set, const char *path, struct tconn_error *err)
{
	struct dirent **names;
	int n = scandir(path, &names, is_json, alphasort);
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
	if (r == 0 && n == 0)
		r = tconn_fail(err, -ENOENT, "%s: no *.json file of reference values in it", path);
	return r;
}

int tconn_refset_load(const char *path, struct tconn_refset **ret, struct tconn_error *err)
{
	struct tconn_refset *set;
	struct stat st;
	int r;

	if (stat(path, &st))
		return tconn_fail(err, -errno, "%s: reference values: %s", path, strerror(errno));
	set = calloc(1, sizeof(*set));
	if (!set)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = S_ISDIR(st.st_mode) ? load_directory(set, path, err) : load_one(set, path, err);
	if (r < 0) {
		tconn_refset_free(set);
		return r;
	}
	*ret = set;
	return 0;
}

static size_t passes(const struct tconn_verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->count; i++)
		n += v->check[i].pass;
	return n;
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
	return r;
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
