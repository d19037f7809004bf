// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include <png.h>

#include "tui/png_file.h"

/* Drops the unused byte: a PNG would take it for transparency. */
static void pack(const struct tconn_canvas *canvas, uint8_t *rgb)
{
	for (uint32_t y = 0; y < canvas->height; y++) {
		const uint8_t *p = (const uint8_t *)canvas->pixels + (size_t)y * canvas->pitch;

		for (uint32_t x = 0; x < canvas->width; x++, p += 4) {
			*rgb++ = p[2];
			*rgb++ = p[1];
			*rgb++ = p[0];
		}
	}
}

const char *tui_png_write(const struct tconn_canvas *canvas, const char *path)
{
	png_image image = {
		.version = PNG_IMAGE_VERSION,
		.width = canvas->width,
		.height = canvas->height,
		.format = PNG_FORMAT_RGB,
	};
	uint8_t *rgb = malloc((size_t)canvas->width * canvas->height * 3);
	int written;

	if (!rgb)
		return "no memory for the picture";
	pack(canvas, rgb);
	written = png_image_write_to_file(&image, path, 0, rgb, 0, NULL);
	free(rgb);
	return written ? NULL : "the file cannot be written";
}
