// SPDX-License-Identifier: Apache-2.0
/* kmod/indicator.c: the lamp is lit in ACTIVE, and nobody else can say so. */
#include <fcntl.h>
#include <glob.h>
#include <kselftest_harness.h>
#include <linux/input.h>
#include <sys/ioctl.h>

#include "client.h"
#include "guest.h"

FIXTURE(indicator) {
	struct guest guest;
	struct client client;
	int keyboard;
	char trigger[256], brightness[256];
};

FIXTURE_SETUP(indicator)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_POLICY | GUEST_REE));
	ASSERT_EQ(0, client_open(&self->client));
	ASSERT_EQ(0, guest_led_path(self->trigger, sizeof(self->trigger), "trigger"));
	ASSERT_EQ(0, guest_led_path(self->brightness, sizeof(self->brightness), "brightness"));
	self->keyboard = guest_keyboard();
	ASSERT_LE(0, self->keyboard);
}

FIXTURE_TEARDOWN(indicator)
{
	close(self->keyboard);
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* What the keyboard itself was told, as evdev has it. */
static bool is_lit(int keyboard)
{
	unsigned char leds[8] = { 0 };

	ioctl(keyboard, EVIOCGLED(sizeof(leds)), leds);
	return leds[LED_SCROLLL / 8] >> LED_SCROLLL % 8 & 1;
}

static void set_led(int keyboard, int on)
{
	struct input_event events[] = {
		{ .type = EV_LED, .code = LED_SCROLLL, .value = on },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	(void)!write(keyboard, events, sizeof(events));
}

static bool armed(void)
{
	char path[256];

	guest_state("indicator", path, sizeof(path));
	return strstr(path, "scrolllock");
}

TEST_F(indicator, required_and_not_armed_is_refused)
{
	int mark = guest_kmsg_mark();
	struct tconn_status status;

	EXPECT_FALSE(armed());
	EXPECT_EQ(-ENOLCK, client_bind(&self->client));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_REFUSAL_NO_INDICATOR, status.refusal);
	EXPECT_TRUE(guest_kmsg_said(mark, "requires an indicator and none is armed"));
}

TEST_F(indicator, is_lit_in_active_only)
{
	struct tconn_record r;

	ASSERT_EQ(0, guest_arm("tconn"));
	EXPECT_TRUE(armed());
	EXPECT_FALSE(is_lit(self->keyboard));
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_FALSE(is_lit(self->keyboard));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_TRUE(is_lit(self->keyboard));
	ASSERT_EQ(0, client_confirm(&self->client, &r));
	EXPECT_FALSE(is_lit(self->keyboard));
	EXPECT_EQ(TCONN_INDICATOR_PRESENT | TCONN_INDICATOR_LIT, r.indicator);
}

TEST_F(indicator, nobody_else_can_put_it_out)
{
	ASSERT_EQ(0, guest_arm("tconn"));
	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_EQ(-EBUSY, guest_write(self->brightness, "0"));
	EXPECT_EQ(-EBUSY, guest_write(self->trigger, "none"));
	set_led(self->keyboard, 0);
	EXPECT_TRUE(is_lit(self->keyboard));
	EXPECT_TRUE(armed());
	ASSERT_EQ(0, client_confirm(&self->client, NULL));
	/* sysfs has it back. */
	EXPECT_EQ(0, guest_arm("none"));
	EXPECT_FALSE(armed());
}

TEST_F(indicator, disarmed_before_active_ends_the_session)
{
	struct tconn_status status;

	ASSERT_EQ(0, guest_arm("tconn"));
	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, guest_arm("none"));
	ASSERT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	EXPECT_EQ(-ECANCELED, client_activate(&self->client));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_CAUSE_INDICATOR_LOST, status.cause);
}

TEST_F(indicator, not_named_by_the_policy_is_refused)
{
	int mark = guest_kmsg_mark();
	glob_t found;
	char path[256];

	ASSERT_EQ(0, glob("/sys/class/leds/*::capslock", 0, NULL, &found));
	snprintf(path, sizeof(path), "%s/trigger", found.gl_pathv[0]);
	/* 6.1 does not hand the trigger's refusal on to the writer. */
	guest_write(path, "tconn");
	EXPECT_TRUE(guest_kmsg_said(mark, "the policy does not name it"));
	EXPECT_FALSE(armed());
	EXPECT_EQ(-ENOLCK, client_bind(&self->client));
	globfree(&found);
}

FIXTURE(no_lamp) {
	struct guest guest;
	struct client client;
};

/* A policy that wants none. */
FIXTURE_SETUP(no_lamp)
{
	char text[1024];

	ASSERT_EQ(0, guest_start(&self->guest, GUEST_REE));
	ASSERT_EQ(0, guest_policy_text(text, sizeof(text), "indicator-required no\n"));
	ASSERT_EQ(0, guest_write(GUEST_FILE("policy"), text));
	ASSERT_EQ(0, client_open(&self->client));
}

FIXTURE_TEARDOWN(no_lamp)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

TEST_F(no_lamp, record_says_so)
{
	struct tconn_record r;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, client_confirm(&self->client, &r));
	EXPECT_EQ(0, r.indicator);
	EXPECT_EQ(0, r.lit_ns);
	EXPECT_EQ(0, r.unlit_ns);
}

TEST_F(no_lamp, armed_one_is_lit_all_the_same)
{
	int keyboard = guest_keyboard();
	struct tconn_record r;

	ASSERT_LE(0, keyboard);
	ASSERT_EQ(0, guest_arm("tconn"));
	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	EXPECT_TRUE(is_lit(keyboard));
	ASSERT_EQ(0, client_confirm(&self->client, &r));
	EXPECT_EQ(TCONN_INDICATOR_PRESENT | TCONN_INDICATOR_LIT, r.indicator);
	close(keyboard);
}

TEST_HARNESS_MAIN
