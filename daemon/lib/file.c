// SPDX-License-Identifier: Apache-2.0
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

int tconn_file_read(const char *path, size_t max, struct tconn_bytes *ret, struct tconn_error *err)
{
	FILE *f = fopen(path, "re");
	struct tconn_bytes b = { 0 };
	int r = 0;

	if (!f)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	b.data = malloc(max + 1);
	if (b.data)
		b.len = fread(b.data, 1, max + 1, f);
	if (!b.data)
		r = tconn_fail(err, -ENOMEM, "out of memory");
	else if (ferror(f))
		r = tconn_fail(err, -EIO, "%s: cannot be read", path);
	else if (b.len > max)
		r = tconn_fail(err, -EMSGSIZE, "%s: over the limit of %zu bytes", path, max);
	fclose(f);
	if (r)
		tconn_bytes_free(&b);
	else
		*ret = b;
	return r;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

static int write_new(const char *path, const struct tconn_bytes *data, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode), r;

	if (fd < 0)
		return -errno;
	r = write_all(fd, data->data, data->len);
	if (close(fd) && !r)
		r = -errno;
	return r;
}

/* link() refuses where rename() replaces. */
static int put(const char *path, const struct tconn_bytes *data, mode_t mode,
	       int (*name)(const char *from, const char *to), struct tconn_error *err)
{
	char new[PATH_BYTES];
	int r;

	if (snprintf(new, sizeof(new), "%s.new", path) >= (int)sizeof(new))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", path);
	r = write_new(new, data, mode);
	if (!r && name(new, path))
		r = -errno;
	if (r || name == link)
		unlink(new);
	return r ? tconn_fail(err, r, "%s: cannot be written: %s", path, strerror(-r)) : 0;
}

int tconn_file_replace(const char *path, const struct tconn_bytes *data, mode_t mode,
		       struct tconn_error *err)
{
	return put(path, data, mode, rename, err);
}

int tconn_file_create(const char *path, const struct tconn_bytes *data, mode_t mode,
		      struct tconn_error *err)
{
	return put(path, data, mode, link, err);
}
