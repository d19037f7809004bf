// SPDX-License-Identifier: Apache-2.0
/*
 * From a key press to the frame that answers it, inside a guest: in a session, and in a
 * bare program on evdev and KMS, which does the same work.
 *
 *	key_to_frame session|evdev PRESSES
 *
 * A round begins when the kernel dates the key press (the event's time stamp) and ends when
 * the call that presents its answer returns: PRESENT of one rectangle, or drmModeDirtyFB()
 * with it. In between the program wakes up, reads the event and paints the rectangle. Prints
 * "ready", and once so many keys were pressed one JSON object with the times of every round
 * in nanoseconds. This program has to be on the policy.
 *
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <xf86drm.h>

#include "../../kmod/uapi/tconn.h"
#include "modeset.h"
#include "times.h"

#define CARD		"/dev/dri/card0"
#define NODES		32
#define TIMEOUT_MS	60000
/* What a digit of a PIN changes, about. */
static const struct tconn_rect answer = { .x = 320, .y = 300, .width = 640, .height = 120 };

struct screen {
	int keys[NODES], count;		/* what key presses are read from */
	int present_fd;			/* the session's, or the card */
	uint32_t fb;			/* bare: the framebuffer's id */
	uint8_t *pixels;
	uint32_t pitch;
};

static void paint(const struct screen *s, uint8_t shade)
{
	for (uint32_t y = answer.y; y < answer.y + answer.height; y++)
		memset(s->pixels + (size_t)y * s->pitch + (size_t)answer.x * 4, shade,
		       (size_t)answer.width * 4);
}

static int present(const struct screen *s)
{
	drmModeClip clip = {
		.x1 = (uint16_t)answer.x, .y1 = (uint16_t)answer.y,
		.x2 = (uint16_t)(answer.x + answer.width),
		.y2 = (uint16_t)(answer.y + answer.height),
	};

	if (s->fb)
		return drmModeDirtyFB(s->present_fd, s->fb, &clip, 1) ? bench_fail("DirtyFB") : 0;
	return ioctl(s->present_fd, TCONN_IOC_PRESENT, &answer) ? bench_fail("PRESENT") : 0;
}

/* Waits for a press; when the kernel saw it, or 0. */
static uint64_t next_press(const struct screen *s)
{
	struct pollfd polled[NODES];
	struct input_event event;

	for (;;) {
		for (int i = 0; i < s->count; i++)
			polled[i] = (struct pollfd){ .fd = s->keys[i], .events = POLLIN };
		if (poll(polled, (nfds_t)s->count, TIMEOUT_MS) <= 0)
			return 0;
		for (int i = 0; i < s->count; i++) {
			if (!(polled[i].revents & POLLIN))
				continue;
			if (read(s->keys[i], &event, sizeof(event)) != sizeof(event))
				return 0;
			if (event.type == EV_KEY && event.value == 1)
				return (uint64_t)event.input_event_sec * 1000000000u +
				       (uint64_t)event.input_event_usec * 1000u;
		}
	}
}

static int measure(const struct screen *s, unsigned int presses)
{
	static uint64_t ns[ROUNDS_MAX];

	puts("ready");
	fflush(stdout);
	for (unsigned int i = 0; i < presses; i++) {
		uint64_t pressed = next_press(s);

		if (!pressed)
			return bench_fail("no key came");
		paint(s, (uint8_t)(0x40 + i));
		if (present(s))
			return -1;
		ns[i] = bench_now_ns() - pressed;
	}
	printf("{");
	bench_print_times("ns", ns, presses, "}\n");
	return 0;
}

/* Dates events by the clock of times.h. */
static int add_keys(struct screen *s, int fd)
{
	int clock = CLOCK_BOOTTIME;

	if (ioctl(fd, EVIOCSCLOCKID, &clock))
		return bench_fail("EVIOCSCLOCKID");
	s->keys[s->count++] = fd;
	return 0;
}

/* --- in a session --- */

static int in_session(int card, unsigned int presses)
{
	static const char text[] = "key_to_frame benchmark";
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = TCONN_KIND_NOTICE,
		.timeout_ms = TIMEOUT_MS,
		.display_fd = card,
		.statement = (uintptr_t)text,
		.statement_len = sizeof(text) - 1,
		.verifier_key = { 9 },	/* any will do */
	};
	const struct tconn_rect live = { 0 };
	struct screen s = { 0 };

	s.present_fd = open(TCONN_DEVICE, O_RDWR | O_CLOEXEC);
	if (s.present_fd < 0)
		return bench_fail(TCONN_DEVICE);
	if (ioctl(s.present_fd, TCONN_IOC_BIND, &bind))
		return bench_fail("BIND");
	s.pitch = bind.pitch;
	s.pixels = mmap(NULL, bind.canvas_size, PROT_READ | PROT_WRITE, MAP_SHARED, s.present_fd, 0);
	if (s.pixels == MAP_FAILED)
		return bench_fail("mmap of the canvas");
	if (ioctl(s.present_fd, TCONN_IOC_ACTIVATE, &live))
		return bench_fail("ACTIVATE");
	if (add_keys(&s, s.present_fd) || measure(&s, presses))
		return -1;
	/* Nothing is decided: its end is the session's. */
	close(s.present_fd);
	return 0;
}

/* --- bare --- */

static bool is_keyboard(int fd)
{
	uint8_t bits[KEY_CNT / 8] = { 0 };

	return ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(bits)), bits) >= 0 &&
	       bits[KEY_ENTER / 8] & 1u << KEY_ENTER % 8;
}

static int open_keyboards(struct screen *s)
{
	char path[32];

	for (int i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && is_keyboard(fd)) {
			if (ioctl(fd, EVIOCGRAB, 1) || add_keys(s, fd))
				return bench_fail(path);
		} else if (fd >= 0) {
			close(fd);
		}
	}
	return s->count ? 0 : bench_fail("no keyboard");
}

static int on_evdev(int card, unsigned int presses)
{
	struct screen s = { .present_fd = card };
	struct output output;
	struct picture p;
	int r;

	if (drmSetMaster(card))
		return bench_fail("drmSetMaster");
	if (output_find(card, &output) || picture_make(card, &output, 0, &p) ||
	    picture_show(card, &output, &p) || open_keyboards(&s))
		return -1;
	s.fb = p.fb;
	s.pixels = p.pixels;
	s.pitch = p.pitch;
	r = measure(&s, presses);
	picture_free(card, &p);
	return r;
}

int main(int argc, char **argv)
{
	unsigned int presses = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;
	bool session = argc == 3 && !strcmp(argv[1], "session");
	int card, r;

	if (presses < 1 || presses > ROUNDS_MAX || (!session && strcmp(argv[1], "evdev"))) {
		fprintf(stderr, "usage: key_to_frame session|evdev PRESSES(1..%d)\n", ROUNDS_MAX);
		return 2;
	}
	prctl(PR_SET_DUMPABLE, 0);
	card = open(CARD, O_RDWR | O_CLOEXEC);
	if (card < 0)
		return bench_fail(CARD), 1;
	r = session ? in_session(card, presses) : on_evdev(card, presses);
	return r ? 1 : 0;
}
