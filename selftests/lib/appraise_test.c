// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/lib/appraise*.c: evidence of a real (software) TPM. Each refusal names
 * the check that must fail first, and words that a person needs in its reason.
 */
#include <errno.h>
#include <json-c/linkhash.h>
#include <kselftest_harness.h>

#include "daemon/lib/refvals.h"
#include "daemon/lib/tpm_blob.h"
#include "world.h"

static struct swtpm_maker maker;
static struct world_issuer issuer, other_issuer;
static struct world_identity device, other_device, stranger;

FIXTURE(verdict) {
	struct world *w;
};

FIXTURE_SETUP(verdict)
{
	static struct world world;

	self->w = &world;
	ASSERT_EQ(0, world_begin(&world, &device, &issuer)) TH_LOG("%s", world.err.text);
}

FIXTURE_TEARDOWN(verdict)
{
	world_end(self->w);
}

#define SEAL() ASSERT_EQ(0, world_seal(self->w)) TH_LOG("%s", self->w->err.text)
#define EXPECT_REFUSED(name, reason) do { \
	EXPECT_EQ(-EKEYREJECTED, world_appraise(self->w)); \
	EXPECT_TRUE(world_first_failure(&self->w->verdict, name, reason)); \
} while (0)
/* It passed, and not without saying so. */
#define EXPECT_WARNED(name, what) do { \
	const struct tconn_check *c = world_check(&self->w->verdict, name); \
	EXPECT_TRUE(c && c->pass && c->warning && strstr(c->reason, what)) \
		TH_LOG("%s", c ? c->reason : name); \
} while (0)

static size_t failures(const struct tconn_verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->count; i++)
		n += !v->check[i].pass;
	return n;
}

TEST_F(verdict, a_device_in_order_is_trusted)
{
	static const char *const names[] = {
		"ak-certificate", "ak-key", "quote-signature", "quote-fresh", "quote-pcrs",
		"key-policy", "boot-log", "boot-reference", "secure-boot", "ima-log", "ima-reference",
		"tconn-log", "tconn-reference", "system",
	};
	const struct tconn_verdict *v = &self->w->verdict;

	SEAL();
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_TRUE(v->trusted);
	ASSERT_EQ(14, v->count);
	for (size_t i = 0; i < v->count; i++) {
		EXPECT_STREQ(names[i], v->check[i].name);
		EXPECT_TRUE(v->check[i].pass) TH_LOG("%s: %s", names[i], v->check[i].reason);
		EXPECT_LT(0, strlen(v->check[i].reason));
	}
}

TEST_F(verdict, evidence_is_the_same_after_the_wire)
{
	struct tconn_evidence got = { 0 };
	struct tconn_bytes wire = { 0 };

	SEAL();
	ASSERT_EQ(0, tconn_evidence_encode(&self->w->evidence, &wire, &self->w->err));
	ASSERT_EQ(0, tconn_evidence_decode(wire.data, wire.len, &got, &self->w->err))
		TH_LOG("%s", self->w->err.text);
	tconn_evidence_free(&self->w->evidence);
	self->w->evidence = got;
	EXPECT_EQ(0, world_appraise(self->w));
	tconn_bytes_free(&wire);
}

TEST_F(verdict, logs_may_be_longer_than_the_quote)
{
	SEAL();
	log_ima_add(&self->w->ima, "ima-ng", "/not/on/the/list", "x", 1);
	world_app_event(self->w, "/usr/bin/mallory", "mallory", false);
	world_show_logs(self->w);
	EXPECT_EQ(0, world_appraise(self->w));
}

TEST_F(verdict, stale_nonce)
{
	SEAL();
	self->w->binding.nonce[0] ^= 1;
	EXPECT_REFUSED("quote-fresh", "another nonce");
	EXPECT_EQ(1, failures(&self->w->verdict));
}

TEST_F(verdict, relay_from_another_tls_session)
{
	SEAL();
	self->w->binding.exporter[0] ^= 1;
	EXPECT_REFUSED("quote-fresh", "TLS session");
	self->w->binding.exporter[0] ^= 1;
	self->w->binding.peer_leaf[0] ^= 1;
	EXPECT_REFUSED("quote-fresh", "peer");
	self->w->binding.peer_leaf[0] ^= 1;
	self->w->binding.own_leaf[0] ^= 1;
	EXPECT_REFUSED("quote-fresh", "peer");
	self->w->binding.own_leaf[0] ^= 1;
	self->w->binding.role = TCONN_ROLE_SERVICE;
	EXPECT_REFUSED("quote-fresh", "comes from elsewhere");
}

TEST_F(verdict, evidence_of_another_device)
{
	SEAL();
	self->w->who = &other_device;
	EXPECT_REFUSED("ak-certificate", "but the TLS certificate is of");
	EXPECT_EQ(14, failures(&self->w->verdict));
	EXPECT_STREQ("not checked: ak-certificate failed",
		     world_check(&self->w->verdict, "ak-key")->reason);
	self->w->who = &device;
}

TEST_F(verdict, ak_certificate_of_another_issuer)
{
	SEAL();
	tconn_bytes_free(&self->w->evidence.ak_cert);
	self->w->evidence.ak_cert.data = malloc(stranger.ak_cert.len);
	self->w->evidence.ak_cert.len = stranger.ak_cert.len;
	memcpy(self->w->evidence.ak_cert.data, stranger.ak_cert.data, stranger.ak_cert.len);
	EXPECT_REFUSED("ak-certificate", "");
	EXPECT_LT(20, strlen(world_check(&self->w->verdict, "ak-certificate")->reason));
}

TEST_F(verdict, certificate_of_another_use)
{
	SEAL();
	tconn_bytes_free(&self->w->evidence.ak_cert);
	self->w->evidence.ak_cert.data = malloc(device.data_cert.len);
	self->w->evidence.ak_cert.len = device.data_cert.len;
	memcpy(self->w->evidence.ak_cert.data, device.data_cert.data, device.data_cert.len);
	EXPECT_REFUSED("ak-certificate", "");
}

TEST_F(verdict, key_that_is_not_the_certificates)
{
	struct tconn_tpm *other;

	SEAL();
	ASSERT_EQ(0, tconn_tpm_open(other_device.swtpm.tcti, &other, &self->w->err))
		TH_LOG("%s", self->w->err.text);
	ASSERT_EQ(0, tconn_tpm_key_public(other, TCONN_KEY_AK, &self->w->evidence.ak, &self->w->err));
	tconn_tpm_close(other);
	EXPECT_REFUSED("ak-key", "");
}

TEST_F(verdict, key_that_is_no_ak)
{
	SEAL();
	ASSERT_EQ(0, tconn_tpm_key_public(self->w->tpm, TCONN_KEY_TLS, &self->w->evidence.ak,
					  &self->w->err));
	EXPECT_REFUSED("ak-key", "restricted");
}

TEST_F(verdict, signature_altered)
{
	struct tconn_blob *sig = &self->w->evidence.quote.signature;

	SEAL();
	sig->data[sig->len - 1] ^= 1;
	EXPECT_REFUSED("quote-signature", "");
	EXPECT_LT(0, strlen(world_check(&self->w->verdict, "quote-signature")->reason));
	EXPECT_STREQ("not checked: quote-pcrs failed",
		     world_check(&self->w->verdict, "ima-log")->reason);
}

TEST_F(verdict, quote_altered)
{
	struct tconn_blob *attest = &self->w->evidence.quote.attest;

	SEAL();
	attest->data[attest->len - 1] ^= 1;	/* the last byte of pcrDigest */
	EXPECT_REFUSED("quote-signature", "");
}

TEST_F(verdict, pcr_value_altered)
{
	SEAL();
	self->w->evidence.quote.pcrs.digest[7][0] ^= 1;
	EXPECT_REFUSED("quote-pcrs", "not those that were quoted");
}

TEST_F(verdict, pcr_value_left_out)
{
	SEAL();
	self->w->evidence.quote.pcrs.mask &= ~(1u << 10);
	EXPECT_REFUSED("quote-pcrs", "mask");
}

TEST_F(verdict, quote_of_fewer_pcrs)
{
	uint8_t qualifying[32];

	SEAL();
	tconn_qualifying(&self->w->binding, NULL, qualifying);
	ASSERT_EQ(0, tconn_tpm_quote(self->w->tpm, TCONN_PCR_MASK & ~(1u << 10), qualifying,
				     &self->w->evidence.quote, &self->w->err));
	EXPECT_REFUSED("quote-pcrs", "covers PCR mask 0x7bff");
}

TEST_F(verdict, boot_event_removed_added_reordered_changed)
{
	struct world *w = self->w;
	struct log kept;

	SEAL();
	kept = w->boot;
	log_remove(&w->boot, 2);
	world_show_logs(w);
	EXPECT_REFUSED("boot-log", "PCR 4 is ");
	w->boot = kept;
	log_boot_add(&w->boot, 7, EV_SEPARATOR, "x", 1);
	world_show_logs(w);
	EXPECT_REFUSED("boot-log", "PCR 7 is ");
	w->boot = kept;
	log_swap(&w->boot, 3, 4);
	world_show_logs(w);
	EXPECT_REFUSED("boot-log", "PCR 9 is ");
	w->boot = kept;
	w->boot.entry[2].bytes[12 + 22 + 2] ^= 1;	/* its sha256 */
	world_show_logs(w);
	EXPECT_REFUSED("boot-log", "PCR 4 is ");
	w->boot.count = 0;
	world_show_logs(w);
	EXPECT_REFUSED("boot-log", "PCR 0 is ");
	EXPECT_STREQ("not checked: boot-log failed",
		     world_check(&w->verdict, "boot-reference")->reason);
}

TEST_F(verdict, other_pcrs_count_where_the_firmware_log_has_them)
{
	struct world *w = self->w;

	log_boot_add(&w->boot, 11, EV_IPL, "unified kernel section", 22);
	SEAL();
	EXPECT_EQ(0, world_appraise(w));
	log_remove(&w->boot, w->boot.count - 1);
	world_show_logs(w);
	EXPECT_EQ(0, world_appraise(w));
	log_boot_add(&w->boot, 11, EV_IPL, "another section", 15);
	world_show_logs(w);
	EXPECT_REFUSED("boot-log", "PCR 11 is ");
}

TEST_F(verdict, kernel_that_is_not_listed)
{
	log_boot_add(&self->w->boot, 4, EV_EFI_APPLICATION, "another kernel", 14);
	self->w->ima.count = 0;
	SEAL();
	EXPECT_REFUSED("boot-reference", "PCR 4, event 12: digest ");
}

#define EV_EFI_ACTION	0x80000007u

/* Types and data are not measured: a foreign kernel under another name, and the
 * listed digest extended by root afterwards, is a log that replays.
 */
TEST_F(verdict, foreign_kernel_called_something_else)
{
	static const uint32_t types[] = { EV_IPL, EV_EFI_ACTION, EV_SEPARATOR };
	static const char evil[] = "foreign kernel";

	for (size_t i = 0; i < 3; i++) {
		struct log_entry *e;

		world_end(self->w);
		ASSERT_EQ(0, world_begin(self->w, &device, &issuer));
		self->w->ima.count = 0;
		log_boot_add(&self->w->boot, 4, types[i], evil, sizeof(evil));
		e = &self->w->boot.entry[self->w->boot.count - 1];
		if (types[i] == EV_EFI_ACTION)
			memcpy(e->bytes + e->len - sizeof(evil), "harmless remark", sizeof(evil));
		SEAL();
		EXPECT_REFUSED("boot-reference", "PCR 4, event 12: digest ");
	}
}

TEST_F(verdict, firmware_may_remark_on_its_doings)
{
	struct log *boot = &self->w->boot;

	log_boot_add(boot, 4, EV_EFI_ACTION, "Calling EFI Application from Boot Option", 40);
	log_boot_add(boot, 4, EV_SEPARATOR, "\xff\xff\xff\xff", 4);
	log_boot_add(boot, 9, EV_NO_ACTION, "remark", 6);
	log_boot_add(boot, 1, EV_IPL, "in a PCR that is not closed", 27);
	self->w->ima.count = 0;
	SEAL();
	world_appraise(self->w);
	EXPECT_TRUE(world_check(&self->w->verdict, "boot-reference")->pass)
		TH_LOG("%s", world_check(&self->w->verdict, "boot-reference")->reason);
}

TEST_F(verdict, event_in_a_pcr_that_is_closed)
{
	log_boot_add(&self->w->boot, 2, EV_IPL, "option ROM", 10);
	self->w->ima.count = 0;
	SEAL();
	EXPECT_REFUSED("boot-reference", "PCR 2, event 12: digest ");
}

TEST_F(verdict, initrd_that_was_not_measured)
{
	SEAL();
	log_remove(&self->w->boot, 4);
	world_end(self->w);
	ASSERT_EQ(0, world_begin(self->w, &device, &issuer));
	log_remove(&self->w->boot, 4);
	SEAL();
	EXPECT_REFUSED("boot-reference", "PCR 9: initrd (");
}

TEST_F(verdict, no_reference_values)
{
	SEAL();
	tconn_refvals_free(self->w->refvals);
	self->w->refvals = NULL;
	EXPECT_REFUSED("key-policy", "no reference values");
	EXPECT_EQ(6, failures(&self->w->verdict));
	EXPECT_NE(NULL, strstr(world_check(&self->w->verdict, "ima-reference")->reason,
			       "no reference values"));
	EXPECT_NE(NULL, strstr(world_check(&self->w->verdict, "tconn-reference")->reason,
			       "no reference values"));
}

TEST_F(verdict, ima_entry_removed_added_reordered_changed)
{
	struct world *w = self->w;
	struct log kept;

	SEAL();
	kept = w->ima;
	log_remove(&w->ima, 1);
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "one is missing, added or changed");
	w->ima = kept;
	log_remove(&w->ima, w->ima.count - 1);
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "no prefix of the 7 entries");
	w->ima = kept;
	log_ima_add(&w->ima, "ima-ng", WORLD_TUI, "tui 1", 5);
	log_swap(&w->ima, 1, w->ima.count - 1);
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "no prefix");
	w->ima = kept;
	log_swap(&w->ima, 1, 2);
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "no prefix");
	w->ima = kept;
	w->ima.entry[1].bytes[60] ^= 1;		/* within the file's digest */
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "no prefix");
	w->ima.count = 0;
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "no prefix of the 0 entries");
}

TEST_F(verdict, ima_violation_cannot_be_hidden)
{
	struct world *w = self->w;

	SEAL();
	memset(w->ima.entry[1].bytes + 4, 0, 20);	/* claims that it was a violation */
	world_show_logs(w);
	EXPECT_REFUSED("ima-log", "no prefix");
}

TEST_F(verdict, ima_that_measured_nothing)
{
	struct world *w = self->w;

	w->ima.count = 0;
	SEAL();
	EXPECT_REFUSED("ima-log", "IMA measured nothing");
}

TEST_F(verdict, boot_aggregate_of_another_boot)
{
	struct world *w = self->w;
	uint8_t aggregate[32] = { 1 };
	struct log ima = { 0 };

	log_ima_add_digest(&ima, "ima-ng", "boot_aggregate", "sha256", aggregate, 32);
	w->ima.entry[0] = ima.entry[0];
	SEAL();
	EXPECT_REFUSED("ima-log", "no boot_aggregate of the quoted PCR 0-9");
}

/* Quotes anew over what the logs have grown by, and shows IMA's from where it is held. */
static int seal_more(struct world *w, size_t from, const struct tconn_held *held)
{
	struct log more = { .count = w->ima.count - from };

	memcpy(more.entry, w->ima.entry + from, more.count * sizeof(more.entry[0]));
	return log_extend(&more, w->tpm, &w->err) || world_quote(w) ||
	       tconn_evidence_cut(&w->evidence, held, &w->err);
}

TEST_F(verdict, log_sent_as_a_delta)
{
	struct world *w = self->w;
	struct tconn_ima_state state = { 0 }, kept;
	size_t before = w->ima.count, whole;

	SEAL();
	w->state = &state;
	ASSERT_EQ(0, world_appraise(w));
	ASSERT_EQ(w->evidence.ima_log.len, state.held.bytes);
	EXPECT_EQ(before, state.entries);
	log_ima_add(&w->ima, "ima-ng", WORLD_TUI, "tui 1", 5);
	ASSERT_EQ(0, seal_more(w, before, &state.held)) TH_LOG("%s", w->err.text);
	EXPECT_EQ(state.held.bytes, w->evidence.ima_base);
	EXPECT_EQ(w->ima.entry[before].len, w->evidence.ima_log.len);
	kept = state;
	EXPECT_EQ(0, world_appraise(w)) TH_LOG("%s", world_check(&w->verdict, "ima-log")->reason);
	EXPECT_NE(NULL, strstr(world_check(&w->verdict, "ima-log")->reason, "1 entries after the "));
	EXPECT_EQ(kept.entries + 1, state.entries);
	whole = state.held.bytes;
	/* Nothing new: no entry at all. */
	ASSERT_EQ(0, seal_more(w, w->ima.count, &state.held)) TH_LOG("%s", w->err.text);
	EXPECT_EQ(0, w->evidence.ima_log.len);
	EXPECT_EQ(0, world_appraise(w)) TH_LOG("%s", world_check(&w->verdict, "ima-log")->reason);
	EXPECT_EQ(whole, state.held.bytes);
}

TEST_F(verdict, delta_with_a_bad_entry_and_after_it)
{
	struct world *w = self->w;
	struct tconn_ima_state state = { 0 };
	size_t before = w->ima.count;

	SEAL();
	w->state = &state;
	ASSERT_EQ(0, world_appraise(w));
	log_ima_add(&w->ima, "ima-ng", "/usr/bin/mallory", "mallory", 7);
	ASSERT_EQ(0, seal_more(w, before, &state.held)) TH_LOG("%s", w->err.text);
	EXPECT_REFUSED("ima-reference", "/usr/bin/mallory is not on the list");
	/* What was held is forgotten, so the rest of the log alone is not enough. */
	EXPECT_EQ(0, state.held.bytes);
	EXPECT_REFUSED("ima-log", "what is before that is not held here");
	world_show_logs(w);
	EXPECT_REFUSED("ima-reference", "/usr/bin/mallory is not on the list");
}

TEST_F(verdict, delta_that_does_not_continue_what_is_held)
{
	struct world *w = self->w;
	struct tconn_ima_state state = { 0 }, good;
	size_t before = w->ima.count;

	SEAL();
	w->state = &state;
	ASSERT_EQ(0, world_appraise(w));
	good = state;
	log_ima_add(&w->ima, "ima-ng", WORLD_TUI, "tui 1", 5);
	ASSERT_EQ(0, seal_more(w, before, &state.held)) TH_LOG("%s", w->err.text);
	state.held.reset_count++;
	EXPECT_REFUSED("ima-log", "of another boot than what is held");
	state = good;
	state.pcr[0] ^= 1;
	EXPECT_REFUSED("ima-log", "one is missing, added or changed");
	state = good;
	state.aggregate[0] ^= 1;
	EXPECT_REFUSED("ima-log", "boot_aggregate is no longer");
	state = good;
	w->evidence.ima_base--;
	EXPECT_REFUSED("ima-log", "not held here");
	w->evidence.ima_base++;
	state = good;
	w->state = NULL;
	EXPECT_REFUSED("ima-log", "not held here");
	w->state = &state;
	EXPECT_EQ(0, world_appraise(w));
}

/* After a reboot the counts differ, and the device sends its log from the start. */
TEST_F(verdict, whole_log_after_a_reboot)
{
	struct world *w = self->w;
	struct tconn_ima_state state = { 0 };
	struct tconn_held before;

	SEAL();
	w->state = &state;
	ASSERT_EQ(0, world_appraise(w));
	before = state.held;
	world_end(w);
	ASSERT_EQ(0, world_begin(w, &device, &issuer)) TH_LOG("%s", w->err.text);
	w->state = &state;
	SEAL();
	ASSERT_EQ(0, tconn_evidence_cut(&w->evidence, &before, &w->err)) TH_LOG("%s", w->err.text);
	EXPECT_EQ(0, w->evidence.ima_base);
	EXPECT_EQ(0, world_appraise(w));
	EXPECT_NE(before.reset_count, state.held.reset_count);
}

TEST_F(verdict, module_events_across_deltas)
{
	struct world *w = self->w;
	struct tconn_ima_state state = { 0 };
	size_t before = w->ima.count, module = w->module.count;
	struct log more = { .count = 1 };

	SEAL();
	w->state = &state;
	ASSERT_EQ(0, world_appraise(w));
	EXPECT_EQ(module, state.module_events);
	world_app_event(w, WORLD_TUI, "tui 1", true);
	more.entry[0] = w->module.entry[module];
	ASSERT_EQ(0, log_extend(&more, w->tpm, &w->err));
	ASSERT_EQ(0, seal_more(w, before, &state.held)) TH_LOG("%s", w->err.text);
	EXPECT_EQ(0, world_appraise(w))
		TH_LOG("%s", world_check(&w->verdict, "ima-reference")->reason);
	EXPECT_EQ(module + 1, state.module_events);
	/* The same event again is not the module's. */
	before = w->ima.count;
	w->ima.entry[w->ima.count++] = w->ima.entry[before - 1];
	ASSERT_EQ(0, seal_more(w, before, &state.held)) TH_LOG("%s", w->err.text);
	EXPECT_REFUSED("ima-reference", "is not in the module's log");
}

TEST_F(verdict, keys_that_are_said_to_be_sealed_and_are_not)
{
	TPMT_PUBLIC public;

	SEAL();
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("key-policy", "in any boot state");
	/* The same key, so its certificate fits; and a quote is verified with the key alone. */
	ASSERT_EQ(0, tconn_blob_unpack_public(&self->w->evidence.ak, &public, &self->w->err));
	public.objectAttributes &= ~TPMA_OBJECT_USERWITHAUTH;
	public.authPolicy.size = 32;
	ASSERT_EQ(0, tconn_blob_pack_public(&public, &self->w->evidence.ak, &self->w->err));
	EXPECT_REFUSED("key-policy", "not that of the key that quoted");
}

TEST_F(verdict, file_that_is_not_listed)
{
	log_ima_add(&self->w->ima, "ima-ng", "/usr/bin/mallory", "mallory", 7);
	SEAL();
	EXPECT_REFUSED("ima-reference", "/usr/bin/mallory is not on the list: sha256 ");
	EXPECT_STREQ("not checked: ima-reference failed",
		     world_check(&self->w->verdict, "system")->reason);
	EXPECT_EQ(2, failures(&self->w->verdict));
}

/* The values' table of files that may come before the module. */
static struct lh_table *early(const char *files)
{
	struct tconn_refvals *r;
	struct lh_table *table;
	char json[1024];

	snprintf(json, sizeof(json), "{\"tconn-reference-values\":1,\"name\":\"x\",\"pcr_events\":[],\"ima\":{},"
		 "\"ima_before_module\":{%s},\"ima_required\":false,\"tconn\":{\"required\":false}}", files);
	if (tconn_refvals_parse(json, strlen(json), &r, NULL))
		return NULL;
	table = r->ima_before_module;
	r->ima_before_module = NULL;
	tconn_refvals_free(r);
	return table;
}

TEST_F(verdict, what_ran_before_the_modules_boot_record)
{
	char files[512];

	SEAL();
	snprintf(files, sizeof(files), "\"%s\":[\"%s\"],\"%s\":[\"%s\"]", WORLD_TCONND,
		 world_hex("tconnd 1"), WORLD_TUI, world_hex("tui 1"));
	self->w->refvals->ima_before_module = early(files);
	ASSERT_NE(NULL, self->w->refvals->ima_before_module);
	EXPECT_EQ(0, world_appraise(self->w))
		TH_LOG("%s", world_check(&self->w->verdict, "ima-reference")->reason);
	lh_table_free(self->w->refvals->ima_before_module);
	snprintf(files, sizeof(files), "\"%s\":[\"%s\"],\"%s\":[\"%s\"]", WORLD_TCONND,
		 world_hex("tconnd 1"), WORLD_TUI, world_hex("tui 0"));
	self->w->refvals->ima_before_module = early(files);
	EXPECT_REFUSED("ima-reference", WORLD_TUI " ran before the module's boot record");
}

/* Trusted where nobody demands more, and no such verdict looks like one of a machine that has it. */
TEST_F(verdict, ima_without_a_policy)
{
	struct tconn_ima_state state = { 0 };

	self->w->ima.count = 1;		/* boot_aggregate */
	SEAL();
	EXPECT_REFUSED("ima-reference", "it has no policy");
	self->w->refvals->ima_required = false;
	self->w->state = &state;
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("ima-reference", "nobody knows what ran");
	/* Nothing new since, and no better for that. */
	ASSERT_EQ(0, seal_more(self->w, 1, &state.held)) TH_LOG("%s", self->w->err.text);
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("ima-reference", "nobody knows what ran");
	self->w->refvals->ima_required = true;
	EXPECT_REFUSED("ima-reference", "it has no policy");
}

TEST_F(verdict, ima_policy_that_came_after_the_module)
{
	struct tconn_ima_state state = { 0 };
	size_t before;

	log_remove(&self->w->ima, 4);	/* the module's boot */
	before = self->w->ima.count;
	SEAL();
	self->w->state = &state;
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("ima-reference", "IMA did not measure the module's boot record");
	log_ima_add(&self->w->ima, "ima-ng", WORLD_TUI, "tui 1", 5);
	ASSERT_EQ(0, seal_more(self->w, before, &state.held)) TH_LOG("%s", self->w->err.text);
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("ima-reference", "those before passed with a reservation");
}

TEST_F(verdict, file_with_another_content)
{
	log_ima_add(&self->w->ima, "ima-ng", WORLD_TCONND, "tconnd 2", 8);
	log_ima_add(&self->w->ima, "ima-ng", "/usr/bin/mallory", "mallory", 7);
	SEAL();
	EXPECT_REFUSED("ima-reference", WORLD_TCONND " has another content than listed");
	EXPECT_REFUSED("ima-reference", ", and 1 more");
}

TEST_F(verdict, file_that_is_listed_without_any_content)
{
	log_ima_add(&self->w->ima, "ima-ng", "/never/run", "x", 1);
	SEAL();
	EXPECT_REFUSED("ima-reference", "/never/run has another content");
}

TEST_F(verdict, file_measured_with_sha1)
{
	uint8_t sha1[20] = { 1 };

	log_ima_add_digest(&self->w->ima, "ima-ng", WORLD_TCONND, "sha1", sha1, 20);
	SEAL();
	EXPECT_REFUSED("ima-reference", WORLD_TCONND " is measured with sha1");
}

TEST_F(verdict, violation)
{
	log_ima_violation(&self->w->ima, WORLD_TCONND);
	SEAL();
	EXPECT_REFUSED("ima-reference", WORLD_TCONND " was written to while it was measured");
}

TEST_F(verdict, buffer_that_is_not_listed)
{
	log_ima_add(&self->w->ima, "ima-buf", ".ima", "a key", 5);
	SEAL();
	EXPECT_REFUSED("ima-reference", ".ima is not on the list");
}

TEST_F(verdict, buffer_does_not_pass_as_a_file)
{
	log_ima_add(&self->w->ima, "ima-buf", WORLD_TCONND, "tconnd 1", 8);
	SEAL();
	EXPECT_REFUSED("ima-reference", WORLD_TCONND " is not on the list");
}

TEST_F(verdict, file_does_not_pass_as_a_module_event)
{
	log_ima_add(&self->w->ima, "ima-ng", "tconn-boot", &self->w->boot_event,
		    sizeof(self->w->boot_event));
	SEAL();
	EXPECT_REFUSED("ima-reference", "tconn-boot is not on the list");
}

TEST_F(verdict, module_event_that_only_ima_has)
{
	struct tconn_event_boot boot = self->w->boot_event;

	boot.boot_id[0]++;
	log_ima_add(&self->w->ima, "ima-buf", "tconn-boot", &boot, sizeof(boot));
	SEAL();
	EXPECT_REFUSED("ima-reference", "tconn-boot (");
	EXPECT_REFUSED("ima-reference", "is not in the module's log");
}

TEST_F(verdict, same_module_event_twice_in_ima)
{
	log_ima_add(&self->w->ima, "ima-buf", "tconn-boot", &self->w->boot_event,
		    sizeof(self->w->boot_event));
	SEAL();
	EXPECT_REFUSED("ima-reference", "is not in the module's log");
}

TEST_F(verdict, escape_sequences_in_paths_do_not_reach_the_terminal)
{
	const char *reason;

	log_ima_add(&self->w->ima, "ima-ng", "/tmp/\x1b[2Jx\xff", "x", 1);
	SEAL();
	EXPECT_REFUSED("ima-reference", "/tmp/?[2Jx? is not on the list");
	reason = world_check(&self->w->verdict, "ima-reference")->reason;
	EXPECT_EQ(NULL, strchr(reason, 0x1b));
}

TEST_F(verdict, module_event_removed_added_reordered_changed)
{
	struct world *w = self->w;
	struct log kept;

	SEAL();
	kept = w->module;
	log_remove(&w->module, 2);
	world_show_logs(w);
	EXPECT_REFUSED("ima-reference", "not in the module's log");
	EXPECT_NE(NULL, strstr(world_check(&w->verdict, "tconn-log")->reason, "no prefix of the 3"));
	EXPECT_FALSE(world_check(&w->verdict, "tconn-log")->pass);
	w->module = kept;
	log_remove(&w->module, 3);
	world_show_logs(w);
	world_appraise(w);
	EXPECT_FALSE(world_check(&w->verdict, "tconn-log")->pass);
	w->module = kept;
	w->module.entry[3] = kept.entry[2];
	w->module.entry[4] = kept.entry[3];
	w->module.count = 5;
	world_show_logs(w);
	EXPECT_REFUSED("tconn-log", "no prefix of the 5 events");
	w->module = kept;
	log_swap(&w->module, 1, 2);
	world_show_logs(w);
	world_appraise(w);
	EXPECT_FALSE(world_check(&w->verdict, "tconn-log")->pass);
	w->module = kept;
	w->module.entry[1].bytes[50] ^= 1;
	world_show_logs(w);
	world_appraise(w);
	EXPECT_NE(NULL, strstr(world_check(&w->verdict, "tconn-log")->reason,
			       "not the digest of its data"));
	w->module.count = 0;
	world_show_logs(w);
	world_appraise(w);
	EXPECT_NE(NULL, strstr(world_check(&w->verdict, "tconn-log")->reason, "is tconn.ko loaded?"));
}

TEST_F(verdict, second_boot_event)
{
	struct tconn_event_boot boot = self->w->boot_event;

	boot.boot_id[0]++;
	world_module_event(self->w, TCONN_EVENT_BOOT, &boot, sizeof(boot));
	SEAL();
	EXPECT_REFUSED("tconn-log", "event 4 is a second boot event");
}

/* Somebody was first, with a kernel key of their own: shown, it is one too many; hidden
 * behind the module's, or the module's behind it, it is missing.
 */
TEST_F(verdict, boot_event_played_before_the_modules)
{
	struct tconn_event_boot boot = self->w->boot_event;
	struct world *w = self->w;
	struct log kept;

	boot.kernel_key[0]++;
	log_tconn_add(&w->module, 13, TCONN_EVENT_BOOT, &boot, sizeof(boot));
	for (size_t i = w->module.count - 1; i > 0; i--)
		log_swap(&w->module, i, i - 1);
	SEAL();
	EXPECT_REFUSED("tconn-log", "event 1 is a second boot event");
	kept = w->module;
	for (size_t hidden = 0; hidden < 2; hidden++) {
		w->module = kept;
		log_remove(&w->module, hidden);
		world_show_logs(w);
		world_appraise(w);
		EXPECT_NE(NULL, strstr(world_check(&w->verdict, "tconn-log")->reason,
				       "no prefix of the 4 events"));
	}
}

TEST_F(verdict, log_that_does_not_begin_with_the_boot_event)
{
	struct world *w = self->w;

	log_remove(&w->module, 0);
	SEAL();
	world_appraise(w);
	EXPECT_NE(NULL, strstr(world_check(&w->verdict, "tconn-log")->reason,
			       "does not begin with its boot event"));
}

TEST_F(verdict, module_events_in_another_pcr)
{
	struct world *w = self->w;

	w->module.count = 0;
	log_tconn_add(&w->module, 14, TCONN_EVENT_BOOT, &w->boot_event, sizeof(w->boot_event));
	SEAL();
	world_appraise(w);
	EXPECT_NE(NULL, strstr(world_check(&w->verdict, "tconn-log")->reason,
			       "event 0 is for PCR 14, not 13"));
}

TEST_F(verdict, somebody_else_extended_the_modules_pcr)
{
	uint8_t digest[32] = { 9 };

	ASSERT_EQ(0, tconn_tpm_pcr_extend(self->w->tpm, 13, digest, &self->w->err));
	SEAL();
	EXPECT_REFUSED("tconn-log", "no prefix of the 4 events replays to the quoted PCR 13");
}

TEST_F(verdict, policy_that_is_not_listed)
{
	SEAL();
	ASSERT_EQ(0, world_refvals(self->w, NULL));
	EXPECT_EQ(0, world_appraise(self->w));
	world_end(self->w);
	ASSERT_EQ(0, world_begin(self->w, &device, &issuer));
	self->w->module.count = 1;
	self->w->ima.count = 5;
	world_module_event(self->w, TCONN_EVENT_POLICY,
			   &(struct tconn_event_policy){ .digest = { 0xab, 0xcd }, .len = 1,
							.flags = TCONN_POLICY_SIGNED },
			   sizeof(struct tconn_event_policy));
	SEAL();
	EXPECT_REFUSED("tconn-reference", "policy abcd00");
	EXPECT_REFUSED("tconn-reference", "is not on the list");
}

/* The module's part of the logs, from its boot event on. */
static void module_says(struct world *w, uint32_t boot_flags, uint32_t policy_flags)
{
	struct tconn_event_policy policy = { .len = 8, .flags = policy_flags };

	w->module.count = 0;
	w->ima.count = 4;
	w->boot_event.flags = boot_flags;
	log_sha256("policy 1", 8, policy.digest);
	world_module_event(w, TCONN_EVENT_BOOT, &w->boot_event, sizeof(w->boot_event));
	world_module_event(w, TCONN_EVENT_POLICY, &policy, sizeof(policy));
}

TEST_F(verdict, module_in_developer_mode)
{
	module_says(self->w, TCONN_BOOT_DEVELOPER, TCONN_POLICY_SIGNED);
	SEAL();
	EXPECT_REFUSED("tconn-reference", "the module was loaded in developer mode");
	ASSERT_EQ(0, world_refvals(self->w, NULL));
	self->w->refvals->tconn_developer = true;
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("tconn-reference", "DEVELOPER MODE: ");
}

TEST_F(verdict, policy_that_is_not_signed)
{
	module_says(self->w, 0, 0);
	SEAL();
	EXPECT_REFUSED("tconn-reference", "is not signed");
	ASSERT_EQ(0, world_refvals(self->w, NULL));
	self->w->refvals->tconn_developer = true;
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_WARNED("tconn-reference", "DEVELOPER MODE, policy not signed: ");
}

TEST_F(verdict, flags_that_nobody_knows)
{
	module_says(self->w, 2, TCONN_POLICY_SIGNED);
	SEAL();
	EXPECT_REFUSED("tconn-reference", "boot event has unknown flags, 2");
	world_end(self->w);
	ASSERT_EQ(0, world_begin(self->w, &device, &issuer));
	module_says(self->w, 0, 3);
	SEAL();
	EXPECT_REFUSED("tconn-reference", "policy's event has unknown flags, 3");
}

TEST_F(verdict, module_without_a_policy)
{
	self->w->module.count = 1;
	self->w->ima.count = 5;
	SEAL();
	EXPECT_REFUSED("tconn-reference", "the module has no policy");
}

TEST_F(verdict, refused_app)
{
	world_app_event(self->w, "/tmp/changed-tui", "tui 2", false);
	SEAL();
	EXPECT_REFUSED("tconn-reference", "refused app /tmp/changed-tui, sha256 ");
	EXPECT_REFUSED("tconn-reference", "not on the policy");
	EXPECT_EQ(1, failures(&self->w->verdict));
}

TEST_F(verdict, admitted_app_that_is_not_listed)
{
	world_app_event(self->w, "/usr/bin/other-tui", "tui 9", true);
	SEAL();
	EXPECT_REFUSED("tconn-reference", "app /usr/bin/other-tui, sha256 ");
	EXPECT_REFUSED("tconn-reference", ", is not on the list");
}

TEST_F(verdict, record_of_another_boot_app_or_policy)
{
	static const size_t offsets[] = {
		offsetof(struct tconn_record, boot_id), offsetof(struct tconn_record, app_digest),
		offsetof(struct tconn_record, policy_digest), offsetof(struct tconn_record, magic),
	};
	static const char *const reasons[] = {
		"record 2 is of another boot", "record 2 is of app ", "record 2 is under policy ",
		"record 2 has another magic",
	};

	for (size_t i = 0; i < 4; i++) {
		struct tconn_record record;

		world_end(self->w);
		ASSERT_EQ(0, world_begin(self->w, &device, &issuer));
		record = self->w->record;
		((uint8_t *)&record)[offsets[i]] ^= 1;
		world_module_event(self->w, TCONN_EVENT_RECORD, &record, sizeof(record));
		SEAL();
		EXPECT_REFUSED("tconn-reference", reasons[i]);
	}
}

TEST_F(verdict, reference_values_of_another_version)
{
	static const char *const lines[] = { "initrd", WORLD_TUI, "kernel_version" };
	static const char *const checks[] = { "boot-reference", "ima-reference", "ima-reference" };

	SEAL();
	for (size_t i = 0; i < 3; i++) {
		ASSERT_EQ(0, world_refvals(self->w, lines[i])) TH_LOG("%s", self->w->err.text);
		EXPECT_REFUSED(checks[i], "is not on the list");
	}
}

TEST_F(verdict, kernel_of_another_release)
{
	char json[4200] = "{ \"kernel\": \"6.1.0-nowhere\",", *rest = json + strlen(json);

	SEAL();
	world_refvals_json(rest, sizeof(json) - strlen(json), NULL);
	*rest = ' ';		/* its brace */
	tconn_refvals_free(self->w->refvals);
	self->w->refvals = NULL;
	ASSERT_EQ(0, tconn_refvals_parse(json, strlen(json), &self->w->refvals, &self->w->err))
		TH_LOG("%s", self->w->err.text);
	EXPECT_REFUSED("boot-reference", "6.1.0-nowhere is expected");
}

TEST_F(verdict, last_record_is_within_the_quoted_prefix)
{
	struct tconn_record later, got = { 0 };

	SEAL();
	ASSERT_EQ(0, tconn_evidence_last_record(&self->w->evidence, &got, &self->w->err));
	EXPECT_EQ(0, memcmp(&got, &self->w->record, sizeof(got)));
	later = self->w->record;
	later.session = 2;
	world_module_event(self->w, TCONN_EVENT_RECORD, &later, sizeof(later));
	world_show_logs(self->w);
	ASSERT_EQ(0, tconn_evidence_last_record(&self->w->evidence, &got, &self->w->err));
	EXPECT_EQ(1, got.session);
}

TEST_F(verdict, no_record_is_an_error)
{
	struct tconn_record got = { 0 };

	log_remove(&self->w->module, 3);
	log_remove(&self->w->ima, 7);
	SEAL();
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_EQ(-ENOENT, tconn_evidence_last_record(&self->w->evidence, &got, &self->w->err));
	log_remove(&self->w->module, 2);
	world_show_logs(self->w);
	EXPECT_EQ(-EBADMSG, tconn_evidence_last_record(&self->w->evidence, &got, &self->w->err));
}

/* A service: no module, no IMA policy, and in this test no firmware either. */
static const char service_values[] =
	"{ \"tconn-reference-values\": 1, \"name\": \"test service\", \"pcr_events\": [],"
	" \"ima\": {}, \"ima_required\": false, \"tconn\": { \"required\": false } }";

static void begin_bare(struct world *w)
{
	w->boot.count = 0;
	w->ima.count = 0;
	w->module.count = 0;
	tconn_refvals_free(w->refvals);
	w->refvals = NULL;
	tconn_refvals_parse(service_values, strlen(service_values), &w->refvals, &w->err);
}

TEST_F(verdict, what_is_not_required_may_be_absent)
{
	begin_bare(self->w);
	ASSERT_NE(NULL, self->w->refvals);
	SEAL();
	EXPECT_EQ(0, world_appraise(self->w));
	EXPECT_STREQ("not required", world_check(&self->w->verdict, "tconn-log")->reason);
	EXPECT_STREQ("not required", world_check(&self->w->verdict, "tconn-reference")->reason);
}

TEST_F(verdict, what_is_not_required_counts_where_it_is)
{
	begin_bare(self->w);
	world_app_event(self->w, "/x", "x", false);
	self->w->ima.count = 0;
	SEAL();
	EXPECT_REFUSED("tconn-log", "does not begin with its boot event");
}

TEST_F(verdict, measurements_without_their_log)
{
	uint8_t digest[32] = { 9 };

	begin_bare(self->w);
	ASSERT_EQ(0, tconn_tpm_pcr_extend(self->w->tpm, 10, digest, &self->w->err));
	ASSERT_EQ(0, tconn_tpm_pcr_extend(self->w->tpm, 8, digest, &self->w->err));
	SEAL();
	EXPECT_REFUSED("boot-log", "PCR 8 is ");
	EXPECT_FALSE(world_check(&self->w->verdict, "ima-log")->pass);
}

TEST(a_verdict_is_never_trusted_again)
{
	struct tconn_verdict v = { .trusted = true };

	tconn_verdict_add(&v, "one", true, "fine");
	EXPECT_TRUE(v.trusted);
	tconn_verdict_add(&v, "two", false, "not fine");
	EXPECT_FALSE(v.trusted);
	tconn_verdict_add(&v, "three", true, "fine");
	EXPECT_FALSE(v.trusted);
	v = (struct tconn_verdict){ .trusted = true };
	for (size_t i = 0; i < TCONN_CHECKS_MAX; i++)
		tconn_verdict_add(&v, "check", true, "fine");
	EXPECT_TRUE(v.trusted);
	tconn_verdict_add(&v, "one-too-many", true, "fine");
	EXPECT_FALSE(v.trusted);
	EXPECT_EQ(TCONN_CHECKS_MAX, v.count);
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	world_issuer_start(&issuer);
	world_issuer_start(&other_issuer);
	world_identity_start(&maker, &issuer, "device", NULL, &device);
	world_identity_start(&maker, &issuer, "other", NULL, &other_device);
	world_identity_start(&maker, &other_issuer, "stranger", NULL, &stranger);
	return test_harness_run(argc, argv);
}
