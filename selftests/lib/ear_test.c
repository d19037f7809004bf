// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/ear.c: graded, signed by a (software) TPM, verified with the issuer's certificate. */
#include <errno.h>
#include <kselftest_harness.h>
#include <openssl/x509.h>

#include "daemon/lib/ear.h"
#include "world.h"

static struct swtpm_maker maker;
static struct world_issuer issuer, other_issuer;
static struct world_identity service, device;

FIXTURE(ear) {
	struct tconn_tpm *tpm;
	struct x509_store_st *trust;
	struct tconn_ear e, got;
	struct tconn_bytes cmw;
	struct tconn_error err;
};

static struct x509_store_st *trust_of(const struct world_issuer *who)
{
	struct x509_store_st *trust = NULL;
	char path[SWTPM_PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" TCONN_ISSUER_CERT, who->dir);
	tconn_trust_load(path, &trust, NULL);
	return trust;
}

FIXTURE_SETUP(ear)
{
	ASSERT_EQ(0, tconn_tpm_open(service.swtpm.tcti, &self->tpm, &self->err));
	self->trust = trust_of(&issuer);
	ASSERT_NE(NULL, self->trust);
	self->e.time = 1700000000;
	strcpy(self->e.device, device.id.name);
	strcpy(self->e.service, service.id.name);
	self->e.verdict.trusted = true;
	tconn_verdict_add(&self->e.verdict, "quote-fresh", true, "bound to this nonce");
	tconn_verdict_add(&self->e.verdict, "boot-log", true, "replays");
	tconn_verdict_add(&self->e.verdict, "ima-log", true, "42 entries");
}

FIXTURE_TEARDOWN(ear)
{
	tconn_bytes_free(&self->cmw);
	X509_STORE_free(self->trust);
	tconn_tpm_close(self->tpm);
}

static int sign(FIXTURE_DATA(ear) *self)
{
	tconn_bytes_free(&self->cmw);
	self->cmw = (struct tconn_bytes){ 0 };
	return tconn_ear_sign(&self->e, self->tpm, service.data_cert.data, service.data_cert.len,
			      &self->cmw, &self->err);
}

static int verify(FIXTURE_DATA(ear) *self)
{
	return tconn_ear_verify(self->cmw.data, self->cmw.len, self->trust, &self->got, &self->err);
}

TEST_F(ear, affirming_where_all_passed)
{
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(TCONN_TIER_AFFIRMING, self->got.status);
	for (int i = 0; i < TCONN_TRUST_PARTS; i++)
		EXPECT_EQ(TCONN_TIER_AFFIRMING, self->got.part[i]);
	EXPECT_STREQ(device.id.name, self->got.device);
	EXPECT_STREQ(service.id.name, self->got.service);
	EXPECT_EQ(1700000000, self->got.time);
	ASSERT_EQ(3, self->got.verdict.count);
	EXPECT_STREQ("42 entries", self->got.verdict.check[2].reason);
	EXPECT_TRUE(self->got.verdict.trusted);
}

TEST_F(ear, warning_where_something_was_let_pass)
{
	tconn_verdict_warn(&self->e.verdict, "ima-reference", "3 entries by a rule");
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(TCONN_TIER_WARNING, self->got.status);
	EXPECT_EQ(TCONN_TIER_WARNING, self->got.part[TCONN_TRUST_EXECUTABLES]);
	EXPECT_EQ(TCONN_TIER_AFFIRMING, self->got.part[TCONN_TRUST_IDENTITY]);
}

TEST_F(ear, contraindicated_where_something_failed)
{
	tconn_verdict_add(&self->e.verdict, "boot-reference", false, "another kernel");
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(TCONN_TIER_CONTRAINDICATED, self->got.status);
	EXPECT_EQ(TCONN_TIER_CONTRAINDICATED, self->got.part[TCONN_TRUST_CONFIGURATION]);
	EXPECT_FALSE(self->got.verdict.trusted);
}

TEST_F(ear, nothing_found_is_contraindicated)
{
	self->e.verdict = (struct tconn_verdict){ .trusted = true };
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, verify(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(TCONN_TIER_CONTRAINDICATED, self->got.status);
}

TEST_F(ear, any_changed_byte_is_noticed)
{
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	for (size_t i = 0; i < self->cmw.len; i += 3) {
		self->cmw.data[i] ^= 1;
		ASSERT_GT(0, verify(self)) TH_LOG("byte %zu", i);
		self->cmw.data[i] ^= 1;
	}
	for (size_t len = 0; len < self->cmw.len; len += 11)
		ASSERT_GT(0, tconn_ear_verify(self->cmw.data, len, self->trust, &self->got, NULL));
	EXPECT_EQ(0, verify(self));
}

TEST_F(ear, of_an_issuer_nobody_trusts)
{
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	X509_STORE_free(self->trust);
	self->trust = trust_of(&other_issuer);
	EXPECT_GT(0, verify(self));
}

TEST_F(ear, that_names_another_service)
{
	strcpy(self->e.service, "other.example");
	ASSERT_EQ(0, sign(self)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EKEYREJECTED, verify(self));
	EXPECT_NE(NULL, strstr(self->err.text, "but it names other.example"))
		TH_LOG("%s", self->err.text);
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	world_issuer_start(&issuer);
	world_issuer_start(&other_issuer);
	world_identity_start(&maker, &issuer, "service", "payments.example", &service);
	world_identity_start(&maker, &issuer, "device", NULL, &device);
	return test_harness_run(argc, argv);
}
