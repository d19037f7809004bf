/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the holder of a device wants dialogs to look: all that decides pixels and
 * is the device's to say. The service takes these values and no others, draws
 * the statement so, and compares.
 */
#ifndef TCONN_LOOK_H
#define TCONN_LOOK_H

#include <stdbool.h>
#include <stdint.h>

enum tconn_scale {
	TCONN_SCALE_NORMAL,
	TCONN_SCALE_LARGE,	/* half as large again */
	TCONN_SCALE_LARGEST,	/* twice as large */
	TCONN_SCALES,
};

enum tconn_theme {
	TCONN_THEME_LIGHT,
	TCONN_THEME_DARK,	/* light on dark */
	TCONN_THEMES,
};

struct tconn_look {
	enum tconn_scale scale;
	enum tconn_theme theme;
};

/* As one number on a wire: scale, and theme times 256. */
static inline uint16_t tconn_look_pack(struct tconn_look look)
{
	return (uint16_t)(look.scale | look.theme << 8);
}

/* False where there is no such look; *ret is then untouched. */
static inline bool tconn_look_unpack(uint32_t packed, struct tconn_look *ret)
{
	if ((packed & 0xff) >= TCONN_SCALES || packed >> 8 >= TCONN_THEMES)
		return false;
	*ret = (struct tconn_look){ packed & 0xff, packed >> 8 };
	return true;
}

#endif
