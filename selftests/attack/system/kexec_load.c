// SPDX-License-Identifier: Apache-2.0
/*
 * Loads a kernel of its own to go on with (kexec_load), and would only have to
 * reboot into it.
 *
 * attack: kexec_load
 * class: system
 * when: idle
 * judge: self
 * spoils: yes
 * defence: boot
 * why: another kernel without the module; lockdown and kexec_load_disabled stop it, and the REE has no CAP_SYS_BOOT
 */
#include <errno.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "file.h"
#include "report.h"

#define PAGE		4096
#define ADDRESS		0x1000000	/* of physical memory, free for kexec */

/* It halts, which is all a kernel must do here. */
static const unsigned char halt[PAGE] = { 0xfa, 0xf4, 0xeb, 0xfd };

static int load(void)
{
	struct kexec_segment segment = {
		.buf = halt, .bufsz = sizeof(halt), .mem = (void *)ADDRESS, .memsz = PAGE,
	};

	return syscall(SYS_kexec_load, ADDRESS, 1UL, &segment, KEXEC_ARCH_X86_64) ? -errno : 0;
}

int main(void)
{
	char loaded[4] = "";
	int ret;

	attack_init();
	attack_ready();
	ret = load();
	if (ret)
		attack_failed("kexec_load: %s", strerror(-ret));
	file_read("/sys/kernel/kexec_loaded", loaded, sizeof(loaded));
	if (loaded[0] != '1')
		attack_failed("the kernel says it has none loaded");
	attack_succeeded("a kernel is loaded, and waits for the reboot");
}
