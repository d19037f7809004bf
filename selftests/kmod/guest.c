// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/input.h>
#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define MODULE		"/usr/lib/tconn/tconn.ko"
#define REE		"/tests/ree_picture"
#define FLIPS		"/run/flips"
#define SCROLLLOCK	"/sys/class/leds/*::scrolllock"

uint64_t guest_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int guest_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = (ssize_t)strlen(text);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

ssize_t guest_read(const char *path, void *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1, len = 0;

	if (fd < 0)
		return -errno;
	while (got > 0 && (size_t)len < size - 1) {
		got = read(fd, (char *)buf + len, size - 1 - (size_t)len);
		if (got > 0)
			len += got;
	}
	close(fd);
	((char *)buf)[len] = '\0';
	return got < 0 ? -errno : len;
}

bool guest_exists(const char *path)
{
	struct stat st;

	return !stat(path, &st);
}

int guest_load_with(const char *parameters)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return ret;
}

int guest_load(void)
{
	return guest_load_with("developer=1");
}

int guest_unload(void)
{
	return syscall(SYS_delete_module, "tconn", O_NONBLOCK) ? -errno : 0;
}

/* A test that failed half-way has left it loaded. */
static int load_anew(void)
{
	int tries, ret = 0;

	for (tries = 0; tries < 50; tries++) {
		ret = guest_unload();
		if (!ret || ret == -ENOENT)
			return guest_load();
		usleep(100000);
	}
	return ret;
}

int guest_own_digest(uint8_t digest[32])
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned char buf[4096];
	SHA256_CTX ctx;
	ssize_t got;

	if (fd < 0)
		return -errno;
	SHA256_Init(&ctx);
	while ((got = read(fd, buf, sizeof(buf))) > 0)
		SHA256_Update(&ctx, buf, (size_t)got);
	close(fd);
	if (got < 0)
		return -EIO;
	SHA256_Final(digest, &ctx);
	return 0;
}

int guest_policy_text(char *buf, size_t size, const char *extra)
{
	uint8_t digest[32];
	char hex[65];
	int i, ret = guest_own_digest(digest);

	if (ret)
		return ret;
	for (i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	ret = snprintf(buf, size, "tconn-policy 1\napp sha256 %s test\n" GUEST_DISPLAYS GUEST_INPUTS
		       GUEST_INDICATORS "%s", hex, extra);
	return ret < (int)size ? 0 : -E2BIG;
}

static int load_policy(void)
{
	char text[1024];
	int ret = guest_policy_text(text, sizeof(text), "grace-ms 100\n");

	return ret ? ret : guest_write(GUEST_FILE("policy"), text);
}

int guest_led_path(char *path, size_t size, const char *file)
{
	int ret = -ENOENT;
	glob_t found;

	if (glob(SCROLLLOCK, 0, NULL, &found))
		return -ENOENT;
	if (found.gl_pathc == 1 &&
	    snprintf(path, size, "%s/%s", found.gl_pathv[0], file) < (int)size)
		ret = 0;
	globfree(&found);
	return ret;
}

int guest_arm(const char *trigger)
{
	char path[256];
	int ret = guest_led_path(path, sizeof(path), "trigger");

	return ret ? ret : guest_write(path, trigger);
}

static void ree_exec(int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execl(REE, REE, FLIPS, (char *)NULL);
	_exit(127);
}

static int map_flips(struct guest *g)
{
	int fd = open(FLIPS, O_RDONLY | O_CLOEXEC);
	void *address;

	if (fd < 0)
		return -errno;
	address = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (address == MAP_FAILED)
		return -errno;
	g->flips = address;
	return 0;
}

int guest_ree_start(struct guest *g)
{
	char said[64] = "";
	int out[2];

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	g->ree = fork();
	if (!g->ree)
		ree_exec(out[1]);
	close(out[1]);
	/* "shown W H", or nothing if it failed and is gone. */
	if (g->ree < 0 || read(out[0], said, sizeof(said) - 1) <= 0 || strncmp(said, "shown", 5)) {
		close(out[0]);
		return -EIO;
	}
	close(out[0]);
	return map_flips(g);
}

void guest_ree_stop(struct guest *g)
{
	if (g->ree > 0) {
		kill(g->ree, SIGKILL);
		waitpid(g->ree, NULL, 0);
	}
	g->ree = 0;
}

int guest_start(struct guest *g, unsigned int what)
{
	int ret = load_anew();

	*g = (struct guest){ 0 };
	if (!ret && (what & GUEST_POLICY))
		ret = load_policy();
	if (!ret && (what & GUEST_LAMP))
		ret = guest_arm("tconn");
	if (!ret && (what & GUEST_REE))
		ret = guest_ree_start(g);
	return ret;
}

int guest_stop(struct guest *g)
{
	guest_ree_stop(g);
	return guest_unload();
}

void guest_state(const char *key, char *value, size_t size)
{
	char text[8192], *line, *rest = text;
	size_t len = strlen(key);

	value[0] = '\0';
	if (guest_read(GUEST_FILE("state"), text, sizeof(text)) < 0)
		return;
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, key, len) && line[len] == ' ') {
			snprintf(value, size, "%s", line + len + 1);
			return;
		}
}

/* Walks the log; returns how many events of the type there are, data of the last one. */
static int walk_log(uint32_t type, void *data, size_t size)
{
	uint8_t *log = malloc(GUEST_LOG_SIZE + 1);
	ssize_t len, at = 0;
	int count = 0;

	if (!log)
		return -ENOMEM;
	len = guest_read(GUEST_FILE("log"), log, GUEST_LOG_SIZE + 1);
	while (at < len) {
		struct tconn_event event;

		memcpy(&event, log + at, sizeof(event));
		at += (ssize_t)sizeof(event);
		if (event.type == type) {
			count++;
			if (data)
				memcpy(data, log + at, event.len < size ? event.len : size);
		}
		at += event.len;
	}
	free(log);
	return len < 0 ? (int)len : count;
}

int guest_log_count(uint32_t type)
{
	return walk_log(type, NULL, 0);
}

int guest_log_last(uint32_t type, void *data, size_t size)
{
	int count = walk_log(type, data, size);

	return count > 0 ? 0 : -ENOENT;
}

int guest_kmsg_mark(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

bool guest_kmsg_said(int mark, const char *text)
{
	char line[2048];
	bool said = false;
	ssize_t len;

	while (!said && (len = read(mark, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		said = strstr(line, text);
	}
	close(mark);
	return said;
}

static bool is_keyboard(int fd)
{
	char phys[64] = "";

	return ioctl(fd, EVIOCGPHYS(sizeof(phys) - 1), phys) > 0 &&
	       !strncmp(phys, "isa0060/serio0", strlen("isa0060/serio0"));
}

int guest_keyboard(void)
{
	char path[64];
	int i, fd;

	for (i = 0; i < 32; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_keyboard(fd))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

bool guest_wait_hangup(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd };

	return poll(&pollfd, 1, timeout_ms) == 1 && (pollfd.revents & POLLHUP);
}
