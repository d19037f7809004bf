/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What policies in JSON have in common: an object with a version and one list of objects,
 *	{ "NAME": 1, "LIST": [ {...}, ... ] }
 * strict: nothing after it, no other keys, nothing deeper than 8.
 */
#ifndef TCONN_POLICY_JSON_H
#define TCONN_POLICY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_POLICY_MAX	65536	/* bytes */
#define TCONN_POLICY_LIST_MAX	16	/* of a list within an object */

struct json_object;

struct tconn_policy_shape {
	const char *name, *list, *one;		/* "tconn-label-policy", "clients", "client" */
	size_t max;				/* objects */
	/* One member of object number index; errors need not name the key. -EINVAL. */
	int (*member)(void *policy, size_t index, const char *key, struct json_object *v,
		      struct tconn_error *err);
	/* The whole object was read: is what has to be there? */
	int (*check)(const void *policy, size_t index, struct tconn_error *err);
};

int tconn_policy_parse(const struct tconn_policy_shape *shape, const char *json, size_t len,
		       void *policy, size_t *ret_count, struct tconn_error *err);
/* The text of a file, to be parsed: without blanks at its end, which are the file's. */
struct tconn_bytes;
int tconn_policy_read(const char *path, struct tconn_bytes *ret, struct tconn_error *err);

/* -EINVAL: not of this kind, too long, too many. */
int tconn_policy_text(struct json_object *v, char *ret, size_t size, struct tconn_error *err);
int tconn_policy_uint(struct json_object *v, uint32_t max, uint32_t *ret, struct tconn_error *err);
int tconn_policy_bool(struct json_object *v, bool *ret, struct tconn_error *err);
/* Lists of 1 to TCONN_POLICY_LIST_MAX. */
int tconn_policy_texts(struct json_object *v, char (*ret)[64], size_t *ret_count,
		       struct tconn_error *err);
int tconn_policy_digests(struct json_object *v, uint8_t (*ret)[32], size_t *ret_count,
			 struct tconn_error *err);

/* Whole names, or "camera/..." for any below. */
bool tconn_policy_matches(const char *pattern, const char *name);
bool tconn_policy_listed(const char (*list)[64], size_t count, const char *name);

#endif
