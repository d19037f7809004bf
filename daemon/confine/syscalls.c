// SPDX-License-Identifier: Apache-2.0
#include "syscalls.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

#define IOCTL_MASK	0xffffffffUL	/* the kernel looks at these bits only */

/* Denied whatever the policy says. */
static const char *const never[] = {
	/* another process's memory, descriptors, execution */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd",
	"kcmp", "userfaultfd",
	/* programs in the kernel and what it tells */
	"bpf", "perf_event_open", "syslog", "lookup_dcookie",
	/* code for the kernel, ports */
	"init_module", "finit_module", "delete_module", "create_module", "kexec_load",
	"kexec_file_load", "iopl", "ioperm",
	/* another view of the file system than view.c has made */
	"mount", "umount2", "pivot_root", "open_tree", "move_mount", "fsopen", "fsconfig",
	"fsmount", "fspick", "mount_setattr", "setns", "open_by_handle_at",
	/* the machine: its clock, swap (memory on disk), accounting, end */
	"settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "swapon", "swapoff",
	"acct", "quotactl", "quotactl_fd", "nfsservctl", "reboot",
};

static int deny(scmp_filter_ctx filter, const char *name, struct tconn_error *err)
{
	int number = seccomp_syscall_resolve_name(name);
	int r;

	if (number == __NR_SCMP_ERROR)
		return tconn_fail(err, -ENOSYS, "this libseccomp does not know %s", name);
	/* Negative: other architectures have it, this one does not. */
	if (number < 0)
		return 0;
	r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
	/* Denied twice is denied. */
	if (r < 0 && r != -EEXIST)
		return tconn_fail(err, r, "seccomp: %s: %s", name, strerror(-r));
	return 0;
}

static int deny_all(scmp_filter_ctx filter, const struct policy *p, struct tconn_error *err)
{
	const char *name;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(never) / sizeof(*never); i++)
		r = deny(filter, never[i], err);
	for (size_t i = 0; r == 0 && (name = policy_next(p, POLICY_DENY, &i));)
		r = deny(filter, name, err);
	return r;
}

/*
 * A user namespace gives its maker all capabilities inside it, and with them code in
 * the kernel that an REE need not reach. clone3() has its flags in memory, where a filter cannot
 * look: it does not exist then, and the C library falls back to clone().
 */
static int deny_user_namespaces(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp new_user =
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, new_user);

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, new_user);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

/* Typing into a terminal's input as if by keyboard, the console's paste included. */
static int deny_typing(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp sti = SCMP_A1(SCMP_CMP_MASKED_EQ, IOCTL_MASK, TIOCSTI);
	const struct scmp_arg_cmp paste = SCMP_A1(SCMP_CMP_MASKED_EQ, IOCTL_MASK, TIOCLINUX);
	int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, sti);

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1, paste);
	return r;
}

/*
 * Calls by the numbers of i386 or x32 would pass a filter that knows x86-64's: the
 * process that makes one is killed. Attributes: libseccomp would set no_new_privs
 * anyway; a tree of comparisons costs each call less than a list.
 */
static int set_attributes(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return r;
}

static int build(scmp_filter_ctx filter, const struct policy *p, struct tconn_error *err)
{
	int r = set_attributes(filter);

	if (r == 0)
		r = deny_user_namespaces(filter);
	if (r == 0)
		r = deny_typing(filter);
	if (r < 0)
		return tconn_fail(err, r, "seccomp: %s", strerror(-r));
	r = deny_all(filter, p, err);
	if (r < 0)
		return r;
	r = seccomp_load(filter);
	if (r < 0)
		return tconn_fail(err, r, "cannot load the seccomp filter: %s", strerror(-r));
	return 0;
}

int syscalls_deny(const struct policy *p, struct tconn_error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!filter)
		return tconn_fail(err, -ENOMEM, "seccomp: out of memory");
	r = build(filter, p, err);
	seccomp_release(filter);
	return r;
}
