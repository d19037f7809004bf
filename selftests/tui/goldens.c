// SPDX-License-Identifier: Apache-2.0
/* Prints goldens.txt; see there. */
#include <stdio.h>
#include <stdlib.h>

#include "selftests/tui/pictures.h"

static const char head[] =
	"# SPDX-License-Identifier: Apache-2.0\n"
	"# SHA-256 of each picture's pixels, for render_test. A change here is a change of\n"
	"# what people see and of every frame digest: look at the pictures (tconn-tui\n"
	"# --render-png) before committing it. Made with Debian 12's fonts-dejavu-core and\n"
	"# libfreetype-dev by: make tui-goldens\n";

static int print_one(struct tconn_font *font, const struct picture *p, struct size size)
{
	struct tconn_canvas canvas = canvas_new(size, 0);
	struct tconn_render state = picture_state(p);
	char digest[DIGEST_HEX];
	int r = tconn_render_draw(font, &canvas, &state, NULL);

	canvas_digest(&canvas, digest);
	if (!r)
		printf("%s %ux%u %s\n", p->name, size.width, size.height, digest);
	free(canvas.pixels);
	return r;
}

int main(void)
{
	_cleanup_font_ struct tconn_font *font = NULL;

	if (tconn_font_new(&font))
		return 1;
	fputs(head, stdout);
	for (size_t i = 0; i < n_pictures; i++)
		for (size_t j = 0; j < n_sizes; j++)
			if (print_one(font, &pictures[i], sizes[j]))
				return 1;
	return fflush(stdout) ? 1 : 0;
}
