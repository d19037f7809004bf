// SPDX-License-Identifier: Apache-2.0
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../lib/say.h"

/* A mount of the outside, taken while it can be seen, put in its place later. */
struct piece {
	const char *path;
	int fd;
};

struct pieces {
	struct piece piece[POLICY_LINES + 1];	/* /sys besides */
	size_t count;
};

/* What every program expects; names are below /dev. */
static const struct {
	const char *name;
	unsigned int major, minor;
} nodes[] = {
	{ "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 },
	{ "urandom", 1, 9 }, { "tty", 5, 0 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" }, { "ptmx", "pts/ptmx" },
};

static int failed(const char *what, const char *path, struct tconn_error *err)
{
	int r = -errno;

	return tconn_fail(err, r, "%s %s: %s", what, path, strerror(-r));
}

static int mount_new(const char *type, const char *path, unsigned long flags, const char *options,
		     struct tconn_error *err)
{
	if (mount(type, path, type, flags | MS_NOSUID, options) < 0)
		return failed("cannot mount over", path, err);
	return 0;
}

/* Takes the folder at path, with these attributes. */
static int take(struct pieces *all, const char *path, uint64_t attributes, struct tconn_error *err)
{
	struct mount_attr attr = { .attr_set = attributes };
	struct piece *piece = &all->piece[all->count];

	piece->path = path;
	piece->fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (piece->fd < 0)
		return failed("cannot take", path, err);
	all->count++;
	if (mount_setattr(piece->fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return failed("cannot set attributes of", path, err);
	return 0;
}

/*
 * Answers: driver unbind, LED and backlight, forged uevents. What is mounted below it
 * is not taken along: cgroups (freezer), securityfs (policies), debugfs, tracefs.
 */
static int take_sys(struct pieces *all, struct tconn_error *err)
{
	return take(all, "/sys", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
		    MOUNT_ATTR_NOEXEC, err);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * Folders of devices stay those of the outside, so that a device plugged in later
 * appears; read-only, since the trusted side opens the same names. What is not there is not
 * given.
 */
static int take_folders(const struct policy *p, struct pieces *all, struct tconn_error *err)
{
	const uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	const uint64_t plain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = policy_next(p, POLICY_DEVICE, &i));) {
		if (is_folder(path))
			r = take(all, path, safe | MOUNT_ATTR_RDONLY, err);
	}
	for (size_t i = 0; r == 0 && (path = policy_next(p, POLICY_READ, &i));) {
		if (is_folder(path))
			r = take(all, path, plain | MOUNT_ATTR_RDONLY, err);
		else
			tconn_say("tconn-confine: %s is no folder; the REE goes without", path);
	}
	for (size_t i = 0; r == 0 && (path = policy_next(p, POLICY_WRITABLE, &i));)
		r = take(all, path, plain, err);
	return r;
}

/*
 * Answers: programs, libraries, settings of the trusted side changed under it; a node
 * found or left somewhere opened; a setuid file.
 */
static int close_all(struct tconn_error *err)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID,
	};

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return failed("cannot make read-only", "/", err);
	return 0;
}

static int make_fresh(const struct policy *p, struct tconn_error *err)
{
	char options[32];
	const char *path;
	struct stat st;

	for (size_t i = 0; (path = policy_next(p, POLICY_FRESH, &i));) {
		if (stat(path, &st) < 0)
			return failed("fresh", path, err);
		snprintf(options, sizeof(options), "mode=%o", st.st_mode & 07777);
		if (mount_new("tmpfs", path, MS_NODEV, options, err) < 0)
			return -EIO;
	}
	return 0;
}

static int make_node(const char *path, const struct stat *st, struct tconn_error *err)
{
	if (mknod(path, st->st_mode, st->st_rdev) < 0 || chown(path, st->st_uid, st->st_gid) < 0 ||
	    chmod(path, st->st_mode & 07777) < 0)
		return failed("cannot make", path, err);
	return 0;
}

static int make_standard_nodes(struct tconn_error *err)
{
	char path[64];
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(nodes) / sizeof(*nodes); i++) {
		const struct stat st = {
			.st_mode = S_IFCHR | 0666,
			.st_rdev = makedev(nodes[i].major, nodes[i].minor),
		};

		snprintf(path, sizeof(path), "/dev/%s", nodes[i].name);
		r = make_node(path, &st, err);
	}
	for (size_t i = 0; r == 0 && i < sizeof(links) / sizeof(*links); i++) {
		snprintf(path, sizeof(path), "/dev/%s", links[i].name);
		if (symlink(links[i].target, path) < 0)
			r = failed("cannot make", path, err);
	}
	return r;
}

/* Folders down to and with path, each below a fresh one if it is not there. */
static int make_folders(const char *path, struct tconn_error *err)
{
	char part[4096];

	snprintf(part, sizeof(part), "%s", path);
	for (char *p = part + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EROFS)
			return failed("cannot make", part, err);
		if (c == '\0')
			return 0;
		*p = c;
	}
}

static int make_folder_of(const char *path, struct tconn_error *err)
{
	char folder[4096];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	*slash = '\0';
	return make_folders(folder, err);
}

/* Single nodes are copied: they stay when the outside's come and go. */
static int copy_nodes(const struct policy *p, const struct stat *outside, struct tconn_error *err)
{
	const char *path;
	int r = 0;

	for (size_t i = 0, n = 0; r == 0 && (path = policy_next(p, POLICY_DEVICE, &i)); n++) {
		if (!S_ISCHR(outside[n].st_mode) && !S_ISBLK(outside[n].st_mode))
			continue;
		r = make_folder_of(path, err);
		if (r == 0)
			r = make_node(path, &outside[n], err);
	}
	return r;
}

static void look_at_nodes(const struct policy *p, struct stat *ret)
{
	const char *path;

	for (size_t i = 0, n = 0; (path = policy_next(p, POLICY_DEVICE, &i)); n++) {
		if (stat(path, &ret[n]) == 0)
			continue;
		memset(&ret[n], 0, sizeof(ret[n]));
		tconn_say("tconn-confine: %s is not there; the REE goes without", path);
	}
}

/*
 * Answers: /dev/tconn, TPM, memory, uinput and the like, which root would open by
 * name. Pseudo-terminals are the REE's own instance.
 */
static int make_dev(const struct policy *p, struct tconn_error *err)
{
	static struct stat outside[POLICY_LINES];
	int r;

	look_at_nodes(p, outside);
	r = mount_new("tmpfs", "/dev", MS_NOEXEC, "mode=0755", err);
	if (r == 0)
		r = make_standard_nodes(err);
	if (r == 0)
		r = copy_nodes(p, outside, err);
	if (r == 0)
		r = make_folders("/dev/pts", err);
	if (r == 0)
		r = make_folders("/dev/shm", err);
	if (r == 0)
		r = mount_new("devpts", "/dev/pts", MS_NOEXEC, "ptmxmode=0666,mode=0620,gid=5", err);
	if (r == 0)
		r = mount_new("tmpfs", "/dev/shm", MS_NODEV | MS_NOEXEC, "mode=1777", err);
	return r;
}

/*
 * Answers: kill, SIGSTOP, /proc/PID/mem and /proc/PID/root of the trusted side (no
 * process of it has a number here); core_pattern and other settings that make
 * the kernel run programs; sysrq-trigger.
 */
static int make_proc(struct tconn_error *err)
{
	return mount_new("proc", "/proc", MS_RDONLY | MS_NODEV | MS_NOEXEC, NULL, err);
}

static int put_pieces(const struct pieces *all, struct tconn_error *err)
{
	for (size_t i = 0; i < all->count; i++) {
		int r = make_folders(all->piece[i].path, err);

		if (r < 0)
			return r;
		if (move_mount(all->piece[i].fd, "", AT_FDCWD, all->piece[i].path,
			       MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return failed("cannot put in its place", all->piece[i].path, err);
	}
	return 0;
}

/*
 * A hidden folder is an empty one, a hidden file reads as empty. What does not
 * exist yet could appear later and be seen, so it must be made first.
 */
static int hide(const struct policy *p, struct tconn_error *err)
{
	const unsigned long flags = MS_RDONLY | MS_NODEV | MS_NOEXEC;
	const char *path;
	struct stat st;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = policy_next(p, POLICY_HIDE, &i));) {
		if (stat(path, &st) < 0)
			return tconn_fail(err, -errno, "hide %s: %s; make it before the REE starts",
					  path, strerror(errno));
		if (S_ISDIR(st.st_mode))
			r = mount_new("tmpfs", path, flags, "mode=0,size=4k", err);
		else if (mount("/dev/null", path, NULL, MS_BIND, NULL) < 0)
			r = failed("cannot hide", path, err);
	}
	return r;
}

int view_make(const struct policy *p, struct tconn_error *err)
{
	static struct pieces all;
	int r;

	/* What is mounted outside later does not appear here, nor the other way round. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return failed("cannot make private", "/", err);
	r = take_sys(&all, err);
	if (r == 0)
		r = take_folders(p, &all, err);
	if (r == 0)
		r = close_all(err);
	if (r == 0)
		r = make_fresh(p, err);
	if (r == 0)
		r = make_dev(p, err);
	if (r == 0)
		r = make_proc(err);
	if (r == 0)
		r = put_pieces(&all, err);
	if (r == 0)
		r = hide(p, err);
	if (r == 0 && chdir("/") < 0)
		r = failed("cannot enter", "/", err);
	return r;
}
