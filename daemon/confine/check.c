// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <stdio.h>

#include "../lib/confinement.h"
#include "../lib/say.h"

static void print_capabilities(const char *what, uint64_t set)
{
	const char *name;

	printf("  %s:", what);
	for (unsigned int i = 0; (name = tconn_capability_name(i)); i++) {
		if (set & 1ULL << i)
			printf(" %s", name);
	}
	printf("\n");
}

static int print(const struct tconn_confinement *c)
{
	const char *flaw = tconn_confinement_flaw(c);

	printf("process %d: %s%s\n", c->pid, flaw ? "NOT confined: " : "confined",
	       flaw ? flaw : "");
	if (c->policy[0])
		printf("  policy: %s sha256:%s\n", c->policy, c->digest);
	print_capabilities("capabilities left", c->bounding);
	print_capabilities("capabilities dropped", ~c->bounding);
	printf("  seccomp: %s; no new privileges: %s; own process ids: %s\n",
	       c->seccomp == 2 ? "filter" : "none", c->no_new_privs ? "yes" : "no",
	       c->own_pids ? "yes" : "no");
	return flaw ? 1 : 0;
}

int check(int32_t pid)
{
	struct tconn_confinement ree[TCONN_CONFINED_MAX];
	struct tconn_error err;
	size_t count;
	int bad = 0;

	if (pid) {
		if (tconn_confinement_read(pid, &ree[0], &err) == 0)
			return print(&ree[0]);
		tconn_say("tconn-confine: %s", err.text);
		return 1;
	}
	count = tconn_confinement_list(TCONN_CONFINED_DIR, ree);
	for (size_t i = 0; i < count; i++)
		bad |= print(&ree[i]);
	if (count == 0)
		tconn_say("tconn-confine: no REE runs under it");
	return count == 0 ? 1 : bad;
}
