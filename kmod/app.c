// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may hold a session: a process that runs one static-PIE binary, whose
 * digest is on the policy, and nothing else. The kernel takes the digest itself
 * (ima_file_hash), so that no loader, library or name can stand in for it.
 *
 * ima_file_hash() computes the digest where IMA has not collected one (as its
 * source in 6.1 says), so nothing here depends on the IMA policy. It can be made
 * to use another algorithm on the command line (ima_hash=); then there is no
 * digest to compare, and no app.
 */
#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/hash_info.h>
#include <linux/ima.h>
#include <linux/mm.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "app.h"
#include "compat.h"
#include "policy.h"

bool tconn_app_is_held(struct task_struct *leader)
{
	struct task_struct *task;
	bool held = false;

	rcu_read_lock();
	for_each_thread(leader, task)
		if (task->ptrace || task_is_stopped(task) || task->frozen ||
		    READ_ONCE(task->__state) & TASK_FROZEN)
			held = true;
	rcu_read_unlock();
	return held;
}

static enum tconn_refusal check_traced(void)
{
	if (get_dumpable(current->mm) == SUID_DUMP_USER || tconn_app_is_held(current))
		return TCONN_REFUSAL_TRACED;
	return TCONN_REFUSAL_NONE;
}

/*
 * By the name the kernel gave it, not by its address: a process can map pages of its
 * own where the vDSO was. (The other special mapping with code, [uprobes], is a
 * tracer's.)
 */
static bool is_vdso(struct vm_area_struct *vma)
{
	return vma->vm_ops && vma->vm_ops->name && !strcmp(vma->vm_ops->name(vma), "[vdso]");
}

/*
 * Executable pages come from the executable or the kernel, unchanged: a private page that
 * was written to once (a tracer's breakpoint, an mprotect() dance) shows as anon_vma.
 */
static bool mapping_is_of(struct vm_area_struct *vma, const struct file *exe)
{
	if (!(vma->vm_flags & VM_EXEC))
		return true;
	if (vma->vm_flags & VM_WRITE || vma->anon_vma)
		return false;
	return vma->vm_file ? file_inode(vma->vm_file) == file_inode(exe) : is_vdso(vma);
}

/* mmap_lock is held. */
static bool mappings_are_of(struct mm_struct *mm, const struct file *exe)
{
	struct vm_area_struct *vma;
	struct vma_iterator vmi;

	vma_iter_init(&vmi, mm, 0);
	for_each_vma(vmi, vma)
		if (!mapping_is_of(vma, exe))
			return false;
	return true;
}

static enum tconn_refusal check_process(const struct file *exe)
{
	bool ours;

	mmap_read_lock(current->mm);
	ours = mappings_are_of(current->mm, exe);
	mmap_read_unlock(current->mm);
	return ours ? check_traced() : TCONN_REFUSAL_MAPPING;
}

static void name_app(struct file *exe, struct tconn_event_app *event)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *path;

	if (!buf)
		return;
	path = d_path(&exe->f_path, buf, PATH_MAX);
	if (!IS_ERR(path))
		strscpy_pad(event->path, path, sizeof(event->path));
	kfree(buf);
}

/*
 * The digest says what runs, not who started it: with which question, under whose
 * system call filter (which could make mlockall() a lie), from which start
 * (PR_SET_MM_EXE_FILE gives any process a listed name). No process of a confined REE
 * gets CAP_SYS_ADMIN in the initial namespace, nor a program that it starts.
 */
static bool of_trusted_side(void)
{
	return capable(CAP_SYS_ADMIN);
}

static enum tconn_refusal judge(const struct tconn_policy *policy, struct file *exe,
				struct tconn_event_app *event)
{
	if (ima_file_hash(exe, event->digest, sizeof(event->digest)) != HASH_ALGO_SHA256)
		return TCONN_REFUSAL_MEASURE;
	if (!tconn_policy_lists_app(policy, event->digest))
		return TCONN_REFUSAL_NOT_LISTED;
	if (!of_trusted_side())
		return TCONN_REFUSAL_CONFINED;
	return check_process(exe);
}

enum tconn_refusal tconn_app_admit(const struct tconn_policy *policy,
				   struct tconn_event_app *event)
{
	struct file *exe = tconn_compat_exe_file(current->mm);

	event->pid = task_tgid_nr(current);
	if (!exe)
		return TCONN_REFUSAL_MEASURE;
	name_app(exe, event);
	event->reason = judge(policy, exe, event);
	fput(exe);
	return event->reason;
}

enum tconn_refusal tconn_app_check(void)
{
	struct file *exe = tconn_compat_exe_file(current->mm);
	enum tconn_refusal refusal;

	if (!exe)
		return TCONN_REFUSAL_MEASURE;
	refusal = check_process(exe);
	fput(exe);
	return refusal;
}

/* Where mmap_lock is not to be had at once there will be another look: nobody waits here. */
static bool has_changed(struct mm_struct *mm, const struct file *exe)
{
	bool changed;

	if (!mmap_read_trylock(mm))
		return false;
	changed = !mappings_are_of(mm, exe);
	mmap_read_unlock(mm);
	return changed;
}

bool tconn_app_has_changed(struct mm_struct *mm)
{
	struct file *exe;
	bool changed;

	/* It is about to end; that has a cause of its own. */
	if (!mmget_not_zero(mm))
		return false;
	exe = tconn_compat_exe_file(mm);
	changed = !exe || get_dumpable(mm) == SUID_DUMP_USER || has_changed(mm, exe);
	if (exe)
		fput(exe);
	mmput(mm);
	return changed;
}
