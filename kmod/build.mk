# SPDX-License-Identifier: Apache-2.0
# tconn.ko for the kernel that set-up fetched, built in a mirror of the sources so
# that kbuild leaves nothing among them. (`make -C KERNEL M=$PWD modules` works too.)

KMOD_DIR = $(BUILD)/kmod/$(KERNEL_RELEASE)
# Debian's headers, or what scripts/debug-kernel built.
KERNEL_BUILD = $(or $(wildcard $(CURDIR)/$(CACHE)/kernel/$(KERNEL_RELEASE)/build),/lib/modules/$(KERNEL_RELEASE)/build)
KMOD_SOURCES := Kbuild $(wildcard kmod/*.c kmod/*.h kmod/uapi/*.h)

ifneq ($(KERNEL_RELEASE),)
MODULES += $(KMOD_DIR)/tconn.ko

$(KMOD_DIR)/tconn.ko: $(KMOD_SOURCES)
	@mkdir -p $(KMOD_DIR)/kmod/uapi
	@for source in $(KMOD_SOURCES); do \
		ln -sf $(CURDIR)/$$source $(KMOD_DIR)/$$source || exit 1; done
	$(MAKE) -C $(KERNEL_BUILD) M=$(CURDIR)/$(KMOD_DIR) modules
endif

# What `make style` or a build with M=$PWD leaves.
clean-modules: clean-kmod
.PHONY: clean-kmod
clean-kmod:
	rm -f kmod/*.o kmod/.*.cmd .*.cmd tconn.ko tconn.o tconn.mod tconn.mod.* tconn.mod.c \
		.module-common.o modules.order Module.symvers
