// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "confinement.h"
#include "system.h"

static void path_of(const char *root, const char *path, char ret[512])
{
	snprintf(ret, 512, "%s%s", root, path);
}

/* False where there is no such file; an empty one gives "". */
static bool read_text(const char *root, const char *path, char *ret, size_t size)
{
	char full[512];
	size_t len;
	FILE *f;

	path_of(root, path, full);
	f = fopen(full, "re");
	if (!f)
		return false;
	len = fread(ret, 1, size - 1, f);
	ret[len] = '\0';
	fclose(f);
	return true;
}

static void say(struct tconn_system *s, enum tconn_fact fact, const char *value)
{
	snprintf(s->fact[fact], sizeof(s->fact[fact]), "%s", value);
}

/* "none integrity [confidentiality]" */
static void read_lockdown(const char *root, struct tconn_system *s)
{
	char text[128], *begin, *end;

	if (!read_text(root, "/sys/kernel/security/lockdown", text, sizeof(text)))
		return;
	begin = strchr(text, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (!end)
		return;
	*end = '\0';
	say(s, TCONN_FACT_LOCKDOWN, begin + 1);
}

/* With debugfs=off the kernel does not know such a file system. */
static void read_debugfs(const char *root, struct tconn_system *s)
{
	char text[4096];

	if (read_text(root, "/proc/filesystems", text, sizeof(text)))
		say(s, TCONN_FACT_DEBUGFS, strstr(text, "\tdebugfs\n") ? "on" : "off");
}

static void read_framebuffers(const char *root, struct tconn_system *s)
{
	char text[256];

	if (read_text(root, "/proc/fb", text, sizeof(text)))
		say(s, TCONN_FACT_FRAMEBUFFER_CONSOLE, text[0] ? "on" : "off");
	else if (read_text(root, "/proc/filesystems", text, sizeof(text)))
		say(s, TCONN_FACT_FRAMEBUFFER_CONSOLE, "off");	/* a kernel without framebuffers */
}

/* A kernel setting of one digit, in words. */
static void read_setting(const char *root, const char *path, const char *const *words,
			 size_t count, enum tconn_fact fact, struct tconn_system *s)
{
	char text[16];

	if (read_text(root, path, text, sizeof(text)) && text[0] >= '0' &&
	    (size_t)(text[0] - '0') < count)
		say(s, fact, words[text[0] - '0']);
}

/* Debian's kernel takes one policy, and the file goes away with it. */
static void read_ima(const char *root, struct tconn_system *s)
{
	char path[512];

	path_of(root, "/sys/kernel/security/ima", path);
	if (access(path, F_OK))
		return;
	path_of(root, "/sys/kernel/security/ima/policy", path);
	say(s, TCONN_FACT_IMA_POLICY, access(path, F_OK) ? "loaded" : "missing");
}

static void read_ree(const char *confined, struct tconn_system *s)
{
	struct tconn_confinement ree[TCONN_CONFINED_MAX];
	size_t count = tconn_confinement_list(confined, ree);
	const char *value = count ? "confined" : "none";

	for (size_t i = 0; i < count; i++) {
		if (tconn_confinement_flaw(&ree[i]))
			value = "unconfined";
	}
	say(s, TCONN_FACT_REE, value);
}

void tconn_system_read(const char *root, const char *confined, struct tconn_system *ret)
{
	static const char *const ptrace[] = { "anybody", "parents", "admin", "nobody" };
	static const char *const modules[] = { "loadable", "fixed" };
	static const char *const kexec[] = { "on", "off" };

	memset(ret, 0, sizeof(*ret));
	read_lockdown(root, ret);
	read_debugfs(root, ret);
	read_framebuffers(root, ret);
	read_setting(root, "/proc/sys/kernel/yama/ptrace_scope", ptrace, 4, TCONN_FACT_PTRACE, ret);
	read_setting(root, "/proc/sys/kernel/modules_disabled", modules, 2, TCONN_FACT_MODULES, ret);
	read_setting(root, "/proc/sys/kernel/kexec_load_disabled", kexec, 2, TCONN_FACT_KEXEC, ret);
	read_ima(root, ret);
	if (confined)
		read_ree(confined, ret);
}
