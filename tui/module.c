// SPDX-License-Identifier: Apache-2.0
/* The trusted backend: tconn.ko owns screen, keyboard and lamp. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libevdev/libevdev.h>

#include "tui/backend.h"
#include "tui/card.h"
#include "tui/keys.h"

#define FOURCC_XRGB8888 0x34325258u	/* 'X' 'R' '2' '4' */

struct module {
	struct tui_backend backend;
	const char *card;
	int fd;
	size_t canvas_size;
	struct libevdev *keys;
};

static struct module *module_of(struct tui_backend *b)
{
	return (struct module *)b;
}

/* What the operator can do about a refusal. BIND's errnos are in tconn.h. */
static const char *bind_advice(int error, uint32_t refusal)
{
	switch (error) {
	case ENOKEY:
		return "the module has no policy yet: write one to " TCONN_SECURITYFS "/policy";
	case EACCES:
		if (refusal == TCONN_REFUSAL_NOT_LISTED)
			return "this program's digest is not on the policy, or the program was "
			       "changed: install the listed one, or list this one";
		if (refusal == TCONN_REFUSAL_MAPPING)
			return "this process has foreign or writable executable memory: start "
			       "the program as it was installed, with nothing preloaded";
		if (refusal == TCONN_REFUSAL_TRACED)
			return "this process is traced or may be dumped: stop the debugger";
		if (refusal == TCONN_REFUSAL_CONFINED)
			return "this process lacks CAP_SYS_ADMIN: the trusted side starts it, "
			       "never the REE";
		return "the policy does not admit this program; see " TCONN_SECURITYFS
		       "/log_ascii";
	case EBUSY:
		return "another session has the screen: try again when it has ended";
	case ENODEV:
		if (refusal == TCONN_REFUSAL_NO_INPUT)
			return "no keyboard that the policy lists, with the key that confirms, is plugged in";
		return "no display that the policy lists is lit: check the cable and the "
		       "policy's display line";
	case ENOLCK:
		return "the policy demands a lamp and none is armed: check the policy's indicator "
		       "line and that tconnd has armed it";
	case EHWPOISON:
		return "there is no TPM, or it refused the measurement: check /dev/tpm0";
	case EMSGSIZE:
		return "the statement is empty or too long";
	case EKEYREJECTED:
		return "whoever asks sent no usable key for the record";
	case ERANGE:
		return "the policy allows no session as long as this one: ask for a shorter "
		       "time-out";
	default:
		return "the kernel refused the session";
	}
}

static const char *cause_text(uint32_t cause)
{
	switch (cause) {
	case TCONN_CAUSE_TIMEOUT:
		return "nobody answered in time";
	case TCONN_CAUSE_DISPLAY_LOST:
		return "the display was unplugged or its driver unbound";
	case TCONN_CAUSE_DISPLAY_FAILED:
		return "the display did not show the picture";
	case TCONN_CAUSE_INPUT_LOST:
		return "the keyboard was unplugged";
	case TCONN_CAUSE_INPUT_NEW:
		return "an input device was plugged in during the session";
	case TCONN_CAUSE_INDICATOR_LOST:
		return "the lamp was lost";
	case TCONN_CAUSE_SUSPEND:
		return "the device was put to sleep";
	case TCONN_CAUSE_APP:
		return "this program was stopped, traced or changed";
	case TCONN_CAUSE_MEASURE:
		return "the TPM or the log refused the record";
	default:
		return "the session was closed";
	}
}

/* After a call on a bound session failed with error: the abort's record if it
 * was one, else the call and its errno.
 */
static int session_failed(struct module *m, const char *what, int error, struct tui_reply *reply)
{
	struct tconn_status status = { 0 };

	if (ioctl(m->fd, TCONN_IOC_STATUS, &status) < 0 || status.state != TCONN_STATE_ABORTED)
		return tui_reply_fail(reply, TCONN_TUI_FAILED, error, "%s failed: %s", what,
				      strerror(error));
	reply->record = status.record;
	reply->has_record = true;
	return tui_reply_fail(reply, TCONN_TUI_ABORTED, error, "the session was aborted: %s",
			      cause_text(status.cause));
}

static int check_abi(struct module *m, struct tui_reply *reply)
{
	struct tconn_version version = { 0 };

	if (ioctl(m->fd, TCONN_IOC_VERSION, &version) < 0)
		return tui_reply_fail(reply, TCONN_TUI_NO_MODULE, errno,
				      TCONN_DEVICE " does not answer as tconn.ko does: %s",
				      strerror(errno));
	if (version.abi != TCONN_ABI)
		return tui_reply_fail(reply, TCONN_TUI_NO_MODULE, EPROTO,
				      "tconn.ko speaks ABI %u and this program %u: install the "
				      "module and the program of one release",
				      version.abi, TCONN_ABI);
	return 0;
}

static int open_device(struct module *m, struct tui_reply *reply)
{
	m->fd = open(TCONN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (m->fd >= 0)
		return check_abi(m, reply);
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return tui_reply_fail(reply, TCONN_TUI_NO_MODULE, errno,
				      "there is no " TCONN_DEVICE ": load tconn.ko");
	if (errno == EBUSY)
		return tui_reply_fail(reply, TCONN_TUI_REFUSED, errno, "%s",
				      bind_advice(EBUSY, TCONN_REFUSAL_NONE));
	return tui_reply_fail(reply, TCONN_TUI_NO_MODULE, errno,
			      TCONN_DEVICE " cannot be opened: %s; run as the user it belongs to",
			      strerror(errno));
}

/* 0, or the positive errno of BIND with this card. */
static int try_card(struct module *m, const char *path, struct tconn_bind *bind)
{
	int card = tui_card_open(path), error = 0;

	if (card < 0)
		return -card;
	bind->display_fd = card;
	if (ioctl(m->fd, TCONN_IOC_BIND, bind) < 0)
		error = errno;
	close(card);
	return error;
}

static uint32_t last_refusal(struct module *m)
{
	struct tconn_status status = { 0 };

	return ioctl(m->fd, TCONN_IOC_STATUS, &status) < 0 ? TCONN_REFUSAL_NONE : status.refusal;
}

/* Tries the cards one after the other while it is the display that is refused:
 * which one the policy lists, only the module knows.
 */
static int bind_any_card(struct module *m, struct tconn_bind *bind, bool *ret_found)
{
	char path[TUI_CARD_PATH_MAX];
	int error = ENODEV;

	for (size_t i = 0; tui_card_path(i, path) == 0; i++) {
		*ret_found = true;
		error = try_card(m, path, bind);
		if (error != ENODEV || last_refusal(m) == TCONN_REFUSAL_NO_INPUT)
			break;
	}
	return error;
}

static int bind_failed(struct module *m, int error, bool found, struct tui_reply *reply)
{
	if (!found)
		return tui_reply_fail(reply, TCONN_TUI_NO_DISPLAY, error,
				      "there is no display device: no /dev/dri/card* exists");
	reply->refusal = last_refusal(m);
	if (error == ENODEV && reply->refusal != TCONN_REFUSAL_NO_INPUT)
		return tui_reply_fail(reply, TCONN_TUI_NO_DISPLAY, error, "%s",
				      bind_advice(error, reply->refusal));
	return tui_reply_fail(reply, TCONN_TUI_REFUSED, error, "%s (%s)",
			      bind_advice(error, reply->refusal), strerror(error));
}

static int map_canvas(struct module *m, const struct tconn_bind *bind, struct tui_reply *reply)
{
	void *pixels;

	if (bind->format != FOURCC_XRGB8888 || bind->pitch / 4 < bind->width ||
	    bind->canvas_size < (uint64_t)bind->pitch * bind->height)
		return tui_reply_fail(reply, TCONN_TUI_FAILED, EPROTO,
				      "the module offers a canvas this program cannot draw on");
	pixels = mmap(NULL, bind->canvas_size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (pixels == MAP_FAILED)
		return session_failed(m, "mapping the canvas", errno, reply);
	m->canvas_size = bind->canvas_size;
	m->backend.canvas = (struct tconn_canvas){ pixels, bind->width, bind->height, bind->pitch };
	return 0;
}

static int module_bind(struct tui_backend *b, const struct tui_request *request, uint16_t kind,
		       struct tui_reply *reply)
{
	struct module *m = module_of(b);
	bool found = m->card != NULL;
	struct tconn_bind bind = {
		.size = sizeof(bind),
		.kind = kind,
		.timeout_ms = request->timeout_ms,
		.statement_len = request->statement_len,
		.statement = (uintptr_t)request->statement,
	};
	int error;

	if (open_device(m, reply))
		return -1;
	memcpy(bind.nonce, request->nonce, sizeof(bind.nonce));
	memcpy(bind.verifier_key, request->verifier_key, sizeof(bind.verifier_key));
	error = m->card ? try_card(m, m->card, &bind) : bind_any_card(m, &bind, &found);
	if (error)
		return bind_failed(m, error, found, reply);
	b->gestures = (struct tconn_gestures){ bind.confirm, bind.deny };
	b->grace_ms = bind.grace_ms;
	b->developer = !(bind.policy & TCONN_POLICY_SIGNED);
	memcpy(b->service_ca, bind.service_ca, sizeof(b->service_ca));
	return map_canvas(m, &bind, reply);
}

static struct tconn_rect rect_of(struct tconn_box box)
{
	return (struct tconn_rect){
		.x = (uint32_t)box.x0,
		.y = (uint32_t)box.y0,
		.width = (uint32_t)(box.x1 - box.x0),
		.height = (uint32_t)(box.y1 - box.y0),
	};
}

static int module_activate(struct tui_backend *b, struct tconn_box live, struct tui_reply *reply)
{
	struct module *m = module_of(b);
	struct tconn_rect rect = rect_of(live);
	int r;

	if (ioctl(m->fd, TCONN_IOC_ACTIVATE, &rect) < 0)
		return session_failed(m, "taking screen, keyboard and lamp", errno, reply);
	r = libevdev_new_from_fd(m->fd, &m->keys);
	if (r < 0)
		return session_failed(m, "reading the keyboard's description", -r, reply);
	return 0;
}

static int module_show(struct tui_backend *b, struct tconn_box damage, struct tui_reply *reply)
{
	struct module *m = module_of(b);
	struct tconn_rect rect = rect_of(damage);

	if (ioctl(m->fd, TCONN_IOC_PRESENT, &rect) < 0)
		return session_failed(m, "showing the picture", errno, reply);
	return 0;
}

static size_t module_fds(struct tui_backend *b, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ .fd = module_of(b)->fd, .events = POLLIN };
	return 1;
}

/* The policy says which keys decide; the dialog knows them by these two. Where others decide, Enter
 * and Esc mean nothing.
 */
static uint16_t role_of(const struct module *m, uint16_t key)
{
	if (key == KEY_KPENTER)
		key = KEY_ENTER;
	if (key == m->backend.gestures.confirm.code)
		return KEY_ENTER;
	if (key == m->backend.gestures.deny.code)
		return KEY_ESC;
	return key == KEY_ENTER || key == KEY_ESC ? KEY_RESERVED : key;
}

static int module_key(struct tui_backend *b, uint16_t *ret_key, struct tui_reply *reply)
{
	struct module *m = module_of(b);
	int r = tui_keys_next(m->keys, ret_key);

	if (r < 0)
		return session_failed(m, "reading the keyboard", -r, reply);
	if (r > 0)
		*ret_key = role_of(m, *ret_key);
	return r;
}

static int module_decide(struct tui_backend *b, enum tconn_outcome outcome,
			 struct tui_reply *reply)
{
	struct module *m = module_of(b);
	struct tconn_decide decide = { .outcome = outcome };

	memcpy(decide.picture, b->picture, sizeof(decide.picture));
	if (ioctl(m->fd, TCONN_IOC_DECIDE, &decide) < 0) {
		/* Denied: that key waits to be read. */
		if (errno == EAGAIN || errno == EACCES)
			return 1;
		return session_failed(m, "closing the session with its record", errno, reply);
	}
	reply->status = TCONN_TUI_DECIDED;
	reply->record = decide.record;
	reply->has_record = true;
	return 0;
}

static void module_close(struct tui_backend *b)
{
	struct module *m = module_of(b);

	libevdev_free(m->keys);
	if (m->backend.canvas.pixels)
		munmap(m->backend.canvas.pixels, m->canvas_size);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}

static const struct tui_backend_ops module_ops = {
	.bind = module_bind,
	.activate = module_activate,
	.show = module_show,
	.fds = module_fds,
	.key = module_key,
	.decide = module_decide,
	.close = module_close,
};

struct tui_backend *tui_module_new(const char *card)
{
	struct module *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->backend.ops = &module_ops;
	m->card = card;
	m->fd = -1;
	return &m->backend;
}
