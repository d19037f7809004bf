// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_ADVANCES_H
#include FT_OUTLINE_H

#include "tui/font.h"
#include "tui/shape.h"

extern const unsigned char tconn_font_regular[], tconn_font_regular_end[];
extern const unsigned char tconn_font_bold[], tconn_font_bold_end[];

/* A glyph may reach this far out of its cell (font units): italics, swashes. */
#define OVERHANG (TCONN_FONT_UNITS / 4)

struct tconn_font {
	FT_Library library;
	FT_Face faces[TCONN_FACES];
	uint32_t px[TCONN_FACES];	/* size each face is set to, 0 at first */
};

static int new_face(struct tconn_font *font, enum tconn_face face, const unsigned char *start,
		    const unsigned char *end)
{
	if (FT_New_Memory_Face(font->library, start, end - start, 0, &font->faces[face]))
		return -EINVAL;
	if (font->faces[face]->units_per_EM != TCONN_FONT_UNITS || !font->faces[face]->charmap)
		return -EINVAL;
	return 0;
}

int tconn_font_new(struct tconn_font **ret)
{
	_cleanup_font_ struct tconn_font *font = calloc(1, sizeof(*font));
	int r;

	if (!font)
		return -ENOMEM;
	if (FT_Init_FreeType(&font->library))
		return -ENOMEM;
	r = new_face(font, TCONN_FACE_REGULAR, tconn_font_regular, tconn_font_regular_end);
	if (r)
		return r;
	r = new_face(font, TCONN_FACE_BOLD, tconn_font_bold, tconn_font_bold_end);
	if (r)
		return r;
	*ret = font;
	font = NULL;
	return 0;
}

struct tconn_font *tconn_font_free(struct tconn_font *font)
{
	if (!font)
		return NULL;
	for (int i = 0; i < TCONN_FACES; i++)
		if (font->faces[i])
			FT_Done_Face(font->faces[i]);
	if (font->library)
		FT_Done_FreeType(font->library);
	free(font);
	return NULL;
}

static bool is_space(uint32_t c)
{
	return c == ' ' || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f;
}

struct range {
	uint32_t first, last;
};

/* Written right to left and shown: letters that bidi.h joins as they should be. */
static const struct range shown_rtl[] = {
	{ 0x05be, 0x05be }, { 0x05d0, 0x05ea }, { 0x05f3, 0x05f4 }, { 0x060c, 0x060c },
	{ 0x061b, 0x061b }, { 0x061f, 0x061f }, { 0x0621, 0x063a }, { 0x0641, 0x064a },
	{ 0x0660, 0x066c }, { 0x067e, 0x067e }, { 0x0686, 0x0686 }, { 0x0698, 0x0698 },
	{ 0x06a9, 0x06a9 }, { 0x06af, 0x06af }, { 0x06cc, 0x06cc }, { 0x06f0, 0x06f9 },
};

/* Blocks written right to left, presentation forms, and the private use areas. */
static const struct range hidden[] = {
	{ 0x0590, 0x08ff }, { 0xe000, 0xf8ff }, { 0xfb1d, 0xfdff }, { 0xfe70, 0xfeff },
	{ 0x10800, 0x10fff }, { 0x1e800, 0x1efff }, { 0xf0000, UINT32_MAX },
};

static bool in_ranges(const struct range *ranges, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

#define IN(ranges, c) in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), c)

static bool is_unshowable(uint32_t c)
{
	return IN(hidden, c) && !IN(shown_rtl, c);
}

bool tconn_font_shows(struct tconn_font *font, uint32_t c)
{
	FT_Face face = font->faces[TCONN_FACE_REGULAR];
	FT_UInt glyph = FT_Get_Char_Index(face, c);
	const FT_Glyph_Metrics *m;

	if (glyph == 0 || is_unshowable(c))
		return false;
	if (FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE))
		return false;
	m = &face->glyph->metrics;
	if (m->horiAdvance <= 0)
		return false;
	if (face->glyph->outline.n_points == 0)
		return is_space(c);
	return m->horiBearingX >= -OVERHANG &&
	       m->horiBearingX + m->width <= m->horiAdvance + OVERHANG;
}

bool tconn_font_has(struct tconn_font *font, enum tconn_face face, uint32_t c)
{
	return FT_Get_Char_Index(font->faces[face], c) != 0;
}

uint32_t tconn_font_advance(struct tconn_font *font, enum tconn_face face, uint32_t c)
{
	FT_Face f = font->faces[face];
	FT_Fixed advance = 0;

	if (FT_Get_Advance(f, FT_Get_Char_Index(f, c), FT_LOAD_NO_SCALE, &advance) || advance < 0)
		return 0;
	return (uint32_t)advance;
}

/* The rasteriser's y goes up: row r is its row -1 - r. */
static void draw_spans(int y, int count, const FT_Span *spans, void *brush)
{
	for (int i = 0; i < count; i++)
		tconn_canvas_span(brush, spans[i].x, -1 - y, spans[i].len, spans[i].coverage);
}

static int draw_outline(struct tconn_font *font, FT_Outline *outline,
			const struct tconn_brush *brush)
{
	FT_Raster_Params params = {
		.flags = FT_RASTER_FLAG_AA | FT_RASTER_FLAG_DIRECT | FT_RASTER_FLAG_CLIP,
		.gray_spans = draw_spans,
		.user = (void *)brush,
		.clip_box = {
			.xMin = brush->clip.x0,
			.yMin = -brush->clip.y1,
			.xMax = brush->clip.x1,
			.yMax = -brush->clip.y0,
		},
	};

	if (tconn_box_is_empty(brush->clip))
		return 0;
	return FT_Outline_Render(font->library, outline, &params) ? -EINVAL : 0;
}

int tconn_font_draw(struct tconn_font *font, enum tconn_face face, uint32_t c, uint32_t px,
		    int32_t x, int32_t y, const struct tconn_brush *brush)
{
	FT_Face f = font->faces[face];

	if (font->px[face] != px) {
		if (FT_Set_Pixel_Sizes(f, 0, px))
			return -EINVAL;
		font->px[face] = px;
	}
	if (FT_Load_Glyph(f, FT_Get_Char_Index(f, c), FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP))
		return -EINVAL;
	FT_Outline_Translate(&f->glyph->outline, x, -y * 64);
	return draw_outline(font, &f->glyph->outline, brush);
}

int tconn_font_fill(struct tconn_font *font, const struct tconn_shape *shape,
		    const struct tconn_brush *brush)
{
	FT_Vector points[TCONN_SHAPE_POINTS];
	char tags[TCONN_SHAPE_POINTS];
	short contours[TCONN_SHAPE_CONTOURS];
	FT_Outline outline = {
		.n_contours = (short)shape->n_contours,
		.n_points = (short)shape->n_points,
		.points = points,
		.tags = tags,
		.contours = contours,
		.flags = FT_OUTLINE_EVEN_ODD_FILL,
	};

	for (uint32_t i = 0; i < shape->n_points; i++) {
		points[i] = (FT_Vector){ shape->points[i].x, -shape->points[i].y };
		tags[i] = shape->points[i].control ? FT_CURVE_TAG_CUBIC : FT_CURVE_TAG_ON;
	}
	for (uint32_t i = 0; i < shape->n_contours; i++)
		contours[i] = (short)(shape->ends[i] - 1);
	return draw_outline(font, &outline, brush);
}
