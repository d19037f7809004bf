// SPDX-License-Identifier: Apache-2.0
/*
 * Several threads commit pictures as DRM master, some waiting for the screen and some
 * not, as fast as they can, while a session comes and goes.
 *
 * attack: atomic_commit_race
 * class: screen
 * when: before
 * judge: picture-write
 * ree: attack
 * rounds: 8
 * defence: module
 * why: a commit in the moment of takeover, or one that is queued; the session's commit waits for those
 *	before it, and those after it wait for the locks
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

#define THREADS 4

struct race {
	struct screen s;
	struct screen_buffer b[2];
	uint32_t plane, fb_id, crtc_id;	/* ids of the plane and of its properties */
};

static struct race race;
static atomic_uint done, busy;

static uint32_t find_property(uint32_t object, const char *name, uint64_t *ret_value)
{
	drmModeObjectProperties *all =
		drmModeObjectGetProperties(race.s.card, object, DRM_MODE_OBJECT_PLANE);
	uint32_t i, found = 0;

	for (i = 0; all && i < all->count_props && !found; i++) {
		drmModePropertyRes *p = drmModeGetProperty(race.s.card, all->props[i]);

		if (p && !strcmp(p->name, name)) {
			found = p->prop_id;
			*ret_value = all->prop_values[i];
		}
		drmModeFreeProperty(p);
	}
	drmModeFreeObjectProperties(all);
	return found;
}

/* The primary plane that shows something now. */
static int find_plane(void)
{
	drmModePlaneRes *res;
	uint64_t value;
	uint32_t i;

	if (drmSetClientCap(race.s.card, DRM_CLIENT_CAP_ATOMIC, 1))
		return -errno;
	res = drmModeGetPlaneResources(race.s.card);
	for (i = 0; res && i < res->count_planes && !race.plane; i++)
		if (find_property(res->planes[i], "type", &value) &&
		    value == DRM_PLANE_TYPE_PRIMARY)
			race.plane = res->planes[i];
	drmModeFreePlaneResources(res);
	if (!race.plane)
		return -ENODEV;
	race.fb_id = find_property(race.plane, "FB_ID", &value);
	race.crtc_id = find_property(race.plane, "CRTC_ID", &value);
	return 0;
}

static void *commit(void *argument)
{
	uint32_t flags = argument ? DRM_MODE_ATOMIC_NONBLOCK : 0;
	unsigned int turn;

	for (turn = 0; !attack_stopping(); turn++) {
		drmModeAtomicReq *request = drmModeAtomicAlloc();

		drmModeAtomicAddProperty(request, race.plane, race.crtc_id, race.s.crtc);
		drmModeAtomicAddProperty(request, race.plane, race.fb_id, race.b[turn % 2].fb);
		if (drmModeAtomicCommit(race.s.card, request, flags, NULL))
			busy++;
		else
			done++;
		drmModeAtomicFree(request);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	unsigned int i;
	int ret;

	attack_init();
	master_get(&race.s);
	ret = screen_make(&race.s, SCREEN_MAGENTA, &race.b[0]);
	if (!ret)
		ret = screen_make(&race.s, SCREEN_MAGENTA, &race.b[1]);
	if (!ret)
		ret = find_plane();
	if (ret)
		attack_failed("nothing to commit: %s", strerror(-ret));
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, commit, i % 2 ? &race : NULL))
			attack_failed("no threads");
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	attack_succeeded("%u commits, %u refused", done, busy);
}
