// SPDX-License-Identifier: Apache-2.0
#include "confinement.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT64(n) (1ULL << (n))

uint64_t tconn_capabilities_never(void)
{
	return BIT64(CAP_SYS_ADMIN) |		/* mounts, namespaces, another's picture */
	       BIT64(CAP_SYS_PTRACE) |		/* memory of other processes */
	       BIT64(CAP_SYS_MODULE) |		/* code for the kernel */
	       BIT64(CAP_SYS_RAWIO) |		/* ports, /dev/mem */
	       BIT64(CAP_BPF) | BIT64(CAP_PERFMON) | /* programs that read memory from the kernel */
	       BIT64(CAP_SYSLOG) |		/* kernel log and addresses */
	       BIT64(CAP_MKNOD) |		/* device nodes that its /dev does not have */
	       BIT64(CAP_DAC_READ_SEARCH) |	/* files by handle, past any mount */
	       BIT64(CAP_SETPCAP) |		/* the sets and bits that hold all this */
	       BIT64(CAP_SYS_BOOT) | BIT64(CAP_SYS_TIME) | BIT64(CAP_SYS_PACCT) |
	       BIT64(CAP_MAC_ADMIN) | BIT64(CAP_MAC_OVERRIDE) | BIT64(CAP_AUDIT_CONTROL) |
	       BIT64(CAP_CHECKPOINT_RESTORE);
}

const char *tconn_capability_name(unsigned int number)
{
	return number <= CAP_LAST_CAP ? capng_capability_to_name(number) : NULL;
}

/* "0\t1\n", "742\t1\n": process ids from our namespace to its own. */
static bool below_ours(const char *ids)
{
	return strchr(ids + strspn(ids, " \t"), '\t') != NULL;
}

static void read_line(const char *line, struct tconn_confinement *c, unsigned int *seen)
{
	static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" };

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		if (strncmp(line, sets[i], 7) == 0) {
			c->held |= strtoull(line + 7, NULL, 16);
			*seen |= 1U << i;
		}
	}
	if (strncmp(line, "CapBnd:", 7) == 0) {
		c->bounding = strtoull(line + 7, NULL, 16);
		*seen |= 1U << 4;
	} else if (strncmp(line, "NoNewPrivs:", 11) == 0) {
		c->no_new_privs = strtoul(line + 11, NULL, 10) == 1;
		*seen |= 1U << 5;
	} else if (strncmp(line, "Seccomp:", 8) == 0) {
		c->seccomp = (uint32_t)strtoul(line + 8, NULL, 10);
		*seen |= 1U << 6;
	} else if (strncmp(line, "NSpid:", 6) == 0) {
		c->own_pids = below_ours(line + 6);
		*seen |= 1U << 7;
	}
}

int tconn_confinement_read(int32_t pid, struct tconn_confinement *ret, struct tconn_error *err)
{
	struct tconn_confinement c = { .pid = pid };
	unsigned int seen = 0;
	char line[512];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	f = fopen(line, "re");
	if (!f)
		return tconn_fail(err, -ESRCH, "%s: %s", line, strerror(errno));
	while (fgets(line, sizeof(line), f))
		read_line(line, &c, &seen);
	fclose(f);
	if (seen != 0xff)
		return tconn_fail(err, -EBADMSG, "/proc/%d/status lacks what is looked for", pid);
	*ret = c;
	return 0;
}

/* The launcher's file: names the policy only; what holds is read from the process. */
static bool read_entry(const char *dir, const char *name, struct tconn_confinement *ret)
{
	struct tconn_confinement c;
	char path[512], *end;
	long pid = strtol(name, &end, 10);
	FILE *f;
	int fields;

	if (*end || pid <= 0 || pid > INT32_MAX ||
	    tconn_confinement_read((int32_t)pid, &c, NULL) < 0 || !c.own_pids)
		return false;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return false;
	fields = fscanf(f, "%64[0-9a-f] %255[^\n]", c.digest, c.policy);
	fclose(f);
	if (fields != 2)
		return false;
	*ret = c;
	return true;
}

size_t tconn_confinement_list(const char *dir, struct tconn_confinement *ret)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t count = 0;

	if (!d)
		return 0;
	while (count < TCONN_CONFINED_MAX && (entry = readdir(d)))
		count += read_entry(dir, entry->d_name, &ret[count]);
	closedir(d);
	return count;
}

const char *tconn_confinement_flaw(const struct tconn_confinement *c)
{
	if (c->bounding & tconn_capabilities_never())
		return "its bounding set has capabilities that no REE may have";
	if (c->held & ~c->bounding)
		return "it holds capabilities outside its bounding set";
	if (c->seccomp != SECCOMP_MODE_FILTER)
		return "no seccomp filter";
	if (!c->no_new_privs)
		return "it may gain privileges by execution";
	if (!c->own_pids)
		return "it can name the processes of the trusted side";
	return NULL;
}
