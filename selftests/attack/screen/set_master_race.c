// SPDX-License-Identifier: Apache-2.0
/*
 * Several threads, each with an fd of its own, become DRM master, show a picture and
 * step down, as fast as they can, while a session comes and goes.
 *
 * attack: set_master_race
 * class: screen
 * when: before
 * judge: picture-write
 * ree: attack
 * rounds: 8
 * dialog: tty
 * defence: module
 * why: SET_MASTER in the moment of takeover or give-back; the session needs no master but the locks
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <xf86drm.h>

#include "report.h"
#include "screen.h"

#define THREADS	4
#define GREY	0x00808080u

static atomic_uint tries, shown;

static void *race(void *unused)
{
	struct screen_buffer b;
	struct screen s;

	(void)unused;
	if (screen_open(&s) || screen_make(&s, SCREEN_MAGENTA, &b))
		return NULL;
	while (!attack_stopping()) {
		tries++;
		if (drmSetMaster(s.card))
			continue;
		shown += !screen_show(&s, &b);
		drmDropMaster(s.card);
	}
	return NULL;
}

/* There is a picture before the race, so that a session finds the screen lit. */
static int light(void)
{
	struct screen_buffer b;
	struct screen s;
	int ret = screen_open(&s);

	if (!ret)
		ret = screen_become_master(&s);
	if (!ret)
		ret = screen_make(&s, GREY, &b);
	if (!ret)
		ret = screen_show(&s, &b);
	drmDropMaster(s.card);
	return ret;
}

int main(void)
{
	pthread_t threads[THREADS];
	unsigned int i;
	int ret;

	attack_init();
	ret = light();
	if (ret)
		attack_failed("no screen: %s", strerror(-ret));
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, race, NULL))
			attack_failed("no threads");
	attack_ready();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	attack_succeeded("%u tries, %u of them showed the picture", tries, shown);
}
