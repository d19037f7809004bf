// SPDX-License-Identifier: Apache-2.0
#include "system.h"

static const struct {
	const char *name, *wanted;
} facts[TCONN_FACT_COUNT] = {
	[TCONN_FACT_LOCKDOWN] = { "lockdown", "confidentiality" },
	[TCONN_FACT_DEBUGFS] = { "debugfs", "off" },
	[TCONN_FACT_FRAMEBUFFER_CONSOLE] = { "framebuffer-console", "off" },
	[TCONN_FACT_PTRACE] = { "ptrace", "nobody" },
	[TCONN_FACT_MODULES] = { "modules", "fixed" },
	[TCONN_FACT_KEXEC] = { "kexec", "off" },
	[TCONN_FACT_IMA_POLICY] = { "ima-policy", "loaded" },
	[TCONN_FACT_REE] = { "ree", "confined" },
};

const char *tconn_fact_name(enum tconn_fact fact)
{
	return facts[fact].name;
}

const char *tconn_fact_wanted(enum tconn_fact fact)
{
	return facts[fact].wanted;
}
