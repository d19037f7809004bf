# SPDX-License-Identifier: Apache-2.0
# One list says what is installed and where; uninstall takes the same list away.

PREFIX	?= /usr
MAN_PAGES = $(wildcard daemon/man/*.[1-8] tui/*.[1-8] tui/man/*.[1-8])

# What an administrator starts is in sbin, what anybody may start in bin.
program_folder = $(if $(filter tconnctl,$(notdir $(1))),bin,sbin)

# Where Debian's linker and pkg-config look.
LIBDIR = $(PREFIX)/lib/$(shell $(CC) -dumpmachine)

# FILE:PLACE:MODE
INSTALL_FILES = \
	$(foreach p,$(PROGRAMS),$(p):$(PREFIX)/$(call program_folder,$(p))/$(notdir $(p)):755) \
	$(foreach m,$(MAN_PAGES),$(m):$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)):644) \
	$(foreach u,$(wildcard policy/systemd/*.service),$(u):$(PREFIX)/lib/systemd/system/$(notdir $(u)):644) \
	policy/udev/70-tconn.rules:$(PREFIX)/lib/udev/rules.d/70-tconn.rules:644 \
	policy/boot-line:$(PREFIX)/share/tconn/boot-line:644 \
	policy/ree.policy:$(PREFIX)/share/tconn/ree.policy:755 \
	policy/ima-policy:$(PREFIX)/share/tconn/ima-policy:644 \
	policy/sysctl/60-tconn.conf:$(PREFIX)/share/tconn/60-tconn.conf:644 \
	scripts/mkpolicy.py:$(PREFIX)/share/tconn/mkpolicy.py:755 \
	$(LABEL_SHARED):$(LIBDIR)/libtconn-label.so.0:755 \
	$(BIN)/libtconn-label.so:$(LIBDIR)/libtconn-label.so:644 \
	$(LABEL_STATIC):$(LIBDIR)/libtconn-label.a:644 \
	daemon/tconn-label.pc:$(LIBDIR)/pkgconfig/tconn-label.pc:644 \
	$(foreach h,$(LABEL_HEADERS),$(h):$(PREFIX)/include/tconn/$(notdir $(h)):644) \
	scripts/signpolicy.py:$(PREFIX)/share/tconn/signpolicy.py:755 \
	kmod/uapi/tconn.h:$(PREFIX)/include/linux/tconn.h:644 \
	$(foreach m,$(MODULES),$(m):/lib/modules/$(KERNEL_RELEASE)/updates/$(notdir $(m)):644)

.PHONY: install
install: all
	@scripts/install.sh install '$(DESTDIR)' $(INSTALL_FILES)

.PHONY: uninstall
uninstall:
	@scripts/install.sh uninstall '$(DESTDIR)' $(INSTALL_FILES)
