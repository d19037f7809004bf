// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/input.c: who learns of keys, and when. A key that nobody typed is made by
 * writing to the keyboard's event node: as good as typed, until it is grabbed.
 * A key that is typed is made by the keyboard's controller (keyboard.h).
 */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <linux/input.h>
#include <linux/uinput.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <time.h>

#include "client.h"
#include "guest.h"
#include "keyboard.h"

#define ATKBD	"/sys/bus/serio/drivers/atkbd"

#define REST_US		100000	/* by then a keyboard at rest is given back */
#define REPEAT_US	300000	/* an AT keyboard repeats no sooner */
#define STILL_US	1500000	/* and one that says nothing any more */
#define HELD_MS		1000	/* a held key repeats itself within, so it is none that says nothing */
#define TRIES		5	/* on a busy machine */

FIXTURE(input) {
	struct guest guest;
	struct client client;
	int keyboard, writer;	/* two opens of one event node */
};

FIXTURE_SETUP(input)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
	self->keyboard = guest_keyboard();
	self->writer = guest_keyboard();
	ASSERT_LE(0, self->keyboard);
	ASSERT_LE(0, self->writer);
}

FIXTURE_TEARDOWN(input)
{
	close(self->keyboard);
	close(self->writer);
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* And waits until what is typed counts. */
static int start_session(struct client *c)
{
	int ret = client_bind(c);

	if (!ret)
		ret = client_activate(c);
	usleep(KEYBOARD_LAMP_US);
	return ret;
}

static void emit(int fd, uint16_t code, int32_t value)
{
	struct input_event events[] = {
		{ .type = EV_KEY, .code = code, .value = value },
		{ .type = EV_SYN, .code = SYN_REPORT },
	};

	(void)!write(fd, events, sizeof(events));
}

/* Is an event of this key and value among those that can be read now? */
static bool has_event(int fd, uint16_t code, int32_t value)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	struct input_event event;
	bool found = false;

	while (poll(&pollfd, 1, 50) == 1 && (pollfd.revents & POLLIN) &&
	       read(fd, &event, sizeof(event)) == sizeof(event))
		found |= event.type == EV_KEY && event.code == code && event.value == value;
	return found;
}

static bool has_bit(const unsigned char *bits, unsigned int bit)
{
	return bits[bit / 8] >> (bit % 8) & 1;
}

static bool is_quiet(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 50) == 0;
}

/* How often this key was pressed, by all events that can be read now. */
static int count_presses(int fd, uint16_t code)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	struct input_event event;
	int count = 0;

	while (poll(&pollfd, 1, 50) == 1 && (pollfd.revents & POLLIN) &&
	       read(fd, &event, sizeof(event)) == sizeof(event))
		count += event.type == EV_KEY && event.code == code && event.value == 1;
	return count;
}

static bool is_down(int fd, unsigned int code)
{
	unsigned char bits[KEY_CNT / 8] = { 0 };

	return ioctl(fd, EVIOCGKEY(sizeof(bits)), bits) > 0 && has_bit(bits, code);
}

TEST_F(input, answers_as_an_evdev_node_does)
{
	unsigned char bits[KEY_CNT / 8];
	struct input_absinfo abs;
	struct input_id id;
	char name[64] = "";
	int value, fd = self->client.fd;

	EXPECT_EQ(-1, ioctl(fd, EVIOCGVERSION, &value));
	EXPECT_EQ(EBADFD, errno);
	ASSERT_EQ(0, client_bind(&self->client));
	EXPECT_EQ(0, ioctl(fd, EVIOCGVERSION, &value));
	EXPECT_EQ(EV_VERSION, value);
	EXPECT_EQ(0, ioctl(fd, EVIOCGID, &id));
	EXPECT_EQ(BUS_VIRTUAL, id.bustype);
	EXPECT_LT(0, ioctl(fd, EVIOCGNAME(sizeof(name)), name));
	EXPECT_STREQ("tconn trusted input", name);
	EXPECT_LT(0, ioctl(fd, EVIOCGPHYS(sizeof(name)), name));
	EXPECT_EQ(-1, ioctl(fd, EVIOCGUNIQ(sizeof(name)), name));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_LT(0, ioctl(fd, EVIOCGPROP(sizeof(bits)), bits));
	memset(bits, 0, sizeof(bits));
	EXPECT_LT(0, ioctl(fd, EVIOCGBIT(0, sizeof(bits)), bits));
	EXPECT_EQ(1 << EV_SYN | 1 << EV_KEY, bits[0]);
	EXPECT_EQ(0, bits[2]);
	EXPECT_LT(0, ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(bits)), bits));
	EXPECT_TRUE(has_bit(bits, KEY_ENTER) && has_bit(bits, KEY_ESC) && has_bit(bits, KEY_0));
	EXPECT_FALSE(has_bit(bits, BTN_LEFT));
	memset(bits, 0xff, sizeof(bits));
	EXPECT_LT(0, ioctl(fd, EVIOCGBIT(EV_ABS, sizeof(bits)), bits));
	EXPECT_EQ(0, bits[0]);
	memset(bits, 0xff, sizeof(bits));
	EXPECT_LT(0, ioctl(fd, EVIOCGKEY(sizeof(bits)), bits));
	EXPECT_EQ(0, bits[KEY_ENTER / 8]);
	EXPECT_LT(0, ioctl(fd, EVIOCGLED(sizeof(bits)), bits));
	EXPECT_LT(0, ioctl(fd, EVIOCGSW(sizeof(bits)), bits));
	EXPECT_LT(0, ioctl(fd, EVIOCGSND(sizeof(bits)), bits));
	EXPECT_EQ(-1, ioctl(fd, EVIOCGABS(ABS_X), &abs));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, ioctl(fd, EVIOCGRAB, 1));
	value = CLOCK_MONOTONIC;
	EXPECT_EQ(0, ioctl(fd, EVIOCSCLOCKID, &value));
	value = CLOCK_PROCESS_CPUTIME_ID;
	EXPECT_EQ(-1, ioctl(fd, EVIOCSCLOCKID, &value));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, EVIOCSFF, &value));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(input, nothing_injected_reaches_anyone)
{
	emit(self->writer, KEY_A, 1);
	emit(self->writer, KEY_A, 0);
	/* It does work without a session. */
	ASSERT_TRUE(has_event(self->keyboard, KEY_A, 1));
	ASSERT_EQ(0, start_session(&self->client));
	emit(self->writer, KEY_ENTER, 1);
	emit(self->writer, KEY_ENTER, 0);
	EXPECT_FALSE(has_event(self->client.fd, KEY_ENTER, 1));
	EXPECT_FALSE(has_event(self->keyboard, KEY_ENTER, 1));
	ASSERT_EQ(0, client_deny(&self->client, NULL));
	emit(self->writer, KEY_B, 1);
	emit(self->writer, KEY_B, 0);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 1));
}

TEST_F(input, held_key_is_released_for_the_ree_and_unknown_to_the_app)
{
	unsigned char bits[KEY_CNT / 8] = { 0 };

	emit(self->writer, KEY_LEFTSHIFT, 1);
	ASSERT_TRUE(has_event(self->keyboard, KEY_LEFTSHIFT, 1));
	ASSERT_EQ(0, start_session(&self->client));
	EXPECT_TRUE(has_event(self->keyboard, KEY_LEFTSHIFT, 0));
	EXPECT_LT(0, ioctl(self->client.fd, EVIOCGKEY(sizeof(bits)), bits));
	EXPECT_FALSE(has_bit(bits, KEY_LEFTSHIFT));
	EXPECT_FALSE(has_event(self->client.fd, KEY_LEFTSHIFT, 1));
}

TEST_F(input, earlier_grab_is_taken_and_given_back)
{
	int other = guest_keyboard();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, ioctl(self->keyboard, EVIOCGRAB, 1));
	ASSERT_EQ(0, start_session(&self->client));
	emit(self->keyboard, KEY_ENTER, 1);
	EXPECT_FALSE(has_event(self->keyboard, KEY_ENTER, 1));
	ASSERT_EQ(0, client_deny(&self->client, NULL));
	emit(self->keyboard, KEY_C, 1);
	emit(self->keyboard, KEY_C, 0);
	EXPECT_TRUE(has_event(self->keyboard, KEY_C, 1));
	EXPECT_FALSE(has_event(other, KEY_C, 1));
	/* And its owner can let it go. */
	ASSERT_EQ(0, ioctl(self->keyboard, EVIOCGRAB, 0));
	emit(self->keyboard, KEY_C, 1);
	emit(self->keyboard, KEY_C, 0);
	EXPECT_TRUE(has_event(other, KEY_C, 1));
	close(other);
}

TEST_F(input, typed_key_is_a_tap)
{
	static const struct input_event expected[] = {
		{ .type = EV_KEY, .code = KEY_5, .value = 1 }, { .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_5, .value = 0 }, { .type = EV_SYN },
	};
	struct input_event events[8];
	struct tconn_record record;
	unsigned int i;

	ASSERT_EQ(0, start_session(&self->client));
	keyboard_scan(SCAN_5);
	ASSERT_EQ(sizeof(expected), read(self->client.fd, events, sizeof(events)));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(expected[i].type, events[i].type);
		EXPECT_EQ(expected[i].code, events[i].code);
		EXPECT_EQ(expected[i].value, events[i].value);
	}
	keyboard_scan(SCAN_5 | SCAN_RELEASE);
	EXPECT_TRUE(is_quiet(self->client.fd));
	ASSERT_EQ(0, client_deny(&self->client, &record));
	EXPECT_EQ(2, record.keys);	/* and Esc */
	EXPECT_EQ(BUS_I8042, record.input_bustype);
	EXPECT_TRUE(is_quiet(self->keyboard));
}

TEST_F(input, held_key_counts_once)
{
	ASSERT_EQ(0, start_session(&self->client));
	keyboard_scan(SCAN_5);
	keyboard_scan(SCAN_5);
	keyboard_scan(SCAN_5);
	keyboard_scan(SCAN_5 | SCAN_RELEASE);
	EXPECT_EQ(1, count_presses(self->client.fd, KEY_5));
	keyboard_type(SCAN_5);
	keyboard_type(SCAN_5);
	EXPECT_EQ(2, count_presses(self->client.fd, KEY_5));
}

/* A keyboard repeats only the key that was pressed last. */
TEST_F(input, key_counts_again_though_its_release_was_lost)
{
	ASSERT_EQ(0, start_session(&self->client));
	keyboard_scan(SCAN_5);
	keyboard_type(SCAN_B);
	keyboard_scan(SCAN_5);
	keyboard_scan(SCAN_5);
	EXPECT_EQ(2, count_presses(self->client.fd, KEY_5));
	keyboard_scan(SCAN_5 | SCAN_RELEASE);
}

TEST_F(input, two_keys_at_once_count_as_typed)
{
	struct tconn_record record;

	ASSERT_EQ(0, start_session(&self->client));
	keyboard_scan(SCAN_5);
	keyboard_scan(SCAN_B);
	keyboard_scan(SCAN_5 | SCAN_RELEASE);
	keyboard_scan(SCAN_5);
	keyboard_scan(SCAN_B | SCAN_RELEASE);
	keyboard_scan(SCAN_5 | SCAN_RELEASE);
	ASSERT_EQ(0, client_deny(&self->client, &record));
	EXPECT_EQ(4, record.keys);	/* and Esc */
}

struct poller {
	int fd;
	atomic_bool stop;
	unsigned long polls, seen;
};

static void *poll_keys(void *arg)
{
	static const unsigned char none[KEY_CNT / 8];
	unsigned char bits[KEY_CNT / 8];
	struct poller *p = arg;

	for (p->polls = p->seen = 0; !p->stop; p->polls++) {
		if (ioctl(p->fd, EVIOCGKEY(sizeof(bits)), bits) < 0)
			break;
		p->seen += memcmp(bits, none, sizeof(bits)) != 0;
	}
	return NULL;
}

static void type_while_polled(struct poller *p)
{
	pthread_t thread;
	int i;

	p->stop = false;
	if (pthread_create(&thread, NULL, poll_keys, p))
		return;
	for (i = 0; i < 20; i++)
		keyboard_type(SCAN_5);
	p->stop = true;
	pthread_join(thread, NULL);
}

TEST_F(input, state_of_keys_tells_nothing)
{
	struct poller poller = { .fd = self->keyboard };

	type_while_polled(&poller);
	ASSERT_LT(0, poller.seen);	/* it does without a session */
	ASSERT_EQ(0, start_session(&self->client));
	type_while_polled(&poller);
	EXPECT_LT(100, poller.polls);	/* some at each press, on any machine */
	EXPECT_EQ(0, poller.seen);
	EXPECT_EQ(20, count_presses(self->client.fd, KEY_5));
	keyboard_scan(SCAN_B);
	EXPECT_FALSE(is_down(self->keyboard, KEY_B));
	keyboard_scan(SCAN_B | SCAN_RELEASE);
	ASSERT_EQ(0, client_deny(&self->client, NULL));
	usleep(REST_US);
	keyboard_scan(SCAN_B);
	EXPECT_TRUE(is_down(self->keyboard, KEY_B));
	keyboard_scan(SCAN_B | SCAN_RELEASE);
}

TEST_F(input, key_held_at_the_start_is_not_heard)
{
	keyboard_scan(SCAN_ENTER);
	ASSERT_TRUE(has_event(self->keyboard, KEY_ENTER, 1));
	ASSERT_EQ(0, start_session(&self->client));
	EXPECT_TRUE(has_event(self->keyboard, KEY_ENTER, 0));
	EXPECT_FALSE(is_down(self->keyboard, KEY_ENTER));
	keyboard_scan(SCAN_ENTER);
	keyboard_scan(SCAN_ENTER);
	EXPECT_TRUE(is_quiet(self->client.fd));
	keyboard_scan(SCAN_ENTER | SCAN_RELEASE);
	EXPECT_TRUE(is_quiet(self->client.fd));
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(1, count_presses(self->client.fd, KEY_ENTER));
}

/* And the REE takes what it was given of it. */
static void let_go(int keyboard)
{
	keyboard_scan(SCAN_ENTER | SCAN_RELEASE);
	usleep(STILL_US);
	has_event(keyboard, KEY_ENTER, 0);
}

/* Enter is held, and repeats itself. False where that comes later than a held key is ever
 * silent: the machine is too busy.
 */
static bool hold_on(uint64_t *since)
{
	bool in_time = guest_now_ms() - *since < HELD_MS;

	keyboard_scan(SCAN_ENTER);
	*since = guest_now_ms();
	return in_time;
}

/* Enter is held while a session ends. 1, or 0 where the machine is too busy. */
static int hold_over_the_end(struct client *c)
{
	uint64_t since = guest_now_ms();
	int error;

	hold_on(&since);
	error = client_deny(c, NULL);
	if (error)
		return error;
	usleep(REST_US);
	return hold_on(&since) && hold_on(&since);
}

TEST_F_TIMEOUT(input, key_held_at_the_end_is_not_given_to_the_ree, 120)
{
	int held, tries = 0;

	ASSERT_EQ(0, start_session(&self->client));
	while ((held = hold_over_the_end(&self->client)) == 0) {
		if (++tries == TRIES)
			SKIP(return, "this machine is too busy to hold a key");
		let_go(self->keyboard);
		client_close(&self->client);
		ASSERT_EQ(0, client_open(&self->client));
		ASSERT_EQ(0, start_session(&self->client));
	}
	ASSERT_EQ(1, held);
	EXPECT_TRUE(is_quiet(self->keyboard));
	EXPECT_FALSE(is_down(self->keyboard, KEY_ENTER));
	keyboard_scan(SCAN_ENTER | SCAN_RELEASE);
	usleep(REST_US);
	EXPECT_TRUE(is_quiet(self->keyboard));
	/* The rest is the REE's again. */
	keyboard_type(SCAN_B);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 1));
}

/* A key that lies under something must not cost the REE its keyboard. */
TEST_F(input, silent_keyboard_is_given_back)
{
	ASSERT_EQ(0, start_session(&self->client));
	keyboard_scan(SCAN_ENTER);
	ASSERT_EQ(0, client_deny(&self->client, NULL));
	usleep(STILL_US);
	emit(self->writer, KEY_B, 1);
	emit(self->writer, KEY_B, 0);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 1));
	keyboard_scan(SCAN_ENTER | SCAN_RELEASE);
}

/* Enter is held from one session into the next. Result as above. */
static int hold_into_the_next(struct client *c, struct client *next)
{
	uint64_t since = guest_now_ms();
	int error = start_session(c);

	if (error)
		return error;
	hold_on(&since);
	client_close(c);
	error = client_open(c);
	if (!error)
		error = client_bind(next);
	if (error || !hold_on(&since))
		return error;
	error = client_activate(next);
	if (error)
		return error;
	usleep(KEYBOARD_LAMP_US);
	return hold_on(&since);
}

TEST_F_TIMEOUT(input, session_may_follow_before_keys_are_up, 120)
{
	struct client other;
	int held, tries = 0;

	ASSERT_EQ(0, client_open(&other));
	while ((held = hold_into_the_next(&self->client, &other)) == 0) {
		if (++tries == TRIES)
			SKIP(return, "this machine is too busy to hold a key");
		let_go(self->keyboard);
		client_close(&other);
		ASSERT_EQ(0, client_open(&other));
	}
	ASSERT_EQ(1, held);
	EXPECT_TRUE(is_quiet(other.fd));
	keyboard_scan(SCAN_ENTER | SCAN_RELEASE);
	keyboard_type(SCAN_ENTER);
	EXPECT_EQ(1, count_presses(other.fd, KEY_ENTER));
	ASSERT_EQ(0, client_deny(&other, NULL));
	client_close(&other);
	usleep(REST_US);
	EXPECT_TRUE(is_quiet(self->keyboard));
}

/* Unless that is the module's, "5" may be Enter. */
TEST_F(input, keymap_stays_the_drivers)
{
	struct input_keymap_entry ke = { .len = 4, .scancode = { SCAN_5 } };
	unsigned int old[2] = { SCAN_5, KEY_ENTER };

	ASSERT_EQ(0, ioctl(self->keyboard, EVIOCGKEYCODE_V2, &ke));
	ASSERT_EQ(KEY_5, ke.keycode);
	ke.keycode = KEY_ENTER;
	EXPECT_EQ(-1, ioctl(self->keyboard, EVIOCSKEYCODE_V2, &ke));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ioctl(self->keyboard, EVIOCSKEYCODE, old));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, start_session(&self->client));
	EXPECT_EQ(-1, ioctl(self->keyboard, EVIOCSKEYCODE_V2, &ke));
	keyboard_type(SCAN_5);
	EXPECT_EQ(1, count_presses(self->client.fd, KEY_5));
	/* Without the module it is as it was. */
	client_close(&self->client);
	ASSERT_EQ(0, guest_unload());
	ke.keycode = KEY_5;
	EXPECT_EQ(0, ioctl(self->keyboard, EVIOCSKEYCODE_V2, &ke));
	ASSERT_EQ(0, guest_load());
}

TEST_F(input, nobody_can_grab_during_a_session)
{
	ASSERT_EQ(0, start_session(&self->client));
	EXPECT_EQ(-1, ioctl(self->keyboard, EVIOCGRAB, 1));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, client_deny(&self->client, NULL));
	EXPECT_EQ(0, ioctl(self->keyboard, EVIOCGRAB, 1));
}

static int make_uinput(void)
{
	struct uinput_setup setup = { .id = { .bustype = BUS_USB }, .name = "fake keyboard" };
	int fd = open("/dev/uinput", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, UI_SET_EVBIT, EV_KEY) || ioctl(fd, UI_SET_KEYBIT, KEY_ENTER) ||
	    ioctl(fd, UI_DEV_SETUP, &setup) || ioctl(fd, UI_DEV_CREATE)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

TEST_F(input, new_device_ends_the_session)
{
	struct tconn_status status;
	int fake;

	ASSERT_EQ(0, start_session(&self->client));
	fake = make_uinput();
	ASSERT_LE(0, fake);
	ASSERT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_CAUSE_INPUT_NEW, status.cause);
	close(fake);
}

TEST_F(input, device_made_by_a_program_is_never_heard)
{
	int fake = make_uinput();
	char state[8192];

	ASSERT_LE(0, fake);
	ASSERT_EQ(0, start_session(&self->client));
	ASSERT_LT(0, guest_read(GUEST_FILE("state"), state, sizeof(state)));
	EXPECT_EQ(NULL, strstr(state, "input /devices/virtual/"));
	emit(fake, KEY_ENTER, 1);
	emit(fake, KEY_ENTER, 0);
	EXPECT_FALSE(has_event(self->client.fd, KEY_ENTER, 1));
	close(fake);
}

/* The only listed device goes: with it the lamp, which is part of it. */
TEST_F(input, lost_ends_the_session)
{
	struct tconn_status status = { 0 };
	struct client other;

	ASSERT_EQ(0, start_session(&self->client));
	ASSERT_EQ(0, guest_write(ATKBD "/unbind", "serio0"));
	EXPECT_TRUE(guest_wait_hangup(self->client.fd, 5000));
	EXPECT_EQ(0, client_status(&self->client, &status));
	EXPECT_TRUE(status.cause == TCONN_CAUSE_INPUT_LOST ||
		    status.cause == TCONN_CAUSE_INDICATOR_LOST);
	EXPECT_EQ(0, client_open(&other));
	EXPECT_EQ(-ENOLCK, client_bind(&other));
	client_close(&other);
	EXPECT_EQ(0, guest_write(ATKBD "/bind", "serio0"));
	usleep(500000);
}

static int start_with(struct guest *g, const char *extra)
{
	char text[1024];
	int ret = guest_start(g, GUEST_REE);

	if (!ret)
		ret = guest_policy_text(text, sizeof(text), extra);
	if (!ret)
		ret = guest_write(GUEST_FILE("policy"), text);
	return ret ? ret : guest_arm("tconn");
}

TEST_F(input, none_listed_is_said)
{
	struct guest *g = &self->guest;
	struct tconn_status status;
	char text[1024], *line;

	client_close(&self->client);
	ASSERT_EQ(0, guest_stop(g));
	ASSERT_EQ(0, guest_start(g, GUEST_REE));
	ASSERT_EQ(0, guest_policy_text(text, sizeof(text), "indicator-required no\n"));
	/* Another place, as long as the one that was there. */
	line = strstr(text, "/i8042/serio*\n");
	ASSERT_NE(NULL, line);
	memcpy(line, "/other/", 7);
	ASSERT_EQ(0, guest_write(GUEST_FILE("policy"), text));
	ASSERT_EQ(0, client_open(&self->client));
	EXPECT_EQ(-ENODEV, client_bind(&self->client));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_REFUSAL_NO_INPUT, status.refusal);
}

/* The keyboard is there, but it has no such key: nobody could confirm. */
TEST_F(input, none_that_can_confirm_is_said)
{
	struct tconn_status status;

	client_close(&self->client);
	ASSERT_EQ(0, guest_stop(&self->guest));
	ASSERT_EQ(0, start_with(&self->guest, "confirm KEY_OK\n"));
	ASSERT_EQ(0, client_open(&self->client));
	EXPECT_EQ(-ENODEV, client_bind(&self->client));
	ASSERT_EQ(0, client_status(&self->client, &status));
	EXPECT_EQ(TCONN_REFUSAL_NO_INPUT, status.refusal);
}

FIXTURE(attention) {
	struct guest guest;
	int file, keyboard, writer;
};

FIXTURE_VARIANT(attention) {
	const char *policy;
};

FIXTURE_VARIANT_ADD(attention, key) {
	.policy = "attention-key 88\n",
};

FIXTURE_VARIANT_ADD(attention, chord) {
	.policy = "attention-key 29 88\n",
};

/* Somebody had grabbed the keyboard before there was a policy. */
FIXTURE_SETUP(attention)
{
	self->keyboard = guest_keyboard();
	self->writer = guest_keyboard();
	ASSERT_LE(0, self->keyboard);
	ASSERT_EQ(0, ioctl(self->keyboard, EVIOCGRAB, 1));
	ASSERT_EQ(0, start_with(&self->guest, variant->policy));
	self->file = open(GUEST_FILE("attention"), O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->file);
	if (strstr(variant->policy, "29"))
		keyboard_scan(SCAN_CTRL);
}

FIXTURE_TEARDOWN(attention)
{
	keyboard_scan(SCAN_CTRL | SCAN_RELEASE);
	close(self->file);
	close(self->keyboard);
	close(self->writer);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* How often it was pressed, or -1 where the file has nothing new to say. */
static int attention(int file)
{
	struct pollfd pollfd = { .fd = file, .events = POLLIN };
	char text[16] = "";

	if (poll(&pollfd, 1, 50) != 1)
		return -1;
	return read(file, text, sizeof(text) - 1) > 0 ? atoi(text) : -2;
}

TEST_F(attention, is_announced_once)
{
	char text[16];

	EXPECT_EQ(0, attention(self->file));
	EXPECT_EQ(-1, attention(self->file));
	EXPECT_EQ(0, read(self->file, text, sizeof(text)));
	keyboard_scan(SCAN_F12);
	EXPECT_EQ(1, attention(self->file));
	/* Held, the keyboard repeats it. */
	keyboard_scan(SCAN_F12);
	keyboard_scan(SCAN_F12);
	EXPECT_EQ(-1, attention(self->file));
	keyboard_scan(SCAN_F12 | SCAN_RELEASE);
	EXPECT_EQ(-1, attention(self->file));
	keyboard_type(SCAN_F12);
	keyboard_type(SCAN_F12);
	EXPECT_EQ(3, attention(self->file));
}

TEST_F(attention, is_seen_by_nobody)
{
	has_event(self->keyboard, 0, 0);
	keyboard_type(SCAN_F12);
	keyboard_scan(SCAN_F12);
	keyboard_scan(SCAN_F12);
	EXPECT_TRUE(is_quiet(self->keyboard));
	EXPECT_FALSE(is_down(self->keyboard, KEY_F12));
	keyboard_scan(SCAN_F12 | SCAN_RELEASE);
	EXPECT_TRUE(is_quiet(self->keyboard));
	EXPECT_EQ(2, attention(self->file));
}

TEST_F(attention, cannot_be_imitated)
{
	struct uinput_setup setup = { .id = { .bustype = BUS_I8042 }, .name = "fake keyboard" };
	int fake = open("/dev/uinput", O_RDWR | O_CLOEXEC);

	ASSERT_EQ(0, ioctl(fake, UI_SET_EVBIT, EV_KEY));
	ASSERT_EQ(0, ioctl(fake, UI_SET_KEYBIT, KEY_LEFTCTRL));
	ASSERT_EQ(0, ioctl(fake, UI_SET_KEYBIT, KEY_F12));
	ASSERT_EQ(0, ioctl(fake, UI_DEV_SETUP, &setup));
	ASSERT_EQ(0, ioctl(fake, UI_DEV_CREATE));
	emit(fake, KEY_LEFTCTRL, 1);
	emit(fake, KEY_F12, 1);
	emit(self->writer, KEY_LEFTCTRL, 1);
	emit(self->writer, KEY_F12, 1);
	emit(self->writer, KEY_F12, 0);
	EXPECT_EQ(0, attention(self->file));
	EXPECT_FALSE(has_event(self->keyboard, KEY_F12, 1));
	close(fake);
}

TEST_F(attention, leaves_other_keys_to_the_ree)
{
	EXPECT_EQ(-1, ioctl(self->writer, EVIOCGRAB, 1));
	EXPECT_EQ(EBUSY, errno);
	keyboard_scan(SCAN_B);
	/* Asking what is down flushes what was to be read of it. */
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 1));
	EXPECT_TRUE(is_down(self->keyboard, KEY_B));
	usleep(REPEAT_US);
	keyboard_scan(SCAN_B);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 2));
	keyboard_scan(SCAN_B | SCAN_RELEASE);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 0));
	EXPECT_FALSE(is_down(self->keyboard, KEY_B));
	EXPECT_EQ(0, attention(self->file));
}

TEST_F(attention, goes_on_after_a_session)
{
	struct client client;

	EXPECT_EQ(0, attention(self->file));
	ASSERT_EQ(0, client_open(&client));
	ASSERT_EQ(0, start_session(&client));
	keyboard_type(SCAN_5);
	EXPECT_EQ(1, count_presses(client.fd, KEY_5));
	has_event(self->keyboard, 0, 0);
	keyboard_type(SCAN_B);
	keyboard_type(SCAN_F12);
	EXPECT_TRUE(is_quiet(self->keyboard));
	keyboard_type(SCAN_ESC);
	ASSERT_EQ(0, client_decide(&client, TCONN_OUTCOME_DENIED, NULL));
	client_close(&client);
	usleep(STILL_US);
	keyboard_type(SCAN_B);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 1));
	/* Ctrl, if it was down, was released by the session. */
	keyboard_scan(SCAN_CTRL | SCAN_RELEASE);
	keyboard_scan(SCAN_CTRL);
	keyboard_type(SCAN_F12);
	EXPECT_EQ(1, attention(self->file));
	EXPECT_FALSE(has_event(self->keyboard, KEY_F12, 1));
}

/* F12 goes up while the lamp is being switched on, and Esc while it is switched off. */
TEST_F(attention, answers_though_a_release_was_lost)
{
	struct client client;

	EXPECT_EQ(0, attention(self->file));
	keyboard_scan(SCAN_F12);
	EXPECT_EQ(1, attention(self->file));
	ASSERT_EQ(0, client_open(&client));
	ASSERT_EQ(0, start_session(&client));
	has_event(self->keyboard, 0, 0);
	keyboard_scan(SCAN_ESC);
	ASSERT_EQ(0, client_decide(&client, TCONN_OUTCOME_DENIED, NULL));
	/* The session released it. */
	if (strstr(variant->policy, "29"))
		keyboard_scan(SCAN_CTRL);
	keyboard_scan(SCAN_F12);
	EXPECT_EQ(2, attention(self->file));
	keyboard_scan(SCAN_F12);
	EXPECT_EQ(-1, attention(self->file));
	/* On a busy machine the keyboard is the REE's again by now, but for that key. */
	EXPECT_FALSE(has_event(self->keyboard, KEY_F12, 1));
	client_close(&client);
	keyboard_scan(SCAN_F12 | SCAN_RELEASE);
	keyboard_scan(SCAN_ESC | SCAN_RELEASE);
}

/* It is up before the session, so the keyboard is at rest with the last key of that. */
TEST_F(attention, does_not_keep_the_keyboard)
{
	struct client client;

	keyboard_type(SCAN_F12);
	keyboard_scan(SCAN_CTRL | SCAN_RELEASE);
	ASSERT_EQ(0, client_open(&client));
	ASSERT_EQ(0, start_session(&client));
	ASSERT_EQ(0, client_deny(&client, NULL));
	client_close(&client);
	usleep(REST_US);
	has_event(self->keyboard, 0, 0);
	keyboard_type(SCAN_B);
	EXPECT_TRUE(has_event(self->keyboard, KEY_B, 1));
}

TEST_F(attention, is_answered_by_what_is_shown_next)
{
	struct client client;

	EXPECT_EQ(0, attention(self->file));
	keyboard_type(SCAN_F12);
	ASSERT_EQ(0, client_open(&client));
	ASSERT_EQ(0, start_session(&client));
	EXPECT_EQ(-1, attention(self->file));
	client_close(&client);
	usleep(STILL_US);
	keyboard_scan(SCAN_CTRL | SCAN_RELEASE);
	keyboard_scan(SCAN_CTRL);
	keyboard_type(SCAN_F12);
	EXPECT_EQ(2, attention(self->file));
}

TEST_F(attention, goes_with_the_module)
{
	close(self->file);
	ASSERT_EQ(0, guest_stop(&self->guest));
	keyboard_type(SCAN_F12);
	EXPECT_TRUE(has_event(self->keyboard, KEY_F12, 1));
	EXPECT_EQ(0, ioctl(self->keyboard, EVIOCGRAB, 0));
	EXPECT_EQ(0, ioctl(self->writer, EVIOCGRAB, 1));
	ASSERT_EQ(0, guest_start(&self->guest, 0));
	self->file = -1;
}

FIXTURE(plugging) {
	struct guest guest;
	struct client client;
};

FIXTURE_SETUP(plugging)
{
	ASSERT_EQ(0, start_with(&self->guest, "hotplug ignore\n"));
	ASSERT_EQ(0, client_open(&self->client));
}

FIXTURE_TEARDOWN(plugging)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

TEST_F(plugging, may_be_ignored)
{
	int fake;

	ASSERT_EQ(0, start_session(&self->client));
	fake = make_uinput();
	ASSERT_LE(0, fake);
	EXPECT_FALSE(guest_wait_hangup(self->client.fd, 1000));
	emit(fake, KEY_ENTER, 1);
	EXPECT_FALSE(has_event(self->client.fd, KEY_ENTER, 1));
	close(fake);
}

TEST_HARNESS_MAIN
