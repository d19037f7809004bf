// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keys: a handler connected to the devices on the policy's list, which
 * grabs them for a session. A grabbed device's events go to one handle, ours;
 * evdev, the console, sysrq and everyone else see nothing.
 *
 * The grab is switched under the device's event_lock, at a moment when no key is
 * down as far as the losing side knows: held keys get a release first. So
 * neither side is left with a stuck key, and no key press is seen by both.
 */
#include <linux/device.h>
#include <linux/input.h>
#include <linux/kfifo.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "input.h"
#include "policy.h"
#include "session.h"

#define FIFO_EVENTS	256
#define SWITCH_TRIES	8	/* each loses to a key pressed within microseconds */
#define DEVICE_NAME	"tconn trusted input"
#define DEVICE_PHYS	"tconn/input0"

struct source {
	struct input_handle handle;
	struct input_handle *ousted;	/* who had grabbed it before us, or NULL */
	bool grabbed;
	struct list_head link;		/* input::sources */
};

static struct {
	struct mutex lock;	/* sources, taken, registered; inside the core's input_mutex */
	struct list_head sources;
	bool taken, registered;
} input = {
	.lock = __MUTEX_INITIALIZER(input.lock),
	.sources = LIST_HEAD_INIT(input.sources),
};

/* What the app reads. Filled with the device's event_lock held: nothing here may sleep. */
static struct {
	spinlock_t lock;	/* all of it; inside event_lock */
	DECLARE_KFIFO(fifo, struct input_event, FIFO_EVENTS);
	DECLARE_BITMAP(down, KEY_CNT);
	bool listening;
	clockid_t clock;
	u32 presses;
	struct input_id last;
} keys = { .lock = __SPIN_LOCK_UNLOCKED(keys.lock) };

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
static void push_or_drop(const struct input_value *v)
{
	if (kfifo_avail(&keys.fifo) < 2) {
		kfifo_reset(&keys.fifo);
		push(EV_SYN, SYN_DROPPED, 0);
	}
	push(v->type, v->code, v->value);
}

static void take_value(struct input_handle *handle, const struct input_value *v)
{
	if (v->type == EV_KEY) {
		__assign_bit(v->code, keys.down, v->value);
		if (v->value == 1) {
			keys.presses++;
			keys.last = handle->dev->id;
		}
		push_or_drop(v);
	} else if (v->type == EV_SYN && v->code == SYN_REPORT) {
		push_or_drop(v);
	}
}

static void take_values(struct input_handle *handle, const struct input_value *vals,
			unsigned int count)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&keys.lock, flags);
	for (i = 0; keys.listening && i < count; i++)
		take_value(handle, &vals[i]);
	spin_unlock_irqrestore(&keys.lock, flags);
	wake_up_interruptible(&tconn_session_wait);
}

TCONN_COMPAT_EVENTS(input_events, take_values)

static void keys_reset(bool listening)
{
	spin_lock_irq(&keys.lock);
	keys.listening = listening;
	/* A PIN went through here. */
	memzero_explicit(keys.fifo.buf, sizeof(keys.fifo.buf));
	kfifo_reset(&keys.fifo);
	bitmap_zero(keys.down, KEY_CNT);
	if (listening) {
		keys.presses = 0;
		memset(&keys.last, 0, sizeof(keys.last));
	}
	spin_unlock_irq(&keys.lock);
}

void tconn_input_listen(void)
{
	keys_reset(true);
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

/* Makes `to` the grabber. dev->mutex is held; event_lock makes it atomic for every event. */
static void switch_grab(struct input_dev *dev, struct input_handle *to)
{
	bool switched = false;
	int tries;

	for (tries = 1; !switched; tries++) {
		release_held_keys(dev);
		spin_lock_irq(&dev->event_lock);
		switched = bitmap_empty(dev->key, KEY_CNT) || tries >= SWITCH_TRIES;
		if (switched)
			rcu_assign_pointer(dev->grab, to);
		spin_unlock_irq(&dev->event_lock);
	}
	synchronize_rcu();
}

static int source_take(struct source *s)
{
	struct input_dev *dev = s->handle.dev;
	int ret = input_open_device(&s->handle);

	if (ret)
		return ret;
	mutex_lock(&dev->mutex);
	s->ousted = rcu_dereference_protected(dev->grab, lockdep_is_held(&dev->mutex));
	switch_grab(dev, &s->handle);
	s->grabbed = true;
	mutex_unlock(&dev->mutex);
	return 0;
}

/*
 * Gets the grab back only if it is still a registered, open handle of this
 * device; the pointer is compared, never followed, until that is known.
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
	switch_grab(dev, ousted);
	s->grabbed = false;
	s->ousted = NULL;
	if (!ousted)
		list_for_each_entry(handle, &dev->h_list, d_node)
			if (handle->open && handle->handler->start)
				handle->handler->start(handle);
	mutex_unlock(&dev->mutex);
	input_close_device(&s->handle);
}

static void give_locked(void)
{
	struct source *s;

	list_for_each_entry(s, &input.sources, link)
		source_give(s);
	WRITE_ONCE(input.taken, false);
}

int tconn_input_take(void)
{
	int ret = -ENODEV;
	struct source *s;

	mutex_lock(&input.lock);
	WRITE_ONCE(input.taken, true);
	list_for_each_entry(s, &input.sources, link) {
		ret = source_take(s);
		if (ret)
			break;
	}
	if (ret)
		give_locked();
	mutex_unlock(&input.lock);
	return ret ? -ENODEV : 0;
}

void tconn_input_give(void)
{
	/* First: the releases that switch_grab() makes are not typed keys. */
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

unsigned int tconn_input_count(void)
{
	unsigned int count = 0;
	struct source *s;

	mutex_lock(&input.lock);
	list_for_each_entry(s, &input.sources, link)
		count++;
	mutex_unlock(&input.lock);
	return count;
}

void tconn_input_show(struct seq_file *m)
{
	struct source *s;
	char *path;

	mutex_lock(&input.lock);
	list_for_each_entry(s, &input.sources, link) {
		path = kobject_get_path(&s->handle.dev->dev.kobj, GFP_KERNEL);
		seq_printf(m, "input %s\n", path ?: "?");
		kfree(path);
	}
	mutex_unlock(&input.lock);
}

/* Called for every device with keys, listed or not, under the core's input_mutex. */
static bool input_match(struct input_handler *handler, struct input_dev *dev)
{
	if (READ_ONCE(input.taken))
		tconn_session_abort(TCONN_CAUSE_INPUT_NEW);
	return tconn_policy_lists_device(&tconn_policy()->input, &dev->dev);
}

static int input_connect(struct input_handler *handler, struct input_dev *dev,
			 const struct input_device_id *id)
{
	struct source *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int ret;

	if (!s)
		return -ENOMEM;
	s->handle.dev = dev;
	s->handle.handler = handler;
	s->handle.name = "tconn";
	ret = input_register_handle(&s->handle);
	if (ret) {
		kfree(s);
		return ret;
	}
	mutex_lock(&input.lock);
	list_add_tail(&s->link, &input.sources);
	if (input.taken)
		tconn_session_abort(TCONN_CAUSE_INPUT_NEW);
	mutex_unlock(&input.lock);
	return 0;
}

static void input_disconnect(struct input_handle *handle)
{
	struct source *s = container_of(handle, struct source, handle);

	mutex_lock(&input.lock);
	list_del(&s->link);
	if (input.taken && list_empty(&input.sources))
		tconn_session_abort(TCONN_CAUSE_INPUT_LOST);
	mutex_unlock(&input.lock);
	if (s->grabbed)
		input_close_device(handle);
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
	.events = input_events,
};

int tconn_input_register(void)
{
	int ret;

	INIT_KFIFO(keys.fifo);
	ret = input_register_handler(&input_handler);
	input.registered = !ret;
	return ret;
}

void tconn_input_exit(void)
{
	if (input.registered)
		input_unregister_handler(&input_handler);
}

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
	return put_bytes(to, room, bits, sizeof(bits));
}

static long put_keys_down(void __user *to, size_t room)
{
	DECLARE_BITMAP(bits, KEY_CNT);

	spin_lock_irq(&keys.lock);
	bitmap_copy(bits, keys.down, KEY_CNT);
	spin_unlock_irq(&keys.lock);
	return put_bytes(to, room, bits, sizeof(bits));
}

/* Only keys are passed on, so only keys are promised. */
static long put_bits(unsigned int type, void __user *to, size_t room)
{
	static const unsigned long types[BITS_TO_LONGS(EV_CNT)] = { BIT(EV_SYN) | BIT(EV_KEY) };
	static const unsigned long none[BITS_TO_LONGS(KEY_CNT)];

	switch (type) {
	case 0:
		return put_bytes(to, room, types, sizeof(types));
	case EV_KEY:
		return put_key_bits(to, room);
	default:
		return put_bytes(to, room, none, sizeof(none));
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
	static const unsigned long zeros[BITS_TO_LONGS(INPUT_PROP_CNT)];	/* the longest */
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
		return put_keys_down(arg, size);
	case _IOC_NR(EVIOCGPROP(0)):
	case _IOC_NR(EVIOCGLED(0)):
	case _IOC_NR(EVIOCGSND(0)):
	case _IOC_NR(EVIOCGSW(0)):
		return put_bytes(arg, size, zeros, sizeof(zeros));
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
