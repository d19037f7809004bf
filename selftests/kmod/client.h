/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small client of tconn.ko, for tests: what the trusted app does, step by step.
 * Functions return 0 or a negative errno.
 */
#ifndef TCONN_TEST_CLIENT_H
#define TCONN_TEST_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../kmod/uapi/tconn.h"

#define CLIENT_STATEMENT	"tconn test statement"
#define CLIENT_NONCE_BYTE	0x5a	/* all 32 of them */
#define CLIENT_PICTURE		"as the app says"
#define CLIENT_PRIVATE_BYTE	0x77	/* of the verifier's key, likewise */
#define CLIENT_PUBLIC		{ /* X25519(CLIENT_PRIVATE_BYTE 32 times, 9) */ \
	0x1c, 0xf5, 0x79, 0xab, 0xa4, 0x5a, 0x10, 0xba, \
	0x1d, 0x1e, 0xf0, 0x6d, 0x91, 0xfc, 0xa2, 0xaa, \
	0x9e, 0xd0, 0xa1, 0x15, 0x05, 0x15, 0x65, 0x31, \
	0x55, 0x40, 0x5d, 0x0b, 0x18, 0xcb, 0x9a, 0x67 }

struct client {
	int fd;
	int card;		/* DRM primary node */
	uint32_t kind;
	uint32_t timeout_ms;
	struct tconn_rect live;
	const void *statement;	/* CLIENT_STATEMENT, unless it is set before BIND */
	size_t statement_len;
	struct tconn_bind bind;	/* as answered */
	uint32_t *canvas;	/* NULL until mapped */
};

/* The card is the first primary node there is; -ENODEV if none. */
int client_open(struct client *ret);
int client_bind(struct client *c);	/* fills bind and maps the canvas */
int client_activate(struct client *c);
int client_present(struct client *c, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
int client_decide(struct client *c, uint32_t outcome, struct tconn_record *ret);
/* Does it as well, as soon as the picture has been there long enough. */
int client_confirm(struct client *c, struct tconn_record *ret);	/* or enters */
int client_deny(struct client *c, struct tconn_record *ret);
int client_status(struct client *c, struct tconn_status *ret);
void client_close(struct client *c);

/* Vertical colour bars under a white frame; the phase shifts them. */
void client_draw(struct client *c, unsigned int phase);

#endif
