/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_POLICY_H
#define TCONN_POLICY_H

#include <linux/fs.h>
#include <linux/types.h>
#include "uapi/tconn.h"

struct device;

#define TCONN_POLICY_APPS	16
#define TCONN_POLICY_DISPLAYS	4
#define TCONN_POLICY_INPUTS	16
#define TCONN_POLICY_INDICATORS	1
#define TCONN_POLICY_ATTENTION	3

struct tconn_globs {
	unsigned int count, max;
	const char **glob;	/* point into tconn_policy::words */
};

struct tconn_policy {
	u8 digest[TCONN_DIGEST_SIZE];	/* of text */
	u32 pcr;
	u32 timeout_max_ms;
	u32 grace_ms;
	u32 band_permille;
	u8 service_ca[TCONN_DIGEST_SIZE];	/* zero: none */
	struct tconn_gesture confirm, deny;
	unsigned int attention_count;	/* 0: there is no attention key */
	u16 attention[TCONN_POLICY_ATTENTION];	/* the last is it, the others are held */
	bool indicator_required, hotplug_ignored;
	unsigned int app_count;
	u8 app[TCONN_POLICY_APPS][TCONN_DIGEST_SIZE];
	struct tconn_globs display, input, indicator;
	const char *display_glob[TCONN_POLICY_DISPLAYS];
	const char *input_glob[TCONN_POLICY_INPUTS];
	const char *indicator_glob[TCONN_POLICY_INDICATORS];
	size_t len, signature_len, size;	/* of the text, of what signs it (or 0), of all */
	char *text;		/* all of it as written, for reading back */
	char *words;		/* a copy, cut into words */
};

extern const struct file_operations tconn_policy_fops;

/* NULL until one is accepted; then the same one until the module goes. */
const struct tconn_policy *tconn_policy(void);
/* Need policies no signature? Fixed when the module was loaded. */
bool tconn_policy_developer(void);
bool tconn_policy_lists_app(const struct tconn_policy *p, const u8 *digest);
/* Nothing below /devices/virtual/ ever matches. */
bool tconn_policy_lists_device(const struct tconn_globs *globs, struct device *dev);
void tconn_policy_exit(void);

#endif
