// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the real tconn-tui under a system call filter that lies: mlockall() succeeds and
 * locks nothing, so that what is typed can be swapped out.
 *
 * attack: seccomp_lies
 * class: process
 * when: idle
 * judge: self
 * unprotected: module
 * defence: confinement
 * why: a filter is inherited through execve(); the module admits what the trusted side started,
 *      and that has the trusted side's filters
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "question.h"
#include "report.h"

#define STATE TCONN_SECURITYFS "/state"

static void execute_lied_to(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mlockall, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		question_execute();
}

/* Locked kilobytes while the session is active; -1 if it never is. */
static long locked_in_session(pid_t pid)
{
	char path[32], buf[4096], *line;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	for (i = 0; i < 50; i++) {
		attack_wait(20);
		if (file_read(STATE, buf, sizeof(buf)) <= 0 || !strstr(buf, "state active"))
			continue;
		if (file_read(path, buf, sizeof(buf)) <= 0)
			return -1;
		line = strstr(buf, "VmLck:");
		return line ? atol(line + strlen("VmLck:")) : -1;
	}
	return -1;
}

int main(void)
{
	struct tconn_record record;
	struct question question;
	long locked = -1;
	int ret;

	attack_init();
	ret = question_start(&question, TCONN_TIMEOUT_MIN_MS, execute_lied_to);
	attack_ready();
	if (!ret)
		locked = locked_in_session(question.pid);
	if (!ret)
		ret = question_end(&question, &record);
	if (ret == -EACCES)
		attack_failed("no session: %s", question.message);
	if (ret)
		attack_failed("it cannot be started: %s", strerror(-ret));
	if (locked)
		attack_failed("%ld kB of its memory are locked", locked);
	attack_succeeded("session %llu was held by a process without locked memory",
			 (unsigned long long)record.session);
}
