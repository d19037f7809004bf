# SPDX-License-Identifier: Apache-2.0
# The shared library libtconn.a is every daemon/lib/*.c; each program is every
# .c file of its folder. A folder without sources makes no program.

TCONN_LIB	:= $(BUILD)/libtconn.a
TCONN_LIB_PKGS	:= tss2-esys tss2-mu tss2-tctildr tss2-rc libssl libcrypto libcbor json-c sqlite3 libcap-ng
# Asked when a recipe runs, not when make reads this: set-up may install them first.
TCONN_LIB_CFLAGS = $(shell pkg-config --cflags $(TCONN_LIB_PKGS) libpq) -pthread
TCONN_LIB_LIBS	 = $(shell pkg-config --libs $(TCONN_LIB_PKGS)) -pthread

# Folder below daemon/ -> program.
daemon_program_tconnd	:= tconnd
daemon_program_serviced	:= tconn-serviced
daemon_program_ca	:= tconn-ca
daemon_program_ctl	:= tconnctl
daemon_program_confine	:= tconn-confine
daemon_program_labeld	:= tconn-labeld
daemon_program_swarm	:= tconn-swarm
# The launcher is small: of what libtconn uses it wants the hashes alone.
daemon_libs_confine	= $(shell pkg-config --libs libcrypto)
# What a program links besides libtconn: archives, then packages.
daemon_archives_tconnd	:= $(BUILD)/libtconn-render.a
daemon_archives_serviced := $(BUILD)/libtconn-render.a
daemon_archives_ctl	:= $(BUILD)/tui/png_file.o $(BUILD)/libtconn-render.a
daemon_pkgs_confine	:= libseccomp libcap-ng
daemon_pkgs_serviced	:= libpq libmicrohttpd gnutls libcurl

daemon_objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard daemon/$(1)/*.c))

TCONN_LIB_OBJECTS := $(call daemon_objects,lib)

$(TCONN_LIB): $(TCONN_LIB_OBJECTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/daemon/%.o: daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -MMD -MP -c -o $@ $<

define daemon_rule
PROGRAMS += $(BIN)/$(daemon_program_$(1))
$(BIN)/$(daemon_program_$(1)): $(call daemon_objects,$(1)) $(TCONN_LIB) $(daemon_archives_$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(TCONN_CFLAGS) $$(TCONN_LDFLAGS) -o $$@ $$^ $$(or $$(daemon_libs_$(1)),$$(TCONN_LIB_LIBS)) \
		$$(if $(daemon_pkgs_$(1)),$$(shell pkg-config --libs $(daemon_pkgs_$(1)))) \
		$$(if $(filter $(BUILD)/libtconn-render.a,$(daemon_archives_$(1))),$$(RENDER_LIBS))
-include $(patsubst %.o,%.d,$(call daemon_objects,$(1)))
endef

DAEMON_FOLDERS := $(foreach d,tconnd serviced ca ctl confine labeld swarm,$(if $(wildcard daemon/$(d)/*.c),$(d)))
$(foreach d,$(DAEMON_FOLDERS),$(eval $(call daemon_rule,$(d))))

# tconn-notice is in an initramfs that has no libraries: static, with the renderer's fonts.
NOTICE_OBJECTS	:= $(call daemon_objects,notice)
PROGRAMS	+= $(BIN)/tconn-notice

$(NOTICE_OBJECTS): $(BUILD)/daemon/notice/%.o: daemon/notice/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TUI_CFLAGS) -MMD -MP -c -o $@ $<

$(BIN)/tconn-notice: $(NOTICE_OBJECTS) $(BUILD)/tui/card.o $(BUILD)/libtconn-render.a
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -static-pie -Wl,-z,noexecstack -o $@ $^ \
		$(shell pkg-config --static --libs libdrm freetype2 fribidi)
-include $(NOTICE_OBJECTS:.o=.d)

# libtconn-label: the part of libtconn that others may use. What label.h and
# label_client.h declare is global, all else is its own.
LABEL_NOUNS	:= boot_policy cbor_util certificate_status chain cose digest error file identity label label_batch \
		   label_client label_clock label_entry label_header label_open label_time label_track \
		   label_verify label_wire merkle pcr tpm tpm_blob tpm_counter tpm_ek tpm_keys tpm_signature \
		   tpm_template tpm_use tpm_verify
LABEL_PKGS	:= tss2-esys tss2-mu tss2-tctildr tss2-rc libcbor libcrypto
LABEL_OBJECTS	:= $(LABEL_NOUNS:%=$(BUILD)/label/%.o)
LABEL_SHARED	:= $(BIN)/libtconn-label.so.0
LABEL_STATIC	:= $(BIN)/libtconn-label.a
LABEL_HEADERS	:= $(addprefix daemon/lib/,label.h label_client.h bytes.h error.h)

$(BUILD)/label/%.o: daemon/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -fPIC -MMD -MP -c -o $@ $<

$(BUILD)/label/exports: daemon/lib/label.h daemon/lib/label_client.h
	@mkdir -p $(@D)
	sed -n 's/.*\(tconn_label_[a-z_]*\)(.*/\1/p' $^ | sort -u >$@
	echo tconn_bytes_free >>$@

$(BUILD)/label/map: $(BUILD)/label/exports
	(echo '{ global:'; sed 's/$$/;/' $<; echo 'local: *; };') >$@

$(LABEL_SHARED): $(LABEL_OBJECTS) $(BUILD)/label/map
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -shared -Wl,-soname,$(@F) -Wl,-z,defs \
		-Wl,--version-script=$(BUILD)/label/map -o $@ $(LABEL_OBJECTS) $$(pkg-config --libs $(LABEL_PKGS)) \
		-pthread

$(LABEL_STATIC): $(LABEL_OBJECTS) $(BUILD)/label/exports
	@mkdir -p $(@D)
	@rm -f $@
	ld -r -o $(BUILD)/label/all.o $(LABEL_OBJECTS)
	objcopy --keep-global-symbols=$(BUILD)/label/exports $(BUILD)/label/all.o
	$(AR) rcs $@ $(BUILD)/label/all.o

# What a linker looks for; the name of the version that is installed.
$(BIN)/libtconn-label.so:
	@mkdir -p $(@D)
	echo 'INPUT(-l:libtconn-label.so.0)' >$@

programs: $(LABEL_SHARED) $(LABEL_STATIC) $(BIN)/libtconn-label.so

-include $(TCONN_LIB_OBJECTS:.o=.d) $(LABEL_OBJECTS:.o=.d)
