/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between root of the REE and the trusted side, as this machine's kernel says it:
 * facts in words, gathered by tconnd, sent with the evidence, shown by `tconnctl status`. They are
 * worth what tconnd is worth: IMA says which one runs, and the boot that nothing came before it.
 *
 *	lockdown	none, integrity, confidentiality
 *	debugfs		on, off
 *	framebuffer-console	on (fbcon can bring its picture back), off
 *	ptrace		anybody, parents, admin, nobody (kernel.yama.ptrace_scope 0..3)
 *	modules		loadable, fixed (kernel.modules_disabled)
 *	kexec		on, off (kernel.kexec_load_disabled)
 *	ima-policy	missing, loaded
 *	ree		none, confined, or unconfined if one of those that were started is not
 */
#ifndef TCONN_SYSTEM_H
#define TCONN_SYSTEM_H

#include <stddef.h>

#define TCONN_SYSTEM_VALUE_MAX	32	/* bytes, terminator included */

enum tconn_fact {
	TCONN_FACT_LOCKDOWN,
	TCONN_FACT_DEBUGFS,
	TCONN_FACT_FRAMEBUFFER_CONSOLE,
	TCONN_FACT_PTRACE,
	TCONN_FACT_MODULES,
	TCONN_FACT_KEXEC,
	TCONN_FACT_IMA_POLICY,
	TCONN_FACT_REE,
	TCONN_FACT_COUNT,
};

/* "" is not known. */
struct tconn_system {
	char fact[TCONN_FACT_COUNT][TCONN_SYSTEM_VALUE_MAX];
};

const char *tconn_fact_name(enum tconn_fact fact);
/* The value that the integrator's page asks for. */
const char *tconn_fact_wanted(enum tconn_fact fact);
/* root: "" or a folder in front of /proc and /sys; confined: tconn-confine's folder, or NULL. */
void tconn_system_read(const char *root, const char *confined, struct tconn_system *ret);

#endif
