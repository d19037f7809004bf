// SPDX-License-Identifier: Apache-2.0
/*
 * Leases the output to itself, as DRM master, and draws with the lease.
 *
 * attack: lease
 * class: screen
 * when: before
 * judge: picture-write
 * ree: attack
 * defence: module
 * why: a lessee is master of what it leased; its modesets wait for the same locks
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

int main(void)
{
	struct screen_buffer b;
	unsigned int done = 0;
	uint32_t lessee;
	struct screen s;
	int ret;

	attack_init();
	master_get(&s);
	s.card = drmModeCreateLease(s.card, (uint32_t[]){ s.connector, s.crtc }, 2, O_CLOEXEC,
				    &lessee);
	if (s.card < 0)
		attack_failed("no lease: %s", strerror(-s.card));
	ret = screen_make(&s, SCREEN_MAGENTA, &b);
	if (ret)
		attack_failed("no buffer: %s", strerror(-ret));
	do
		done += !screen_show(&s, &b);
	while (!attack_wait(20));
	attack_succeeded("drew %u times by lease %u", done, lessee);
}
