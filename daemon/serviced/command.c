// SPDX-License-Identifier: Apache-2.0
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"

int command_run(char *const argv[], const struct action_event *e, struct tconn_error *err)
{
	char event[64], severity[48], device[160];
	char *const env[] = { "LANG=C.UTF-8", "PATH=/usr/bin:/bin", event, severity, device, NULL };
	int status = 0, r;

	snprintf(event, sizeof(event), "TCONN_EVENT=%s", e->name);
	snprintf(severity, sizeof(severity), "TCONN_SEVERITY=%s", e->severity);
	snprintf(device, sizeof(device), "TCONN_DEVICE=%s", e->device);
	r = child_run(argv, env, e->json, strlen(e->json), ACTION_MS, &status);
	if (r == -ETIMEDOUT)
		return tconn_fail(err, r, "%s: not done within %d ms, killed", argv[0], ACTION_MS);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && (r == 0 || r == -EIO))
		return 0;	/* one that does not want the input is fine */
	if (r < 0)
		return tconn_fail(err, r, "%s: %s", argv[0], strerror(-r));
	return tconn_fail(err, -EIO, "%s: ended with status %d", argv[0],
			  WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
