// SPDX-License-Identifier: Apache-2.0
/*
 * Reads the trusted user interface's stack with process_vm_readv(2).
 *
 * attack: process_vm_readv
 * class: process
 * when: session
 * judge: keys
 * defence: confinement
 * why: lockdown does not restrict it; the system call is denied, CAP_SYS_PTRACE is gone, and
 *      the process has no number in the REE
 */
#include "memory.h"

int main(void)
{
	memory_watch(memory_read_vm);
}
