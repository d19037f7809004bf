# SPDX-License-Identifier: Apache-2.0
# Fuzzers: fuzz_NAME.c with an LLVMFuzzerTestOneInput, and a small committed
# corpus in corpus/NAME/. To add one, add its name below with what it needs:
#	fuzz_NAME_sources	C and assembler files it is built with, so that they
#				are instrumented too
#	fuzz_NAME_includes	C files that it includes, to reach what is static there
#	fuzz_NAME_pkgs		pkg-config packages
#	fuzz_NAME_flags		further compiler flags
#	fuzz_NAME_run		flags of a search, say -max_len
#
#	make fuzzers			builds all of them
#	make fuzz-smoke			replays each corpus, then FUZZ_SECONDS of search each
#	make fuzz-NAME			searches until interrupted; finds stay in out/fuzz/NAME
#	out/build/fuzz/fuzz_NAME FILE	replays one input, say a crash

FUZZ_NAMES	:= statement tui_request question message evidence refvals boot_log ima_log tconn_log receipt ear secure_boot audit

fuzz_render	:= $(RENDER_NOUNS:%=tui/%.c) tui/font-data.S

fuzz_statement_sources		:= $(fuzz_render)
fuzz_statement_pkgs		:= freetype2 fribidi
fuzz_statement_run		:= -max_len=6200
fuzz_tui_request_sources	:= tui/request.c tui/dialog.c $(fuzz_render)
fuzz_tui_request_pkgs		:= freetype2 fribidi
fuzz_tui_request_run		:= -max_len=512

fuzz_lib = $(patsubst %,daemon/lib/%.c,error digest $(1))

fuzz_question_sources	:= daemon/serviced/question.c $(call fuzz_lib,jsonline words) $(fuzz_render)
fuzz_question_pkgs	:= json-c libcrypto freetype2 fribidi
fuzz_message_sources	:= $(call fuzz_lib,message cbor_util)
fuzz_message_pkgs	:= libcbor libcrypto
fuzz_evidence_sources	:= $(call fuzz_lib,evidence cbor_util system)
fuzz_evidence_pkgs	:= libcbor libcrypto
fuzz_refvals_sources	:= $(call fuzz_lib,refvals system ima_policy ima_signature appraise_part)
fuzz_refvals_pkgs	:= json-c libcrypto
fuzz_boot_log_sources	:= $(call fuzz_lib,log_boot pcr appraise_boot appraise_part refvals system ima_policy ima_signature)
fuzz_boot_log_pkgs	:= json-c libcrypto
fuzz_ima_log_sources	:= $(call fuzz_lib,log_ima log_tconn pcr appraise_ima appraise_part refvals system ima_policy ima_signature)
fuzz_ima_log_pkgs	:= json-c libcrypto
fuzz_tconn_log_sources	:= $(call fuzz_lib,log_tconn pcr appraise_tconn appraise_part refvals system ima_policy ima_signature)
fuzz_tconn_log_pkgs	:= json-c libcrypto
fuzz_secure_boot_sources	:= $(call fuzz_lib,secure_boot appraise_secure log_boot pcr appraise_boot appraise_part refvals system ima_policy ima_signature)
fuzz_secure_boot_pkgs	:= json-c libcrypto
fuzz_audit_sources	:= $(call fuzz_lib,audit base64 cbor_util identity)
fuzz_audit_pkgs		:= json-c libcbor libcrypto
fuzz_receipt_includes	:= daemon/lib/receipt.c
fuzz_receipt_sources	:= $(call fuzz_lib,boot_policy cbor_util cose half identity pcr tpm tpm_blob tpm_ek tpm_keys \
			   tpm_signature tpm_template tpm_use tpm_verify)
fuzz_receipt_pkgs	:= tss2-esys tss2-mu tss2-tctildr tss2-rc libcbor libcrypto
fuzz_ear_includes	:= daemon/lib/ear.c
fuzz_ear_sources	:= $(fuzz_receipt_sources)
fuzz_ear_pkgs		:= $(fuzz_receipt_pkgs)

FUZZ_NAMES		+= boot_policy
fuzz_boot_policy_sources := $(call fuzz_lib,boot_policy identity pcr tpm_blob tpm_ek tpm_signature tpm_template tpm_verify)
fuzz_boot_policy_pkgs	:= tss2-mu libcrypto
fuzz_boot_policy_run	:= -max_len=4200

FUZZ_NAMES		+= http_route http_token
fuzz_http_route_sources	:= daemon/serviced/route.c $(call fuzz_lib,jsonline)
fuzz_http_route_pkgs	:= json-c libcrypto
fuzz_http_route_run	:= -max_len=4096
fuzz_http_token_sources	:= daemon/serviced/token.c $(call fuzz_lib,file cbor_util)
fuzz_http_token_pkgs	:= libcbor libcrypto
fuzz_http_token_run	:= -max_len=4096

FUZZ_NAMES		+= request_proof
fuzz_request_proof_sources := $(call fuzz_lib,request_proof identity)
fuzz_request_proof_pkgs	:= libcrypto
fuzz_request_proof_run	:= -max_len=4096

FUZZ_NAMES		+= sealed_pin
fuzz_sealed_pin_includes := daemon/lib/sealed_pin.c
fuzz_sealed_pin_sources	:= $(call fuzz_lib,hpke)
fuzz_sealed_pin_pkgs	:= libcrypto
fuzz_sealed_pin_run	:= -max_len=128

FUZZ_NAMES		+= pin_session
fuzz_pin_session_sources := $(call fuzz_lib,pin_session tpm_secret)
fuzz_pin_session_pkgs	:= libcrypto
fuzz_pin_session_run	:= -max_len=2304

FUZZ_NAMES		+= tui_reply
fuzz_tui_reply_includes	:= daemon/tconnd/ask.c
fuzz_tui_reply_sources	:= $(call fuzz_lib,message cbor_util) $(fuzz_render)
fuzz_tui_reply_pkgs	:= libcbor libcrypto freetype2 fribidi
fuzz_tui_reply_run	:= -max_len=1100

FUZZ_NAMES		+= boot_seal
fuzz_boot_seal_sources	:= $(sort $(call fuzz_lib,boot_seal) $(fuzz_receipt_sources))
fuzz_boot_seal_pkgs	:= $(fuzz_receipt_pkgs)
fuzz_boot_seal_run	:= -max_len=1100

FUZZ_NAMES		+= label label_proof label_wire label_policy
fuzz_label_nouns	:= boot_policy cbor_util certificate_status chain cose file identity label \
			   label_batch label_clock label_entry label_header label_time label_track \
			   label_verify merkle pcr tpm tpm_blob tpm_counter tpm_ek tpm_keys tpm_signature \
			   tpm_template tpm_use tpm_verify
fuzz_label_sources	:= $(call fuzz_lib,$(fuzz_label_nouns))
fuzz_label_pkgs		:= $(fuzz_receipt_pkgs)
fuzz_label_run		:= -max_len=4096
fuzz_label_proof_includes := daemon/lib/label_track.c
fuzz_label_proof_sources := $(call fuzz_lib,$(filter-out label_track,$(fuzz_label_nouns)))
fuzz_label_proof_pkgs	:= $(fuzz_receipt_pkgs)
fuzz_label_wire_sources	:= $(call fuzz_lib,cbor_util label_wire)
fuzz_label_wire_pkgs	:= libcbor libcrypto
fuzz_label_policy_sources := $(call fuzz_lib,label_policy policy_json file cbor_util)
fuzz_label_policy_pkgs	:= json-c libcbor libcrypto

FUZZ_NAMES		+= seal item_policy
fuzz_seal_sources	:= $(call fuzz_lib,boot_policy seal chain label_time cbor_util cose identity pcr tpm tpm_blob \
			   tpm_ek tpm_keys tpm_signature tpm_template tpm_use tpm_verify)
fuzz_seal_pkgs		:= $(fuzz_receipt_pkgs)
fuzz_seal_run		:= -max_len=4096
fuzz_item_policy_sources := $(call fuzz_lib,intake_policy policy_json file cbor_util)
fuzz_item_policy_pkgs	:= json-c libcbor libcrypto

FUZZ_NAMES		+= credential
fuzz_credential_sources	:= $(call fuzz_lib,tpm_blob tpm_credential tpm_ek tpm_secret tpm_signature tpm_template tpm_verify)
fuzz_credential_pkgs	:= tss2-mu libcrypto
fuzz_credential_run	:= -max_len=300

FUZZ_SECONDS	?= 5
FUZZ_CC		?= clang
FUZZ_CFLAGS	:= -std=gnu11 -Wall -Wextra -Werror -D_GNU_SOURCE -I. -O1 -g \
		   -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
		   -fno-sanitize-recover=undefined -fno-sanitize=function
FUZZ_DIR	:= $(BUILD)/fuzz
FUZZERS		+= $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%)

# A fuzzer is compiled from its sources in one go: no objects to mix up with
# those that are not instrumented.
define fuzz_rule
$(FUZZ_DIR)/fuzz_$(1): selftests/fuzz/fuzz_$(1).c $(fuzz_$(1)_sources) $(fuzz_$(1)_includes) \
		       $(wildcard $(addsuffix *.h,$(sort $(dir $(fuzz_$(1)_sources))))) \
		       kmod/uapi/tconn.h
	@mkdir -p $$(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) -DFONT_REGULAR='"$(FONT_REGULAR)"' -DFONT_BOLD='"$(FONT_BOLD)"' \
		$$(shell pkg-config --cflags $(fuzz_$(1)_pkgs)) $(fuzz_$(1)_flags) \
		-o $$@ selftests/fuzz/fuzz_$(1).c $(fuzz_$(1)_sources) \
		$$(shell pkg-config --libs $(fuzz_$(1)_pkgs))

.PHONY: fuzz-$(1) fuzz-smoke-$(1)
fuzz-$(1): $(FUZZ_DIR)/fuzz_$(1)
	@mkdir -p $(OUT)/fuzz/$(1)
	$$< $(fuzz_$(1)_run) -artifact_prefix=$(OUT)/fuzz/ $(OUT)/fuzz/$(1) selftests/fuzz/corpus/$(1)

# What the search finds goes to a folder of its own; a crash fails the rule.
fuzz-smoke-$(1): $(FUZZ_DIR)/fuzz_$(1)
	@mkdir -p $(OUT)/fuzz/$(1)
	$$< -runs=0 selftests/fuzz/corpus/$(1)
	$$< $(fuzz_$(1)_run) -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
		-artifact_prefix=$(OUT)/fuzz/ $(OUT)/fuzz/$(1) selftests/fuzz/corpus/$(1)

fuzz-smoke: fuzz-smoke-$(1)
endef

.PHONY: fuzzers fuzz-smoke
fuzzers: $(FUZZERS)
$(foreach name,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(name))))
