// SPDX-License-Identifier: Apache-2.0
#include "policy.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/confinement.h"
#include "../lib/digest.h"

/* Nodes with which root reaches kernel, TPM, trusted session or raw devices, or forges
 * input. No policy can give them.
 */
static const char *const never_devices[] = {
	"tconn*", "tpm*", "mem", "kmem", "port", "kmsg", "uinput", "uhid", "vhci", "hidraw*",
	"usb", "usb/*", "usbmon*", "bus", "bus/*", "cpu", "cpu/*", "vcs*", "fuse", "kvm",
	"i2c-*", "gpiochip*", "virtio-ports", "virtio-ports/*", "vport*", "shm", "pts", "ptmx",
};

static bool has_prefix(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Absolute, no empty part, no dots: what it says is where it leads. */
static bool is_plain_path(const char *path)
{
	if (path[0] != '/' || path[1] == '\0')
		return false;
	for (const char *p = path; *p; p++) {
		if (*p == '/' && (p[1] == '/' || p[1] == '\0' || p[1] == '.'))
			return false;
	}
	return true;
}

static int check_device(struct policy *p, const char *argument, struct tconn_error *err)
{
	(void)p;
	if (!is_plain_path(argument) || strncmp(argument, "/dev/", 5) != 0)
		return tconn_fail(err, -EINVAL, "%s: give a path below /dev", argument);
	for (size_t i = 0; i < sizeof(never_devices) / sizeof(*never_devices); i++) {
		if (fnmatch(never_devices[i], argument + 5, 0) == 0)
			return tconn_fail(err, -EINVAL, "%s: no REE can have this device", argument);
	}
	return 0;
}

/* /dev, /proc and /sys of the REE are made by view.c alone. */
static int check_folder(struct policy *p, const char *argument, struct tconn_error *err)
{
	(void)p;
	if (!is_plain_path(argument))
		return tconn_fail(err, -EINVAL, "%s: give an absolute path without . and ..",
				  argument);
	if (has_prefix(argument, "/dev") || has_prefix(argument, "/proc") ||
	    has_prefix(argument, "/sys"))
		return tconn_fail(err, -EINVAL, "%s: not below /dev, /proc or /sys", argument);
	return 0;
}

static int check_hide(struct policy *p, const char *argument, struct tconn_error *err)
{
	(void)p;
	if (!is_plain_path(argument))
		return tconn_fail(err, -EINVAL, "%s: give an absolute path without . and ..",
				  argument);
	return 0;
}

static int add_capability(struct policy *p, const char *argument, struct tconn_error *err)
{
	int cap = strncmp(argument, "CAP_", 4) == 0 ? capng_name_to_capability(argument + 4) : -1;

	if (cap < 0)
		return tconn_fail(err, -EINVAL, "%s: no such capability", argument);
	if (tconn_capabilities_never() & 1ULL << cap)
		return tconn_fail(err, -EINVAL, "%s: no REE can keep it, it would undo the "
				  "confinement", argument);
	p->keep |= 1ULL << cap;
	return 0;
}

static int check_syscall(struct policy *p, const char *argument, struct tconn_error *err)
{
	(void)p;
	if (seccomp_syscall_resolve_name(argument) == __NR_SCMP_ERROR)
		return tconn_fail(err, -EINVAL, "%s: no such system call", argument);
	return 0;
}

static int set_network(struct policy *p, const char *argument, struct tconn_error *err)
{
	p->own_network = strcmp(argument, "own") == 0;
	if (!p->own_network && strcmp(argument, "shared") != 0)
		return tconn_fail(err, -EINVAL, "network is shared or own, not %s", argument);
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct policy *p, const char *argument, struct tconn_error *err);
} words[] = {
	[POLICY_KEEP] = { "keep", add_capability },
	[POLICY_DENY] = { "deny", check_syscall },
	[POLICY_DEVICE] = { "device", check_device },
	[POLICY_FRESH] = { "fresh", check_folder },
	[POLICY_READ] = { "read", check_folder },
	[POLICY_WRITABLE] = { "writable", check_folder },
	[POLICY_HIDE] = { "hide", check_hide },
	[POLICY_NETWORK] = { "network", set_network },
};

static int add_line(struct policy *p, const char *word, const char *argument,
		    struct tconn_error *err)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(words[i].name, word) != 0)
			continue;
		if (p->count == POLICY_LINES)
			return tconn_fail(err, -EINVAL, "more than %d lines", POLICY_LINES);
		p->line[p->count].word = (enum policy_word)i;
		p->line[p->count++].argument = argument;
		return words[i].take(p, argument, err);
	}
	return tconn_fail(err, -EINVAL, "unknown word %s", word);
}

/* Cuts line into two words; none where there is nothing but a comment. */
static int split(char *line, const char **ret_word, const char **ret_argument,
		 struct tconn_error *err)
{
	static const char blank[] = " \t\r";
	char *save, *word, *argument;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, blank, &save);
	if (!word)
		return 0;
	argument = strtok_r(NULL, blank, &save);
	if (!argument || strtok_r(NULL, blank, &save))
		return tconn_fail(err, -EINVAL, "give one word and one argument");
	*ret_word = word;
	*ret_argument = argument;
	return 0;
}

static int parse_line(struct policy *p, char *line, bool *versioned, struct tconn_error *err)
{
	const char *word = NULL, *argument = NULL;
	int r = split(line, &word, &argument, err);

	if (r < 0 || !word)
		return r;
	if (*versioned)
		return add_line(p, word, argument, err);
	if (strcmp(word, "version") != 0 || strcmp(argument, "1") != 0)
		return tconn_fail(err, -EINVAL, "the first line must be \"version 1\"");
	*versioned = true;
	return 0;
}

/* The REE could move a hidden place that lies in a writable one, and the trusted side's with it. */
static int check_hidden_places(const struct policy *p, struct tconn_error *err)
{
	const char *hidden, *writable;

	for (size_t h = 0; (hidden = policy_next(p, POLICY_HIDE, &h));) {
		for (size_t w = 0; (writable = policy_next(p, POLICY_WRITABLE, &w));) {
			if (has_prefix(hidden, writable))
				return tconn_fail(err, -EINVAL,
						  "hide %s: it lies in %s, which is writable",
						  hidden, writable);
		}
	}
	return 0;
}

static int parse(struct policy *p, struct tconn_error *err)
{
	bool versioned = false;
	char *next = p->text, *line, where[32];
	int number = 0, r;

	while ((line = strsep(&next, "\n"))) {
		number++;
		r = parse_line(p, line, &versioned, err);
		if (r < 0) {
			snprintf(where, sizeof(where), "line %d", number);
			return tconn_fail_in(err, r, where);
		}
	}
	if (!versioned)
		return tconn_fail(err, -EINVAL, "the first line must be \"version 1\"");
	return check_hidden_places(p, err);
}

/* Who can write the policy decides what the REE may: root alone. */
static int check_owner(int fd, struct tconn_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return tconn_fail(err, -EPERM, "not a regular file");
	if (st.st_uid != 0 || st.st_mode & 022)
		return tconn_fail(err, -EPERM,
				  "only root may own and write it: chown root, chmod go-w");
	return 0;
}

static int read_text(int fd, struct policy *p, struct tconn_error *err)
{
	uint8_t digest[32];
	size_t len = 0;
	ssize_t n;

	p->text = malloc(POLICY_FILE_MAX + 1);
	if (!p->text)
		return tconn_fail(err, -ENOMEM, "out of memory");
	while ((n = read(fd, p->text + len, POLICY_FILE_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return tconn_fail(err, -errno, "%s", strerror(errno));
	if (len > POLICY_FILE_MAX || memchr(p->text, '\0', len))
		return tconn_fail(err, -EINVAL, "no text, or over %d bytes", POLICY_FILE_MAX);
	p->text[len] = '\0';
	tconn_sha256(p->text, len, digest);
	tconn_hex(digest, sizeof(digest), p->digest);
	return 0;
}

int policy_load(const char *path, struct policy *ret, struct tconn_error *err)
{
	struct policy p = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), r;

	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	r = check_owner(fd, err);
	if (r == 0)
		r = read_text(fd, &p, err);
	close(fd);
	if (r == 0)
		r = parse(&p, err);
	if (r < 0) {
		policy_free(&p);
		return tconn_fail_in(err, r, path);
	}
	*ret = p;
	return 0;
}

void policy_free(struct policy *p)
{
	free(p->text);
	p->text = NULL;
	p->count = 0;
}

const char *policy_next(const struct policy *p, enum policy_word word, size_t *at)
{
	while (*at < p->count) {
		const struct policy_line *line = &p->line[(*at)++];

		if (line->word == word)
			return line->argument;
	}
	return NULL;
}
