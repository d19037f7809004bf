// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a person did, as the kernel saw it: a session's outcome rests on that, never on
 * the app's word. Which gestures count, and when, is in uapi/tconn.h.
 *
 * One watch looks for what confirms, another for what denies. The confirming one is
 * reset by a change of picture and by any other key.
 */
#include <linux/errno.h>
#include <linux/input.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "gesture.h"
#include "input.h"
#include "policy.h"

struct watch {
	struct tconn_gesture wanted;
	u64 pressed_ns;			/* the last key that went down was its; or 0 */
	u64 complete_ns;		/* 0: not yet */
	struct input_id device;
};

static struct {
	spinlock_t lock;	/* all of it; inside the input device's event_lock */
	bool listening;
	bool changing;
	bool denies;		/* this kind of session can be denied */
	u64 changed_ns;
	u64 grace_ns;
	struct watch confirm, deny;
	const struct watch *decided;	/* one of these, or NULL */
} gesture = { .lock = __SPIN_LOCK_UNLOCKED(gesture.lock) };

static void watch_reset(struct watch *w)
{
	*w = (struct watch){ .wanted = w->wanted };
}

static u64 age_ms(u64 since, u64 now)
{
	return div_u64(now - since, NSEC_PER_MSEC);
}

/* Is this press the second of two, on the same device? */
static bool is_second(const struct watch *w, const struct input_id *device, u64 now)
{
	return w->pressed_ns && !w->complete_ns && !memcmp(&w->device, device, sizeof(*device)) &&
	       age_ms(w->pressed_ns, now) <= w->wanted.ms;
}

static void watch_press(struct watch *w, const struct input_id *device, u64 now)
{
	bool complete = w->wanted.type == TCONN_GESTURE_PRESS ||
			(w->wanted.type == TCONN_GESTURE_DOUBLE && is_second(w, device, now));

	w->pressed_ns = now;
	w->complete_ns = complete ? now : 0;
	w->device = *device;
}

static bool can_confirm(u64 now)
{
	return !gesture.changing && now >= gesture.changed_ns + gesture.grace_ns;
}

static void press_locked(u16 code, const struct input_id *device, u64 now)
{
	if (code == KEY_KPENTER)
		code = KEY_ENTER;
	if (code == gesture.confirm.wanted.code && can_confirm(now))
		watch_press(&gesture.confirm, device, now);
	else
		watch_reset(&gesture.confirm);
	if (gesture.deny.complete_ns || !gesture.denies)
		return;
	if (code == gesture.deny.wanted.code)
		watch_press(&gesture.deny, device, now);
	else
		watch_reset(&gesture.deny);
}

void tconn_gesture_press(u16 code, const struct input_id *device)
{
	unsigned long flags;

	spin_lock_irqsave(&gesture.lock, flags);
	if (gesture.listening)
		press_locked(code, device, ktime_get_boottime_ns());
	spin_unlock_irqrestore(&gesture.lock, flags);
}

void tconn_gesture_begin(const struct tconn_policy *policy, u32 kind)
{
	spin_lock_irq(&gesture.lock);
	gesture.confirm = (struct watch){ .wanted = policy->confirm };
	gesture.deny = (struct watch){ .wanted = policy->deny };
	gesture.decided = NULL;
	gesture.denies = kind != TCONN_KIND_NOTICE;
	gesture.grace_ns = (u64)policy->grace_ms * NSEC_PER_MSEC;
	gesture.changed_ns = ktime_get_boottime_ns();
	gesture.changing = false;
	gesture.listening = true;
	spin_unlock_irq(&gesture.lock);
}

void tconn_gesture_changing(void)
{
	spin_lock_irq(&gesture.lock);
	gesture.changing = true;
	watch_reset(&gesture.confirm);
	spin_unlock_irq(&gesture.lock);
}

void tconn_gesture_changed(void)
{
	spin_lock_irq(&gesture.lock);
	gesture.changed_ns = ktime_get_boottime_ns();
	gesture.changing = false;
	spin_unlock_irq(&gesture.lock);
}

/* A hold is complete when somebody asks, if the key is down by then. */
static bool watch_complete(struct watch *w, bool down, u64 now)
{
	if (!w->complete_ns && w->pressed_ns && down && w->wanted.type == TCONN_GESTURE_HOLD &&
	    age_ms(w->pressed_ns, now) >= w->wanted.ms)
		w->complete_ns = now;
	return w->complete_ns;
}

static int decide_locked(enum tconn_outcome outcome, bool confirm_down, bool deny_down)
{
	u64 now = ktime_get_boottime_ns();
	bool denied = watch_complete(&gesture.deny, deny_down, now);
	bool confirmed = watch_complete(&gesture.confirm, confirm_down, now);

	if (outcome != TCONN_OUTCOME_DENIED && denied)
		return -EACCES;
	if (!(outcome == TCONN_OUTCOME_DENIED ? denied : confirmed))
		return -EAGAIN;
	gesture.decided = denied ? &gesture.deny : &gesture.confirm;
	gesture.listening = false;
	return 0;
}

static bool is_down(u16 code)
{
	return tconn_input_is_down(code) ||
	       (code == KEY_ENTER && tconn_input_is_down(KEY_KPENTER));
}

/* What is wanted does not change while somebody may decide. */
int tconn_gesture_decide(enum tconn_outcome outcome)
{
	bool confirm_down = is_down(gesture.confirm.wanted.code);
	bool deny_down = is_down(gesture.deny.wanted.code);
	int ret;

	spin_lock_irq(&gesture.lock);
	ret = decide_locked(outcome, confirm_down, deny_down);
	spin_unlock_irq(&gesture.lock);
	return ret;
}

void tconn_gesture_report(struct tconn_record *record)
{
	const struct watch *w;

	spin_lock_irq(&gesture.lock);
	gesture.listening = false;
	record->changed_ns = gesture.changed_ns;
	w = gesture.decided;
	if (w) {
		record->gesture = w->wanted;
		record->gesture_ns = w->complete_ns;
		record->input_bustype = w->device.bustype;
		record->input_vendor = w->device.vendor;
		record->input_product = w->device.product;
		record->input_version = w->device.version;
	}
	spin_unlock_irq(&gesture.lock);
}
