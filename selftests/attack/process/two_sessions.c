// SPDX-License-Identifier: Apache-2.0
/*
 * Has a second dialog come up over the one that is there, to take what is typed for the
 * first.
 *
 * attack: two_sessions
 * class: process
 * when: session
 * judge: self
 * dialog: tty
 * defence: confinement
 * why: the REE has no /dev/tconn, without which tconn-tui refuses; to the module one session at a time
 *      is one session (BIND: -EBUSY)
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "question.h"
#include "report.h"

#define TIMEOUT_MS 20000

/* As a program like any other where there is no module. */
static void execute(void)
{
	char *argv[] = { QUESTION_TUI, "--dev", NULL };

	if (access("/sys/module/tconn", F_OK))
		execve(argv[0], argv, environ);
	question_execute();
}

int main(void)
{
	struct tconn_record record;
	struct question question;
	int ret;

	attack_init();
	ret = question_start(&question, TIMEOUT_MS, execute);
	attack_ready();
	if (!ret)
		ret = question_end(&question, &record);
	if (ret && ret != -EACCES)
		attack_failed("it cannot be started: %s", strerror(-ret));
	if (ret && strncmp(question.message, "entered", strlen("entered")))
		attack_failed("the second dialog says: %s", question.message);
	attack_succeeded("the second dialog got the PIN that was typed for the first");
}
