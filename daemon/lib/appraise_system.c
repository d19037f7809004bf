// SPDX-License-Identifier: Apache-2.0
/* What a device says of its kernel's settings, against what the reference values demand. */
#include <stdio.h>
#include <string.h>

#include "appraise_part.h"

/* " (lockdown none, debugfs on)": what is weaker than the integrator's page asks for. */
static void list_weak(const struct tconn_system *s, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT && len < size; f++) {
		if (strcmp(s->fact[f], tconn_fact_wanted(f)))
			len += (size_t)snprintf(ret + len, size - len, "%s%s %s", len ? ", " : "",
						tconn_fact_name(f),
						s->fact[f][0] ? s->fact[f] : "not known");
	}
}

bool tconn_check_system(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_system *is = &a->evidence->system, *want = &a->refvals->system;
	char weak[200];
	size_t demanded = 0;

	for (enum tconn_fact f = 0; f < TCONN_FACT_COUNT; f++) {
		if (!want->fact[f][0])
			continue;
		demanded++;
		if (strcmp(is->fact[f], want->fact[f]))
			return tconn_refuse(why, "%s is %s there, %s is demanded", tconn_fact_name(f),
					    is->fact[f][0] ? is->fact[f] : "not known", want->fact[f]);
	}
	list_weak(is, weak, sizeof(weak));
	if (!weak[0])
		return tconn_pass(why, "hardened in full; %zu of %d settings are demanded", demanded,
				  TCONN_FACT_COUNT);
	return tconn_reserve(why, "weaker than it could be: %s; %zu settings are demanded", weak, demanded);
}
