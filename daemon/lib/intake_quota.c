// SPDX-License-Identifier: Apache-2.0
#include "intake_quota.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digest.h"

struct tally {
	uint64_t items, bytes;
};

struct usage {
	char signer[TCONN_IDENTITY_MAX];
	struct timespec changed;	/* the folder, before it was counted */
	struct tally rule[TCONN_INTAKE_RULES_MAX];
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct usage *)a)->signer, ((const struct usage *)b)->signer);
}

/* "SOURCE-EPOCH-SEQUENCE.data" or ".label", as keep() in intake.c has it. */
static bool source_of(const char *file, char ret[64])
{
	const char *end = strrchr(file, '.');
	size_t len = 0;

	if (!end || (strcmp(end, ".data") && strcmp(end, ".label")))
		return false;
	for (int dashes = 0; dashes < 2; dashes += *end == '-')
		if (end-- == file)
			return false;
	for (; file < end && len < 63; len++) {
		if (*file != '%') {
			ret[len] = *file++;
			continue;
		}
		if (end - file < 3 || !tconn_unhex(file + 1, 2, (uint8_t *)&ret[len], 1))
			return false;
		file += 3;
	}
	ret[len] = '\0';
	return file == end;
}

static void count_file(const struct tconn_intake_policy *p, int folder, const char *name,
		       struct usage *u)
{
	const struct tconn_intake_rule *rule;
	struct stat st;
	char source[64];

	if (!source_of(name, source) || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	rule = tconn_intake_rule_of(p, source);
	if (!rule)
		return;
	u->rule[rule - p->rule].bytes += (uint64_t)st.st_size;
	u->rule[rule - p->rule].items += !strcmp(strrchr(name, '.'), ".data");
}

static int count(const struct tconn_intake_policy *p, const char *folder, struct usage *u,
		 struct tconn_error *err)
{
	struct dirent *entry;
	DIR *dir = opendir(folder);
	struct stat st;

	if (!dir || fstat(dirfd(dir), &st)) {
		if (dir)
			closedir(dir);
		return tconn_fail(err, -EIO, "%s: %s", folder, strerror(errno));
	}
	memset(u->rule, 0, sizeof(u->rule));
	u->changed = st.st_mtim;
	while ((entry = readdir(dir)))
		count_file(p, dirfd(dir), entry->d_name, u);
	closedir(dir);
	return 0;
}

static struct usage *find(struct tconn_intake *in, const struct tconn_identity *from)
{
	struct usage key, **at;

	strcpy(key.signer, from->name);
	at = tfind(&key, &in->usage, compare);
	return at ? *at : NULL;
}

static int begin(struct tconn_intake *in, const struct tconn_identity *from, const char *folder,
		 struct usage **ret, struct tconn_error *err)
{
	struct usage *u = calloc(1, sizeof(*u));
	int r = u ? count(&in->policy, folder, u, err) : tconn_fail(err, -ENOMEM, "out of memory");

	if (!r) {
		strcpy(u->signer, from->name);
		r = tsearch(u, &in->usage, compare) ? 0 : tconn_fail(err, -ENOMEM, "out of memory");
	}
	if (r)
		free(u);
	else
		*ret = u;
	return r;
}

static bool fits(const struct tally *t, const struct tconn_intake_rule *rule, uint64_t bytes)
{
	return t->items < rule->max_items && t->bytes + bytes <= (uint64_t)rule->max_mib << 20;
}

static bool has_changed(const char *folder, const struct usage *u)
{
	struct stat st;

	return stat(folder, &st) || st.st_mtim.tv_sec != u->changed.tv_sec ||
	       st.st_mtim.tv_nsec != u->changed.tv_nsec;
}

int tconn_intake_room(struct tconn_intake *in, const struct tconn_identity *from,
		      const char *folder, const struct tconn_intake_rule *rule, uint64_t bytes,
		      struct tconn_error *err)
{
	struct usage *u = find(in, from);
	const struct tally *t;
	int r = u ? 0 : begin(in, from, folder, &u, err);

	if (r)
		return r;
	t = &u->rule[rule - in->policy.rule];
	/* Not for each item of one that goes on sending, while nothing was taken away. */
	if (!fits(t, rule, bytes) && has_changed(folder, u))
		r = count(&in->policy, folder, u, err);
	if (!r && !fits(t, rule, bytes))
		r = tconn_fail(err, -EDQUOT, "quota: of %s, %" PRIu64 " items of %" PRIu64
			       " bytes are kept; the limits are %u items and %u MiB", rule->source,
			       t->items, t->bytes, rule->max_items, rule->max_mib);
	return r;
}

void tconn_intake_kept(struct tconn_intake *in, const struct tconn_identity *from,
		       const struct tconn_intake_rule *rule, uint64_t bytes)
{
	struct usage *u = find(in, from);

	if (!u)
		return;
	u->rule[rule - in->policy.rule].items++;
	u->rule[rule - in->policy.rule].bytes += bytes;
}

void tconn_intake_free(struct tconn_intake *in)
{
	tdestroy(in->usage, free);
	in->usage = NULL;
}
