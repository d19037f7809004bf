// SPDX-License-Identifier: Apache-2.0
#include "intruder.h"
#include "report.h"

#define PIN		"24681357"
#define SETTLED_MS	1500	/* dialogs take no Enter right after a change */

void intruder_type(void (*press)(void *device, char key), void *device)
{
	const char *c;

	while (!attack_wait(1000)) {
		for (c = PIN; *c; c++)
			press(device, *c);
		if (!attack_wait(SETTLED_MS))
			press(device, '\n');
	}
	attack_done();
}
