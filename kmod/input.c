// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keys: a filter connected to the devices on the policy's list, which grabs
 * them for a session. A grabbed device's events go to one handle, ours; evdev,
 * the console, sysrq and everyone else see nothing.
 *
 * The grab is switched under the device's event_lock, at a moment when no key is
 * down as far as the losing side knows: held keys get a release first. So
 * neither side is left with a stuck key, and no key press is seen by both.
 *
 * The core also keeps the state of keys and axes, and hands it to whoever has an
 * event node open (EVIOCGKEY and the like), grab or not. So in a session there is none:
 *
 * - Keys. conceal() has the core pass on every value alone, at once. It calls us
 *   inside the event_lock section that set the key's bit, we clear the bit, and who
 *   copies the bits, under event_lock as well, never finds one set. The price: the
 *   core sees no release, since for it nothing is down. A key is a tap.
 * - Axes. Their readers take no lock, so they must not change: the device has none.
 * - Touches. All are lifted before. Their drivers number them on all the same, so that the
 *   next number would tell how many there were: reveal() sets it back. Drivers count without
 *   a lock: a touch at that very moment may undo it.
 *
 * An AT keyboard repeats a held key by itself, and for the core that is a press.
 * It sends the key's scan code at press, repeat and release, though, so a scan
 * code without a key is a release: that tells a repeat from a press, and when the
 * keyboard is at rest. Until then it is not given back: the REE would see the
 * repeat of what was typed last. A release may be lost, while the keyboard is told to
 * switch its lamp: of two held keys only the one pressed last is repeated, though, so
 * a press of the other one is a new one.
 *
 * The keymap stays as the driver made it: root's "1 is Enter" would be ours too.
 *
 * Where the policy names an attention key, the keyboards that have it are ours all the
 * time (source::watched), so that neither EVIOCGRAB nor a written event gets between the
 * key and us. Outside a session each event is passed on to the other handles, but for that
 * key's press, repeat and scan code; its release the core does not see either. The price:
 * nobody else can grab such a keyboard, or switch its LEDs. Without an attention key
 * nothing is open and nothing is called. What a session takes, and no app listens to (before
 * it, and until the keyboard is at rest), may be the attention key too; a session that is
 * then shown has answered it.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/input.h>
#include <linux/input/mt.h>
#include <linux/jiffies.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "gesture.h"
#include "input.h"
#include "policy.h"
#include "session.h"

#define FIFO_EVENTS	256
#define TAP_EVENTS	4	/* press and release, each with its SYN_REPORT */
#define SWITCH_TRIES	8	/* each loses to a key pressed within microseconds */
#define ONE_BY_ONE	3	/* max_vals: one value and a SYN_REPORT, and the core's reserve */

#define DEVICE_NAME	"tconn trusted input"
#define DEVICE_PHYS	"tconn/input0"

enum {
	SCAN_MS	 = 10,		/* a key follows its scan code within one interrupt */
	REST_MS	 = 20,		/* between two looks whether a keyboard is at rest */
	STILL_MS = 1200,	/* who holds a key repeats it: a PS/2 keyboard within 1 s */
};

struct source {
	struct input_handle handle;
	struct input_handle *ousted;	/* who had grabbed it before us, or NULL */
	bool grabbed;			/* for a session */
	bool watched;			/* for the attention key */
	unsigned int max_vals;		/* the core's */
	int (*setkeycode)(struct input_dev *dev, const struct input_keymap_entry *ke,
			  unsigned int *old_keycode);	/* the driver's */
	struct list_head link;		/* input::sources */

	/* With the device's event_lock, while grabbed or watched: */
	bool concealed;			/* nothing is passed on */
	bool has_axes;
	int trkid;			/* the next touch's number, if it has touches */
	bool sends_releases;		/* as lone scan codes */
	bool scanned;			/* no key has come with `scan` yet */
	u32 scan;
	bool silent;			/* longer than a held key is, before `scan` */
	unsigned long heard;		/* jiffies of the last scan code */
	DECLARE_BITMAP(held, KEY_CNT);	/* if it sends releases */
	unsigned int last;		/* of those, the one that may repeat; 0: any */
};

static struct {
	struct mutex lock;	/* sources, taken, registered; inside the core's input_mutex */
	struct list_head sources;
	const struct tconn_policy *policy;	/* while registered */
	bool taken, registered;
	int error;		/* of the last device that could not be connected */
} input = {
	.lock = __MUTEX_INITIALIZER(input.lock),
	.sources = LIST_HEAD_INIT(input.sources),
};

/* What the app reads. Filled with the device's event_lock held: nothing here may sleep. */
static struct {
	spinlock_t lock;	/* all of it; inside event_lock */
	DECLARE_KFIFO(fifo, struct input_event, FIFO_EVENTS);
	bool listening;
	clockid_t clock;
	u32 presses;
	struct input_id last;
} keys = { .lock = __SPIN_LOCK_UNLOCKED(keys.lock) };

static atomic_t attentions;	/* how often the attention key was pressed */
static atomic_t answered;	/* that many, by a session */

static void push(u16 type, u16 code, s32 value)
{
	ktime_t now = keys.clock == CLOCK_MONOTONIC ? ktime_get() :
		      keys.clock == CLOCK_BOOTTIME ? ktime_get_boottime() : ktime_get_real();
	struct timespec64 ts = ktime_to_timespec64(now);
	struct input_event event = { .type = type, .code = code, .value = value };

	event.input_event_sec = ts.tv_sec;
	event.input_event_usec = ts.tv_nsec / NSEC_PER_USEC;
	kfifo_put(&keys.fifo, event);
}

/* As evdev does it: who does not keep up learns that events are missing. */
static void push_tap(u16 code)
{
	if (kfifo_avail(&keys.fifo) < TAP_EVENTS) {
		kfifo_reset(&keys.fifo);
		push(EV_SYN, SYN_DROPPED, 0);
	}
	push(EV_KEY, code, 1);
	push(EV_SYN, SYN_REPORT, 0);
	push(EV_KEY, code, 0);
	push(EV_SYN, SYN_REPORT, 0);
}

/* False: no app listens. */
static bool tap(const struct input_dev *dev, u16 code)
{
	unsigned long flags;
	bool heard;

	spin_lock_irqsave(&keys.lock, flags);
	heard = keys.listening;
	if (heard) {
		keys.presses++;
		keys.last = dev->id;
		push_tap(code);
	}
	spin_unlock_irqrestore(&keys.lock, flags);
	tconn_gesture_press(code, &dev->id);
	wake_up_interruptible(&tconn_session_wait);
	return heard;
}

/* --- an AT keyboard's scan codes; event_lock is held --- */

static void end_scan(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	struct input_keymap_entry ke = { .len = sizeof(s->scan) };

	if (!s->scanned)
		return;
	s->scanned = false;
	memcpy(ke.scancode, &s->scan, sizeof(s->scan));
	if (!dev->getkeycode(dev, &ke) && ke.keycode < KEY_CNT)
		__clear_bit(ke.keycode, s->held);
}

static bool is_scan_of(struct source *s, u32 scan, unsigned int code)
{
	struct input_keymap_entry ke = { .len = sizeof(scan) };

	memcpy(ke.scancode, &scan, sizeof(scan));
	return !s->handle.dev->getkeycode(s->handle.dev, &ke) && ke.keycode == code;
}

static bool passed(unsigned long since, unsigned int ms)
{
	return time_after(jiffies, since + msecs_to_jiffies(ms));
}

static void begin_scan(struct source *s, u32 scan)
{
	end_scan(s);
	s->scanned = true;
	s->scan = scan;
	s->silent = passed(s->heard, STILL_MS);
	s->heard = jiffies;
}

static bool is_repeat(struct source *s, unsigned int code)
{
	bool repeat = __test_and_set_bit(code, s->held) && (!s->last || code == s->last);

	s->scanned = false;
	s->last = code;
	return repeat;
}

static bool at_rest(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	bool rest;

	spin_lock_irq(&dev->event_lock);
	if (passed(s->heard, SCAN_MS))
		end_scan(s);
	rest = !s->scanned && (bitmap_empty(s->held, KEY_CNT) || passed(s->heard, STILL_MS));
	spin_unlock_irq(&dev->event_lock);
	return rest;
}

static bool is_down(struct source *s, u16 code)
{
	struct input_dev *dev = s->handle.dev;
	bool down;

	spin_lock_irq(&dev->event_lock);
	if (passed(s->heard, SCAN_MS))
		end_scan(s);
	down = test_bit(code, s->held);
	spin_unlock_irq(&dev->event_lock);
	return down;
}

bool tconn_input_is_down(u16 code)
{
	bool down = false;
	struct source *s;

	mutex_lock(&input.lock);
	list_for_each_entry(s, &input.sources, link)
		if (s->grabbed && s->sends_releases)
			down |= is_down(s, code);
	mutex_unlock(&input.lock);
	return down;
}

/* --- the attention key, while no app listens; event_lock is held --- */

static unsigned int attention_key(const struct tconn_policy *policy)
{
	return policy->attention[policy->attention_count - 1];
}

static bool modifiers_are_down(const struct source *s, const struct tconn_policy *policy)
{
	unsigned int i;

	for (i = 0; i + 1 < policy->attention_count; i++)
		if (!test_bit(policy->attention[i], s->handle.dev->key) &&
		    !test_bit(policy->attention[i], s->held))
			return false;
	return true;
}

static void count_attention(void)
{
	atomic_inc(&attentions);
	wake_up_interruptible(&tconn_session_wait);
}

/* Nobody sees the key anyhow: the keyboard is taken. */
static void hear_concealed(const struct source *s, unsigned int code)
{
	if (s->watched && code == attention_key(input.policy) &&
	    modifiers_are_down(s, input.policy))
		count_attention();
}

/* An AT keyboard goes on with a key that was pressed as such, whatever was let go since. */
static bool is_attention(struct source *s, const struct input_value *v)
{
	const struct tconn_policy *policy = input.policy;
	unsigned int key = attention_key(policy);

	if (v->type == EV_MSC && v->code == MSC_SCAN)
		return is_scan_of(s, v->value, key);
	if (v->type != EV_KEY)
		return false;
	if (v->code != key || v->value != 1 ||
	    (!test_bit(key, s->held) && !modifiers_are_down(s, policy))) {
		s->scanned = false;
		return false;
	}
	__clear_bit(key, s->handle.dev->key);
	/* Silent for so long, it repeats nothing; and one press too many does no harm here. */
	if (!s->sends_releases || !is_repeat(s, key) || s->silent)
		count_attention();
	return true;
}

/* To all others; false: the core may begin to repeat it. */
static bool pass_on(struct source *s, struct input_value *v)
{
	struct input_handle *to;

	if (is_attention(s, v))
		return true;
	list_for_each_entry_rcu(to, &s->handle.dev->h_list, d_node)
		if (to != &s->handle && to->open && tconn_compat_deliver(to, v))
			return true;
	return false;
}

/* --- */

/*
 * Called with event_lock held, for each value, from open to close; it is ours with the
 * grab. Passing nothing on (true) also keeps the core from repeating keys.
 */
static bool input_filter(struct input_handle *handle, unsigned int type, unsigned int code,
			 int value)
{
	struct source *s = container_of(handle, struct source, handle);

	if (rcu_access_pointer(handle->dev->grab) != handle)
		return false;
	if (type == EV_MSC && code == MSC_SCAN && s->sends_releases)
		begin_scan(s, value);
	if (!s->concealed)
		return pass_on(s, &(struct input_value){ type, code, value });
	if (type != EV_KEY || value != 1)
		return true;
	__clear_bit(code, handle->dev->key);
	if (is_button(code) || (s->sends_releases && is_repeat(s, code)))
		return true;
	if (!tap(handle->dev, code))
		hear_concealed(s, code);
	return true;
}

static void keys_reset(bool listening)
{
	spin_lock_irq(&keys.lock);
	keys.listening = listening;
	/* A PIN went through here. */
	memzero_explicit(keys.fifo.buf, sizeof(keys.fifo.buf));
	kfifo_reset(&keys.fifo);
	if (listening) {
		keys.presses = 0;
		memset(&keys.last, 0, sizeof(keys.last));
	}
	spin_unlock_irq(&keys.lock);
}

void tconn_input_listen(void)
{
	keys_reset(true);
	atomic_set(&answered, atomic_read(&attentions));
}

void tconn_input_report(struct tconn_record *record)
{
	spin_lock_irq(&keys.lock);
	record->keys = keys.presses;
	record->input_bustype = keys.last.bustype;
	record->input_vendor = keys.last.vendor;
	record->input_product = keys.last.product;
	record->input_version = keys.last.version;
	spin_unlock_irq(&keys.lock);
}

static void release_held_keys(struct input_dev *dev)
{
	unsigned int code;

	for_each_set_bit(code, dev->key, KEY_CNT)
		input_event(dev, EV_KEY, code, 0);
	input_event(dev, EV_SYN, SYN_REPORT, 0);
}

/* The driver goes on with the slot it chose last. */
static void release_touches(struct input_dev *dev)
{
	int slot, i;

	if (!dev->mt)
		return;
	slot = dev->mt->slot;
	for (i = 0; i < dev->mt->num_slots; i++) {
		input_event(dev, EV_ABS, ABS_MT_SLOT, i);
		input_event(dev, EV_ABS, ABS_MT_TRACKING_ID, -1);
	}
	input_event(dev, EV_ABS, ABS_MT_SLOT, slot);
	input_event(dev, EV_SYN, SYN_REPORT, 0);
}

/* event_lock is held, here and in the next three. */
static bool is_released(const struct input_dev *dev)
{
	int i;

	for (i = 0; dev->mt && i < dev->mt->num_slots; i++)
		if (input_mt_is_active(&dev->mt->slots[i]))
			return false;
	return bitmap_empty(dev->key, KEY_CNT);
}

/* The REE has seen all of them lifted: one that was on its way meanwhile must not stay. */
static void forget_touches(struct input_dev *dev)
{
	int i;

	for (i = 0; dev->mt && i < dev->mt->num_slots; i++)
		input_mt_set_value(&dev->mt->slots[i], ABS_MT_TRACKING_ID, -1);
}

static void conceal(struct source *s)
{
	struct input_dev *dev = s->handle.dev;

	s->concealed = true;
	dev->max_vals = ONE_BY_ONE;
	/* Of someone who injects faster than we release. */
	bitmap_zero(dev->key, KEY_CNT);
	forget_touches(dev);
	s->has_axes = test_and_clear_bit(EV_ABS, dev->evbit);
	s->trkid = dev->mt ? dev->mt->trkid : 0;
	/* The attention key may be up again; of a newer scan code the key may be yet to come. */
	if (passed(s->heard, SCAN_MS))
		end_scan(s);
	s->heard = jiffies;
}

static void reveal(struct source *s)
{
	struct input_dev *dev = s->handle.dev;

	s->concealed = false;
	if (!s->watched)
		dev->max_vals = s->max_vals;
	bitmap_zero(s->held, KEY_CNT);
	forget_touches(dev);
	if (dev->mt)
		dev->mt->trkid = s->trkid;
	if (s->has_axes)
		set_bit(EV_ABS, dev->evbit);
}

/* dev->mutex is held. The core looks at the grab with event_lock held, too. */
static void take_grab(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	bool taken = false;
	int tries;

	if (s->sends_releases)
		bitmap_or(s->held, s->held, dev->key, KEY_CNT);
	s->last = 0;
	for (tries = 1; !taken; tries++) {
		release_touches(dev);
		release_held_keys(dev);
		spin_lock_irq(&dev->event_lock);
		taken = is_released(dev) || tries >= SWITCH_TRIES;
		if (taken) {
			rcu_assign_pointer(dev->grab, &s->handle);
			conceal(s);
		}
		spin_unlock_irq(&dev->event_lock);
	}
}

static void give_grab(struct source *s, struct input_handle *to)
{
	struct input_dev *dev = s->handle.dev;

	spin_lock_irq(&dev->event_lock);
	reveal(s);
	rcu_assign_pointer(dev->grab, to);
	spin_unlock_irq(&dev->event_lock);
}

/* Nothing to do if its keys have not been at rest since the last session. */
static int source_take(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	int ret;

	if (s->grabbed)
		return 0;
	ret = s->watched ? 0 : input_open_device(&s->handle);
	if (ret)
		return ret;
	mutex_lock(&dev->mutex);
	s->ousted = rcu_dereference_protected(dev->grab, lockdep_is_held(&dev->mutex));
	take_grab(s);
	s->grabbed = true;
	mutex_unlock(&dev->mutex);
	return 0;
}

/*
 * Gets the grab back only if it is still a registered, open handle of this
 * device (ours, if it is watched); the pointer is compared, never followed, until that
 * is known.
 */
static struct input_handle *find_ousted(struct input_dev *dev, const struct input_handle *ousted)
{
	struct input_handle *handle;

	list_for_each_entry(handle, &dev->h_list, d_node)
		if (handle == ousted && handle->open)
			return handle;
	return NULL;
}

static void source_give(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	struct input_handle *handle, *ousted;

	if (!s->grabbed)
		return;
	mutex_lock(&dev->mutex);
	ousted = find_ousted(dev, s->ousted);
	give_grab(s, ousted);
	s->grabbed = false;
	s->ousted = NULL;
	if (!ousted)
		list_for_each_entry(handle, &dev->h_list, d_node)
			if (handle->open && handle->handler->start)
				handle->handler->start(handle);
	mutex_unlock(&dev->mutex);
	if (!s->watched)
		input_close_device(&s->handle);
}

/* As gesture.c hears it: no buttons, the keypad's Enter is Enter. */
static bool has_confirm_key(const struct input_dev *dev)
{
	unsigned int code = input.policy->confirm.code;

	return !is_button(code) &&
	       (test_bit(code, dev->keybit) ||
		(code == KEY_ENTER && test_bit(KEY_KPENTER, dev->keybit)));
}

static bool can_confirm(void)
{
	struct source *s;

	list_for_each_entry(s, &input.sources, link)
		if (has_confirm_key(s->handle.dev))
			return true;
	return false;
}

static void rest_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(rest_work, rest_fn);

static void give_locked(void)
{
	bool all = true;
	struct source *s;

	list_for_each_entry(s, &input.sources, link) {
		if (!s->grabbed)
			continue;
		if (at_rest(s))
			source_give(s);
		else
			all = false;
	}
	WRITE_ONCE(input.taken, false);
	if (!all)
		schedule_delayed_work(&rest_work, msecs_to_jiffies(REST_MS));
}

static void rest_fn(struct work_struct *work)
{
	mutex_lock(&input.lock);
	if (!input.taken)
		give_locked();
	mutex_unlock(&input.lock);
}

int tconn_input_take(void)
{
	struct source *s;
	int ret;

	mutex_lock(&input.lock);
	WRITE_ONCE(input.taken, true);
	ret = can_confirm() ? 0 : -ENODEV;
	list_for_each_entry(s, &input.sources, link)
		if (!ret)
			ret = source_take(s);
	if (ret)
		give_locked();
	mutex_unlock(&input.lock);
	return ret ? -ENODEV : 0;
}

void tconn_input_give(void)
{
	keys_reset(false);
	mutex_lock(&input.lock);
	give_locked();
	mutex_unlock(&input.lock);
}

static struct source *find_source(const struct device *dev)
{
	struct source *s;

	list_for_each_entry(s, &input.sources, link)
		if (&s->handle.dev->dev == dev)
			return s;
	return NULL;
}

int tconn_input_set_led(struct device *parent, unsigned int led, bool on)
{
	struct source *s;
	int ret = -ENODEV;

	mutex_lock(&input.lock);
	s = find_source(parent);
	if (s) {
		input_inject_event(&s->handle, EV_LED, led, on);
		input_inject_event(&s->handle, EV_SYN, SYN_REPORT, 0);
		ret = test_bit(led, s->handle.dev->led) == on ? 0 : -EIO;
	}
	mutex_unlock(&input.lock);
	return ret;
}

bool tconn_input_can_confirm(void)
{
	bool can;

	mutex_lock(&input.lock);
	can = can_confirm();
	mutex_unlock(&input.lock);
	return can;
}

void tconn_input_show(struct seq_file *m)
{
	struct source *s;
	char *path;

	mutex_lock(&input.lock);
	list_for_each_entry(s, &input.sources, link) {
		path = kobject_get_path(&s->handle.dev->dev.kobj, GFP_KERNEL);
		seq_printf(m, "input %s%s\n", path ?: "?", s->watched ? " attention" : "");
		kfree(path);
	}
	mutex_unlock(&input.lock);
}

/* Called for every device with keys, listed or not, under the core's input_mutex. */
static bool input_match(struct input_handler *handler, struct input_dev *dev)
{
	if (READ_ONCE(input.taken) && !input.policy->hotplug_ignored)
		tconn_session_abort(TCONN_CAUSE_INPUT_NEW);
	return tconn_policy_lists_device(&input.policy->input, &dev->dev);
}

/* EVIOCSKEYCODE and the console's KDSETKEYCODE. */
static int refuse_keycode(struct input_dev *dev, const struct input_keymap_entry *ke,
			  unsigned int *old_keycode)
{
	return -EPERM;
}

static void fix_keymap(struct source *s)
{
	struct input_dev *dev = s->handle.dev;

	spin_lock_irq(&dev->event_lock);
	s->setkeycode = dev->setkeycode;
	dev->setkeycode = refuse_keycode;
	spin_unlock_irq(&dev->event_lock);
}

static void free_keymap(struct source *s)
{
	struct input_dev *dev = s->handle.dev;

	spin_lock_irq(&dev->event_lock);
	dev->setkeycode = s->setkeycode;
	spin_unlock_irq(&dev->event_lock);
}

/* Without axes: what comes at once must not be torn apart. */
static bool has_attention_key(const struct input_dev *dev)
{
	const struct tconn_policy *policy = input.policy;
	unsigned int i;

	for (i = 0; i < policy->attention_count; i++)
		if (!test_bit(policy->attention[i], dev->keybit))
			return false;
	return policy->attention_count && !test_bit(EV_ABS, dev->evbit);
}

static int watch(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	int ret = input_open_device(&s->handle);

	if (ret)
		return ret;
	mutex_lock(&dev->mutex);
	spin_lock_irq(&dev->event_lock);
	s->watched = true;
	dev->max_vals = ONE_BY_ONE;
	rcu_assign_pointer(dev->grab, &s->handle);
	spin_unlock_irq(&dev->event_lock);
	mutex_unlock(&dev->mutex);
	return 0;
}

/* Closing releases the grab. */
static void unwatch(struct source *s)
{
	struct input_dev *dev = s->handle.dev;

	if (!s->watched)
		return;
	spin_lock_irq(&dev->event_lock);
	dev->max_vals = s->max_vals;
	spin_unlock_irq(&dev->event_lock);
	input_close_device(&s->handle);
}

static int add_source(struct input_handler *handler, struct input_dev *dev)
{
	struct source *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int ret;

	if (!s)
		return -ENOMEM;
	s->handle.dev = dev;
	s->handle.handler = handler;
	s->handle.name = "tconn";
	s->sends_releases = dev->id.bustype == BUS_I8042;
	s->max_vals = dev->max_vals;
	ret = input_register_handle(&s->handle);
	if (ret)
		goto free;
	if (has_attention_key(dev))
		ret = watch(s);
	if (ret)
		goto unregister;
	fix_keymap(s);
	mutex_lock(&input.lock);
	list_add_tail(&s->link, &input.sources);
	if (input.taken)
		tconn_session_abort(TCONN_CAUSE_INPUT_NEW);
	mutex_unlock(&input.lock);
	return 0;

unregister:
	input_unregister_handle(&s->handle);
free:
	kfree(s);
	return ret;
}

static int input_connect(struct input_handler *handler, struct input_dev *dev,
			 const struct input_device_id *id)
{
	int ret = add_source(handler, dev);

	if (ret)
		input.error = ret;
	return ret;
}

static void input_disconnect(struct input_handle *handle)
{
	struct source *s = container_of(handle, struct source, handle);

	mutex_lock(&input.lock);
	list_del(&s->link);
	if (input.taken && !can_confirm())
		tconn_session_abort(TCONN_CAUSE_INPUT_LOST);
	mutex_unlock(&input.lock);
	source_give(s);
	unwatch(s);
	free_keymap(s);
	input_unregister_handle(handle);
	kfree(s);
}

static const struct input_device_id input_ids[] = {
	{ .flags = INPUT_DEVICE_ID_MATCH_EVBIT, .evbit = { BIT_MASK(EV_KEY) } },
	{ }
};

static struct input_handler input_handler = {
	.name = "tconn",
	.id_table = input_ids,
	.match = input_match,
	.connect = input_connect,
	.disconnect = input_disconnect,
	.filter = input_filter,
};

int tconn_input_register(const struct tconn_policy *policy)
{
	int ret;

	INIT_KFIFO(keys.fifo);
	input.policy = policy;
	input.error = 0;
	ret = input_register_handler(&input_handler);
	if (ret)
		return ret;
	/* The core goes on where a device fails. */
	ret = input.error;
	if (ret)
		input_unregister_handler(&input_handler);
	input.registered = !ret;
	return ret;
}

void tconn_input_exit(void)
{
	if (input.registered)
		input_unregister_handler(&input_handler);
	cancel_delayed_work_sync(&rest_work);
}

/* Beginning with the count at open; then 0 (end of file). */
static bool is_news(const struct file *file, unsigned long count)
{
	unsigned long seen = (unsigned long)file->private_data;

	return !seen || (seen != count + 1 && count != (unsigned int)atomic_read(&answered));
}

static ssize_t attention_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	unsigned long count = (unsigned int)atomic_read(&attentions);
	char text[16];
	ssize_t size = scnprintf(text, sizeof(text), "%lu\n", count);

	if (!is_news(file, count))
		return 0;
	if (len < size)
		return -EINVAL;
	file->private_data = (void *)(count + 1);
	return copy_to_user(buf, text, size) ? -EFAULT : size;
}

static __poll_t attention_poll(struct file *file, poll_table *table)
{
	poll_wait(file, &tconn_session_wait, table);
	return is_news(file, (unsigned int)atomic_read(&attentions)) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int attention_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return nonseekable_open(inode, file);
}

const struct file_operations tconn_attention_fops = {
	.owner = THIS_MODULE,
	.open = attention_open,
	.read = attention_read,
	.poll = attention_poll,
};

bool tconn_input_pending(void)
{
	bool pending;

	spin_lock_irq(&keys.lock);
	pending = !kfifo_is_empty(&keys.fifo);
	spin_unlock_irq(&keys.lock);
	return pending;
}

static bool next_event(struct input_event *event)
{
	bool got;

	spin_lock_irq(&keys.lock);
	got = kfifo_get(&keys.fifo, event);
	spin_unlock_irq(&keys.lock);
	return got;
}

/* As many whole events as there are and fit; 0 if there are none. */
ssize_t tconn_input_read(char __user *buf, size_t len)
{
	struct input_event event;
	ssize_t done = 0;

	if (len < sizeof(event))
		return -EINVAL;
	while (done >= 0 && done + sizeof(event) <= len && next_event(&event))
		done = copy_to_user(buf + done, &event, sizeof(event)) ? -EFAULT :
		       done + (ssize_t)sizeof(event);
	memzero_explicit(&event, sizeof(event));
	return done;
}

static long put_bytes(void __user *to, size_t room, const void *from, size_t len)
{
	len = min(room, len);
	return copy_to_user(to, from, len) ? -EFAULT : len;
}

static long put_string(void __user *to, size_t room, const char *from)
{
	return put_bytes(to, room, from, strlen(from) + 1);
}

static long put_key_bits(void __user *to, size_t room)
{
	DECLARE_BITMAP(bits, KEY_CNT) = { };
	struct source *s;

	mutex_lock(&input.lock);
	list_for_each_entry(s, &input.sources, link)
		bitmap_or(bits, bits, s->handle.dev->keybit, KEY_CNT);
	mutex_unlock(&input.lock);
	bitmap_clear(bits, BTN_MISC, KEY_OK - BTN_MISC);	/* is_button() */
	return put_bytes(to, room, bits, sizeof(bits));
}

static long put_zeros(void __user *to, size_t room, size_t len)
{
	static const unsigned long zeros[BITS_TO_LONGS(KEY_CNT)];	/* the longest */

	return put_bytes(to, room, zeros, min(len, sizeof(zeros)));
}

/* Only keys are passed on, so only keys are promised. */
static long put_bits(unsigned int type, void __user *to, size_t room)
{
	static const unsigned long types[BITS_TO_LONGS(EV_CNT)] = { BIT(EV_SYN) | BIT(EV_KEY) };

	switch (type) {
	case 0:
		return put_bytes(to, room, types, sizeof(types));
	case EV_KEY:
		return put_key_bits(to, room);
	default:
		return put_zeros(to, room, room);
	}
}

static long set_clock(const int __user *from)
{
	int clock;

	if (get_user(clock, from))
		return -EFAULT;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	spin_lock_irq(&keys.lock);
	keys.clock = clock;
	spin_unlock_irq(&keys.lock);
	return 0;
}

/* The ioctls that carry their buffer's size in the command. */
static long sized_ioctl(unsigned int cmd, void __user *arg)
{
	size_t size = _IOC_SIZE(cmd);

	if (_IOC_DIR(cmd) != _IOC_READ)
		return -ENOTTY;
	if ((_IOC_NR(cmd) & ~EV_MAX) == _IOC_NR(EVIOCGBIT(0, 0)))
		return put_bits(_IOC_NR(cmd) & EV_MAX, arg, size);
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(EVIOCGNAME(0)):
		return put_string(arg, size, DEVICE_NAME);
	case _IOC_NR(EVIOCGPHYS(0)):
		return put_string(arg, size, DEVICE_PHYS);
	case _IOC_NR(EVIOCGUNIQ(0)):
		return -ENOENT;
	case _IOC_NR(EVIOCGKEY(0)):
		/* Taps are over before they are read. */
		return put_zeros(arg, size, BITS_TO_LONGS(KEY_CNT) * sizeof(long));
	case _IOC_NR(EVIOCGPROP(0)):
	case _IOC_NR(EVIOCGLED(0)):
	case _IOC_NR(EVIOCGSND(0)):
	case _IOC_NR(EVIOCGSW(0)):
		return put_zeros(arg, size, sizeof(long));
	}
	if ((_IOC_NR(cmd) & ~ABS_MAX) == _IOC_NR(EVIOCGABS(0)))
		return -EINVAL;
	return -ENOTTY;
}

/* What libevdev asks; errors as evdev gives them for a device with keys only. */
long tconn_input_ioctl(unsigned int cmd, unsigned long arg)
{
	static const struct input_id id = { .bustype = BUS_VIRTUAL };
	void __user *to = (void __user *)arg;

	switch (cmd) {
	case EVIOCGVERSION:
		return put_user(EV_VERSION, (int __user *)to);
	case EVIOCGID:
		return copy_to_user(to, &id, sizeof(id)) ? -EFAULT : 0;
	case EVIOCGREP:
		return -ENOSYS;
	case EVIOCGRAB:
		return 0;	/* it is grabbed more firmly than that */
	case EVIOCSCLOCKID:
		return set_clock(to);
	}
	return sized_ioctl(cmd, to);
}
