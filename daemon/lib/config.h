/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: one JSON object, flat. The program lists every key it
 * knows with its type and place; anything else in the file is refused by name,
 * so that a misspelt key cannot quietly leave a default in force.
 */
#ifndef TCONN_CONFIG_H
#define TCONN_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_CONFIG_MAX	65536	/* bytes of a file */
#define TCONN_CONFIG_STRINGS	32	/* elements of an array */

enum tconn_setting_type {
	TCONN_SETTING_STRING,	/* value: char **, malloc'ed, replaced */
	TCONN_SETTING_STRINGS,	/* value: char ***, NULL-terminated, replaced */
	TCONN_SETTING_UINT,	/* value: uint32_t *, min..max */
	TCONN_SETTING_BOOL,	/* value: bool * */
};

struct tconn_setting {
	const char *key;
	enum tconn_setting_type type;
	void *value;		/* holds the default */
	bool required;		/* must be in the file */
	uint32_t min, max;	/* UINT */
};

int tconn_config_load(const char *path, const struct tconn_setting *settings, size_t count,
		      struct tconn_error *err);
/* Frees what the settings point to. */
void tconn_config_free(const struct tconn_setting *settings, size_t count);
void tconn_strings_free(char **strings);	/* accepts NULL */

#endif
