// SPDX-License-Identifier: Apache-2.0
#include "evidence_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/say.h"

#define PATH_BYTES 4096

static int write_at(int fd, const uint8_t *data, size_t len, off_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

/* A new file in the old one's place, so that a reader never sees half of one. */
static int replace(const char *path, const struct tconn_bytes *b)
{
	char tmp[PATH_BYTES + 8];
	int fd, r;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_at(fd, b->data, b->len, 0);
	close(fd);
	if (r == 0 && rename(tmp, path))
		r = -errno;
	if (r < 0)
		unlink(tmp);
	return r;
}

/* What came before the part must be there: it was kept when the part before came. */
static int append(const char *path, const struct tconn_evidence *e)
{
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r = -ENODATA;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_size >= (off_t)e->ima_base)
		r = write_at(fd, e->ima_log.data, e->ima_log.len, (off_t)e->ima_base);
	if (r == 0 && ftruncate(fd, (off_t)(e->ima_base + e->ima_log.len)))
		r = -errno;
	close(fd);
	return r;
}

void evidence_keep(const char *dir, const struct tconn_identity *device,
		   const struct tconn_bytes *encoded, const struct tconn_evidence *e)
{
	char path[PATH_BYTES];
	int r;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		tconn_say("%s: %s", dir, strerror(errno));
		return;
	}
	/* The name is a certificate's: 64 hex digits. */
	snprintf(path, sizeof(path), "%s/%s.ima", dir, device->name);
	r = e->ima_base ? append(path, e) : replace(path, &e->ima_log);
	if (r == 0) {
		snprintf(path, sizeof(path), "%s/%s.cbor", dir, device->name);
		r = replace(path, encoded);
	}
	if (r < 0)
		tconn_say("%s: evidence is not kept: %s", path, strerror(-r));
}
