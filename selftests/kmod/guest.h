/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine around tconn.ko, for tests that run inside a guest as root: the
 * module itself, its files, the keyboard and its lamp, a REE on the screen.
 * Functions return 0 or a negative errno unless they say otherwise.
 */
#ifndef TCONN_TEST_GUEST_H
#define TCONN_TEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../kmod/uapi/tconn.h"

#define GUEST_FILE(name)	TCONN_SECURITYFS "/" name
#define GUEST_LOG_SIZE		(1u << 20)

/* As the emulated machine has them. */
#define GUEST_DISPLAYS		"display /devices/pci0000:00/*\n"
#define GUEST_INPUTS		"input /devices/platform/i8042/serio*\n"
#define GUEST_INDICATORS	"indicator /devices/platform/i8042/serio*/input*::scrolllock\n"

enum {
	GUEST_POLICY	= 1 << 0,	/* lists this program, screen, keyboard, lamp */
	GUEST_LAMP	= 1 << 1,	/* armed; needs the policy */
	GUEST_REE	= 1 << 2,	/* ree_picture owns the screen */
	GUEST_ALL	= GUEST_POLICY | GUEST_LAMP | GUEST_REE,
};

struct guest {
	pid_t ree;
	const volatile uint64_t *flips;	/* the REE's; NULL without */
};

/* Loads the module anew and sets up what the mask says. */
int guest_start(struct guest *g, unsigned int what);
/* Unloads; -EWOULDBLOCK if the module is in use. */
int guest_stop(struct guest *g);

int guest_load(void);			/* in developer mode */
int guest_load_with(const char *parameters);
int guest_unload(void);
int guest_ree_start(struct guest *g);
void guest_ree_stop(struct guest *g);
int guest_arm(const char *trigger);	/* "tconn" or "none", for the scroll-lock LED */

uint64_t guest_now_ms(void);		/* since the machine's start */

/* Whole small files; read terminates with 0 and returns the length. */
int guest_write(const char *path, const char *text);
ssize_t guest_read(const char *path, void *buf, size_t size);
bool guest_exists(const char *path);

int guest_own_digest(uint8_t digest[32]);
/* A policy for this program; extra lines may be "". */
int guest_policy_text(char *buf, size_t size, const char *extra);

/* "value" of a line "key value" of the state file, or "" */
void guest_state(const char *key, char *value, size_t size);

/* The module's log: how many events of a type, and the last one's data. */
int guest_log_count(uint32_t type);
int guest_log_last(uint32_t type, void *data, size_t size);

/* Has the kernel said this since the mark? */
int guest_kmsg_mark(void);
bool guest_kmsg_said(int mark, const char *text);

/* The PS/2 keyboard: a new open of its event node, and its LED's directory. */
int guest_keyboard(void);
int guest_led_path(char *path, size_t size, const char *file);

/* Polls until the session of fd is over; false after that many milliseconds. */
bool guest_wait_hangup(int fd, int timeout_ms);

#endif
