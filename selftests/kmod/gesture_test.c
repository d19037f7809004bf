// SPDX-License-Identifier: Apache-2.0
/* kmod/gesture.c: what the kernel takes for a confirmation, and what it does not. */
#include <kselftest_harness.h>
#include <linux/input.h>

#include "client.h"
#include "guest.h"
#include "keyboard.h"

#define SCAN_A	0x1e
#define MS	1000	/* us */

/* Each test has a policy of its own. */
FIXTURE(gesture) {
	struct guest guest;
	struct client client;
};

FIXTURE_SETUP(gesture)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_REE));
}

FIXTURE_TEARDOWN(gesture)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* A session that is ACTIVE under a policy with these lines. */
static int start_with(struct guest *g, struct client *c, const char *lines, uint32_t kind,
		      const struct tconn_rect *live)
{
	char text[1024], all[256];
	int ret;

	(void)g;
	snprintf(all, sizeof(all), "indicator-required no\n%s", lines);
	ret = guest_policy_text(text, sizeof(text), all);
	if (!ret)
		ret = guest_write(GUEST_FILE("policy"), text);
	if (!ret)
		ret = client_open(c);
	if (ret)
		return ret;
	c->kind = kind;
	if (live)
		c->live = *live;
	ret = client_bind(c);
	if (ret)
		return ret;
	client_draw(c, 0);
	return client_activate(c);
}

static int start(struct guest *g, struct client *c, const char *lines)
{
	return start_with(g, c, lines, TCONN_KIND_CONFIRM, NULL);
}

static int confirm(struct client *c, struct tconn_record *ret)
{
	return client_decide(c, c->kind == TCONN_KIND_PIN ? TCONN_OUTCOME_ENTERED :
			     TCONN_OUTCOME_CONFIRMED, ret);
}

static int deny(struct client *c, struct tconn_record *ret)
{
	return client_decide(c, TCONN_OUTCOME_DENIED, ret);
}

static int present(struct client *c, const struct tconn_rect *r)
{
	return client_present(c, r->x, r->y, r->width, r->height);
}

static bool is_active(struct client *c)
{
	struct tconn_status status;

	return !client_status(c, &status) && status.state == TCONN_STATE_ACTIVE;
}

TEST_F(gesture, nothing_is_decided_on_the_apps_word)
{
	struct client *c = &self->client;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\n"));
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	EXPECT_EQ(-EAGAIN, deny(c, NULL));
	keyboard_type(SCAN_5);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	EXPECT_EQ(-EAGAIN, deny(c, NULL));
	EXPECT_TRUE(is_active(c));
}

TEST_F(gesture, nothing_is_decided_by_injected_keys)
{
	static const uint16_t keys[] = { KEY_ENTER, KEY_ESC };
	struct client *c = &self->client;
	int fd;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\n"));
	fd = guest_keyboard();
	ASSERT_LE(0, fd);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct input_event events[] = {
			{ .type = EV_KEY, .code = keys[i], .value = 1 }, { .type = EV_SYN },
			{ .type = EV_KEY, .code = keys[i], .value = 0 }, { .type = EV_SYN },
		};

		ASSERT_EQ(sizeof(events), write(fd, events, sizeof(events)));
	}
	close(fd);
	usleep(50 * MS);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	EXPECT_EQ(-EAGAIN, deny(c, NULL));
}

TEST_F(gesture, record_tells_of_it)
{
	static const char picture[TCONN_PICTURE_SIZE] = CLIENT_PICTURE;
	struct client *c = &self->client;
	struct tconn_record r;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 300\n"));
	EXPECT_EQ(300, c->bind.grace_ms);
	EXPECT_EQ(TCONN_GESTURE_PRESS, c->bind.confirm.type);
	EXPECT_EQ(KEY_ENTER, c->bind.confirm.code);
	EXPECT_EQ(KEY_ESC, c->bind.deny.code);
	usleep(310 * MS);
	keyboard_type(SCAN_ENTER);
	ASSERT_EQ(0, confirm(c, &r));
	EXPECT_EQ(TCONN_GESTURE_PRESS, r.gesture.type);
	EXPECT_EQ(KEY_ENTER, r.gesture.code);
	EXPECT_EQ(0, memcmp(&r.confirm, &c->bind.confirm, sizeof(r.confirm)));
	EXPECT_EQ(0, memcmp(&r.deny, &c->bind.deny, sizeof(r.deny)));
	EXPECT_EQ(300, r.grace_ms);
	EXPECT_EQ(BUS_I8042, r.input_bustype);
	EXPECT_LE(r.active_ns, r.changed_ns);
	EXPECT_LE(r.changed_ns + 300000000ull, r.gesture_ns);
	EXPECT_LE(r.gesture_ns, r.ended_ns);
	EXPECT_EQ(0, memcmp(picture, r.picture, sizeof(picture)));
}

TEST_F(gesture, too_early_is_none)
{
	struct client *c = &self->client;
	struct tconn_record r;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 5000\n"));
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	/* Not even when its time has come. */
	usleep(5100 * MS);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(0, confirm(c, &r));
	EXPECT_LE(r.changed_ns + 5000000000ull, r.gesture_ns);
}

TEST_F(gesture, another_picture_voids_it)
{
	const struct tconn_rect corner = { 0, 0, 1, 1 };
	struct client *c = &self->client;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 5000\n"));
	usleep(5100 * MS);
	keyboard_type(SCAN_ENTER);
	ASSERT_EQ(0, present(c, &corner));
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	/* And the grace begins anew. */
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
}

TEST_F(gesture, another_key_voids_it)
{
	struct client *c = &self->client;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\n"));
	keyboard_type(SCAN_ENTER);
	keyboard_type(SCAN_5);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(0, confirm(c, NULL));
}

TEST_F(gesture, who_denied_cannot_confirm)
{
	struct client *c = &self->client;
	struct tconn_record r;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\n"));
	keyboard_type(SCAN_ESC);
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(-EACCES, confirm(c, NULL));
	ASSERT_EQ(0, present(c, &(struct tconn_rect){ 0, 0, 1, 1 }));
	EXPECT_EQ(-EACCES, confirm(c, NULL));
	ASSERT_EQ(0, deny(c, &r));
	EXPECT_EQ(TCONN_OUTCOME_DENIED, r.outcome);
	EXPECT_EQ(KEY_ESC, r.gesture.code);
}

TEST_F(gesture, who_denies_after_confirming_has_denied)
{
	struct client *c = &self->client;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\n"));
	keyboard_type(SCAN_ENTER);
	keyboard_type(SCAN_ESC);
	EXPECT_EQ(-EACCES, confirm(c, NULL));
	EXPECT_EQ(0, deny(c, NULL));
}

TEST_F(gesture, notice_cannot_be_denied)
{
	struct client *c = &self->client;

	ASSERT_EQ(0, start_with(&self->guest, c, "grace-ms 0\n", TCONN_KIND_NOTICE, NULL));
	keyboard_type(SCAN_ESC);
	EXPECT_EQ(-EINVAL, deny(c, NULL));
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(0, confirm(c, NULL));
}

TEST_F(gesture, policy_names_the_keys)
{
	struct client *c = &self->client;
	struct tconn_record r;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\nconfirm 30\ndeny KEY_ENTER\n"));
	EXPECT_EQ(KEY_A, c->bind.confirm.code);
	keyboard_type(SCAN_A);
	ASSERT_EQ(0, confirm(c, &r));
	EXPECT_EQ(KEY_A, r.gesture.code);
}

TEST_F(gesture, double_press_is_two_in_time)
{
	struct client *c = &self->client;
	struct tconn_record r;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\nconfirm KEY_ENTER double 1500\n"));
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	usleep(1600 * MS);
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	keyboard_type(SCAN_5);
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	keyboard_type(SCAN_ENTER);
	ASSERT_EQ(0, confirm(c, &r));
	EXPECT_EQ(TCONN_GESTURE_DOUBLE, r.gesture.type);
	EXPECT_EQ(1500, r.gesture.ms);
}

TEST_F(gesture, hold_is_a_key_that_is_down_long_enough)
{
	struct client *c = &self->client;
	struct tconn_record r;

	ASSERT_EQ(0, start(&self->guest, c, "grace-ms 0\nconfirm KEY_ENTER hold 1000\n"));
	keyboard_type(SCAN_ENTER);
	usleep(1100 * MS);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	keyboard_scan(SCAN_ENTER);
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
	usleep(500 * MS);
	keyboard_scan(SCAN_ENTER);	/* the keyboard repeats */
	usleep(600 * MS);
	ASSERT_EQ(0, confirm(c, &r));
	keyboard_scan(SCAN_ENTER | SCAN_RELEASE);
	EXPECT_EQ(TCONN_GESTURE_HOLD, r.gesture.type);
	EXPECT_LE(r.changed_ns + 1000000000ull, r.gesture_ns);
}

/* --- what of the picture counts --- */

TEST_F(gesture, band_and_live_pixels_may_change)
{
	const struct tconn_rect live = { 100, 300, 400, 50 };
	struct client *c = &self->client;
	struct tconn_rect band = { 0 };
	struct tconn_record r;

	ASSERT_EQ(0, start_with(&self->guest, c, "grace-ms 0\nband-permille 100\n",
				TCONN_KIND_PIN, &live));
	band.width = c->bind.width;
	band.height = c->bind.height / 10;	/* no screen here is upright */
	EXPECT_EQ(0, c->bind.attested.x);
	EXPECT_EQ(band.height, c->bind.attested.y);
	EXPECT_EQ(band.width, c->bind.attested.width);
	EXPECT_EQ(c->bind.height - band.height, c->bind.attested.height);
	keyboard_type(SCAN_ENTER);
	ASSERT_EQ(0, present(c, &band));
	ASSERT_EQ(0, present(c, &live));
	ASSERT_EQ(0, confirm(c, &r));
	EXPECT_EQ(0, memcmp(&r.live, &live, sizeof(live)));
	EXPECT_EQ(0, memcmp(&r.attested, &c->bind.attested, sizeof(r.attested)));
	/* How long a PIN is, is in no record. */
	EXPECT_EQ(0, r.keys);
	EXPECT_EQ(0, r.presents);
}

TEST_F(gesture, more_than_live_pixels_may_not)
{
	const struct tconn_rect live = { 100, 300, 400, 50 }, more = { 100, 300, 401, 50 };
	struct client *c = &self->client;

	ASSERT_EQ(0, start_with(&self->guest, c, "grace-ms 0\n", TCONN_KIND_PIN, &live));
	keyboard_type(SCAN_ENTER);
	ASSERT_EQ(0, present(c, &more));
	EXPECT_EQ(-EAGAIN, confirm(c, NULL));
}

TEST_F(gesture, live_is_for_a_pin_and_within_the_attested)
{
	const struct tconn_rect live = { 0, 100, 10, 10 }, flat = { 0, 100, 10, 0 },
				huge = { 0xffffffff, 100, 2, 1 };
	struct client *c = &self->client;
	struct tconn_rect high = live, wide = live;

	EXPECT_EQ(-EINVAL, start_with(&self->guest, c, "band-permille 100\n",
				      TCONN_KIND_CONFIRM, &live));
	client_close(c);
	ASSERT_EQ(0, client_open(c));
	c->kind = TCONN_KIND_PIN;
	ASSERT_EQ(0, client_bind(c));
	high.y = c->bind.attested.y - 1;
	c->live = high;
	EXPECT_EQ(-ERANGE, client_activate(c));
	wide.x = c->bind.width - wide.width + 1;
	c->live = wide;
	EXPECT_EQ(-ERANGE, client_activate(c));
	c->live = huge;
	EXPECT_EQ(-ERANGE, client_activate(c));
	c->live = flat;
	EXPECT_EQ(-EINVAL, client_activate(c));
	c->live = live;
	EXPECT_EQ(0, client_activate(c));
}

TEST_HARNESS_MAIN
