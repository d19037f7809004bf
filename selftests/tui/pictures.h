/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures that are drawn again and again, and their digests. */
#ifndef SELFTESTS_TUI_PICTURES_H
#define SELFTESTS_TUI_PICTURES_H

#include <stddef.h>

#include "tui/render.h"

struct picture {
	const char *name;
	struct tconn_statement statement;
	uint32_t entered;
	enum tconn_hint hint;
	struct tconn_look look;
	const char *phrase;
	bool untrusted, developer;
	struct tconn_gestures gestures;
};

extern const struct picture pictures[];
extern const size_t n_pictures;

struct size {
	uint32_t width, height;
};

extern const struct size sizes[];
extern const size_t n_sizes;

/* What the renderer gets for a picture. */
struct tconn_render picture_state(const struct picture *p);

/* A canvas with `padding` bytes after each row, filled with 0xa5. Ends the
 * program where there is no memory.
 */
struct tconn_canvas canvas_new(struct size size, uint32_t padding);

#define DIGEST_HEX 65

/* SHA-256 of the rows, width * 4 bytes each, as the kernel takes it. */
void canvas_digest(const struct tconn_canvas *canvas, char ret[static DIGEST_HEX]);

#endif
