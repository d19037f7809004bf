# SPDX-License-Identifier: Apache-2.0
# Checks that read sources and run nothing of them.

.PHONY: style style-checkpatch style-sparse style-cppcheck style-licences
style: style-licences style-checkpatch style-sparse style-cppcheck

CHECKPATCH := perl $(CACHE)/checkpatch/checkpatch.pl --no-tree --terse --strict --show-types \
	--max-line-length=100

# What suits patches to the kernel only: a module outside it asks for versions,
# a UAPI header has no BIT(), -ENOSYS is what evdev answers, and one macro of
# compat.h makes functions.
CHECKPATCH_IGNORE := FILE_PATH_CHANGES,LINUX_VERSION_CODE,CONSTANT_COMPARISON,BIT_MACRO,ENOSYS,MACRO_WITH_FLOW_CONTROL

# With --strict it keeps a list of names it has seen, which nobody needs.
style-checkpatch:
	$(CHECKPATCH) --ignore $(CHECKPATCH_IGNORE) --file \
		$(wildcard kmod/*.c kmod/*.h kmod/uapi/*.h)
	@rm -f .checkpatch-camelcase.*

# C=2: also what is already compiled.
style-sparse: modules
	$(MAKE) -C $(KERNEL_BUILD) M=$(CURDIR)/$(KMOD_DIR) C=2 \
		CF='-Wsparse-error' modules

# This cppcheck takes what a function or an initializer fills for uninitialized;
# that is left to the compilers.
CPPCHECK := cppcheck --quiet --std=c11 --language=c --enable=warning,portability,performance \
	--inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
	--suppress=uninitvar --suppress=legacyUninitvar --suppress=ctuuninitvar \
	--suppress=uninitStructMember -D__GNUC__ -I.
# The kernel's loops, which it does not know from headers that it does not read.
CPPCHECK_LOOPS := for_each_set_bit(a,b,c) list_for_each_entry(a,b,c) for_each_thread(a,b) \
	for_each_vma(a,b) drm_for_each_crtc(a,b) drm_for_each_plane(a,b) \
	drm_for_each_connector_iter(a,b) drm_client_for_each_modeset(a,b)
style-cppcheck:
	$(CPPCHECK) daemon tui
	$(CPPCHECK) $(foreach loop,$(CPPCHECK_LOOPS),'-D$(loop)=for (;;)') kmod

style-licences:
	@scripts/check-licences
