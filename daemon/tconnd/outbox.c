// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/intake.h"
#include "../lib/say.h"

#define LABEL	".label"
#define REFUSED	"refused"
#define TRIES	64

static int open_folder(const char *dir)
{
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* NAME of a NAME.label; false for anything else. */
static bool base_name(const char *file, char ret[256])
{
	size_t len = strlen(file), suffix = sizeof(LABEL) - 1;

	if (len <= suffix || len > 255 || file[0] == '.' || strcmp(file + len - suffix, LABEL))
		return false;
	memcpy(ret, file, len - suffix);
	ret[len - suffix] = '\0';
	return true;
}

/* "" in ret where there is none. */
static int find_first(const char *dir, char ret[256], struct tconn_error *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char name[256];

	ret[0] = '\0';
	if (!d)
		return tconn_fail(err, -errno, "%s: %s", dir, strerror(errno));
	while ((e = readdir(d)))
		if (base_name(e->d_name, name) && (!ret[0] || strcmp(name, ret) < 0))
			strcpy(ret, name);
	closedir(d);
	return 0;
}

static int read_all(int fd, size_t len, struct tconn_bytes *ret)
{
	struct tconn_bytes b = { malloc(len + 1), 0 };

	while (b.data && b.len < len) {
		ssize_t n = read(fd, b.data + b.len, len - b.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		b.len += (size_t)n;
	}
	if (b.data && b.len == len) {
		*ret = b;
		return 0;
	}
	tconn_bytes_free(&b);
	return -EIO;
}

/* A pipe's other end is not waited for. */
static int read_plain(int folder, const char *name, size_t max, struct tconn_bytes *ret,
		      struct tconn_error *err)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", name, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		r = tconn_fail(err, -EINVAL, "%s: is no plain file", name);
	else if (st.st_size < 0 || (uint64_t)st.st_size > max)
		r = tconn_fail(err, -EMSGSIZE, "%s: over the limit of %zu bytes", name, max);
	else
		r = read_all(fd, (size_t)st.st_size, ret);
	if (r == -EIO)
		tconn_fail(err, r, "%s: cannot be read", name);
	close(fd);
	return r;
}

static int read_item(const char *dir, struct outbox_item *item, struct tconn_error *err)
{
	char label[sizeof(item->name) + sizeof(LABEL)];
	int folder = open_folder(dir), r;

	if (folder < 0)
		return tconn_fail(err, -errno, "%s: %s", dir, strerror(errno));
	snprintf(label, sizeof(label), "%s" LABEL, item->name);
	r = read_plain(folder, label, TCONN_ITEM_LABEL_MAX, &item->label, err);
	if (!r && !item->label.len)
		r = tconn_fail(err, -EINVAL, "%s: is empty", label);
	if (!r)
		r = read_plain(folder, item->name, TCONN_ITEM_MAX, &item->data, err);
	close(folder);
	return r;
}

int outbox_next(const char *dir, struct outbox_item *ret, struct tconn_error *err)
{
	/* What can be neither read nor put away is not tried for ever. */
	for (int i = 0; i < TRIES; i++) {
		struct outbox_item item = { .name = "" };
		struct tconn_error why;
		int r = find_first(dir, item.name, err);

		if (!r && item.name[0])
			r = read_item(dir, &item, &why);
		else if (r)
			return r;
		if (!r) {
			*ret = item;
			return 0;
		}
		outbox_item_free(&item);
		outbox_done(dir, item.name, r, why.text);
	}
	*ret = (struct outbox_item){ .name = "" };
	return 0;
}

static void put_away(int folder, int refused, const char *name)
{
	/* What cannot be moved would be met again for ever. */
	if (renameat(folder, name, refused, name) && errno != ENOENT && unlinkat(folder, name, 0))
		tconn_say("outbox: %s: can be neither moved nor removed: %s", name, strerror(errno));
}

void outbox_done(const char *dir, const char *name, int code, const char *why)
{
	int folder = open_folder(dir), refused = -1;
	char label[256 + sizeof(LABEL)];

	if (folder < 0)
		return;
	/* The service asks for it again, when it may have room or knows more of this machine. */
	if (code == -EDQUOT || code == -EAGAIN) {
		tconn_say("outbox: %s stays: %s", name, why);
		close(folder);
		return;
	}
	snprintf(label, sizeof(label), "%s" LABEL, name);
	/* It has it already: our word of that was lost. */
	if (code && code != -EEXIST) {
		tconn_say("outbox: %s: refused: %s", name, why);
		mkdirat(folder, REFUSED, 0700);
		refused = openat(folder, REFUSED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	/* The label first: it alone makes an item of it. */
	if (refused >= 0) {
		put_away(folder, refused, label);
		put_away(folder, refused, name);
		close(refused);
	} else {
		unlinkat(folder, label, 0);
		unlinkat(folder, name, 0);
	}
	close(folder);
}

void outbox_item_free(struct outbox_item *item)
{
	tconn_bytes_free(&item->label);
	tconn_bytes_free(&item->data);
}
