// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/audit.h"
#include "../lib/jsonline.h"
#include "ctl.h"

/* -- export */

static bool write_line(FILE *f, struct json_object *obj)
{
	const char *text = json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE);

	return fputs(text, f) >= 0 && fputc('\n', f) != EOF;
}

/* One reply's entries, and the head where it has one. */
static bool write_page(FILE *f, struct json_object *reply, uint64_t *after, bool *ended)
{
	struct json_object *list = NULL, *head;
	bool good = true;

	json_object_object_get_ex(reply, "entries", &list);
	for (size_t i = 0; list && good && i < json_object_array_length(list); i++) {
		good = write_line(f, json_object_array_get_idx(list, i));
		(*after)++;
	}
	*ended = json_object_object_get_ex(reply, "head", &head);
	return good && (!*ended || write_line(f, head));
}

static int export_page(const struct ctl *ctl, FILE *f, uint64_t *after, bool *ended)
{
	struct json_object *request = json_object_new_object(), *reply;
	struct tconn_error err;
	int r;

	tconn_json_add_string(request, "do", "audit-export");
	tconn_json_add(request, "after", json_object_new_int64((int64_t)*after));
	r = call_service(ctl, request, &reply);
	if (r)
		return r;
	r = reply_code(ctl, reply);
	if (r && ctl->json)
		print_json(reply);
	if (r == CTL_OK && !write_page(f, reply, after, ended)) {
		tconn_fail(&err, -EIO, "the export cannot be written");
		r = failure(ctl, -EIO, &err);
	}
	json_object_put(reply);
	return r;
}

static int export(const struct ctl *ctl, const char *path)
{
	FILE *f = fopen(path, "wxe");
	struct tconn_error err;
	uint64_t after = 0;
	bool ended = false;
	int r = 0;

	if (!f) {
		r = -errno;
		tconn_fail(&err, r, "%s: %s", path, strerror(-r));
		return failure(ctl, r, &err);
	}
	while (r == 0 && !ended)
		r = export_page(ctl, f, &after, &ended);
	if (fclose(f) && r == 0) {
		tconn_fail(&err, -EIO, "%s: cannot be written", path);
		r = failure(ctl, -EIO, &err);
	}
	if (r)
		unlink(path);
	else if (!ctl->json)
		print("%llu entries in %s", (unsigned long long)after, path);
	return r;
}

/* -- verify */

static int check_lines(FILE *f, struct tconn_audit_check *c, struct tconn_error *err)
{
	char *line = malloc(TCONN_AUDIT_LINE);
	int r = line ? 0 : tconn_fail(err, -ENOMEM, "out of memory");

	while (r == 0 && fgets(line, TCONN_AUDIT_LINE, f)) {
		size_t len = strlen(line);

		if (!len || line[len - 1] != '\n')
			r = tconn_fail(err, -EKEYREJECTED, "after entry %llu: a line that is cut short or "
				       "too long", (unsigned long long)c->number);
		else
			r = tconn_audit_line(c, line, len - 1, err);
	}
	if (r == 0 && ferror(f))
		r = tconn_fail(err, -EIO, "it cannot be read");
	free(line);
	return r == 0 ? tconn_audit_end(c, err) : r;
}

static int check_file(const char *path, struct tconn_audit_check *c, struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	int r;

	if (!f)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	r = check_lines(f, c, err);
	fclose(f);
	/* A line that is none is as good as a changed one. */
	return r < 0 ? tconn_fail_in(err, r == -EBADMSG ? -EKEYREJECTED : r, path) : 0;
}

/* The earlier export first: it has to be good itself. */
static int check_both(const char *path, const char *trust, const char *earlier,
		      struct tconn_audit_check *ret, struct tconn_error *err)
{
	struct tconn_audit_check c = { 0 }, old = { 0 };
	int r = tconn_trust_load(trust, &c.trust, err);

	old.trust = c.trust;
	if (r == 0 && earlier)
		r = check_file(earlier, &old, err);
	c.earlier = old.number;
	memcpy(c.earlier_hash, old.hash, sizeof(c.earlier_hash));
	if (r == 0)
		r = check_file(path, &c, err);
	X509_STORE_free(c.trust);
	*ret = c;
	return r;
}

static int verify(const struct ctl *ctl, const char *path, const char *trust, const char *earlier)
{
	struct tconn_audit_check c;
	struct tconn_error err = { "" };
	struct json_object *obj;
	int r = check_both(path, trust, earlier, &c, &err);

	if (r < 0)
		return failure(ctl, r, &err);
	if (!ctl->json) {
		print("intact: %llu entries, signed by service %s%s", (unsigned long long)c.number,
		      c.service, earlier ? ", continues the earlier export" : "");
		return CTL_OK;
	}
	obj = json_object_new_object();
	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add(obj, "entries", json_object_new_int64((int64_t)c.number));
	tconn_json_add(obj, "time", json_object_new_int64(c.time));
	tconn_json_add_string(obj, "service", c.service);
	print_json(obj);
	json_object_put(obj);
	return CTL_OK;
}

int command_audit(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "trust", required_argument, NULL, 't' },
		{ "after", required_argument, NULL, 'a' },
		{ 0 },
	};
	const char *trust = NULL, *earlier = NULL, *what;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 't')
			trust = optarg;
		else if (o == 'a')
			earlier = optarg;
		else
			return usage("bad option of audit");
	}
	what = optind < argc ? argv[optind] : "";
	if (strcmp(what, "export") == 0 && argc - optind == 2 && !trust && !earlier)
		return export(ctl, argv[optind + 1]);
	if (strcmp(what, "verify") == 0 && argc - optind == 2 && trust)
		return verify(ctl, argv[optind + 1], trust, earlier);
	return usage("audit export FILE, or audit verify FILE --trust CA_FILE [--after EARLIER]");
}
