// SPDX-License-Identifier: Apache-2.0
#include "boot_owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <kselftest.h>

#include "daemon/lib/tpm.h"

void boot_owner_make(const char *dir, const char *name)
{
	char command[1024];

	snprintf(command, sizeof(command), "openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=%s "
		 "-keyout %s/%s.key -out %s/%s.crt 2>/dev/null", name, dir, name, dir, name);
	if (system(command))
		ksft_exit_fail_msg("no owner's key could be made\n");
}

static void hex(const uint8_t digest[32], char ret[65])
{
	for (int i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

int boot_owner_sign(struct tconn_tpm *tpm, const char *dir, const char *name, const char *more,
		    const char *path)
{
	char command[2048], text[2][65];
	struct tconn_pcrs pcrs;

	if (tconn_tpm_pcr_read(tpm, BOOT_OWNER_PCRS, &pcrs, NULL))
		return -1;
	hex(pcrs.digest[7], text[0]);
	hex(pcrs.digest[11], text[1]);
	snprintf(command, sizeof(command), "scripts/bootpolicy.py --key %s/%s.key --certificate %s/%s.crt "
		 "--pcr 7=%s --pcr 11=%s %s %s", dir, name, dir, name, text[0], text[1], more, path);
	return system(command);
}
