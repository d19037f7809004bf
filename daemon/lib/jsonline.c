// SPDX-License-Identifier: Apache-2.0
#include "jsonline.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "appraise.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* 1 when ready, 0 at the deadline, negative errno. */
static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		int64_t left = deadline - now_ms();
		int r;

		if (left <= 0)
			return 0;
		r = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (r > 0)
			return 1;
		if (r < 0 && errno != EINTR)
			return -errno;
	}
}

static int address(const char *path, struct sockaddr_un *ret, struct tconn_error *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (!*path || strlen(path) >= sizeof(sa.sun_path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: a socket's path has 1 to %zu bytes",
				  path, sizeof(sa.sun_path) - 1);
	strcpy(sa.sun_path, path);
	*ret = sa;
	return 0;
}

static int dial(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int remove_stale(const struct sockaddr_un *sa, struct tconn_error *err)
{
	struct stat st;
	int fd;

	if (lstat(sa->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return tconn_fail(err, -EEXIST, "%s: exists and is no socket", sa->sun_path);
	fd = dial(sa);
	if (fd >= 0) {
		close(fd);
		return tconn_fail(err, -EADDRINUSE, "%s: another program listens there",
				  sa->sun_path);
	}
	if (unlink(sa->sun_path))
		return tconn_fail(err, -errno, "%s: cannot remove stale socket: %s", sa->sun_path,
				  strerror(errno));
	return 0;
}

static int bind_private(int fd, const struct sockaddr_un *sa)
{
	mode_t old = umask(0177);
	int r = bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? -errno : 0;

	umask(old);
	return r;
}

int tconn_jsonline_listen(const char *path, int *ret_fd, struct tconn_error *err)
{
	struct sockaddr_un sa;
	int fd, r;

	r = address(path, &sa, err);
	if (r == 0)
		r = remove_stale(&sa, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	r = bind_private(fd, &sa);
	if (r == 0 && listen(fd, 16))
		r = -errno;
	if (r < 0) {
		close(fd);
		return tconn_fail(err, r, "%s: cannot listen: %s", path, strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

int tconn_json_parse(const char *line, size_t len, struct json_object **ret,
		     struct tconn_error *err)
{
	struct json_tokener *tok = json_tokener_new_ex(8);
	struct json_object *obj;
	enum json_tokener_error e;
	size_t end;

	if (!tok)
		return tconn_fail(err, -ENOMEM, "out of memory");
	/* UTF-8 is not checked here: a statement's text has its own error for that. */
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	obj = json_tokener_parse_ex(tok, line, (int)len);
	e = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	json_tokener_free(tok);
	if (e != json_tokener_success || end != len ||
	    !json_object_is_type(obj, json_type_object)) {
		json_object_put(obj);
		return tconn_fail(err, -EBADMSG, "not one JSON object");
	}
	*ret = obj;
	return 0;
}

/* Reads up to and including the newline; *ret_len is without it. */
static int read_line(int fd, char **buf, size_t limit, int64_t deadline, size_t *ret_len,
		     struct tconn_error *err)
{
	size_t len = 0, size = 0;

	for (;;) {
		char *end;
		ssize_t n;
		int r;

		if (len == limit)
			return tconn_fail(err, -EMSGSIZE, "line over %zu bytes", limit);
		if (len == size) {
			size_t want = size ? size * 2 : 4096;
			char *more = realloc(*buf, want > limit ? limit : want);

			if (!more)
				return tconn_fail(err, -ENOMEM, "out of memory");
			*buf = more;
			size = want > limit ? limit : want;
		}
		r = wait_for(fd, POLLIN, deadline);
		if (r <= 0)
			return tconn_fail(err, r ? r : -ETIMEDOUT,
					  "no whole line within the deadline");
		n = recv(fd, *buf + len, size - len, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return tconn_fail(err, -ECONNRESET, "closed before the end of the line");
		end = memchr(*buf + len, '\n', (size_t)n);
		len += (size_t)n;
		if (!end)
			continue;
		if (end != *buf + len - 1)
			return tconn_fail(err, -EBADMSG, "bytes after the line");
		*ret_len = len - 1;
		return 0;
	}
}

int tconn_jsonline_receive(int fd, size_t limit, int timeout_ms, struct json_object **ret,
			   struct tconn_error *err)
{
	char *buf = NULL;
	size_t len = 0;
	int r = read_line(fd, &buf, limit, now_ms() + timeout_ms, &len, err);

	if (r == 0)
		r = tconn_json_parse(buf, len, ret, err);
	free(buf);
	return r;
}

static int send_all(int fd, const char *buf, size_t len, int64_t deadline)
{
	while (len) {
		ssize_t n;
		int r = wait_for(fd, POLLOUT, deadline);

		if (r <= 0)
			return r ? r : -ETIMEDOUT;
		n = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

int tconn_jsonline_send(int fd, struct json_object *obj, int timeout_ms, struct tconn_error *err)
{
	int64_t deadline = now_ms() + timeout_ms;
	size_t len = 0;
	const char *text = json_object_to_json_string_length(obj, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	int r;

	if (!text)
		return tconn_fail(err, -ENOMEM, "out of memory");
	r = send_all(fd, text, len, deadline);
	if (r == 0)
		r = send_all(fd, "\n", 1, deadline);
	if (r < 0)
		return tconn_fail(err, r, "cannot send: %s", strerror(-r));
	return 0;
}

int tconn_jsonline_call(const char *path, struct json_object *request, int timeout_ms,
			struct json_object **ret, struct tconn_error *err)
{
	struct sockaddr_un sa;
	int fd, r;

	r = address(path, &sa, err);
	if (r < 0)
		return r;
	fd = dial(&sa);
	if (fd < 0)
		return tconn_fail(err, fd,
				  "%s: %s; is the daemon running, and may this user talk to it?",
				  path, strerror(-fd));
	r = tconn_jsonline_send(fd, request, TCONN_JSONLINE_MS, err);
	/* A line that was refused half-way still has its answer waiting. */
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		r = tconn_jsonline_receive(fd, TCONN_JSONLINE_REPLY_MAX, timeout_ms, ret, err);
	close(fd);
	return r < 0 ? tconn_fail_in(err, r, path) : 0;
}

struct json_object *tconn_jsonline_error(int code, const struct tconn_error *err)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add(obj, "ok", json_object_new_boolean(0));
	tconn_json_add_string(obj, "error", err->text);
	tconn_json_add(obj, "code", json_object_new_int(code < 0 ? -code : code));
	return obj;
}

bool tconn_json_string(struct json_object *obj, const char *key, const char **ret, size_t *ret_len)
{
	struct json_object *v;
	const char *s;
	size_t len;

	if (!json_object_object_get_ex(obj, key, &v) || !json_object_is_type(v, json_type_string))
		return false;
	s = json_object_get_string(v);
	len = (size_t)json_object_get_string_len(v);
	if (!ret_len && strlen(s) != len)
		return false;	/* a NUL inside; the caller wants a C string */
	*ret = s;
	if (ret_len)
		*ret_len = len;
	return true;
}

bool tconn_json_uint(struct json_object *obj, const char *key, unsigned long long max,
		     unsigned long long *ret)
{
	struct json_object *v;
	int64_t n;

	if (!json_object_object_get_ex(obj, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	n = json_object_get_int64(v);
	if (n < 0 || (unsigned long long)n > max)
		return false;
	*ret = (unsigned long long)n;
	return true;
}

void tconn_json_add(struct json_object *obj, const char *key, struct json_object *value)
{
	if (!obj || json_object_object_add(obj, key, value))
		json_object_put(value);
}

void tconn_json_add_string(struct json_object *obj, const char *key, const char *value)
{
	tconn_json_add(obj, key, json_object_new_string(value));
}

struct json_object *tconn_json_checks(const struct tconn_verdict *v)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < v->count; i++) {
		struct json_object *check = json_object_new_object();

		tconn_json_add_string(check, "name", v->check[i].name);
		tconn_json_add(check, "pass", json_object_new_boolean(v->check[i].pass));
		if (v->check[i].warning)
			tconn_json_add(check, "warning", json_object_new_boolean(1));
		tconn_json_add_string(check, "reason", v->check[i].reason);
		if (!list || json_object_array_add(list, check))
			json_object_put(check);
	}
	return list;
}
