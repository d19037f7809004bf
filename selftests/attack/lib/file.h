/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of /proc and /sys. */
#ifndef ATTACK_FILE_H
#define ATTACK_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* In one write(). 0 or a negative errno. */
int file_write(const char *path, const char *text);

/* Up to size - 1 bytes and a zero; bytes read or a negative errno. */
ssize_t file_read(const char *path, char *buf, size_t size);

/* The pattern's first match; 0 or -ENOENT. */
int file_find(const char *pattern, char *ret_path, size_t size);

#endif
