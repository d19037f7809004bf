// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lamp: a LED whose trigger was set to "tconn" (that arms it) and whose
 * device the policy names. It is lit in ACTIVE and dark at all other times, and
 * during a session sysfs can change neither its brightness nor its trigger.
 *
 * Locks: sysfs holds led_access and then the LED's trigger_lock around
 * activate and deactivate, which take lamp.lock. The other way round, led_access
 * is only ever tried for, so that the two orders cannot deadlock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/input.h>
#include <linux/kernel.h>
#include <linux/leds.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "indicator.h"
#include "input.h"
#include "policy.h"
#include "session.h"

static struct {
	struct mutex lock;		/* led, lit */
	struct led_classdev *led;	/* armed, or NULL; pinned by the lock */
	bool lit;
} lamp = { .lock = __MUTEX_INITIALIZER(lamp.lock) };

/* The names that input-leds gives, after the last colon. */
static const struct {
	const char *name;
	unsigned int led;
} keyboard_leds[] = {
	{ "numlock",	LED_NUML },
	{ "capslock",	LED_CAPSL },
	{ "scrolllock",	LED_SCROLLL },
};

static bool is_keyboard_led(const struct led_classdev *led)
{
	return led->dev->parent && led->dev->parent->class == &input_class;
}

static int set_keyboard_led(struct led_classdev *led, bool on)
{
	const char *colon = strrchr(led->name, ':');
	unsigned int i;

	for (i = 0; colon && i < ARRAY_SIZE(keyboard_leds); i++)
		if (!strcmp(colon + 1, keyboard_leds[i].name))
			return tconn_input_set_led(led->dev->parent, keyboard_leds[i].led, on);
	return -ENODEV;
}

static int set_plain_led(struct led_classdev *led, bool on)
{
	unsigned int brightness = on ? led->max_brightness : LED_OFF;

	if (led->brightness_set_blocking)
		return led_set_brightness_sync(led, brightness);
	led_set_brightness(led, brightness);
	return 0;
}

static int set_led(struct led_classdev *led, bool on)
{
	return is_keyboard_led(led) ? set_keyboard_led(led, on) : set_plain_led(led, on);
}

static int led_activate(struct led_classdev *led)
{
	const struct tconn_policy *policy = tconn_policy();
	int ret = -EBUSY;

	if (!policy || !tconn_policy_lists_device(&policy->indicator, led->dev)) {
		pr_err("LED %s refused: %s\n", dev_name(led->dev),
		       policy ? "the policy does not name it" : "no policy is loaded");
		return -EACCES;
	}
	mutex_lock(&lamp.lock);
	if (!lamp.led)
		ret = set_led(led, false);
	if (!ret)
		lamp.led = led;
	mutex_unlock(&lamp.lock);
	if (ret)
		pr_err("LED %s refused: %s\n", dev_name(led->dev),
		       ret == -EBUSY ? "another is armed" : "it belongs to no listed input device");
	return ret;
}

/* The trigger was changed (sysfs refuses that while lit) or the LED is going. */
static void led_deactivate(struct led_classdev *led)
{
	mutex_lock(&lamp.lock);
	if (lamp.led == led) {
		lamp.led = NULL;
		lamp.lit = false;
		tconn_session_abort(TCONN_CAUSE_INDICATOR_LOST);
	}
	mutex_unlock(&lamp.lock);
}

static struct led_trigger trigger = {
	.name = "tconn",
	.activate = led_activate,
	.deactivate = led_deactivate,
};

bool tconn_indicator_armed(void)
{
	bool armed;

	mutex_lock(&lamp.lock);
	armed = lamp.led;
	mutex_unlock(&lamp.lock);
	return armed;
}

/*
 * Locks lamp.lock and the armed LED's led_access. False, with neither held, if
 * none is armed. Who holds led_access holds it for one sysfs access.
 */
static bool lamp_lock(void)
{
	mutex_lock(&lamp.lock);
	while (lamp.led && !mutex_trylock(&lamp.led->led_access)) {
		mutex_unlock(&lamp.lock);
		usleep_range(100, 200);
		mutex_lock(&lamp.lock);
	}
	if (lamp.led)
		return true;
	mutex_unlock(&lamp.lock);
	return false;
}

static void lamp_unlock(void)
{
	mutex_unlock(&lamp.led->led_access);
	mutex_unlock(&lamp.lock);
}

int tconn_indicator_light(void)
{
	int ret;

	if (!lamp_lock())
		return -ENODEV;
	led_sysfs_disable(lamp.led);
	lamp.lit = !set_led(lamp.led, true);
	if (!lamp.lit)
		led_sysfs_enable(lamp.led);
	ret = lamp.lit ? 0 : -EIO;
	lamp_unlock();
	return ret;
}

bool tconn_indicator_dim(void)
{
	bool was_lit = false;

	if (!lamp_lock())
		return false;
	if (lamp.lit) {
		was_lit = !set_led(lamp.led, false);
		led_sysfs_enable(lamp.led);
		lamp.lit = false;
	}
	lamp_unlock();
	return was_lit;
}

void tconn_indicator_show(struct seq_file *m)
{
	char *path = NULL;

	mutex_lock(&lamp.lock);
	if (lamp.led)
		path = kobject_get_path(&lamp.led->dev->kobj, GFP_KERNEL);
	seq_printf(m, "indicator %s\nlit %d\n", path ?: "none", lamp.lit);
	mutex_unlock(&lamp.lock);
	kfree(path);
}

int tconn_indicator_init(void)
{
	return led_trigger_register(&trigger);
}

void tconn_indicator_exit(void)
{
	led_trigger_unregister(&trigger);
}
