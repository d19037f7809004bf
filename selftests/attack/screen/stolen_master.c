// SPDX-License-Identifier: Apache-2.0
/*
 * Becomes DRM master, by a copy of the master's own open file if need be, and shows
 * a picture of its own again and again.
 *
 * attack: stolen_master
 * class: screen
 * when: session
 * judge: picture-write
 * quick: yes
 * defence: module
 * why: modesets by whoever is or was DRM master; the session holds all modeset locks
 */
#include <errno.h>
#include <string.h>

#include "report.h"
#include "screen.h"

int main(void)
{
	struct screen_buffer b;
	struct screen s;
	int ret;

	attack_init();
	ret = screen_open(&s);
	if (!ret)
		ret = screen_become_master(&s);
	if (!ret)
		ret = screen_make(&s, SCREEN_MAGENTA, &b);
	attack_ready();
	if (ret)
		attack_failed("no way to become master: %s", strerror(-ret));
	while (!attack_wait(50))
		screen_show(&s, &b);
	attack_succeeded("was master and set its own picture");
}
