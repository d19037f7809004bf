// SPDX-License-Identifier: Apache-2.0
#include "postgres.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BIN "/usr/lib/postgresql/15/bin/"

__attribute__((noreturn))
static void bail_out(const char *what, const struct postgres *p)
{
	char command[POSTGRES_PATH + 64];

	snprintf(command, sizeof(command), "sed 's/^/# /' %s/log 2>/dev/null | tail -20", p->dir);
	fflush(stdout);
	if (system(command))
		printf("# no log\n");
	printf("Bail out! postgres: %s: %s\n", what, strerror(errno));
	exit(1);
}

const char *postgres_missing(void)
{
	return access(BIN "postgres", X_OK) ? "postgresql-15 is not installed" : NULL;
}

/* What comes before a command that must not run as root. */
static const char *as_nobody(void)
{
	return getuid() ? "" : "setpriv --reuid=nobody --regid=nogroup --clear-groups ";
}

static void shell(const struct postgres *p, const char *what, const char *command)
{
	if (system(command))
		bail_out(what, p);
}

static void make_dir(struct postgres *p)
{
	char command[1024];

	*p = (struct postgres){ 0 };
	/* Killed it is, but the machine goes on: memory keeps what a disk would, and sooner. */
	strcpy(p->dir, access("/dev/shm", W_OK) ? "/tmp/tconn-postgres-XXXXXX" :
						  "/dev/shm/tconn-postgres-XXXXXX");
	if (!mkdtemp(p->dir))
		bail_out(p->dir, p);
	if (getuid())
		return;
	snprintf(command, sizeof(command), "chown nobody %s", p->dir);
	shell(p, "chown", command);
}

/* Made once, copied for each test. */
static struct postgres first;

void postgres_prepare(void)
{
	char command[1024];

	make_dir(&first);
	snprintf(command, sizeof(command), "cd %s && %s" BIN "initdb -D data -U tconn -A trust -E UTF8"
		 " --locale=C --no-sync >log 2>&1", first.dir, as_nobody());
	shell(&first, "initdb", command);
}

void postgres_forget(void)
{
	postgres_free(&first);
}

void postgres_make(struct postgres *p)
{
	char command[1024];

	make_dir(p);
	snprintf(command, sizeof(command), "cp -a %s/data %s", first.dir, p->dir);
	shell(p, "cp", command);
	snprintf(p->url, sizeof(p->url), "postgresql://tconn@/postgres?host=%s", p->dir);
}

/* Replaces this process. */
static void execute(const struct postgres *p)
{
	char data[POSTGRES_PATH + 8], sockets[POSTGRES_PATH + 40], listen[80], command[1024];

	snprintf(data, sizeof(data), "%s/data", p->dir);
	snprintf(sockets, sizeof(sockets), "unix_socket_directories=%s", p->dir);
	snprintf(listen, sizeof(listen), "listen_addresses=%s", p->address ? p->address : "");
	snprintf(command, sizeof(command), "cd %s; exec %s%s %s" BIN "postgres -D data -c %s -c %s -c ssl=%s"
		 " -c max_connections=60 -c shared_buffers=16MB >>log 2>&1", p->dir,
		 p->netns ? "ip netns exec " : "", p->netns ? p->netns : "", as_nobody(), sockets,
		 listen, p->address ? "on" : "off");
	execl("/bin/sh", "sh", "-c", command, NULL);
	_exit(127);
}

static bool answers(const struct postgres *p)
{
	return strcmp(postgres_ask(p, "SELECT 1"), "1\n") == 0;
}

void postgres_start(struct postgres *p)
{
	const pid_t parent = getpid();

	p->pid = fork();
	if (p->pid < 0)
		bail_out("fork", p);
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGINT);
		if (getppid() != parent)
			_exit(1);
		execute(p);
	}
	for (int i = 0; i < 300; i++) {
		if (answers(p))
			return;
		usleep(100000);
	}
	bail_out("it does not answer", p);
}

/* Its children notice that it is gone, and end. */
void postgres_stop(struct postgres *p)
{
	if (p->pid <= 0)
		return;
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}

void postgres_free(struct postgres *p)
{
	char command[POSTGRES_PATH + 16];

	if (p->pid > 0) {
		kill(p->pid, SIGINT);
		waitpid(p->pid, NULL, 0);
		p->pid = 0;
	}
	if (!p->dir[0])
		return;
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	if (system(command))
		printf("# %s stays\n", p->dir);
}

const char *postgres_ask(const struct postgres *p, const char *sql)
{
	static char text[65536];
	char command[2048];
	size_t len;
	FILE *f;

	snprintf(command, sizeof(command), BIN "psql -XqAt -h %s -U tconn -c \"%s\" postgres 2>&1", p->dir,
		 sql);
	f = popen(command, "r");
	if (!f)
		bail_out("psql", p);
	len = fread(text, 1, sizeof(text) - 1, f);
	text[len] = '\0';
	pclose(f);
	return text;
}
