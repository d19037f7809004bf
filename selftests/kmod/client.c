// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "client.h"
#include "keyboard.h"

#define FRAME	8	/* pixels */

static const char statement[] = CLIENT_STATEMENT;

int client_open(struct client *ret)
{
	struct client c = {
		.kind = TCONN_KIND_CONFIRM, .timeout_ms = 20000, .statement = statement,
		.statement_len = sizeof(statement) - 1,
	};

	/* A dumpable process is refused. */
	if (prctl(PR_SET_DUMPABLE, 0))
		return -errno;
	c.card = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	if (c.card < 0)
		return -ENODEV;
	c.fd = open(TCONN_DEVICE, O_RDWR | O_CLOEXEC);
	if (c.fd < 0) {
		int error = -errno;

		close(c.card);
		return error;
	}
	*ret = c;
	return 0;
}

int client_bind(struct client *c)
{
	static const uint8_t public[TCONN_KEY_SIZE] = CLIENT_PUBLIC;
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = c->kind,
		.timeout_ms = c->timeout_ms,
		.display_fd = c->card,
		.statement = (uintptr_t)c->statement,
		.statement_len = (uint32_t)c->statement_len,
	};
	void *canvas;

	memset(bind.nonce, CLIENT_NONCE_BYTE, sizeof(bind.nonce));
	memcpy(bind.verifier_key, public, sizeof(public));
	if (ioctl(c->fd, TCONN_IOC_BIND, &bind))
		return -errno;
	c->bind = bind;
	canvas = mmap(NULL, bind.canvas_size, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	if (canvas == MAP_FAILED)
		return -errno;
	c->canvas = canvas;
	return 0;
}

int client_activate(struct client *c)
{
	return ioctl(c->fd, TCONN_IOC_ACTIVATE, &c->live) ? -errno : 0;
}

int client_present(struct client *c, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct tconn_rect rect = { x, y, width, height };

	return ioctl(c->fd, TCONN_IOC_PRESENT, &rect) ? -errno : 0;
}

int client_decide(struct client *c, uint32_t outcome, struct tconn_record *ret)
{
	struct tconn_decide decide = { .outcome = outcome, .picture = CLIENT_PICTURE };

	if (ioctl(c->fd, TCONN_IOC_DECIDE, &decide))
		return -errno;
	if (ret)
		*ret = decide.record;
	return 0;
}

/* The key may still be on its way. */
static int decide_soon(struct client *c, uint32_t outcome, struct tconn_record *ret)
{
	int tries = 100, error = -EAGAIN;

	while (error == -EAGAIN && tries--) {
		usleep(20000);
		error = client_decide(c, outcome, ret);
	}
	return error;
}

int client_confirm(struct client *c, struct tconn_record *ret)
{
	int error;

	usleep((c->bind.grace_ms + 1) * 1000);
	error = keyboard_type(SCAN_ENTER);
	if (error)
		return error;
	return decide_soon(c, c->kind == TCONN_KIND_PIN ? TCONN_OUTCOME_ENTERED :
			   TCONN_OUTCOME_CONFIRMED, ret);
}

int client_deny(struct client *c, struct tconn_record *ret)
{
	int error;

	usleep(KEYBOARD_LAMP_US);
	error = keyboard_type(SCAN_ESC);
	return error ? error : decide_soon(c, TCONN_OUTCOME_DENIED, ret);
}

int client_status(struct client *c, struct tconn_status *ret)
{
	return ioctl(c->fd, TCONN_IOC_STATUS, ret) ? -errno : 0;
}

void client_close(struct client *c)
{
	if (c->canvas)
		munmap(c->canvas, c->bind.canvas_size);
	c->canvas = NULL;
	close(c->fd);
	close(c->card);
}

static bool in_frame(const struct client *c, uint32_t x, uint32_t y)
{
	return x < FRAME || y < FRAME || x >= c->bind.width - FRAME ||
	       y >= c->bind.height - FRAME;
}

void client_draw(struct client *c, unsigned int phase)
{
	static const uint32_t bars[] = {
		0xff202060, 0xff2060a0, 0xff20a0a0, 0xff20a060,
		0xffa0a020, 0xffa06020, 0xffa02020, 0xffa020a0,
	};
	uint32_t x, y, bar = c->bind.width / 8;

	for (y = 0; y < c->bind.height; y++) {
		uint32_t *row = c->canvas + (size_t)y * (c->bind.pitch / 4);

		for (x = 0; x < c->bind.width; x++)
			row[x] = in_frame(c, x, y) ? 0xffffffff :
				 bars[(x / bar + phase) % 8];
	}
}
