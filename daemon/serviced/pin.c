// SPDX-License-Identifier: Apache-2.0
#include "pin.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

#define LINE_MAX_BYTES 256
#define WORD_MAX_BYTES 16

static int write_once(int fd, const char *line, size_t len)
{
	ssize_t n = write(fd, line, len);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

/* Whoever hangs up, is late or says something else has taken it, no more. */
static enum pin_judgement hear(int fd)
{
	char word[WORD_MAX_BYTES] = "";
	size_t len = 0;
	ssize_t n;

	shutdown(fd, SHUT_WR);
	do {
		n = read(fd, word + len, sizeof(word) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < sizeof(word) - 1 && !strchr(word, '\n'));
	if (strcmp(word, "right\n") == 0)
		return PIN_RIGHT;
	return strcmp(word, "wrong\n") == 0 ? PIN_WRONG : PIN_NOT_JUDGED;
}

static int to_socket(const char *sink, const char *line, size_t len, struct tconn_error *err)
{
	const struct timeval deadline = { .tv_sec = PIN_SINK_MS / 1000 };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, r = 0;

	if (strlen(sink) >= sizeof(sa.sun_path))
		return tconn_fail(err, -ENAMETOOLONG, "PIN sink: path too long");
	strcpy(sa.sun_path, sink);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return tconn_fail(err, -errno, "PIN sink: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		r = -errno;
	if (r == 0)
		r = write_once(fd, line, len);
	if (r == 0)
		r = hear(fd);
	close(fd);
	return r < 0 ? tconn_fail(err, r, "PIN sink %s: %s", sink, strerror(-r)) : r;
}

static int to_program(const char *sink, const char *device, const char *request, const char *line,
		      size_t len, struct tconn_error *err)
{
	static char *const env[] = { "LANG=C.UTF-8", NULL };
	char *const argv[] = { (char *)sink, (char *)device, (char *)request, NULL };
	int status = 0, r = child_run(argv, env, line, len, PIN_SINK_MS, &status);

	if (r == -EAGAIN)
		return tconn_fail(err, r, "PIN sink: no process");
	if (r < 0)
		return tconn_fail(err, -EIO, "PIN sink %s: did not take the PIN", sink);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return tconn_fail(err, -EIO, "PIN sink %s: failed", sink);
	return WEXITSTATUS(status) ? PIN_WRONG : PIN_RIGHT;
}

int pin_hand_over(const char *sink, const char *device, uint64_t request, const uint8_t *digits,
		  size_t len, struct tconn_error *err)
{
	char line[LINE_MAX_BYTES], id[32];
	struct stat st;
	int n, r;

	if (strcmp(sink, PIN_SINK_NONE) == 0)
		return PIN_NOT_JUDGED;
	if (stat(sink, &st))
		return tconn_fail(err, -errno, "PIN sink %s: %s", sink, strerror(errno));
	snprintf(id, sizeof(id), "%" PRIu64, request);
	if (S_ISSOCK(st.st_mode)) {
		n = snprintf(line, sizeof(line), "%s %s %.*s\n", device, id, (int)len,
			     (const char *)digits);
		r = to_socket(sink, line, (size_t)n, err);
	} else {
		n = snprintf(line, sizeof(line), "%.*s\n", (int)len, (const char *)digits);
		r = to_program(sink, device, id, line, (size_t)n, err);
	}
	OPENSSL_cleanse(line, sizeof(line));
	return r;
}
