/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows kernel versions. Supported: Debian 6.1 and 6.12.
 */
#ifndef TCONN_COMPAT_H
#define TCONN_COMPAT_H

#include <linux/fs.h>
#include <linux/input.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "tconn needs Linux 6.1 or later"
#endif

/* The executable of mm, with a reference, or NULL. get_mm_exe_file() is not exported. */
static inline struct file *tconn_compat_exe_file(struct mm_struct *mm)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
	return get_file_active((struct file **)&mm->exe_file);
#else
	struct file *file;

	rcu_read_lock();
	file = rcu_dereference(mm->exe_file);
	if (file && !get_file_rcu(file))
		file = NULL;
	rcu_read_unlock();
	return file;
#endif
}

/* One event to another handle, as the core does it. Are the handles after it to miss it? */
static inline bool tconn_compat_deliver(struct input_handle *to, struct input_value *v)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	return !to->handle_events(to, v, 1);
#else
	const struct input_handler *handler = to->handler;

	if (handler->filter)
		return handler->filter(to, v->type, v->code, v->value);
	if (handler->events)
		handler->events(to, v, 1);
	else if (handler->event)
		handler->event(to, v->type, v->code, v->value);
	return false;
#endif
}

static inline void tconn_compat_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

#endif
