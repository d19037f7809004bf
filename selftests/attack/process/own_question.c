// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the real tconn-tui with a question of its own, to have the trusted screen
 * and the lit lamp ask for a PIN in its name.
 *
 * attack: own_question
 * class: process
 * when: idle
 * judge: self
 * unprotected: module
 * quick: yes
 * defence: confinement
 * why: the digest is right; the REE has no /dev/tconn, and the module refuses what has no
 *      CAP_SYS_ADMIN, as all the REE starts
 */
#include <errno.h>
#include <string.h>

#include "question.h"
#include "report.h"

int main(void)
{
	struct tconn_record record;
	struct question question;
	int ret;

	attack_init();
	ret = question_start(&question, TCONN_TIMEOUT_MIN_MS, question_execute);
	attack_ready();
	if (!ret)
		ret = question_end(&question, &record);
	if (ret == -EACCES)
		attack_failed("no session: %s", question.message);
	if (ret)
		attack_failed("it cannot be started: %s", strerror(-ret));
	if (!record.presents || !record.lit_ns)
		attack_failed("nothing was shown, or the lamp stayed dark");
	attack_succeeded("session %llu asked a question of ours, the lamp lit",
			 (unsigned long long)record.session);
}
