// SPDX-License-Identifier: Apache-2.0
/*
 * Asks the TPM something, by its nodes or by ones of its own: who can do that can use
 * the device's keys, which have no password.
 *
 * attack: tpm_reached
 * class: tpm
 * when: idle
 * judge: self
 * defence: confinement
 * why: the TPM's nodes; the REE has none, and can make none
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "report.h"

#define TPM_MAJOR	10
#define TPM_MINOR	224
#define RANDOM_BYTES	16

/* TPM2_GetRandom(16), big-endian. */
static const unsigned char command[] = {
	0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, RANDOM_BYTES,
};

static int ask(const char *path)
{
	unsigned char answer[4096];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, command, sizeof(command)) != sizeof(command) ||
	    read(fd, answer, sizeof(answer)) < 12 + RANDOM_BYTES)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

int main(void)
{
	static const char * const paths[] = {
		"/dev/tpmrm0", "/dev/tpm0", "/tmp/tpm", "/dev/shm/tpm", "/dev/tpm",
	};
	unsigned int i;
	int ret;

	attack_init();
	attack_ready();
	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (i >= 2 && mknod(paths[i], S_IFCHR | 0600, makedev(TPM_MAJOR, TPM_MINOR)))
			attack_note("mknod %s: %s", paths[i], strerror(errno));
		ret = ask(paths[i]);
		if (!ret)
			attack_succeeded("%s answers", paths[i]);
		attack_note("%s: %s", paths[i], strerror(-ret));
	}
	attack_failed("no way to the TPM");
}
