// SPDX-License-Identifier: Apache-2.0
/*
 * Draws a dialog of its own on the second output of the same display device.
 *
 * attack: second_output
 * class: screen
 * when: before
 * judge: picture-write
 * ree: attack
 * dialog: tty
 * devices: virtio-gpu-pci,id=gpu,max_outputs=2
 * head: 1
 * defence: module
 * why: a person may look at the other screen; a session blanks all outputs but its own
 */
#include <string.h>
#include <xf86drm.h>

#include "report.h"
#include "screen.h"

#define GREY 0x00808080u

/* The CRTC and the connector that s does not use, whether or not anything is plugged in. */
static int find_other(const struct screen *s, struct screen *ret)
{
	drmModeRes *res = drmModeGetResources(s->card);
	int i;

	*ret = *s;
	for (i = 0; res && i < res->count_crtcs; i++)
		if (res->crtcs[i] != s->crtc)
			ret->crtc = res->crtcs[i];
	for (i = 0; res && i < res->count_connectors; i++)
		if (res->connectors[i] != s->connector)
			ret->connector = res->connectors[i];
	drmModeFreeResources(res);
	return ret->crtc != s->crtc && ret->connector != s->connector ? 0 : -1;
}

int main(void)
{
	struct screen_buffer grey, magenta;
	struct screen s, other;
	unsigned int done = 0;
	int ret;

	attack_init();
	ret = screen_open(&s);
	if (!ret)
		ret = screen_become_master(&s);
	if (ret)
		attack_failed("no way to become master: %s", strerror(-ret));
	if (find_other(&s, &other))
		attack_unavailable("there is one output");
	if (screen_make(&s, GREY, &grey) || screen_make(&s, SCREEN_MAGENTA, &magenta) ||
	    screen_show(&s, &grey))
		attack_failed("no picture");
	attack_ready();
	do
		done += !screen_show(&other, &magenta);
	while (!attack_wait(50));
	attack_succeeded("drew %u times on the other output", done);
}
