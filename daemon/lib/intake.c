// SPDX-License-Identifier: Apache-2.0
#include "intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "file.h"
#include "intake_quota.h"
#include "policy_json.h"

#define PATH_BYTES	4096
#define ESCAPED_MAX	(3 * 63 + 1)

const struct tconn_intake_rule *tconn_intake_rule_of(const struct tconn_intake_policy *p,
						     const char *source)
{
	for (size_t i = 0; i < p->count; i++)
		if (tconn_policy_matches(p->rule[i].source, source))
			return &p->rule[i];
	return NULL;
}

static bool program_listed(const struct tconn_intake_rule *r, const struct tconn_label_source *s)
{
	for (size_t i = 0; *s->program && i < r->program_count; i++)
		if (!memcmp(r->program[i], s->program_digest, sizeof(s->program_digest)))
			return true;
	return !r->program_count;
}

static int check_policy(const struct tconn_intake_rule *rule, const struct tconn_label *l,
			const struct tconn_label_item *item, struct tconn_error *err)
{
	const struct tconn_label_source *s = tconn_label_source(l, item->source);
	const uint64_t now = (uint64_t)time(NULL), at = item->time_us / 1000000;

	if (!rule)
		return tconn_fail(err, -EPERM, "policy: no such source is accepted");
	if (rule->type_count && !tconn_policy_listed(rule->type, rule->type_count, s->content_type))
		return tconn_fail(err, -EPERM, "policy: content of type %s is not accepted",
				  s->content_type);
	if (!program_listed(rule, s))
		return tconn_fail(err, -EPERM, "policy: not by a program that is accepted (%s)",
				  *s->program ? s->program : "none is named");
	if (rule->synchronised && !tconn_label_clock(l)->synchronised)
		return tconn_fail(err, -EPERM, "policy: the signer's clock was not synchronised");
	if ((rule->environment || rule->appraised) && !tconn_label_environment(l)->present)
		return tconn_fail(err, -EPERM, "policy: it does not say what the machine ran");
	if (rule->max_age_s && now > at && now - at > rule->max_age_s)
		return tconn_fail(err, -ETIME, "policy: %" PRIu64 " s old, over %u", now - at,
				  rule->max_age_s);
	return 0;
}

static int check_environment(const struct tconn_intake_rule *rule,
			     const struct tconn_appraised *appraised, const struct tconn_label *l,
			     struct tconn_error *err)
{
	bool compared = false;
	int r = appraised ? tconn_appraised_check(appraised, l, &compared, err) : 0;

	if (!r && rule->appraised && !compared)
		r = tconn_fail(err, -EPERM, "policy: it is of a time of which nothing was appraised");
	return r;
}

static int verify(const struct tconn_intake *in, const struct tconn_identity *from,
		  const struct tconn_label *l, struct tconn_label_report *ret,
		  struct tconn_error *err)
{
	char who[160];
	const struct tconn_label_check check = { .trust = in->trust, .who = who };

	snprintf(who, sizeof(who), "%s%s", from->role == TCONN_ROLE_DEVICE ? TCONN_URN_DEVICE :
		 TCONN_URN_SERVICE, from->name);
	if (tconn_label_count(l) != 1)
		return tconn_fail(err, -EINVAL, "a label of one item is due, not of a batch");
	return tconn_label_verify(l, &check, ret, err);
}

static void escape(const char *name, char ret[ESCAPED_MAX])
{
	for (; *name; name++) {
		const char c = *name;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_')
			*ret++ = c;
		else
			ret += sprintf(ret, "%%%02X", (unsigned char)c);
	}
	*ret = '\0';
}

/* What arrived, and what was found about it so far. */
struct arrival {
	struct tconn_intake *in;
	const struct tconn_identity *from;
	const struct tconn_appraised *appraised;
	const struct tconn_bytes *label, *data;
	const struct tconn_label *l;
	const struct tconn_intake_rule *rule;
	struct tconn_label_report report;
	struct tconn_label_item item;
	char folder[PATH_BYTES];
};

/* The data first: whoever sees the label has both. */
static int keep(const struct arrival *a, struct tconn_intake_item *ret, struct tconn_error *err)
{
	char source[ESCAPED_MAX], stem[PATH_BYTES], path[PATH_BYTES + 8];
	int r;

	escape(tconn_label_source(a->l, a->item.source)->name, source);
	if (snprintf(stem, sizeof(stem), "%s/%s-%" PRIu64 "-%" PRIu64, a->folder, source,
		     tconn_label_clock(a->l)->epoch, a->item.sequence) >= (int)sizeof(stem))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", a->folder);
	snprintf(path, sizeof(path), "%s.data", stem);
	if (snprintf(ret->path, sizeof(ret->path), "%s", path) >= (int)sizeof(ret->path))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", a->folder);
	r = tconn_file_replace(path, a->data, 0600, err);
	snprintf(path, sizeof(path), "%s.label", stem);
	return r ? r : tconn_file_replace(path, a->label, 0600, err);
}

static int keep_within_quota(const struct arrival *a, struct tconn_intake_item *ret,
			     struct tconn_error *err)
{
	const uint64_t bytes = a->label->len + a->data->len;
	int r = tconn_intake_room(a->in, a->from, a->folder, a->rule, bytes, err);

	if (!r)
		r = keep(a, ret, err);
	if (!r)
		tconn_intake_kept(a->in, a->from, a->rule, bytes);
	return r;
}

/* In its place among those before, and on the disk before that is remembered: an item that
 * was kept and then forgotten comes again as the same files.
 */
static int take_place(const struct arrival *a, struct tconn_intake_item *ret,
		      struct tconn_error *err)
{
	struct tconn_label_track *track = NULL;
	char path[PATH_BYTES + 8];
	int r;

	snprintf(path, sizeof(path), "%s/track", a->folder);
	r = tconn_label_track_load(path, &track, err);
	if (!r)
		r = tconn_label_track_take(track, a->l, &a->report, !a->rule->complete, err);
	if (!r)
		r = keep_within_quota(a, ret, err);
	if (!r)
		r = tconn_label_track_save(track, path, err);
	tconn_label_track_free(track);
	return r;
}

static int make_folder(struct arrival *a, struct tconn_error *err)
{
	const char *dir = a->in->dir;

	if (snprintf(a->folder, sizeof(a->folder), "%s/%s", dir, a->from->name) >=
	    (int)sizeof(a->folder))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", dir);
	if ((mkdir(dir, 0700) && errno != EEXIST) || (mkdir(a->folder, 0700) && errno != EEXIST))
		return tconn_fail(err, -errno, "%s: %s", a->folder, strerror(errno));
	return 0;
}

static int take(struct arrival *a, struct tconn_intake_item *ret, struct tconn_error *err)
{
	const char *source;
	int r = tconn_label_item(a->l, 0, &a->item, err);

	if (r)
		return r;
	source = tconn_label_source(a->l, a->item.source)->name;
	snprintf(ret->name, sizeof(ret->name), "%s #%" PRIu64, source, a->item.sequence);
	a->rule = tconn_intake_rule_of(&a->in->policy, source);
	r = verify(a->in, a->from, a->l, &a->report, err);
	if (!r)
		r = check_policy(a->rule, a->l, &a->item, err);
	if (!r)
		r = check_environment(a->rule, a->appraised, a->l, err);
	if (!r)
		r = tconn_label_check_data(&a->item, a->data->data, a->data->len, err);
	if (!r)
		r = make_folder(a, err);
	return r ? r : take_place(a, ret, err);
}

int tconn_intake_take(struct tconn_intake *in, const struct tconn_identity *from,
		      const struct tconn_appraised *appraised, const struct tconn_bytes *label,
		      const struct tconn_bytes *data, struct tconn_intake_item *ret,
		      struct tconn_error *err)
{
	struct arrival *a = calloc(1, sizeof(*a));
	struct tconn_intake_item got = { .name = "" };
	struct tconn_label *l = NULL;
	char where[160];
	int r = a ? tconn_label_decode(label->data, label->len, &l, err) :
		tconn_fail(err, -ENOMEM, "out of memory");

	if (!r) {
		*a = (struct arrival){ .in = in, .from = from, .appraised = appraised, .label = label,
				       .data = data, .l = l };
		r = take(a, &got, err);
	}
	tconn_label_free(l);
	free(a);
	snprintf(where, sizeof(where), "item %s", *got.name ? got.name : "without a name");
	if (r)
		return tconn_fail_in(err, r, where);
	*ret = got;
	return 0;
}
