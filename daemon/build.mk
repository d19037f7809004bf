# SPDX-License-Identifier: Apache-2.0
# The shared library libtconn.a is every daemon/lib/*.c; each program is every
# .c file of its folder. A folder without sources makes no program.

TCONN_LIB	:= $(BUILD)/libtconn.a
TCONN_LIB_PKGS	:= tss2-esys tss2-mu tss2-tctildr tss2-rc libssl libcrypto libcbor json-c sqlite3
# Asked when a recipe runs, not when make reads this: set-up may install them first.
TCONN_LIB_CFLAGS = $(shell pkg-config --cflags $(TCONN_LIB_PKGS)) -pthread
TCONN_LIB_LIBS	 = $(shell pkg-config --libs $(TCONN_LIB_PKGS)) -pthread

# Folder below daemon/ -> program.
daemon_program_tconnd	:= tconnd
daemon_program_serviced	:= tconn-serviced
daemon_program_ca	:= tconn-ca
daemon_program_ctl	:= tconnctl
daemon_program_confine	:= tconn-confine
daemon_program_labeld	:= tconn-labeld
# The launcher is small: of what libtconn uses it wants the hashes alone.
daemon_libs_confine	= $(shell pkg-config --libs libcrypto)
# What a program links besides libtconn: archives, then packages.
daemon_archives_tconnd	:= $(BUILD)/libtconn-render.a
daemon_archives_serviced := $(BUILD)/libtconn-render.a
daemon_pkgs_tconnd	:= libcap-ng
daemon_pkgs_confine	:= libseccomp libcap-ng

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

DAEMON_FOLDERS := $(foreach d,tconnd serviced ca ctl confine labeld,$(if $(wildcard daemon/$(d)/*.c),$(d)))
$(foreach d,$(DAEMON_FOLDERS),$(eval $(call daemon_rule,$(d))))

-include $(TCONN_LIB_OBJECTS:.o=.d)
