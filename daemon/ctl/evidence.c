// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/appraise.h"
#include "../lib/digest.h"
#include "../lib/evidence_files.h"
#include "../lib/file.h"
#include "../lib/jsonline.h"
#include "ctl.h"

static int done(const struct ctl *ctl, int r, const struct tconn_error *err)
{
	if (r < 0)
		return failure(ctl, r, err);
	if (ctl->json)
		puts("{\"ok\":true}");
	return CTL_OK;
}

static int export(const struct ctl *ctl, const char *path, const char *dir)
{
	struct tconn_evidence e = { 0 };
	struct tconn_error err = { "" };
	int r = tconn_evidence_load(path, &e, &err);

	if (r == 0)
		r = tconn_evidence_export(&e, dir, &err);
	tconn_evidence_free(&e);
	return done(ctl, r, &err);
}

struct looking {
	const struct ctl *ctl;
	struct json_object *list;	/* with --json */
};

static void tell_entry(const struct tconn_ima_event *e, const char *why, void *arg)
{
	struct looking *l = arg;
	struct json_object *obj;
	char digest[65] = "";

	if (e->digest_len == 32)
		tconn_hex(e->digest, 32, digest);
	if (!l->ctl->json) {
		print("%s", why);
		return;
	}
	obj = json_object_new_object();
	tconn_json_add_string(obj, "path", e->path);
	tconn_json_add_string(obj, "sha256", digest);
	tconn_json_add_string(obj, "why", why);
	json_object_array_add(l->list, obj);
}

static int show(const struct ctl *ctl, const char *path, const char *reference)
{
	struct looking l = { .ctl = ctl, .list = json_object_new_array() };
	struct json_object *reply = json_object_new_object();
	struct tconn_refvals *refvals = NULL;
	struct tconn_evidence e = { 0 };
	struct tconn_error err = { "" };
	size_t bad = 0;
	int r = tconn_evidence_load(path, &e, &err);

	if (r == 0)
		r = tconn_refvals_load(reference, &refvals, &err);
	if (r == 0)
		r = tconn_ima_explain(&e, refvals, tell_entry, &l, &bad, &err);
	tconn_refvals_free(refvals);
	tconn_evidence_free(&e);
	tconn_json_add(reply, "ok", json_object_new_boolean(1));
	tconn_json_add(reply, "entries", l.list);
	if (r == 0 && ctl->json)
		print_json(reply);
	json_object_put(reply);
	if (r < 0)
		return failure(ctl, r, &err);
	return bad ? CTL_REFUSED : CTL_OK;
}

struct adding {
	const char *path;
	struct json_object *ima;	/* of the reference values */
	size_t added;
};

static void add_entry(const struct tconn_ima_event *e, const char *why, void *arg)
{
	struct adding *a = arg;
	struct json_object *digests = NULL;
	char digest[65];

	(void)why;
	/* A violation has no digest, and a buffer is no file. */
	if (e->violation || e->template == TCONN_IMA_BUF || e->digest_len != 32 ||
	    strcmp(e->path, a->path))
		return;
	tconn_hex(e->digest, 32, digest);
	if (!json_object_object_get_ex(a->ima, a->path, &digests)) {
		digests = json_object_new_array();
		json_object_object_add(a->ima, a->path, digests);
	}
	json_object_array_add(digests, json_object_new_string(digest));
	a->added++;
	print("%s: sha256 %s is expected from now on", a->path, digest);
}

static int rewrite(const char *path, struct json_object *top, struct tconn_error *err)
{
	const char *text = json_object_to_json_string_ext(
		top, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	struct tconn_refvals *check = NULL;
	struct tconn_bytes line = { 0 };
	char *all;
	int r = tconn_refvals_parse(text, strlen(text), &check, err);

	tconn_refvals_free(check);
	if (r < 0)
		return r;
	if (asprintf(&all, "%s\n", text) < 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	line = (struct tconn_bytes){ (uint8_t *)all, strlen(all) };
	r = tconn_file_replace(path, &line, 0644, err);
	free(all);
	return r;
}

static int add_to(const char *reference, const struct tconn_evidence *e,
		  const struct tconn_refvals *refvals, const char *path, struct tconn_error *err)
{
	struct json_object *top = json_object_from_file(reference);
	struct adding a = { .path = path };
	size_t bad;
	int r;

	if (!top || !json_object_object_get_ex(top, "ima", &a.ima))
		r = tconn_fail(err, -EBADMSG, "%s: no reference values", reference);
	else
		r = tconn_ima_explain(e, refvals, add_entry, &a, &bad, err);
	if (r == 0 && !a.added)
		r = tconn_fail(err, -ENOENT, "the evidence has no entry of %s that can be added; see evidence show",
			       path);
	if (r == 0)
		r = rewrite(reference, top, err);
	json_object_put(top);
	return r;
}

static int add(const struct ctl *ctl, const char *file, const char *reference, const char *path)
{
	struct tconn_refvals *refvals = NULL;
	struct tconn_evidence e = { 0 };
	struct tconn_error err = { "" };
	int r = tconn_evidence_load(file, &e, &err);

	if (r == 0)
		r = tconn_refvals_load(reference, &refvals, &err);
	if (r == 0)
		r = add_to(reference, &e, refvals, path, &err);
	tconn_refvals_free(refvals);
	tconn_evidence_free(&e);
	return done(ctl, r, &err);
}

int command_evidence(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "reference", required_argument, NULL, 'r' },
		{ "path", required_argument, NULL, 'p' },
		{ 0 },
	};
	const char *reference = NULL, *path = NULL, *what;
	int o, left;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'r')
			reference = optarg;
		else if (o == 'p')
			path = optarg;
		else
			return usage("bad option of evidence");
	}
	left = argc - optind;
	what = left > 0 ? argv[optind] : "";
	if (strcmp(what, "export") == 0 && left == 3 && !reference && !path)
		return export(ctl, argv[optind + 1], argv[optind + 2]);
	if (strcmp(what, "show") == 0 && left == 2 && reference && !path)
		return show(ctl, argv[optind + 1], reference);
	if (strcmp(what, "add") == 0 && left == 2 && reference && path)
		return add(ctl, argv[optind + 1], reference, path);
	return usage("evidence show FILE --reference FILE, evidence add FILE --reference FILE --path PATH, or evidence export FILE DIR");
}
