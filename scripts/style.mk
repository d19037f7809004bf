# SPDX-License-Identifier: Apache-2.0
# Checks that read sources and run nothing of them.

.PHONY: style style-checkpatch style-sparse style-cppcheck style-licences
style: style-licences style-checkpatch style-sparse style-cppcheck

CHECKPATCH := perl $(CACHE)/checkpatch/checkpatch.pl --no-tree --terse --strict --show-types \
	--max-line-length=100 --typedefsfile=/dev/null

style-checkpatch:
	$(CHECKPATCH) --ignore SPDX_LICENSE_TAG,FILE_PATH_CHANGES --file \
		$(wildcard kmod/*.c kmod/*.h kmod/uapi/*.h)

# C=2: also what is already compiled. The module's objects are made again here.
style-sparse:
	$(MAKE) -C /lib/modules/$(KERNEL_RELEASE)/build M=$(CURDIR) C=2 CF='-Wsparse-error' modules

style-cppcheck:
	cppcheck --quiet --std=c11 --language=c --enable=warning,portability,performance \
		--inline-suppr --error-exitcode=1 --suppress=missingIncludeSystem \
		-D__GNUC__ -I. daemon tui

style-licences:
	@scripts/check-licences
