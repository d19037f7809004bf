// SPDX-License-Identifier: Apache-2.0
/*
 * Loads Debian's kernel with a boot line of its own (kexec_file_load).
 *
 * attack: kexec_file_load
 * class: system
 * when: idle
 * judge: self
 * spoils: yes
 * defence: boot
 * why: the same kernel without the boot line's protection; kexec_load_disabled stops it, and the REE has no CAP_SYS_BOOT
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

#define KERNEL	"/attack/data/vmlinuz"
#define LINE	"console=ttyS0"

int main(void)
{
	char loaded[4] = "";
	int fd;

	attack_init();
	fd = open(KERNEL, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		attack_unavailable("no kernel to load: %s", strerror(errno));
	attack_ready();
	if (syscall(SYS_kexec_file_load, fd, -1, sizeof(LINE), LINE, KEXEC_FILE_NO_INITRAMFS))
		attack_failed("kexec_file_load: %s", strerror(errno));
	file_read("/sys/kernel/kexec_loaded", loaded, sizeof(loaded));
	if (loaded[0] != '1')
		attack_failed("the kernel says it has none loaded");
	attack_succeeded("a kernel is loaded, and waits for the reboot");
}
