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

struct client {
	int fd;
	int card;		/* DRM primary node */
	uint32_t kind;
	uint32_t timeout_ms;
	struct tconn_bind bind;	/* as answered */
	uint32_t *canvas;	/* NULL until mapped */
};

/* The card is the first primary node there is; -ENODEV if none. */
int client_open(struct client *ret);
int client_bind(struct client *c);	/* fills bind and maps the canvas */
int client_activate(struct client *c);
int client_present(struct client *c, uint32_t x, uint32_t y, uint32_t width, uint32_t height);
int client_decide(struct client *c, uint32_t outcome, struct tconn_record *ret);
int client_status(struct client *c, struct tconn_status *ret);
void client_close(struct client *c);

/* Vertical colour bars under a white frame; the phase shifts them. */
void client_draw(struct client *c, unsigned int phase);

#endif
