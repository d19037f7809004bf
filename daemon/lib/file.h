/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read with a limit, written completely or not at all. */
#ifndef TCONN_FILE_H
#define TCONN_FILE_H

#include <sys/types.h>
#include "bytes.h"
#include "error.h"

/* -EMSGSIZE: over max bytes. An empty file gives data that is not NULL, and len 0. */
int tconn_file_read(const char *path, size_t max, struct tconn_bytes *ret, struct tconn_error *err);

/* Beside the file ("path.new"), onto the disk, then in its place: who reads it finds the
 * old bytes or the new ones. Nothing stays behind on failure.
 */
int tconn_file_replace(const char *path, const struct tconn_bytes *data, mode_t mode,
		       struct tconn_error *err);
/* The same, but -EEXIST where there is a file already. */
int tconn_file_create(const char *path, const struct tconn_bytes *data, mode_t mode,
		      struct tconn_error *err);

#endif
