// SPDX-License-Identifier: Apache-2.0
/*
 * Strict: an unknown key, a missing one or a wrong type refuses the file, since
 * a misspelt requirement that is ignored is a requirement that is not made.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "ima_policy.h"
#include "refvals.h"

#define FORMAT_VERSION	1
#define DEPTH_MAX	8
#define NAME_MAX_BYTES	4096	/* PATH_MAX */
#define PCR_DEFAULT	13

static const struct {
	const char *name;
	uint32_t type;
} event_types[] = {
	{ "EV_POST_CODE", 0x1 }, { "EV_SEPARATOR", 0x4 }, { "EV_ACTION", 0x5 },
	{ "EV_EVENT_TAG", 0x6 }, { "EV_S_CRTM_CONTENTS", 0x7 }, { "EV_S_CRTM_VERSION", 0x8 },
	{ "EV_CPU_MICROCODE", 0x9 }, { "EV_PLATFORM_CONFIG_FLAGS", 0xa },
	{ "EV_TABLE_OF_DEVICES", 0xb }, { "EV_COMPACT_HASH", 0xc }, { "EV_IPL", 0xd },
	{ "EV_IPL_PARTITION_DATA", 0xe }, { "EV_NONHOST_CODE", 0xf },
	{ "EV_NONHOST_CONFIG", 0x10 }, { "EV_NONHOST_INFO", 0x11 },
	{ "EV_EFI_VARIABLE_DRIVER_CONFIG", 0x80000001 }, { "EV_EFI_VARIABLE_BOOT", 0x80000002 },
	{ "EV_EFI_BOOT_SERVICES_APPLICATION", 0x80000003 },
	{ "EV_EFI_BOOT_SERVICES_DRIVER", 0x80000004 },
	{ "EV_EFI_RUNTIME_SERVICES_DRIVER", 0x80000005 }, { "EV_EFI_GPT_EVENT", 0x80000006 },
	{ "EV_EFI_ACTION", 0x80000007 }, { "EV_EFI_PLATFORM_FIRMWARE_BLOB", 0x80000008 },
	{ "EV_EFI_HANDOFF_TABLES", 0x80000009 },
	{ "EV_EFI_PLATFORM_FIRMWARE_BLOB2", 0x8000000a },
	{ "EV_EFI_HANDOFF_TABLES2", 0x8000000b }, { "EV_EFI_VARIABLE_BOOT2", 0x8000000c },
	{ "EV_EFI_VARIABLE_AUTHORITY", 0x800000e0 },
};

static void free_entry(struct lh_entry *e)
{
	free(lh_entry_k(e));
	free(lh_entry_v(e));
}

static void free_table(struct lh_table *t)
{
	if (t)
		lh_table_free(t);
}

void tconn_refvals_free(struct tconn_refvals *r)
{
	if (!r)
		return;
	tconn_ima_policy_free(r->policy_ima);
	free_table(r->ima);
	free_table(r->ima_before_module);
	free_table(r->ima_buf);
	for (int i = 0; i < TCONN_EFI_LISTS; i++)
		free(r->secure_boot.list[i]);
	free(r->key_policy);
	free(r->policy);
	free(r->app);
	free(r);
}

const struct tconn_digests *tconn_refvals_find(struct lh_table *table, const char *name,
					       size_t len)
{
	char key[NAME_MAX_BYTES];
	void *value;

	if (!table || len >= sizeof(key))
		return NULL;
	memcpy(key, name, len);
	key[len] = '\0';
	return lh_table_lookup_ex(table, key, &value) ? value : NULL;
}

bool tconn_digests_have(const struct tconn_digests *list, const uint8_t digest[32])
{
	for (size_t i = 0; list && i < list->count; i++) {
		if (!memcmp(list->digest[i], digest, 32))
			return true;
	}
	return false;
}

static bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

static int get(struct json_object *o, const char *key, enum json_type type,
	       struct json_object **ret, struct tconn_error *err)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value))
		return tconn_fail(err, -EBADMSG, "\"%s\" is missing", key);
	if (json_object_get_type(value) != type)
		return tconn_fail(err, -EBADMSG, "\"%s\" is no %s", key, json_type_to_name(type));
	*ret = value;
	return 0;
}

static int get_bool(struct json_object *o, const char *key, bool *ret, struct tconn_error *err)
{
	struct json_object *value;
	int error = get(o, key, json_type_boolean, &value, err);

	if (!error)
		*ret = json_object_get_boolean(value);
	return error;
}

static int get_text(struct json_object *o, const char *key, char *ret, size_t size,
		    struct tconn_error *err)
{
	struct json_object *value;
	int error = get(o, key, json_type_string, &value, err);
	size_t len;

	if (error)
		return error;
	len = (size_t)json_object_get_string_len(value);
	if (len >= size || memchr(json_object_get_string(value), '\0', len))
		return tconn_fail(err, -EBADMSG, "\"%s\" is longer than %zu bytes", key, size - 1);
	memcpy(ret, json_object_get_string(value), len);
	ret[len] = '\0';
	return 0;
}

static int get_number(struct json_object *o, const char *key, int64_t min, int64_t max,
		      int64_t *ret, struct tconn_error *err)
{
	struct json_object *value;
	int error = get(o, key, json_type_int, &value, err);
	int64_t number;

	if (error)
		return error;
	number = json_object_get_int64(value);
	if (number < min || number > max)
		return tconn_fail(err, -EBADMSG, "\"%s\" is not within %" PRId64 "..%" PRId64, key,
				  min, max);
	*ret = number;
	return 0;
}

static int only_keys(struct json_object *o, const char *const *known, struct tconn_error *err)
{
	json_object_object_foreach(o, key, value) {
		const char *const *k = known;

		(void)value;
		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return tconn_fail(err, -EBADMSG, "unknown key \"%.64s\"", key);
	}
	return 0;
}

static int parse_digest(struct json_object *value, uint8_t ret[32], struct tconn_error *err)
{
	if (json_object_get_type(value) != json_type_string ||
	    !tconn_unhex(json_object_get_string(value), (size_t)json_object_get_string_len(value),
			 ret, 32))
		return tconn_fail(err, -EBADMSG, "a digest is not 64 hexadecimal digits");
	return 0;
}

int tconn_refvals_digests(struct json_object *array, struct tconn_digests **ret,
			  struct tconn_error *err)
{
	size_t count = json_object_array_length(array);
	struct tconn_digests *list;

	if (count > TCONN_REFVALS_DIGESTS)
		return tconn_fail(err, -EBADMSG, "over %d digests", TCONN_REFVALS_DIGESTS);
	list = calloc(1, sizeof(*list) + count * sizeof(list->digest[0]));
	if (!list)
		return tconn_fail(err, -ENOMEM, "out of memory");
	list->count = count;
	for (size_t i = 0; i < count; i++) {
		int error = parse_digest(json_object_array_get_idx(array, i), list->digest[i], err);

		if (error) {
			free(list);
			return error;
		}
	}
	*ret = list;
	return 0;
}

static int add_name(struct lh_table *table, const char *name, struct json_object *value,
		    struct tconn_error *err)
{
	struct tconn_digests *list = NULL;
	char *key;
	int error;

	if (json_object_get_type(value) != json_type_array)
		return tconn_fail(err, -EBADMSG, "\"%.128s\" has no array of digests", name);
	if (strlen(name) >= NAME_MAX_BYTES)
		return tconn_fail(err, -EBADMSG, "\"%.128s\" is too long", name);
	error = tconn_refvals_digests(value, &list, err);
	if (error)
		return tconn_fail_in(err, error, name);
	key = strdup(name);
	if (key && !lh_table_insert(table, key, list))
		return 0;
	free(key);
	free(list);
	return tconn_fail(err, -ENOMEM, "out of memory");
}

static int parse_table(struct json_object *o, const char *key, struct lh_table **ret,
		       struct tconn_error *err)
{
	struct json_object *names;
	int error = get(o, key, json_type_object, &names, err);

	if (error)
		return error;
	*ret = lh_kchar_table_new(json_object_object_length(names) * 2 + 16, free_entry);
	if (!*ret)
		return tconn_fail(err, -ENOMEM, "out of memory");
	json_object_object_foreach(names, name, value) {
		error = add_name(*ret, name, value, err);
		if (error)
			return tconn_fail_in(err, error, key);
	}
	return 0;
}

static int parse_type(struct json_object *o, uint32_t *ret, struct tconn_error *err)
{
	char name[64];
	int error = get_text(o, "type", name, sizeof(name), err);

	if (error)
		return error;
	for (size_t i = 0; i < sizeof(event_types) / sizeof(event_types[0]); i++) {
		if (!strcmp(name, event_types[i].name)) {
			*ret = event_types[i].type;
			return 0;
		}
	}
	return tconn_fail(err, -EBADMSG, "unknown event type \"%s\"", name);
}

static int parse_event(struct json_object *o, struct tconn_refvals_event *ret,
		       struct tconn_error *err)
{
	static const char *const keys[] = { "pcr", "type", "digest", "what", NULL };
	struct json_object *digest;
	int64_t pcr = 0;
	int error;

	if (json_object_get_type(o) != json_type_object)
		return tconn_fail(err, -EBADMSG, "is no object");
	error = only_keys(o, keys, err);
	if (!error)
		error = get_number(o, "pcr", 0, 14, &pcr, err);
	if (!error)
		error = parse_type(o, &ret->type, err);
	if (!error)
		error = get(o, "digest", json_type_string, &digest, err);
	if (!error)
		error = parse_digest(digest, ret->digest, err);
	if (!error)
		error = get_text(o, "what", ret->what, sizeof(ret->what), err);
	ret->pcr = (uint32_t)pcr;
	return error;
}

static int parse_events(struct json_object *o, struct tconn_refvals *r, struct tconn_error *err)
{
	struct json_object *array;
	int error = get(o, "pcr_events", json_type_array, &array, err);

	if (error)
		return error;
	if (json_object_array_length(array) > TCONN_REFVALS_EVENTS)
		return tconn_fail(err, -EBADMSG, "\"pcr_events\" has over %d entries",
				  TCONN_REFVALS_EVENTS);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		char where[40];

		error = parse_event(json_object_array_get_idx(array, i), &r->event[i], err);
		if (error) {
			snprintf(where, sizeof(where), "pcr_events[%zu]", i);
			return tconn_fail_in(err, error, where);
		}
		r->pcr_closed |= 1u << r->event[i].pcr;
		r->event_count++;
	}
	return 0;
}

static int parse_pcrs(struct json_object *o, const char *key, uint32_t *ret,
		      struct tconn_error *err)
{
	struct json_object *array;
	int error = get(o, key, json_type_array, &array, err);

	for (size_t i = 0; !error && i < json_object_array_length(array); i++) {
		struct json_object *pcr = json_object_array_get_idx(array, i);

		if (json_object_get_type(pcr) != json_type_int || json_object_get_int64(pcr) < 0 ||
		    json_object_get_int64(pcr) > 14)
			return tconn_fail(err, -EBADMSG, "%s[%zu] is not within 0..14", key, i);
		*ret |= 1u << json_object_get_int64(pcr);
	}
	return error;
}

/* A list that may be absent only where nothing of its kind is required. */
static int parse_list(struct json_object *o, const char *key, bool required,
		      struct tconn_digests **ret, struct tconn_error *err)
{
	struct json_object *array;
	int error;

	if (!required && !has(o, key))
		return 0;
	error = get(o, key, json_type_array, &array, err);
	return error ? error : tconn_refvals_digests(array, ret, err);
}

static int parse_tconn(struct json_object *top, struct tconn_refvals *r, struct tconn_error *err)
{
	static const char *const keys[] = { "required", "pcr", "policy", "app", "developer", NULL };
	struct json_object *o;
	int64_t pcr = PCR_DEFAULT;
	int error = get(top, "tconn", json_type_object, &o, err);

	if (error)
		return error;
	error = only_keys(o, keys, err);
	if (!error)
		error = get_bool(o, "required", &r->tconn_required, err);
	if (!error)
		error = parse_list(o, "policy", r->tconn_required, &r->policy, err);
	if (!error)
		error = parse_list(o, "app", r->tconn_required, &r->app, err);
	if (!error && has(o, "pcr"))
		/* PCRs 0..10 belong to firmware and IMA, 15 is not quoted. */
		error = get_number(o, "pcr", 11, 14, &pcr, err);
	if (!error && has(o, "developer"))
		error = get_bool(o, "developer", &r->tconn_developer, err);
	r->tconn_pcr = (uint32_t)pcr;
	return error ? tconn_fail_in(err, error, "tconn") : 0;
}

static int parse_secure_boot(struct json_object *top, struct tconn_refvals_secure_boot *ret,
			     struct tconn_error *err)
{
	static const char *const keys[] = { "pk", "kek", "db", "dbx", "required", NULL };
	struct json_object *o;
	int error = get(top, "secure_boot", json_type_object, &o, err);

	if (error)
		return error;
	error = only_keys(o, keys, err);
	if (!error)
		error = get_bool(o, "required", &ret->required, err);
	for (int i = 0; !error && i < TCONN_EFI_LISTS; i++)
		error = parse_list(o, keys[i], ret->required, &ret->list[i], err);
	return error ? tconn_fail_in(err, error, "secure_boot") : 0;
}

static int parse_system(struct json_object *top, struct tconn_system *ret, struct tconn_error *err)
{
	const char *keys[TCONN_FACT_COUNT + 1] = { NULL };
	struct json_object *o;
	int error = get(top, "system", json_type_object, &o, err);

	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++)
		keys[f] = tconn_fact_name(f);
	if (!error)
		error = only_keys(o, keys, err);
	for (enum tconn_fact f = 0; !error && f < TCONN_FACT_COUNT; f++) {
		if (has(o, keys[f]))
			error = get_text(o, keys[f], ret->fact[f], sizeof(ret->fact[f]), err);
	}
	return error ? tconn_fail_in(err, error, "system") : 0;
}

static int parse_key_policy(struct json_object *top, struct tconn_refvals *r,
			    struct tconn_error *err)
{
	struct json_object *list;
	int error = get(top, "key_policy", json_type_array, &list, err);

	if (!error)
		error = tconn_refvals_digests(list, &r->key_policy, err);
	return error ? tconn_fail_in(err, error, "key_policy") : 0;
}

static int parse_top(struct json_object *o, struct tconn_refvals *r, struct tconn_error *err)
{
	static const char *const keys[] = {
		"tconn-reference-values", "name", "kernel", "pcr_events", "pcr_closed", "pcr_exact",
		"secure_boot", "key_policy", "system", "ima",
		"ima_before_module", "ima_buf", "ima_digests", "ima_rules", "ima_keys", "ima_text", "ima_required",
		"tconn", NULL
	};
	int64_t version;
	int error;

	if (json_object_get_type(o) != json_type_object)
		return tconn_fail(err, -EBADMSG, "no JSON object");
	error = get_number(o, "tconn-reference-values", FORMAT_VERSION, FORMAT_VERSION, &version,
			   err);
	if (!error)
		error = only_keys(o, keys, err);
	if (!error)
		error = get_text(o, "name", r->name, sizeof(r->name), err);
	if (!error)
		error = parse_events(o, r, err);
	if (!error && has(o, "pcr_closed"))
		error = parse_pcrs(o, "pcr_closed", &r->pcr_closed, err);
	if (!error && has(o, "pcr_exact"))
		error = parse_pcrs(o, "pcr_exact", &r->pcr_exact, err);
	if (!error && has(o, "secure_boot"))
		error = parse_secure_boot(o, &r->secure_boot, err);
	if (!error && has(o, "key_policy"))
		error = parse_key_policy(o, r, err);
	if (!error && has(o, "system"))
		error = parse_system(o, &r->system, err);
	if (!error)
		error = parse_table(o, "ima", &r->ima, err);
	if (!error)
		error = get_bool(o, "ima_required", &r->ima_required, err);
	if (!error)
		error = parse_tconn(o, r, err);
	if (!error && has(o, "kernel"))
		error = get_text(o, "kernel", r->kernel, sizeof(r->kernel), err);
	if (!error && has(o, "ima_before_module"))
		error = parse_table(o, "ima_before_module", &r->ima_before_module, err);
	if (!error && has(o, "ima_buf"))
		error = parse_table(o, "ima_buf", &r->ima_buf, err);
	if (!error)
		error = tconn_ima_policy_compile(o, r, &r->policy_ima, err);
	return error;
}

static int parse_json(const char *json, size_t len, struct json_object **ret,
		      struct tconn_error *err)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o;
	enum json_tokener_error error;
	size_t end;

	if (!tok)
		return tconn_fail(err, -ENOMEM, "out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tok, json, (int)len);
	error = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (error == json_tokener_continue)
		error = json_tokener_error_parse_eof;
	if (error != json_tokener_success || end != len || !o) {
		json_object_put(o);
		return tconn_fail(err, -EBADMSG, "no JSON at byte %zu: %s", end,
				  json_tokener_error_desc(error));
	}
	*ret = o;
	return 0;
}

/* White space after the object is what editors leave; it is no second value. */
static size_t trimmed(const char *json, size_t len)
{
	while (len && strchr(" \t\r\n", json[len - 1]) && json[len - 1])
		len--;
	return len;
}

int tconn_refvals_parse(const char *json, size_t len, struct tconn_refvals **ret,
			struct tconn_error *err)
{
	struct json_object *o = NULL;
	struct tconn_refvals *r;
	int error;

	if (len > TCONN_REFVALS_MAX)
		return tconn_fail(err, -EFBIG, "reference values of %zu bytes are over the limit of %u",
				  len, TCONN_REFVALS_MAX);
	error = parse_json(json, trimmed(json, len), &o, err);
	if (error)
		return tconn_fail_in(err, error, "reference values");
	r = calloc(1, sizeof(*r));
	error = r ? parse_top(o, r, err) : tconn_fail(err, -ENOMEM, "out of memory");
	json_object_put(o);
	if (error) {
		tconn_refvals_free(r);
		return tconn_fail_in(err, error, "reference values");
	}
	*ret = r;
	return 0;
}

static int read_all(int fd, char *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int read_fd(int fd, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct stat st;
	int error;

	if (fstat(fd, &st))
		return tconn_fail(err, -errno, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > TCONN_REFVALS_MAX)
		return tconn_fail(err, -EFBIG, "no regular file of 1..%u bytes", TCONN_REFVALS_MAX);
	ret->data = malloc((size_t)st.st_size);
	if (!ret->data)
		return tconn_fail(err, -ENOMEM, "out of memory");
	ret->len = (size_t)st.st_size;
	error = read_all(fd, (char *)ret->data, ret->len);
	if (!error)
		return 0;
	free(ret->data);
	return tconn_fail(err, error, "%s", strerror(-error));
}

int tconn_refvals_file(const char *path, struct tconn_bytes *ret, struct tconn_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return tconn_fail(err, -errno, "reference values %s: %s", path, strerror(errno));
	error = read_fd(fd, ret, err);
	close(fd);
	return error ? tconn_fail_in(err, error, path) : 0;
}

int tconn_refvals_load(const char *path, struct tconn_refvals **ret, struct tconn_error *err)
{
	struct tconn_bytes json;
	int error = tconn_refvals_file(path, &json, err);

	if (error)
		return error;
	error = tconn_refvals_parse((const char *)json.data, json.len, ret, err);
	free(json.data);
	return error ? tconn_fail_in(err, error, path) : 0;
}

int tconn_withdrawn_parse(const char *json, size_t len, struct tconn_digests **ret,
			  struct tconn_error *err)
{
	static const char *const keys[] = { "tconn-withdrawn", "reference_values", NULL };
	struct json_object *o = NULL, *list;
	int64_t version;
	int error = len > TCONN_REFVALS_MAX ? tconn_fail(err, -EFBIG, "too long") :
		    parse_json(json, trimmed(json, len), &o, err);

	if (!error && json_object_get_type(o) != json_type_object)
		error = tconn_fail(err, -EBADMSG, "no JSON object");
	if (!error)
		error = only_keys(o, keys, err);
	if (!error)
		error = get_number(o, "tconn-withdrawn", 1, 1, &version, err);
	if (!error)
		error = get(o, "reference_values", json_type_array, &list, err);
	if (!error)
		error = tconn_refvals_digests(list, ret, err);
	json_object_put(o);
	return error ? tconn_fail_in(err, error, "withdrawn") : 0;
}
