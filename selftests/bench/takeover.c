// SPDX-License-Identifier: Apache-2.0
/*
 * What a session costs, inside a guest: taking the screen, showing a frame and giving
 * back, against a bare libdrm modeset on the same device and memcpy() of the same
 * bytes, turn by turn in the same run.
 *
 *	takeover [ROUNDS] [CARD]
 *
 * One round is a session, a modeset and a memcpy(). Of the session are taken:
 *	takeover	from before open() and BIND, with the first picture painted,
 *			until the module's own lit_ns
 *	present		PRESENT of the whole screen
 *	giveback	from before DECIDE until the module's own ended_ns
 *	finish		from then until DECIDE returns: the frame is hashed and
 *			wiped, the record measured into the TPM
 * The modeset is dumb buffer, picture, framebuffer, drmModeSetCrtc, all through libdrm
 * as master. Both paint the whole screen once. Prints one JSON object with the times
 * of every round in nanoseconds. This program has to be on the policy, which has to have
 * no grace; Enter is pressed as the tests of the module do it.
 *
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
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
#include "../kmod/keyboard.h"
#include "modeset.h"
#include "times.h"

struct times {
	uint64_t takeover, present, giveback, finish, copy, modeset;
};

/* Enter, until the session has it: a busy machine takes its time, and a keyboard that is told to
 * light its lamp loses what is typed meanwhile.
 */
static int press_enter(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < 20; i++) {
		if (keyboard_type(SCAN_ENTER))
			return -1;
		if (poll(&p, 1, 250) > 0)
			return p.revents & POLLIN ? 0 : -1;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* From ACTIVE to the end. */
static int show_and_decide(int fd, const struct tconn_bind *bind, uint64_t start, struct times *ret)
{
	const struct tconn_rect all = { .width = bind->width, .height = bind->height };
	struct tconn_decide decide = { .outcome = TCONN_OUTCOME_CONFIRMED };
	uint64_t presenting, presented, deciding, decided;

	presenting = bench_now_ns();
	if (ioctl(fd, TCONN_IOC_PRESENT, &all))
		return bench_fail("PRESENT");
	presented = bench_now_ns();
	if (press_enter(fd))
		return bench_fail("the keyboard");
	deciding = bench_now_ns();
	if (ioctl(fd, TCONN_IOC_DECIDE, &decide))
		return bench_fail("DECIDE");
	decided = bench_now_ns();
	if (decide.record.lit_ns <= start || decide.record.ended_ns <= deciding) {
		fprintf(stderr, "takeover: the record says the indicator was never lit\n");
		return -1;
	}
	ret->takeover = decide.record.lit_ns - start;
	ret->present = presented - presenting;
	ret->giveback = decide.record.ended_ns - deciding;
	ret->finish = decided - decide.record.ended_ns;
	return 0;
}

/* What showing a frame is measured against. */
static uint64_t time_copy(const void *canvas, size_t size)
{
	static void *copy;
	uint64_t start;

	if (!copy) {
		copy = malloc(size);
		if (!copy)
			return 0;
		memset(copy, 1, size);
	}
	start = bench_now_ns();
	memcpy(copy, canvas, size);
	/* Or the compiler leaves out what nobody reads. */
	__asm__ volatile("" : : "r"(copy) : "memory");
	return bench_now_ns() - start;
}

static int session_round(int card, unsigned int round, struct times *ret)
{
	static const char text[] = "takeover benchmark";
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = TCONN_KIND_NOTICE,
		.timeout_ms = 10000,
		.display_fd = card,
		.statement = (uintptr_t)text,
		.statement_len = sizeof(text) - 1,
		.verifier_key = { 9 },	/* any will do */
	};
	const struct tconn_rect live = { 0 };
	uint64_t start = bench_now_ns();
	void *canvas;
	int fd, r = -1;

	fd = open(TCONN_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return bench_fail(TCONN_DEVICE);
	if (ioctl(fd, TCONN_IOC_BIND, &bind)) {
		bench_fail("BIND");
		goto out;
	}
	canvas = mmap(NULL, bind.canvas_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (canvas == MAP_FAILED) {
		bench_fail("mmap of the canvas");
		goto out;
	}
	/* The same work as in picture_make(): every pixel written once. */
	memset(canvas, (uint8_t)round, bind.canvas_size);
	if (ioctl(fd, TCONN_IOC_ACTIVATE, &live))
		bench_fail("ACTIVATE");
	else
		r = show_and_decide(fd, &bind, start, ret);
	ret->copy = time_copy(canvas, bind.canvas_size);
	munmap(canvas, bind.canvas_size);
out:
	close(fd);
	return r;
}

/* What a modeset leaves behind until the next one has replaced it is in shown. */
static int modeset_round(int card, const struct output *o, unsigned int round,
			 struct picture *shown, uint64_t *ret_ns)
{
	uint64_t start = bench_now_ns();
	struct picture fresh;

	if (picture_make(card, o, (uint8_t)~round, &fresh) || picture_show(card, o, &fresh))
		return -1;
	*ret_ns = bench_now_ns() - start;
	picture_free(card, shown);
	*shown = fresh;
	return 0;
}

static void print_times(const struct times *times, unsigned int rounds)
{
	static const struct {
		const char *name;
		size_t offset;
	} column[] = {
		{ "takeover_ns", offsetof(struct times, takeover) },
		{ "present_ns", offsetof(struct times, present) },
		{ "giveback_ns", offsetof(struct times, giveback) },
		{ "finish_ns", offsetof(struct times, finish) },
		{ "copy_ns", offsetof(struct times, copy) },
		{ "modeset_ns", offsetof(struct times, modeset) },
	};
	static uint64_t values[ROUNDS_MAX];
	const unsigned int columns = sizeof(column) / sizeof(*column);

	putchar('{');
	for (unsigned int c = 0; c < columns; c++) {
		for (unsigned int i = 0; i < rounds; i++)
			memcpy(&values[i], (const char *)&times[i] + column[c].offset,
			       sizeof(values[i]));
		bench_print_times(column[c].name, values, rounds, c + 1 < columns ? ", " : "}\n");
	}
}

int main(int argc, char **argv)
{
	static struct times times[ROUNDS_MAX];
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 20;
	const char *path = argc > 2 ? argv[2] : "/dev/dri/card0";
	struct picture shown = { 0 };
	struct output output;
	uint64_t warm_up;
	int card;

	if (argc > 3 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: takeover [ROUNDS 1..%d] [CARD]\n", ROUNDS_MAX);
		return 2;
	}
	prctl(PR_SET_DUMPABLE, 0);
	card = open(path, O_RDWR | O_CLOEXEC);
	if (card < 0)
		return bench_fail(path), 1;
	if (drmSetMaster(card) || output_find(card, &output))
		return bench_fail("no display to measure on"), 1;
	if (modeset_round(card, &output, 0, &shown, &warm_up))
		return 1;
	for (unsigned int i = 0; i < rounds; i++)
		if (session_round(card, i, &times[i]) ||
		    modeset_round(card, &output, i, &shown, &times[i].modeset))
			return 1;
	print_times(times, rounds);
	picture_free(card, &shown);
	close(card);
	return 0;
}
