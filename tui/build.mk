# SPDX-License-Identifier: Apache-2.0
# tconn-tui, one static PIE with its fonts inside, and libtconn-render.a: the
# statement and the renderer, which the daemons link too.

# Debian's fonts-dejavu-core. Their bytes end up in the program and in every
# frame digest, so device and service must be built from the same two files.
FONT_DIR	?= /usr/share/fonts/truetype/dejavu
FONT_REGULAR	?= $(FONT_DIR)/DejaVuSans.ttf
FONT_BOLD	?= $(FONT_DIR)/DejaVuSans-Bold.ttf

RENDER_NOUNS	:= utf8 locale gestures statement canvas shape font bidi text layout render
TUI_NOUNS	:= main options harden request session dialog module kms card keys png_file reply

RENDER_OBJECTS	:= $(RENDER_NOUNS:%=$(BUILD)/tui/%.o) $(BUILD)/tui/font-data.o
# Of the daemons' library, what seals a PIN and what tells a service's request.
TUI_LIB_NOUNS	:= sealed_pin hpke digest request_proof identity error
TUI_OBJECTS	:= $(TUI_NOUNS:%=$(BUILD)/tui/%.o) $(TUI_LIB_NOUNS:%=$(BUILD)/daemon/lib/%.o)
RENDER_LIB	:= $(BUILD)/libtconn-render.a

# Asked when a recipe runs, not when make reads this: set-up may install them first.
TUI_CFLAGS	= -fPIC $(shell pkg-config --cflags freetype2 fribidi libdrm libevdev libpng)
TUI_LIBS	= $(shell pkg-config --static --libs libevdev libdrm freetype2 fribidi libpng libcrypto)
# What the renderer needs, into the program that links it: a newer shared library
# must not change a pixel on one side alone.
RENDER_LIBS	= -Wl,-Bstatic $(shell pkg-config --static --libs-only-l freetype2 fribidi libpng | sed 's/-lm\>//g') \
		  -Wl,-Bdynamic -lm

PROGRAMS += $(BIN)/tconn-tui

$(BUILD)/tui/%.o: tui/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TUI_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tui/font-data.o: tui/font-data.S $(wildcard $(FONT_REGULAR) $(FONT_BOLD))
	@mkdir -p $(@D)
	$(CC) -fcf-protection -DFONT_REGULAR='"$(FONT_REGULAR)"' -DFONT_BOLD='"$(FONT_BOLD)"' \
		-c -o $@ $<

$(RENDER_LIB): $(RENDER_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BIN)/tconn-tui: $(TUI_OBJECTS) $(RENDER_LIB)
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -static-pie -Wl,-z,noexecstack \
		-Wl,-z,separate-code -o $@ $^ $(TUI_LIBS)

-include $(RENDER_OBJECTS:.o=.d) $(TUI_OBJECTS:.o=.d)
