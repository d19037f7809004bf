// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine and its fd. One fd is one session, and there is at most
 * one session at a time:
 *
 *	IDLE --BIND--> BOUND --ACTIVATE--> ACTIVE --DECIDE--> DECIDED
 *	                 |                    |
 *	                 +------- abort ------+--> ABORTED(cause)
 *
 * The screen is taken first, then the keys, and the lamp last; leave() gives
 * back in reverse, whatever was taken, and only then hashes, measures and frees.
 *
 * A session that has ended keeps its fd, state and record until close; the
 * system is IDLE again as soon as `active` is NULL.
 *
 * Timers: in ACTIVE the watchdog looks every WATCH_MS whether the app goes on as it
 * should, and leaves at the session's deadline.
 * Other aborts come from anywhere (tconn_session_abort) and are done by a work.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <crypto/sha2.h>

#include "app.h"
#include "compat.h"
#include "display.h"
#include "evidence.h"
#include "gesture.h"
#include "indicator.h"
#include "input.h"
#include "measure.h"
#include "policy.h"
#include "session.h"

#define WATCH_MS	200

struct session {
	enum tconn_state state;		/* written under session_lock, in enter() alone */
	enum tconn_refusal refusal;
	struct mm_struct *mm;		/* the admitted process, with a reference; from BOUND on */
	struct task_struct *app;	/* its first thread, with a reference; likewise */
	fl_owner_t files;		/* its open files: who closes or dies is known by them */
	struct tconn_display *display;
	void *canvas;			/* lives as long as the fd, for mmap takes no lock */
	u64 canvas_size;
	u32 width, height;		/* of the canvas, pixels */
	u32 timeout_ms;
	u64 deadline_ns;		/* of ACTIVE */
	u8 mac_key[TCONN_MAC_SIZE];	/* secret; while it is live */
	struct tconn_record record;
};

/* Who has been refused last: the same again is not measured again. */
struct refused {
	u8 digest[TCONN_DIGEST_SIZE];
	u32 reason;
};

DECLARE_WAIT_QUEUE_HEAD(tconn_session_wait);

static DEFINE_MUTEX(session_lock);	/* every session's fields and all below */
static struct session *active;		/* BOUND or ACTIVE, or NULL */
static u64 sessions;			/* so far */
static struct refused last_refused;
static bool suspended;
static atomic_t pending_cause;		/* why abort_work was queued; no lock */
static struct workqueue_struct *workqueue;

static bool is_live(enum tconn_state state)
{
	return state == TCONN_STATE_BOUND || state == TCONN_STATE_ACTIVE;
}

static void enter(struct session *s, enum tconn_state state)
{
	/* Pairs with session_mmap(), which takes no lock. */
	smp_store_release(&s->state, state);
	WRITE_ONCE(active, is_live(state) ? s : NULL);
	wake_up_interruptible(&tconn_session_wait);
}

/* --- leaving --- */

static void watchdog_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(watchdog, watchdog_fn);

static void give_back(struct session *s)
{
	struct tconn_record *r = &s->record;

	if (tconn_indicator_dim())
		r->unlit_ns = ktime_get_boottime_ns();
	else
		r->indicator &= ~TCONN_INDICATOR_LIT;
	tconn_input_give();
	tconn_display_give(s->display);
	if (r->active_ns)
		r->ended_ns = ktime_get_boottime_ns();
}

/* What would tell how long a PIN is. */
static void hide_counts(struct tconn_record *r)
{
	r->keys = 0;
	r->presents = 0;
}

static void complete_record(struct session *s)
{
	struct tconn_record *r = &s->record;

	if (s->state == TCONN_STATE_ACTIVE) {
		tconn_input_report(r);
		tconn_gesture_report(r);
	}
	tconn_display_report(s->display, r);
	if (r->kind == TCONN_KIND_PIN)
		hide_counts(r);
}

static void seal(struct session *s, enum tconn_outcome outcome, enum tconn_cause cause)
{
	s->record.outcome = outcome;
	s->record.cause = cause;
	tconn_evidence_seal(&s->record, s->mac_key);
}

static void leave(struct session *s, enum tconn_outcome outcome, enum tconn_cause cause)
{
	struct tconn_record *r = &s->record;

	give_back(s);
	cancel_delayed_work(&watchdog);
	complete_record(s);
	seal(s, outcome, cause);
	if (tconn_measure(TCONN_EVENT_RECORD, r, sizeof(*r)))
		seal(s, TCONN_OUTCOME_ABORTED, TCONN_CAUSE_MEASURE);
	memzero_explicit(s->mac_key, sizeof(s->mac_key));
	tconn_display_close(s->display);
	s->display = NULL;
	if (r->outcome == TCONN_OUTCOME_ABORTED)
		pr_info("session %llu aborted, cause %u\n", r->session, r->cause);
	enter(s, r->outcome == TCONN_OUTCOME_ABORTED ? TCONN_STATE_ABORTED : TCONN_STATE_DECIDED);
}

static int abort_session(struct session *s, enum tconn_cause cause)
{
	leave(s, TCONN_OUTCOME_ABORTED, cause);
	return -ECANCELED;
}

static void watch(struct session *s)
{
	u64 now = ktime_get_boottime_ns();
	u64 next = min(s->deadline_ns, now + WATCH_MS * NSEC_PER_MSEC);

	if (now >= s->deadline_ns)
		abort_session(s, TCONN_CAUSE_TIMEOUT);
	else if (tconn_app_is_held(s->app) || tconn_app_has_changed(s->mm))
		abort_session(s, TCONN_CAUSE_APP);
	else
		queue_delayed_work(workqueue, &watchdog, nsecs_to_jiffies(next - now) + 1);
}

static void watchdog_fn(struct work_struct *work)
{
	mutex_lock(&session_lock);
	if (active && active->state == TCONN_STATE_ACTIVE)
		watch(active);
	mutex_unlock(&session_lock);
}

static void abort_fn(struct work_struct *work)
{
	int cause;

	mutex_lock(&session_lock);
	cause = atomic_xchg(&pending_cause, TCONN_CAUSE_NONE);
	if (active && cause)
		abort_session(active, cause);
	mutex_unlock(&session_lock);
}

static DECLARE_WORK(abort_work, abort_fn);

void tconn_session_abort(enum tconn_cause cause)
{
	if (!READ_ONCE(active))
		return;
	atomic_cmpxchg(&pending_cause, TCONN_CAUSE_NONE, cause);
	queue_work(workqueue, &abort_work);
}

/* --- BIND --- */

static int refuse(struct session *s, enum tconn_refusal refusal, int error, const char *why)
{
	s->refusal = refusal;
	pr_err_ratelimited("session refused: %s\n", why);
	return error;
}

/* So that nobody fills the log cheaply, the same refusal twice in a row is one event. */
static void measure_refusal(const struct tconn_event_app *event)
{
	if (last_refused.reason == event->reason &&
	    !memcmp(last_refused.digest, event->digest, sizeof(event->digest)))
		return;
	last_refused.reason = event->reason;
	memcpy(last_refused.digest, event->digest, sizeof(event->digest));
	tconn_measure(TCONN_EVENT_APP, event, sizeof(*event));
}

static int admit_app(struct session *s, const struct tconn_policy *policy,
		     struct tconn_event_app *event)
{
	static const char * const why[] = {
		[TCONN_REFUSAL_NOT_LISTED] = "its digest is not on the policy",
		[TCONN_REFUSAL_MAPPING] = "it runs code that is not its executable's",
		[TCONN_REFUSAL_TRACED] = "it is traced, or dumpable",
		[TCONN_REFUSAL_MEASURE] = "no SHA-256 digest of it is to be had",
		[TCONN_REFUSAL_CONFINED] = "it has no CAP_SYS_ADMIN, as what the REE starts",
	};
	enum tconn_refusal refusal = tconn_app_admit(policy, event);

	if (!refusal)
		return 0;
	pr_err_ratelimited("%s (sha256 %*phN) may not hold a session\n", event->path,
			   TCONN_DIGEST_SIZE, event->digest);
	if (refusal != TCONN_REFUSAL_MEASURE)
		measure_refusal(event);
	return refuse(s, refusal, -EACCES, why[refusal]);
}

static int check_measure(struct session *s)
{
	if (!tconn_measure_has_tpm())
		return refuse(s, TCONN_REFUSAL_NO_TPM, -EHWPOISON,
			      "no TPM, or it refused a measurement");
	if (!tconn_measure_has_room())
		return refuse(s, TCONN_REFUSAL_MEASURE, -EHWPOISON, "the log is full");
	return 0;
}

static int check_indicator(struct session *s, const struct tconn_policy *policy)
{
	s->record.indicator = tconn_indicator_armed() ? TCONN_INDICATOR_PRESENT : 0;
	if (policy->indicator_required && !s->record.indicator)
		return refuse(s, TCONN_REFUSAL_NO_INDICATOR, -ENOLCK,
			      "the policy requires an indicator and none is armed");
	return 0;
}

/* All but a band at the top, as wide as the policy wants it. */
static struct tconn_rect attested_of(const struct tconn_policy *policy,
				     const struct tconn_bind *bind)
{
	u64 band = (u64)min(bind->width, bind->height) * policy->band_permille;
	u32 rows = div_u64(band, 1000);

	return (struct tconn_rect){
		.y = rows,
		.width = bind->width,
		.height = bind->height - rows,
	};
}

static void answer_policy(struct session *s, const struct tconn_policy *policy,
			  struct tconn_bind *bind)
{
	struct tconn_record *r = &s->record;

	bind->confirm = policy->confirm;
	bind->deny = policy->deny;
	bind->grace_ms = policy->grace_ms;
	bind->policy = policy->signature_len ? TCONN_POLICY_SIGNED : 0;
	memcpy(bind->service_ca, policy->service_ca, sizeof(bind->service_ca));
	r->confirm = bind->confirm;
	r->deny = bind->deny;
	r->grace_ms = bind->grace_ms;
}

static int open_display(struct session *s, const struct tconn_policy *policy,
			struct tconn_bind *bind)
{
	int ret = tconn_display_open(bind->display_fd, policy, &s->display);

	if (ret)
		return refuse(s, TCONN_REFUSAL_NO_DISPLAY, -ENODEV,
			      "no connected output that the policy lists at display_fd");
	tconn_display_describe(s->display, bind);
	bind->attested = attested_of(policy, bind);
	s->record.attested = bind->attested;
	s->canvas_size = bind->canvas_size;
	s->width = bind->width;
	s->height = bind->height;
	s->canvas = vmalloc_user(bind->canvas_size);
	return s->canvas ? 0 : -ENOMEM;
}

static void close_display(struct session *s)
{
	tconn_display_close(s->display);
	s->display = NULL;
	vfree(s->canvas);
	s->canvas = NULL;
}

static int check_bind(const struct tconn_bind *bind)
{
	if (bind->size != sizeof(*bind) || bind->flags ||
	    bind->kind < TCONN_KIND_CONFIRM || bind->kind > TCONN_KIND_NOTICE)
		return -EINVAL;
	if (!bind->statement_len || bind->statement_len > TCONN_STATEMENT_MAX)
		return -EMSGSIZE;
	return 0;
}

static int hash_statement(const struct tconn_bind *bind, u8 *ret_digest)
{
	void *statement = memdup_user(u64_to_user_ptr(bind->statement), bind->statement_len);

	if (IS_ERR(statement))
		return PTR_ERR(statement);
	sha256(statement, bind->statement_len, ret_digest);
	kfree(statement);
	return 0;
}

/* What the record says of this session from the start. */
static int begin_record(struct session *s, const struct tconn_policy *policy,
			struct tconn_bind *bind)
{
	struct tconn_record *r = &s->record;

	*r = (struct tconn_record) {
		.magic = { 'T', 'C', 'N', 'R' },
		.version = 2,
		.size = sizeof(*r),
		.kind = bind->kind,
	};
	memcpy(r->boot_id, tconn_measure_boot_id(), sizeof(r->boot_id));
	memcpy(r->nonce, bind->nonce, sizeof(r->nonce));
	memcpy(r->verifier_key, bind->verifier_key, sizeof(r->verifier_key));
	memcpy(r->policy_digest, policy->digest, sizeof(r->policy_digest));
	answer_policy(s, policy, bind);
	return hash_statement(bind, r->statement_digest);
}

static int check_ground(struct session *s, const struct tconn_policy *policy)
{
	int ret = check_indicator(s, policy);

	if (ret)
		return ret;
	if (!tconn_input_can_confirm())
		return refuse(s, TCONN_REFUSAL_NO_INPUT, -ENODEV,
			      "no input device that the policy lists has the key that confirms");
	return 0;
}

static void own(struct session *s, const struct tconn_bind *bind)
{
	mmgrab(current->mm);
	s->mm = current->mm;
	s->app = get_task_struct(current->group_leader);
	s->files = current->files;
	s->timeout_ms = bind->timeout_ms;
	s->record.session = bind->session;
	s->record.bound_ns = ktime_get_boottime_ns();
	atomic_set(&pending_cause, TCONN_CAUSE_NONE);
}

/* The last steps, which the caller undoes: measured, answered, BOUND. */
static int bind_measured(struct session *s, struct tconn_bind *bind, struct tconn_event_app *app,
			 struct tconn_bind __user *arg)
{
	bind->session = ++sessions;
	app->session = bind->session;
	app->admitted = 1;
	memcpy(s->record.app_digest, app->digest, sizeof(app->digest));
	if (copy_to_user(arg, bind, sizeof(*bind)))
		return -EFAULT;
	if (tconn_measure(TCONN_EVENT_APP, app, sizeof(*app)))
		return refuse(s, TCONN_REFUSAL_NO_TPM, -EHWPOISON, "the TPM refused to measure it");
	own(s, bind);
	enter(s, TCONN_STATE_BOUND);
	return 0;
}

static int bind_with(struct session *s, const struct tconn_policy *policy,
		     struct tconn_bind *bind, struct tconn_bind __user *arg)
{
	struct tconn_event_app app = { };
	int ret;

	ret = begin_record(s, policy, bind);
	if (ret)
		return ret;
	ret = tconn_evidence_agree(&s->record, s->mac_key);
	if (ret)
		return ret;
	ret = check_measure(s);
	if (ret)
		return ret;
	ret = admit_app(s, policy, &app);
	if (ret)
		return ret;
	ret = check_ground(s, policy);
	if (ret)
		return ret;
	ret = open_display(s, policy, bind);
	if (!ret)
		ret = bind_measured(s, bind, &app, arg);
	if (ret)
		close_display(s);
	return ret;
}

/* Errors: uapi/tconn.h, struct tconn_bind. */
static int session_bind(struct session *s, struct tconn_bind __user *arg)
{
	const struct tconn_policy *policy = tconn_policy();
	struct tconn_bind bind;
	int ret;

	if (copy_from_user(&bind, arg, sizeof(bind)))
		return -EFAULT;
	ret = check_bind(&bind);
	if (ret)
		return ret;
	s->refusal = TCONN_REFUSAL_NONE;
	if (active || suspended)
		return -EBUSY;
	if (!policy)
		return refuse(s, TCONN_REFUSAL_NO_POLICY, -ENOKEY, "no policy is loaded");
	if (bind.timeout_ms < TCONN_TIMEOUT_MIN_MS || bind.timeout_ms > policy->timeout_max_ms)
		return -ERANGE;
	return bind_with(s, policy, &bind, arg);
}

/* --- ACTIVATE, PRESENT, DECIDE, STATUS --- */

static int light_indicator(struct session *s)
{
	struct tconn_record *r = &s->record;

	if (!(r->indicator & TCONN_INDICATOR_PRESENT))
		return 0;
	if (tconn_indicator_light())
		return -EIO;
	r->indicator |= TCONN_INDICATOR_LIT;
	r->lit_ns = ktime_get_boottime_ns();
	return 0;
}

static bool is_empty(const struct tconn_rect *rect)
{
	return !rect->width || !rect->height;
}

static bool is_within(const struct tconn_rect *rect, const struct tconn_rect *outer)
{
	return rect->x >= outer->x && rect->y >= outer->y &&
	       (u64)rect->x + rect->width <= (u64)outer->x + outer->width &&
	       (u64)rect->y + rect->height <= (u64)outer->y + outer->height;
}

/* Both are within the canvas. */
static bool is_apart(const struct tconn_rect *a, const struct tconn_rect *b)
{
	return a->x >= b->x + b->width || b->x >= a->x + a->width ||
	       a->y >= b->y + b->height || b->y >= a->y + a->height;
}

static int set_live(struct session *s, const struct tconn_rect __user *arg)
{
	struct tconn_record *r = &s->record;
	struct tconn_rect live;

	if (copy_from_user(&live, arg, sizeof(live)))
		return -EFAULT;
	if (!memchr_inv(&live, 0, sizeof(live)))
		return 0;
	if (r->kind != TCONN_KIND_PIN || is_empty(&live))
		return -EINVAL;
	if (!is_within(&live, &r->attested))
		return -ERANGE;
	r->live = live;
	return 0;
}

static int session_activate(struct session *s, const struct tconn_rect __user *arg)
{
	struct tconn_record *r = &s->record;
	int ret = set_live(s, arg);

	if (ret)
		return ret;
	if (tconn_app_check())
		return abort_session(s, TCONN_CAUSE_APP);
	if (tconn_display_take(s->display, s->canvas))
		return abort_session(s, TCONN_CAUSE_DISPLAY_FAILED);
	r->active_ns = ktime_get_boottime_ns();
	if (tconn_input_take())
		return abort_session(s, TCONN_CAUSE_INPUT_LOST);
	if (light_indicator(s))
		return abort_session(s, TCONN_CAUSE_INDICATOR_LOST);
	tconn_input_listen();
	tconn_gesture_begin(tconn_policy(), r->kind);
	s->deadline_ns = ktime_get_boottime_ns() + (u64)s->timeout_ms * NSEC_PER_MSEC;
	enter(s, TCONN_STATE_ACTIVE);
	watch(s);
	return 0;
}

static bool changes_attested(const struct tconn_record *r, const struct tconn_rect *rect)
{
	return !is_apart(rect, &r->attested) && !is_within(rect, &r->live);
}

static int present(struct session *s, const struct tconn_rect *rect)
{
	bool changes = changes_attested(&s->record, rect);

	if (changes)
		tconn_gesture_changing();
	if (tconn_display_present(s->display, s->canvas, rect))
		return abort_session(s, TCONN_CAUSE_DISPLAY_FAILED);
	if (changes)
		tconn_gesture_changed();
	return 0;
}

static int session_present(struct session *s, const struct tconn_rect __user *arg)
{
	const struct tconn_rect screen = { .width = s->width, .height = s->height };
	struct tconn_rect rect;

	if (copy_from_user(&rect, arg, sizeof(rect)))
		return -EFAULT;
	if (is_empty(&rect))
		return -EINVAL;
	if (!is_within(&rect, &screen))
		return -ERANGE;
	if (tconn_app_check())
		return abort_session(s, TCONN_CAUSE_APP);
	return present(s, &rect);
}

static bool outcome_fits(u32 outcome, u32 kind)
{
	switch (outcome) {
	case TCONN_OUTCOME_CONFIRMED:
		return kind == TCONN_KIND_CONFIRM || kind == TCONN_KIND_NOTICE;
	case TCONN_OUTCOME_DENIED:
		return kind == TCONN_KIND_CONFIRM || kind == TCONN_KIND_PIN;
	case TCONN_OUTCOME_ENTERED:
		return kind == TCONN_KIND_PIN;
	}
	return false;
}

static int session_decide(struct session *s, struct tconn_decide __user *arg)
{
	struct tconn_record *r = &s->record;
	u8 picture[sizeof(r->picture)];
	u32 outcome, reserved;
	int ret;

	if (get_user(outcome, &arg->outcome) || get_user(reserved, &arg->reserved) ||
	    copy_from_user(picture, arg->picture, sizeof(picture)))
		return -EFAULT;
	if (reserved || !outcome_fits(outcome, r->kind))
		return -EINVAL;
	if (tconn_app_check())
		return abort_session(s, TCONN_CAUSE_APP);
	ret = tconn_gesture_decide(outcome);
	if (ret)
		return ret;
	memcpy(r->picture, picture, sizeof(r->picture));
	leave(s, outcome, TCONN_CAUSE_NONE);
	if (s->state == TCONN_STATE_ABORTED)
		return -ECANCELED;
	return copy_to_user(&arg->record, &s->record, sizeof(s->record)) ? -EFAULT : 0;
}

static u32 remaining_ms(const struct session *s)
{
	u64 now = ktime_get_boottime_ns();

	if (s->state != TCONN_STATE_ACTIVE || now >= s->deadline_ns)
		return 0;
	return div_u64(s->deadline_ns - now, NSEC_PER_MSEC);
}

static int session_status(struct session *s, struct tconn_status __user *arg)
{
	struct tconn_status status = {
		.state = s->state,
		.cause = s->record.cause,
		.refusal = s->refusal,
		.remaining_ms = remaining_ms(s),
	};

	if (s->state == TCONN_STATE_DECIDED || s->state == TCONN_STATE_ABORTED)
		status.record = s->record;
	return copy_to_user(arg, &status, sizeof(status)) ? -EFAULT : 0;
}

static int session_version(struct tconn_version __user *arg)
{
	static const struct tconn_version version = { .abi = TCONN_ABI };

	return copy_to_user(arg, &version, sizeof(version)) ? -EFAULT : 0;
}

/* --- the fd --- */

/* Until BIND the fd is anyone's; then it is the admitted process's. */
static int check_owner(const struct session *s)
{
	struct mm_struct *mm = READ_ONCE(s->mm);

	return !mm || mm == current->mm ? 0 : -EPERM;
}

static int check_state(const struct session *s, enum tconn_state wanted)
{
	if (s->state == wanted)
		return 0;
	return s->state == TCONN_STATE_ABORTED ? -ECANCELED : -EBADFD;
}

/* The state each command wants; commands that are fine in any state are not here. */
static int check_command(const struct session *s, unsigned int cmd)
{
	switch (cmd) {
	case TCONN_IOC_BIND:
		return check_state(s, TCONN_STATE_IDLE);
	case TCONN_IOC_ACTIVATE:
		return check_state(s, TCONN_STATE_BOUND);
	case TCONN_IOC_PRESENT:
	case TCONN_IOC_DECIDE:
		return check_state(s, TCONN_STATE_ACTIVE);
	}
	return 0;
}

static long command(struct session *s, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;
	int ret = check_command(s, cmd);

	if (ret)
		return ret;
	switch (cmd) {
	case TCONN_IOC_VERSION:
		return session_version(p);
	case TCONN_IOC_BIND:
		return session_bind(s, p);
	case TCONN_IOC_ACTIVATE:
		return session_activate(s, p);
	case TCONN_IOC_PRESENT:
		return session_present(s, p);
	case TCONN_IOC_DECIDE:
		return session_decide(s, p);
	case TCONN_IOC_STATUS:
		return session_status(s, p);
	}
	return -ENOTTY;
}

static long evdev_command(const struct session *s, unsigned int cmd, unsigned long arg)
{
	if (is_live(s->state))
		return tconn_input_ioctl(cmd, arg);
	return s->state == TCONN_STATE_IDLE ? -EBADFD : -ECANCELED;
}

static long session_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct session *s = file->private_data;
	long ret;

	mutex_lock(&session_lock);
	ret = check_owner(s);
	if (!ret)
		ret = _IOC_TYPE(cmd) == 'E' ? evdev_command(s, cmd, arg) : command(s, cmd, arg);
	mutex_unlock(&session_lock);
	return ret;
}

/* Called with mmap_lock held, inside which session_lock must not be taken. */
static int session_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct session *s = file->private_data;
	int ret = check_owner(s);

	if (ret)
		return ret;
	/* Pairs with enter(): canvas and its size were set before BOUND. */
	if (!is_live(smp_load_acquire(&s->state)))
		return -EBADFD;
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != s->canvas_size ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	tconn_compat_vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP | VM_DONTEXPAND);
	return remap_vmalloc_range(vma, s->canvas, 0);
}

static __poll_t session_poll(struct file *file, poll_table *table)
{
	struct session *s = file->private_data;
	enum tconn_state state;

	poll_wait(file, &tconn_session_wait, table);
	if (check_owner(s))
		return EPOLLERR;
	state = READ_ONCE(s->state);
	if (state == TCONN_STATE_DECIDED || state == TCONN_STATE_ABORTED)
		return EPOLLHUP;
	return state == TCONN_STATE_ACTIVE && tconn_input_pending() ? EPOLLIN | EPOLLRDNORM : 0;
}

static bool can_read(const struct session *s)
{
	return !is_live(READ_ONCE(s->state)) || tconn_input_pending();
}

static int check_readable(const struct session *s)
{
	enum tconn_state state = READ_ONCE(s->state);

	if (is_live(state))
		return 0;
	return state == TCONN_STATE_IDLE ? -EBADFD : -ECANCELED;
}

/* Keys go to the app as it was admitted; a tracer may have come since. */
static int check_reader(void)
{
	if (!tconn_app_check())
		return 0;
	tconn_session_abort(TCONN_CAUSE_APP);
	return -ECANCELED;
}

/*
 *	-EBADFD	no session yet		-ECANCELED	it is over
 *	-EAGAIN	O_NONBLOCK and no key	-EINVAL		shorter than an event
 *	-EPERM	not the admitted process
 */
static ssize_t session_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct session *s = file->private_data;
	ssize_t ret = check_owner(s);

	while (!ret) {
		ret = check_readable(s);
		if (!ret)
			ret = check_reader();
		if (ret)
			break;
		ret = tconn_input_read(buf, len);
		if (ret)
			break;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(tconn_session_wait, can_read(s));
	}
	return ret;
}

static int session_open(struct inode *inode, struct file *file)
{
	struct session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	file->private_data = s;
	return stream_open(inode, file);
}

static void session_end(struct session *s)
{
	mutex_lock(&session_lock);
	if (is_live(s->state))
		abort_session(s, TCONN_CAUSE_CLOSED);
	mutex_unlock(&session_lock);
}

/*
 * At every close() of the fd, and at the exit of every process that has it:
 * where it is the admitted one, the session ends, though others may hold it open.
 */
static int session_flush(struct file *file, fl_owner_t files)
{
	struct session *s = file->private_data;

	if (READ_ONCE(s->files) == files)
		session_end(s);
	return 0;
}

static int session_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;

	session_end(s);
	if (s->mm)
		mmdrop(s->mm);
	if (s->app)
		put_task_struct(s->app);
	vfree(s->canvas);
	kfree_sensitive(s);
	return 0;
}

static const struct file_operations session_fops = {
	.owner = THIS_MODULE,
	.open = session_open,
	.flush = session_flush,
	.release = session_release,
	.unlocked_ioctl = session_ioctl,
	.mmap = session_mmap,
	.poll = session_poll,
	.read = session_read,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "tconn",
	.mode = 0600,
	.fops = &session_fops,
};

/* --- securityfs: state --- */

static const char * const state_name[] = {
	[TCONN_STATE_IDLE] = "idle",
	[TCONN_STATE_BOUND] = "bound",
	[TCONN_STATE_ACTIVE] = "active",
};

static int state_show(struct seq_file *m, void *unused)
{
	const struct tconn_policy *policy = tconn_policy();

	mutex_lock(&session_lock);
	seq_printf(m, "state %s\n", state_name[active ? active->state : TCONN_STATE_IDLE]);
	seq_printf(m, "sessions %llu\n", sessions);
	mutex_unlock(&session_lock);
	seq_printf(m, "tpm %s\n", tconn_measure_has_tpm() ? "yes" : "no");
	seq_printf(m, "log %zu\n", tconn_measure_log_size());
	seq_printf(m, "developer %s\n", tconn_policy_developer() ? "yes" : "no");
	if (policy)
		seq_printf(m, "policy %*phN\nsigned %s\n", TCONN_DIGEST_SIZE, policy->digest,
			   policy->signature_len ? "yes" : "no");
	else
		seq_puts(m, "policy none\n");
	tconn_indicator_show(m);
	tconn_input_show(m);
	return 0;
}

static int state_open(struct inode *inode, struct file *file)
{
	return single_open(file, state_show, NULL);
}

const struct file_operations tconn_state_fops = {
	.owner = THIS_MODULE,
	.open = state_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

/* --- coming and going --- */

/* The screen's driver could not suspend while the thread holds its locks. */
static int pm_event(struct notifier_block *nb, unsigned long event, void *unused)
{
	bool before = event == PM_SUSPEND_PREPARE || event == PM_HIBERNATION_PREPARE;
	bool after = event == PM_POST_SUSPEND || event == PM_POST_HIBERNATION;

	mutex_lock(&session_lock);
	if (before || after)
		suspended = before;
	if (before && active)
		abort_session(active, TCONN_CAUSE_SUSPEND);
	mutex_unlock(&session_lock);
	return NOTIFY_DONE;
}

static struct notifier_block pm_notifier = { .notifier_call = pm_event };

int tconn_session_init(void)
{
	int ret;

	workqueue = alloc_workqueue("tconn", WQ_UNBOUND | WQ_HIGHPRI | WQ_MEM_RECLAIM, 0);
	if (!workqueue)
		return -ENOMEM;
	ret = register_pm_notifier(&pm_notifier);
	if (ret)
		destroy_workqueue(workqueue);
	return ret;
}

int tconn_session_publish(void)
{
	return misc_register(&misc);
}

void tconn_session_unpublish(void)
{
	misc_deregister(&misc);
}

void tconn_session_exit(void)
{
	unregister_pm_notifier(&pm_notifier);
	cancel_delayed_work_sync(&watchdog);
	destroy_workqueue(workqueue);
}
