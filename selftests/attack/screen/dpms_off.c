// SPDX-License-Identifier: Apache-2.0
/*
 * Sends the display to sleep, as DRM master.
 *
 * attack: dpms_off
 * class: screen
 * when: before
 * judge: picture-hidden
 * ree: attack
 * defence: module
 * why: the connector's DPMS property; the session lights the output and holds the modeset locks
 */
#include <string.h>
#include <xf86drmMode.h>

#include "master.h"
#include "report.h"

static uint32_t find_dpms(const struct screen *s)
{
	drmModeObjectProperties *all =
		drmModeObjectGetProperties(s->card, s->connector, DRM_MODE_OBJECT_CONNECTOR);
	uint32_t i, found = 0;

	for (i = 0; all && i < all->count_props && !found; i++) {
		drmModePropertyRes *p = drmModeGetProperty(s->card, all->props[i]);

		if (p && !strcmp(p->name, "DPMS"))
			found = p->prop_id;
		drmModeFreeProperty(p);
	}
	drmModeFreeObjectProperties(all);
	return found;
}

int main(void)
{
	unsigned int done = 0;
	struct screen s;
	uint32_t dpms;

	attack_init();
	master_get(&s);
	dpms = find_dpms(&s);
	if (!dpms)
		attack_unavailable("the connector has no such property");
	while (!attack_wait(200))
		done += !drmModeConnectorSetProperty(s.card, s.connector, dpms, DRM_MODE_DPMS_OFF);
	/* Nobody else would wake it. */
	drmModeConnectorSetProperty(s.card, s.connector, dpms, DRM_MODE_DPMS_ON);
	attack_succeeded("sent it to sleep %u times", done);
}
