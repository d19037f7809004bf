// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/lib/label*.c: labels made by a (software) TPM's DATA key, and everything
 * that can be wrong with one. Names after the threats of ISO/IEC 27071, annex A.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/cbor_util.h"
#include "daemon/lib/cose.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/label.h"
#include "daemon/lib/label_header.h"
#include "daemon/lib/merkle.h"
#include "world.h"

#define ITEMS	5

static struct swtpm_maker maker;
static struct world_issuer issuer, other_issuer;
static struct world_identity device, other, service;

static const char *const data[ITEMS] = { "21.5 C", "21.6 C", "21.4 C", "", "21.5 C" };

FIXTURE(label) {
	struct tconn_tpm *tpm;
	struct tconn_label_check check;
	struct tconn_label_clock clock;
	struct tconn_label_batch *batch;
	struct tconn_bytes all, one[ITEMS];
	struct tconn_label *l;
	struct tconn_label_report report;
	struct tconn_label_track *track;
	struct tconn_error err;
};

static const struct tconn_label_source thermometer = {
	.name = "thermometer/1", .content_type = "text/plain", .algorithm = "mean of 16",
	.algorithm_version = "1.2", .program = "/usr/sbin/thermometer", .program_digest = { 1, 2, 3 },
	.parameter_count = 2, .parameter = { { "range", "-40..85 C" }, { "calibrated", "2026-01-02" } },
};

static struct x509_store_st *trust_of(const struct world_issuer *who)
{
	struct x509_store_st *trust = NULL;
	char path[SWTPM_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" TCONN_ISSUER_CERT, who->dir);
	tconn_trust_load(path, &trust, NULL);
	return trust;
}

static int fill(FIXTURE_DATA(label) *self, size_t from, size_t count)
{
	uint32_t source;
	int r = tconn_label_batch_source(self->batch, &thermometer, &source, &self->err);

	for (size_t i = from; !r && i < from + count; i++) {
		const char *text = data[i % ITEMS];
		struct tconn_label_new item = {
			.source = source, .sequence = i + 1, .size = strlen(text),
			.data = (const uint8_t *)text, .time_us = self->clock.time_us + i,
			.inside = i % 2,
		};

		r = tconn_label_batch_add(self->batch, &item, &self->err);
	}
	return r;
}

static int sign_as(FIXTURE_DATA(label) *self, const struct world_identity *who, bool thumbprint)
{
	struct tconn_label_signer signer = {
		.tpm = self->tpm, .certificate = who->data_cert.data,
		.certificate_len = who->data_cert.len, .thumbprint = thumbprint,
	};

	return tconn_label_batch_sign(self->batch, &signer, &self->err);
}

/* A batch of items from..from+count-1, signed and encoded into self->all. */
static int make(FIXTURE_DATA(label) *self, size_t from, size_t count)
{
	int r;

	tconn_label_batch_free(self->batch);
	self->batch = NULL;
	tconn_bytes_free(&self->all);
	r = tconn_label_batch_new(&self->clock, NULL, &self->batch, &self->err);
	if (!r)
		r = fill(self, from, count);
	if (!r)
		r = sign_as(self, &device, false);
	self->clock.batch++;
	self->clock.tpm_clock_ms += 10;
	return r ? r : tconn_label_batch_encode(self->batch, &self->all, &self->err);
}

static int verify_bytes(FIXTURE_DATA(label) *self, const uint8_t *buf, size_t len)
{
	int r;

	tconn_label_free(self->l);
	self->l = NULL;
	r = tconn_label_decode(buf, len, &self->l, &self->err);
	return r ? r : tconn_label_verify(self->l, &self->check, &self->report, &self->err);
}

static int verify(FIXTURE_DATA(label) *self)
{
	return verify_bytes(self, self->all.data, self->all.len);
}

static int take(FIXTURE_DATA(label) *self)
{
	return tconn_label_track_take(self->track, self->l, &self->report, false, &self->err);
}

FIXTURE_SETUP(label)
{
	ASSERT_EQ(0, tconn_tpm_open(device.swtpm.tcti, &self->tpm, &self->err));
	self->check.trust = trust_of(&issuer);
	tconn_label_now(&self->clock);
	ASSERT_EQ(0, tconn_label_read_clock(self->tpm, &self->clock, &self->err));
	self->clock.epoch = 7;
	self->clock.batch = 1;
	ASSERT_EQ(0, make(self, 0, ITEMS)) TH_LOG("%s", self->err.text);
	for (size_t i = 0; i < ITEMS; i++)
		ASSERT_EQ(0, tconn_label_batch_item(self->batch, i, NULL, 0, &self->one[i],
						    &self->err));
	ASSERT_EQ(0, tconn_label_track_new(&self->track, &self->err));
}

FIXTURE_TEARDOWN(label)
{
	for (size_t i = 0; i < ITEMS; i++)
		tconn_bytes_free(&self->one[i]);
	tconn_label_track_free(self->track);
	tconn_label_free(self->l);
	tconn_bytes_free(&self->all);
	tconn_label_batch_free(self->batch);
	X509_STORE_free(self->check.trust);
	tconn_tpm_close(self->tpm);
}

TEST_F(label, says_who_what_when_and_how)
{
	const struct tconn_label_source *source;
	struct tconn_label_item item;
	char urn[200];

	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	snprintf(urn, sizeof(urn), TCONN_URN_DEVICE "%s", device.id.name);
	EXPECT_STREQ(urn, self->report.who);
	EXPECT_EQ(self->clock.time_us / 1000000, self->report.signed_at);
	EXPECT_FALSE(self->report.time_proven);
	ASSERT_EQ(ITEMS, tconn_label_count(self->l));
	EXPECT_EQ(7, tconn_label_clock(self->l)->epoch);
	EXPECT_EQ(1, tconn_label_clock(self->l)->batch);
	EXPECT_FALSE(tconn_label_environment(self->l)->present);
	for (size_t i = 0; i < ITEMS; i++) {
		ASSERT_EQ(0, tconn_label_item(self->l, i, &item, &self->err));
		EXPECT_EQ(i + 1, item.sequence);
		EXPECT_EQ(self->clock.time_us + i, item.time_us);
		EXPECT_EQ(i % 2, item.inside);
		EXPECT_EQ(0, tconn_label_check_data(&item, data[i], strlen(data[i]), &self->err));
		source = tconn_label_source(self->l, item.source);
		ASSERT_NE(NULL, source);
		EXPECT_EQ(0, memcmp(source, &thermometer, sizeof(thermometer)));
	}
	EXPECT_EQ(NULL, tconn_label_source(self->l, 1));
}

TEST_F(label, of_each_item_stands_alone)
{
	struct tconn_label_item item;
	uint8_t id[32], in_batch[32];
	struct tconn_label *batch;

	ASSERT_EQ(0, tconn_label_decode(self->all.data, self->all.len, &batch, &self->err));
	for (size_t i = 0; i < ITEMS; i++) {
		ASSERT_EQ(0, verify_bytes(self, self->one[i].data, self->one[i].len))
			TH_LOG("%s", self->err.text);
		ASSERT_EQ(1, tconn_label_count(self->l));
		ASSERT_EQ(0, tconn_label_item(self->l, 0, &item, &self->err));
		EXPECT_EQ(i + 1, item.sequence);
		EXPECT_EQ(0, tconn_label_check_data(&item, data[i], strlen(data[i]), &self->err));
		tconn_label_id(self->l, 0, id);
		tconn_label_id(batch, i, in_batch);
		EXPECT_EQ(0, memcmp(id, in_batch, 32));
	}
	tconn_label_free(batch);
}

/* A.1.2, A.2.4.4: data changed after the sensor. */
/* More than are hashed at a time, and the tree that is signed is the one that proofs lead to. */
TEST_F(label, of_many_items_and_of_each_of_them)
{
	const size_t count = 3 * TCONN_MERKLE_ROW + 5;
	struct tconn_label_item item;

	ASSERT_EQ(0, make(self, 0, count)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(count, tconn_label_count(self->l));
	for (size_t i = 0; i < count; i++) {
		tconn_bytes_free(&self->all);
		ASSERT_EQ(0, tconn_label_batch_item(self->batch, i, NULL, 0, &self->all, &self->err));
		ASSERT_EQ(0, verify(self)) TH_LOG("item %zu: %s", i, self->err.text);
		ASSERT_EQ(0, tconn_label_item(self->l, 0, &item, &self->err));
		EXPECT_EQ(i + 1, item.sequence);
	}
}

TEST_F(label, A_2_4_4_changed_data_is_refused)
{
	struct tconn_label_item item;

	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, tconn_label_item(self->l, 0, &item, &self->err));
	EXPECT_EQ(-EUCLEAN, tconn_label_check_data(&item, "21.6 C", 6, &self->err));
	EXPECT_STREQ("data", tconn_label_fault(-EUCLEAN));
	EXPECT_EQ(-EUCLEAN, tconn_label_check_data(&item, "21.5 C ", 7, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "7 bytes, 6")) TH_LOG("%s", self->err.text);
}

/* A.2.4.4: any byte of the label changed; never accepted, nor crashed over. */
TEST_F(label, A_2_4_4_any_changed_byte_is_refused)
{
	for (size_t i = 0; i < self->one[2].len; i++) {
		self->one[2].data[i] ^= 1;
		ASSERT_GT(0, verify_bytes(self, self->one[2].data, self->one[2].len))
			TH_LOG("byte %zu of %zu", i, self->one[2].len);
		ASSERT_EQ(0, strncmp(self->err.text, "label: ", 7)) TH_LOG("%s", self->err.text);
		self->one[2].data[i] ^= 1;
	}
	for (size_t i = 0; i < self->all.len; i++) {
		self->all.data[i] ^= 0x40;
		ASSERT_GT(0, verify(self)) TH_LOG("byte %zu of %zu", i, self->all.len);
		self->all.data[i] ^= 0x40;
	}
	ASSERT_EQ(0, verify(self));
}

TEST_F(label, truncated_is_refused)
{
	for (size_t len = 0; len < self->one[0].len; len++) {
		ASSERT_EQ(-ENODATA, verify_bytes(self, self->one[0].data, len))
			TH_LOG("%zu: %s", len, self->err.text);
	}
	EXPECT_STREQ("truncated", tconn_label_fault(-ENODATA));
}

TEST_F(label, with_bytes_after_it_is_refused)
{
	self->all.data = realloc(self->all.data, self->all.len + 1);
	self->all.data[self->all.len++] = 0;
	EXPECT_EQ(-EBADMSG, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("malformed", tconn_label_fault(-EBADMSG));
}

TEST_F(label, oversized_is_refused)
{
	uint8_t *big = calloc(1, TCONN_LABEL_MAX + 1);

	EXPECT_EQ(-EMSGSIZE, verify_bytes(self, big, TCONN_LABEL_MAX + 1));
	EXPECT_STREQ("oversized", tconn_label_fault(-EMSGSIZE));
	free(big);
}

TEST_F(label, A_2_3_4_of_another_device_is_refused)
{
	char urn[200];

	snprintf(urn, sizeof(urn), TCONN_URN_DEVICE "%s", other.id.name);
	self->check.who = urn;
	EXPECT_EQ(-EXDEV, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_NE(NULL, strstr(self->err.text, device.id.name));
	EXPECT_STREQ("other-signer", tconn_label_fault(-EXDEV));
	snprintf(urn, sizeof(urn), TCONN_URN_DEVICE "%s", device.id.name);
	EXPECT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
}

/* A.1.3: made up by whom nobody vouches for. */
TEST_F(label, A_1_3_of_an_unknown_issuer_is_refused)
{
	X509_STORE_free(self->check.trust);
	self->check.trust = trust_of(&other_issuer);
	EXPECT_EQ(-EKEYREJECTED, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("signature", tconn_label_fault(-EKEYREJECTED));
}

TEST_F(label, is_not_signed_for_anothers_certificate)
{
	struct tconn_label_batch *b;

	ASSERT_EQ(0, tconn_label_batch_new(&self->clock, NULL, &b, &self->err));
	tconn_label_batch_free(self->batch);
	self->batch = b;
	ASSERT_EQ(0, fill(self, 0, 1));
	EXPECT_EQ(-EKEYREJECTED, sign_as(self, &other, false)) TH_LOG("%s", self->err.text);
}

TEST_F(label, by_an_expired_identity_is_refused)
{
	self->check.now = self->clock.time_us / 1000000 + 400 * 86400ull;
	EXPECT_EQ(-EKEYEXPIRED, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_NE(NULL, strstr(self->err.text, "expired"));
	EXPECT_STREQ("expired", tconn_label_fault(-EKEYEXPIRED));
}

TEST_F(label, from_the_future_is_refused)
{
	self->check.now = self->clock.time_us / 1000000 - 1000;
	EXPECT_EQ(-EKEYREJECTED, verify(self)) TH_LOG("%s", self->err.text);
}

TEST_F(label, with_a_thumbprint_wants_that_certificate)
{
	tconn_label_batch_free(self->batch);
	tconn_bytes_free(&self->all);
	ASSERT_EQ(0, tconn_label_batch_new(&self->clock, NULL, &self->batch, &self->err));
	ASSERT_EQ(0, fill(self, 0, 1));
	ASSERT_EQ(0, sign_as(self, &device, true));
	ASSERT_EQ(0, tconn_label_batch_encode(self->batch, &self->all, &self->err));
	EXPECT_EQ(-EKEYREJECTED, verify(self)) TH_LOG("%s", self->err.text);
	self->check.certificate = other.data_cert.data;
	self->check.certificate_len = other.data_cert.len;
	EXPECT_EQ(-EKEYREJECTED, verify(self)) TH_LOG("%s", self->err.text);
	self->check.certificate = device.data_cert.data;
	self->check.certificate_len = device.data_cert.len;
	EXPECT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
}

/* The label anew with a protected header of our own making, signed by the real key. */
static int resign(FIXTURE_DATA(label) *self, const struct tconn_bytes *protected)
{
	struct tconn_cose c;
	struct tconn_label *l;
	uint8_t root[32];
	int r = tconn_cose_decode(self->one[0].data, self->one[0].len, &c, &self->err);

	if (!r)
		r = tconn_label_decode(self->one[0].data, self->one[0].len, &l, &self->err);
	if (r)
		return r;
	tconn_label_free(l);
	c.protected = protected->data;
	c.protected_len = protected->len;
	c.payload = root;
	c.payload_len = sizeof(root);
	memset(root, 0, sizeof(root));
	r = tconn_cose_sign(&c, self->tpm, device.data_cert.data, device.data_cert.len, &self->err);
	tconn_bytes_free(&self->all);
	return r ? r : tconn_cose_encode(&c, TCONN_LABEL_MAX, &self->all, &self->err);
}

/* {1: -7, 2: [crit], ...the rest of the label's own header} */
static int with_critical(FIXTURE_DATA(label) *self, int64_t critical, bool present)
{
	struct tconn_cbor_writer w = { 0 };
	struct tconn_bytes protected = { 0 };
	struct tconn_cose c;
	int r = tconn_cose_decode(self->one[0].data, self->one[0].len, &c, &self->err);

	tconn_cbor_put_map(&w, 6 + present);
	tconn_cbor_put_raw(&w, c.protected + 1, 2);		/* 1: -7 */
	tconn_cbor_put_uint(&w, TCONN_COSE_CRIT);
	tconn_cbor_put_array(&w, 1);
	if (critical < 0)
		tconn_cbor_put_negative(&w, (uint64_t)(-1 - critical));
	else
		tconn_cbor_put_uint(&w, (uint64_t)critical);
	tconn_cbor_put_raw(&w, c.protected + 3, c.protected_len - 3);
	if (present) {
		tconn_cbor_put_negative(&w, (uint64_t)(-1 - critical));
		tconn_cbor_put_uint(&w, 1);
	}
	r = r ? r : tconn_cbor_finish(&w, &protected, &self->err);
	if (!r)
		r = resign(self, &protected);
	tconn_bytes_free(&protected);
	return r;
}

TEST_F(label, with_an_unknown_critical_header_is_refused)
{
	ASSERT_EQ(0, with_critical(self, -70009, true)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EOPNOTSUPP, verify(self));
	EXPECT_NE(NULL, strstr(self->err.text, "header -70009 is critical")) TH_LOG("%s",
										   self->err.text);
	EXPECT_STREQ("critical-header", tconn_label_fault(-EOPNOTSUPP));
	/* One that is known is fine as such: what is wrong then is the signature, of another root. */
	ASSERT_EQ(0, with_critical(self, TCONN_COSE_LABEL, false)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EKEYREJECTED, verify(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, with_critical(self, TCONN_COSE_X5T, false)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EBADMSG, verify(self)) TH_LOG("%s", self->err.text);
}

TEST_F(label, stream_is_taken_once_and_in_order)
{
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EEXIST, take(self));
	EXPECT_NE(NULL, strstr(self->err.text, "item 1 of thermometer/1")) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("duplicate", tconn_label_fault(-EEXIST));
	ASSERT_EQ(0, make(self, ITEMS, ITEMS));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EEXIST, take(self));
}

TEST_F(label, stream_with_a_hole_is_refused_unless_allowed)
{
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self));
	ASSERT_EQ(0, make(self, ITEMS + 2, 2));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(-ENOMSG, take(self));
	EXPECT_NE(NULL, strstr(self->err.text, "item 6 of")) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("missing", tconn_label_fault(-ENOMSG));
	EXPECT_EQ(0, tconn_label_track_take(self->track, self->l, &self->report, true, &self->err));
	/* What was left out and comes late is reordered, not lost in silence. */
	ASSERT_EQ(0, make(self, ITEMS, 2));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(-EILSEQ, tconn_label_track_take(self->track, self->l, &self->report, true,
						  &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("reordered", tconn_label_fault(-EILSEQ));
}

TEST_F(label, A_2_3_3_replayed_after_a_new_epoch_is_refused)
{
	struct tconn_bytes old = self->all;

	self->all = (struct tconn_bytes){ 0 };
	ASSERT_EQ(0, verify_bytes(self, old.data, old.len));
	ASSERT_EQ(0, take(self));
	self->clock.epoch++;
	self->clock.batch = 1;
	ASSERT_EQ(0, make(self, 0, 2));
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify_bytes(self, old.data, old.len));
	EXPECT_EQ(-ESTALE, take(self)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("replayed", tconn_label_fault(-ESTALE));
	tconn_bytes_free(&old);
}

TEST_F(label, A_2_3_3_long_past_is_replayed)
{
	struct tconn_bytes old = self->all;

	self->all = (struct tconn_bytes){ 0 };
	ASSERT_EQ(0, verify_bytes(self, old.data, old.len));
	ASSERT_EQ(0, take(self));
	ASSERT_EQ(0, make(self, ITEMS, 100));
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify_bytes(self, old.data, old.len));
	EXPECT_EQ(-ESTALE, take(self)) TH_LOG("%s", self->err.text);
	tconn_bytes_free(&old);
}

TEST_F(label, with_a_wrong_counter_is_refused)
{
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self));
	self->clock.tpm_clock_ms -= 1000;
	ASSERT_EQ(0, make(self, ITEMS, 1));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(-ERANGE, take(self));
	EXPECT_NE(NULL, strstr(self->err.text, "clock went from")) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("counter", tconn_label_fault(-ERANGE));
	self->clock.tpm_clock_ms += 2000;
	self->clock.reset_count--;
	ASSERT_EQ(0, make(self, ITEMS, 1));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(-ERANGE, take(self)) TH_LOG("%s", self->err.text);
}

/* Two histories of one place: a signer whose state was rolled back. */
TEST_F(label, that_signs_one_place_twice_is_refused)
{
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self));
	ASSERT_EQ(0, make(self, 0, ITEMS));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(-ERANGE, take(self));
	EXPECT_NE(NULL, strstr(self->err.text, "signed twice")) TH_LOG("%s", self->err.text);
}

/* Nothing is taken in part: the good items before a bad one come again later. */
TEST_F(label, that_is_refused_leaves_the_track_as_it_was)
{
	ASSERT_EQ(0, verify_bytes(self, self->one[1].data, self->one[1].len));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make(self, 2, 2));
	ASSERT_EQ(0, fill(self, 5, 0));
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make(self, 3, 3));		/* 4 again, then new ones */
	ASSERT_EQ(0, verify(self));
	EXPECT_GT(0, take(self));
	ASSERT_EQ(0, make(self, 4, 1));
	ASSERT_EQ(0, verify(self));
	EXPECT_EQ(0, take(self)) TH_LOG("%s", self->err.text);
}

TEST_F(label, track_outlives_the_program)
{
	char path[SWTPM_PATH_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/track", device.dir);
	ASSERT_EQ(0, verify(self));
	ASSERT_EQ(0, take(self));
	ASSERT_EQ(0, tconn_label_track_save(self->track, path, &self->err)) TH_LOG("%s", self->err.text);
	tconn_label_track_free(self->track);
	self->track = NULL;
	ASSERT_EQ(0, tconn_label_track_load(path, &self->track, &self->err)) TH_LOG("%s",
										   self->err.text);
	EXPECT_EQ(-EEXIST, take(self)) TH_LOG("%s", self->err.text);
	fd = open(path, O_WRONLY);
	ASSERT_EQ(0, ftruncate(fd, 100));
	close(fd);
	tconn_label_track_free(self->track);
	self->track = NULL;
	EXPECT_GT(0, tconn_label_track_load(path, &self->track, &self->err));
	unlink(path);
}

TEST_F(label, A_1_3_derived_data_carries_the_labels_of_its_inputs)
{
	struct tconn_bytes derived = { 0 }, inputs[2] = { self->one[0], self->one[1] };
	struct tconn_label_item item;
	uint8_t ids[2][32];
	const uint8_t *in;
	struct tconn_label_new mean = {
		.sequence = 1, .time_us = self->clock.time_us, .data = (const uint8_t *)"21.55 C",
		.size = 7, .inside = true, .input_count = 2, .input = ids,
	};
	struct tconn_label_source source = { .name = "mean", .content_type = "text/plain" };
	size_t in_len;

	for (size_t i = 0; i < 2; i++) {
		ASSERT_EQ(0, verify_bytes(self, self->one[i].data, self->one[i].len));
		tconn_label_id(self->l, 0, ids[i]);
	}
	tconn_label_batch_free(self->batch);
	ASSERT_EQ(0, tconn_label_batch_new(&self->clock, NULL, &self->batch, &self->err));
	ASSERT_EQ(0, tconn_label_batch_source(self->batch, &source, &mean.source, &self->err));
	ASSERT_EQ(0, tconn_label_batch_add(self->batch, &mean, &self->err));
	ASSERT_EQ(0, sign_as(self, &device, false));
	ASSERT_EQ(0, tconn_label_batch_item(self->batch, 0, inputs, 2, &derived, &self->err));
	ASSERT_EQ(0, verify_bytes(self, derived.data, derived.len)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(2, self->report.inputs);
	ASSERT_EQ(2, tconn_label_input_count(self->l));
	tconn_label_input(self->l, 1, &in, &in_len);
	ASSERT_EQ(self->one[1].len, in_len);
	EXPECT_EQ(0, memcmp(in, self->one[1].data, in_len));
	ASSERT_EQ(0, tconn_label_item(self->l, 0, &item, &self->err));
	ASSERT_EQ(2, item.input_count);
	EXPECT_EQ(0, memcmp(item.input, ids, sizeof(ids)));
	tconn_bytes_free(&derived);

	/* Another label in an input's place. */
	inputs[1] = self->one[2];
	ASSERT_EQ(0, tconn_label_batch_item(self->batch, 0, inputs, 2, &derived, &self->err));
	EXPECT_EQ(-EBADMSG, verify_bytes(self, derived.data, derived.len));
	EXPECT_NE(NULL, strstr(self->err.text, "input 2")) TH_LOG("%s", self->err.text);
	tconn_bytes_free(&derived);

	/* An input that was tampered with. */
	inputs[1] = self->one[1];
	self->one[1].data[self->one[1].len - 1] ^= 1;
	ASSERT_EQ(0, tconn_label_batch_item(self->batch, 0, inputs, 2, &derived, &self->err));
	EXPECT_EQ(-EKEYREJECTED, verify_bytes(self, derived.data, derived.len));
	EXPECT_NE(NULL, strstr(self->err.text, "input 2")) TH_LOG("%s", self->err.text);
	tconn_bytes_free(&derived);
}

TEST_F(label, of_a_service_says_so)
{
	struct tconn_tpm *tpm;

	tconn_label_batch_free(self->batch);
	tconn_bytes_free(&self->all);
	ASSERT_EQ(0, tconn_label_batch_new(&self->clock, NULL, &self->batch, &self->err));
	ASSERT_EQ(0, fill(self, 0, 1));
	ASSERT_EQ(0, tconn_tpm_open(service.swtpm.tcti, &tpm, &self->err));
	tconn_tpm_close(self->tpm);
	self->tpm = tpm;
	ASSERT_EQ(0, sign_as(self, &service, false));
	ASSERT_EQ(0, tconn_label_batch_encode(self->batch, &self->all, &self->err));
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_STREQ("urn:tconn:service:pay.example", self->report.who);
}

TEST_F(label, items_over_a_limit_are_refused)
{
	struct tconn_label_new item = { .sequence = 1, .time_us = self->clock.time_us, .inside = true,
					.data = (const uint8_t *)self->err.text,
					.size = TCONN_LABEL_INLINE_MAX + 1 };
	struct tconn_label_source source = thermometer;
	uint32_t index;

	tconn_label_batch_free(self->batch);
	ASSERT_EQ(0, tconn_label_batch_new(&self->clock, NULL, &self->batch, &self->err));
	EXPECT_EQ(-EINVAL, tconn_label_batch_add(self->batch, &item, &self->err));
	for (int i = 0; i < TCONN_LABEL_SOURCES_MAX; i++) {
		snprintf(source.name, sizeof(source.name), "s%d", i);
		ASSERT_EQ(0, tconn_label_batch_source(self->batch, &source, &index, &self->err));
	}
	strcpy(source.name, "one more");
	EXPECT_EQ(-EMSGSIZE, tconn_label_batch_source(self->batch, &source, &index, &self->err));
	strcpy(source.name, "s3");
	EXPECT_EQ(0, tconn_label_batch_source(self->batch, &source, &index, &self->err));
	EXPECT_EQ(3, index);
	strcpy(source.name, "line\nfeed");
	EXPECT_EQ(-EINVAL, tconn_label_batch_source(self->batch, &source, &index, &self->err));
	EXPECT_EQ(-EMSGSIZE, tconn_label_batch_add(self->batch, &item, &self->err));
	item.size = 1;
	item.time_us--;
	EXPECT_EQ(-EINVAL, tconn_label_batch_add(self->batch, &item, &self->err));
	EXPECT_EQ(-EINVAL, sign_as(self, &device, false));	/* without items */
}

TEST_F(label, epoch_only_ever_grows)
{
	uint64_t first, second;

	ASSERT_EQ(0, tconn_label_new_epoch(self->tpm, &first, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_label_new_epoch(self->tpm, &second, &self->err)) TH_LOG("%s",
										  self->err.text);
	EXPECT_EQ(first + 1, second);
}

TEST_F(label, of_a_file_larger_than_the_buffer)
{
	char path[SWTPM_PATH_MAX + 16];
	uint8_t digest[32], want[32], *big = malloc(3000000);
	uint64_t size;
	int fd;

	memset(big, 'x', 3000000);
	snprintf(path, sizeof(path), "%s/big", device.dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ASSERT_EQ(3000000, write(fd, big, 3000000));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	ASSERT_EQ(0, tconn_label_hash_file(fd, digest, &size, &self->err));
	tconn_sha256(big, 3000000, want);
	EXPECT_EQ(3000000, size);
	EXPECT_EQ(0, memcmp(digest, want, 32));
	close(fd);
	unlink(path);
	free(big);
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	world_issuer_start(&issuer);
	world_issuer_start(&other_issuer);
	world_identity_start(&maker, &issuer, "device", NULL, &device);
	world_identity_start(&maker, &issuer, "other", NULL, &other);
	world_identity_start(&maker, &issuer, "service", "pay.example", &service);
	return test_harness_run(argc, argv);
}
