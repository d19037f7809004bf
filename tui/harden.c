// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tui/harden.h"

/* Where 0, 1 or 2 is closed, the next open() would get it: fill them first. */
static int fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	return close(fd);
}

/* libcrypto's configuration would be a file of the system's that changes this program. */
static bool start_libcrypto(void)
{
	return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

const char *tui_harden(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0) || setrlimit(RLIMIT_CORE, &none))
		return "core dumps cannot be switched off";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return "new privileges cannot be renounced";
	if (fill_standard_fds() || close_range(STDERR_FILENO + 1, ~0u, 0))
		return "inherited files cannot be closed";
	if (clearenv())
		return "the environment cannot be cleared";
	if (!start_libcrypto())
		return "libcrypto does not start";
	/* A reader that went away shows as an error of write(), not as our death. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return "SIGPIPE cannot be ignored";
	return NULL;
}

const char *tui_harden_memory(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE) ?
	       "memory cannot be locked: run as root or raise RLIMIT_MEMLOCK" : NULL;
}
