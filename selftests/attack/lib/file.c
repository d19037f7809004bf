// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

ssize_t file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1, len = 0;

	if (fd < 0)
		return -errno;
	while (got > 0 && (size_t)len < size - 1) {
		got = read(fd, buf + len, size - 1 - (size_t)len);
		if (got > 0)
			len += got;
	}
	if (got < 0)
		len = -errno;
	close(fd);
	buf[len < 0 ? 0 : len] = '\0';
	return len;
}

int file_find(const char *pattern, char *ret_path, size_t size)
{
	int ret = -ENOENT;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return -ENOENT;
	if (strlen(found.gl_pathv[0]) < size) {
		strcpy(ret_path, found.gl_pathv[0]);
		ret = 0;
	}
	globfree(&found);
	return ret;
}
