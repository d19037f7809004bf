// SPDX-License-Identifier: GPL-2.0-only
/*
 * Init in order, exit in reverse. The BOOT event is first in the log. The file
 * that takes the policy appears last, when nothing can fail any more: a module
 * that does not load has never had a policy, nor an input handler, nor a session.
 */
#include <linux/build_bug.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/security.h>

#include "evidence.h"
#include "indicator.h"
#include "input.h"
#include "measure.h"
#include "policy.h"
#include "session.h"
#include "uapi/tconn.h"

static const struct {
	const char *name;
	umode_t mode;
	const struct file_operations *fops;
} files[] = {
	{ "state",	0444, &tconn_state_fops },
	{ "attention",	0400, &tconn_attention_fops },
	{ "log",	0440, &tconn_log_fops },
	{ "log_ascii",	0440, &tconn_log_ascii_fops },
	{ "policy",	0600, &tconn_policy_fops },	/* last, see above */
};

static struct dentry *dir, *dentries[ARRAY_SIZE(files)];

static void files_remove(void)
{
	int i;

	for (i = ARRAY_SIZE(files) - 1; i >= 0; i--)
		securityfs_remove(dentries[i]);
	securityfs_remove(dir);
}

static int files_create(void)
{
	int i;

	dir = securityfs_create_dir("tconn", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		dentries[i] = securityfs_create_file(files[i].name, files[i].mode, dir, NULL,
						     files[i].fops);
		if (IS_ERR(dentries[i])) {
			files_remove();
			return PTR_ERR(dentries[i]);
		}
	}
	return 0;
}

/* The sizes that uapi/tconn.h states, and the byte order it relies on. */
static void check_abi(void)
{
	BUILD_BUG_ON(!IS_ENABLED(CONFIG_CPU_LITTLE_ENDIAN) && !IS_ENABLED(CONFIG_X86));
	BUILD_BUG_ON(sizeof(struct tconn_event) != 44);
	BUILD_BUG_ON(sizeof(struct tconn_event_boot) != 116);
	BUILD_BUG_ON(sizeof(struct tconn_event_policy) != 40);
	BUILD_BUG_ON(sizeof(struct tconn_event_app) != 312);
	BUILD_BUG_ON(sizeof(struct tconn_record) != 480);
	BUILD_BUG_ON(sizeof(struct tconn_event_app) > TCONN_EVENT_DATA_MAX);
}

static int __init tconn_init(void)
{
	int ret;

	check_abi();
	tconn_evidence_init();
	ret = tconn_measure_init();
	if (ret)
		goto exit_evidence;
	ret = tconn_session_init();
	if (ret)
		goto exit_measure;
	ret = tconn_indicator_init();
	if (ret)
		goto exit_session;
	tconn_measure_boot();
	ret = tconn_session_publish();
	if (ret)
		goto exit_indicator;
	ret = files_create();
	if (ret)
		goto unpublish;
	return 0;

unpublish:
	tconn_session_unpublish();
exit_indicator:
	tconn_indicator_exit();
exit_session:
	tconn_session_exit();
exit_measure:
	tconn_measure_exit();
exit_evidence:
	tconn_evidence_exit();
	return ret;
}

static void __exit tconn_exit(void)
{
	files_remove();
	tconn_session_unpublish();
	tconn_indicator_exit();
	tconn_input_exit();
	tconn_session_exit();
	tconn_policy_exit();
	tconn_measure_exit();
	tconn_evidence_exit();
}

module_init(tconn_init);
module_exit(tconn_exit);

MODULE_DESCRIPTION("Trusted user interface sessions (ISO/IEC 27071 clause 5.8)");
MODULE_AUTHOR("tconn");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
