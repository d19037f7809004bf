// SPDX-License-Identifier: Apache-2.0
/* Secure Boot's variables in a firmware log, and what the check says of them. */
#include <errno.h>
#include <kselftest_harness.h>

#include "daemon/lib/appraise_part.h"
#include "daemon/lib/secure_boot.h"
#include "log_build.h"

#define CONFIG	TCONN_EV_EFI_VARIABLE_DRIVER_CONFIG
#define HEADER	32	/* of UEFI_VARIABLE_DATA */
#define LIST	28	/* header of a signature list */

static struct tconn_error err;
static const uint8_t x509[16] = {
	0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
};

struct buffer {
	uint8_t data[512];
	size_t len;
};

static void put(struct buffer *b, const void *data, size_t len)
{
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void put_number(struct buffer *b, uint64_t value, size_t len)
{
	put(b, &value, len);	/* little-endian, as this machine is */
}

static struct buffer variable(const char *name, const void *data, size_t len)
{
	struct buffer b = { .len = 16 };

	put_number(&b, strlen(name), 8);
	put_number(&b, len, 8);
	for (const char *p = name; *p; p++)
		put_number(&b, (uint8_t)*p, 2);
	put(&b, data, len);
	return b;
}

/* A list with one certificate, which is a text here. */
static struct buffer list(const char *cert)
{
	struct buffer b = { .len = 0 };
	const uint8_t owner[16] = { 0 };

	put(&b, x509, 16);
	put_number(&b, LIST + 16 + strlen(cert), 4);
	put_number(&b, 0, 4);
	put_number(&b, 16 + strlen(cert), 4);
	put(&b, owner, 16);
	put(&b, cert, strlen(cert));
	return b;
}

FIXTURE(boot) {
	struct log log;
	struct tconn_evidence e;
	struct tconn_refvals *refvals;
	struct tconn_reason why;
};

static void add(struct log *log, uint32_t type, const char *name, const void *data, size_t len)
{
	struct buffer b = variable(name, data, len);

	log_boot_add(log, 7, type, b.data, b.len);
}

static void add_list(struct log *log, const char *name, const char *cert)
{
	struct buffer b = list(cert);

	add(log, CONFIG, name, b.data, cert[0] ? b.len : 0);
}

static void add_authority(struct log *log, const char *cert)
{
	struct buffer b = list(cert);

	add(log, TCONN_EV_EFI_VARIABLE_AUTHORITY, "db", b.data + LIST, b.len - LIST);
}

static void hex_of(const char *text, char ret[65])
{
	uint8_t digest[32];

	log_sha256(text, strlen(text), digest);
	for (size_t i = 0; i < 32; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

FIXTURE_SETUP(boot)
{
	char json[1024], pk[65], kek[65], db[65];

	hex_of("owner's PK", pk);
	hex_of("owner's KEK", kek);
	hex_of("owner's db", db);
	snprintf(json, sizeof(json),
		 "{\"tconn-reference-values\":1,\"name\":\"x\",\"pcr_events\":[],\"ima\":{},"
		 "\"ima_required\":false,\"tconn\":{\"required\":false},\"secure_boot\":"
		 "{\"required\":true,\"pk\":[\"%s\"],\"kek\":[\"%s\"],\"db\":[\"%s\"],\"dbx\":[]}}",
		 pk, kek, db);
	ASSERT_EQ(0, tconn_refvals_parse(json, strlen(json), &self->refvals, &err))
		TH_LOG("%s", err.text);
	log_boot_begin(&self->log);
}

FIXTURE_TEARDOWN(boot)
{
	tconn_refvals_free(self->refvals);
}

static bool check(struct log *log, const struct tconn_refvals *refvals, struct tconn_reason *why)
{
	struct tconn_evidence e = { 0 };
	struct tconn_appraising a = { .evidence = &e, .refvals = refvals };
	bool pass;

	log_join(log, &e.boot_log);
	pass = tconn_check_secure_boot(&a, why);
	tconn_bytes_free(&e.boot_log);
	return pass;
}

#define REFUSED(reason) do { \
	EXPECT_FALSE(check(&self->log, self->refvals, &self->why)); \
	EXPECT_NE(NULL, strstr(self->why.text, reason)) TH_LOG("%s", self->why.text); \
} while (0)

static void begin(struct log *log, uint8_t on, const char *db, const char *signer)
{
	add(log, CONFIG, "SecureBoot", &on, 1);
	add_list(log, "PK", "owner's PK");
	add_list(log, "KEK", "owner's KEK");
	add_list(log, "db", db);
	add_list(log, "dbx", "");
	log_boot_add(log, 7, 4, "\0\0\0\0", 4);
	add_authority(log, signer);
}

TEST_F(boot, with_the_owners_keys)
{
	begin(&self->log, 1, "owner's db", "owner's db");
	EXPECT_TRUE(check(&self->log, self->refvals, &self->why)) TH_LOG("%s", self->why.text);
}

TEST_F(boot, off)
{
	begin(&self->log, 0, "owner's db", "owner's db");
	REFUSED("Secure Boot is off");
}

TEST_F(boot, off_and_said_to_be_on_afterwards)
{
	begin(&self->log, 0, "owner's db", "owner's db");
	add(&self->log, CONFIG, "SecureBoot", "\1", 1);
	REFUSED("Secure Boot is off");
}

TEST_F(boot, off_under_another_type)
{
	add(&self->log, 0x80000002, "SecureBoot", "\0", 1);
	begin(&self->log, 1, "owner's db", "owner's db");
	REFUSED("PCR 7 has an event of type 0x80000002");
}

TEST_F(boot, another_db_key)
{
	begin(&self->log, 1, "mallory's db", "mallory's db");
	REFUSED("db holds ");
}

TEST_F(boot, signed_by_a_key_that_is_not_listed)
{
	begin(&self->log, 1, "owner's db", "mallory's db");
	REFUSED("what vouched for the boot image holds ");
}

TEST_F(boot, a_variable_that_was_not_measured)
{
	add(&self->log, CONFIG, "SecureBoot", "\1", 1);
	add_list(&self->log, "PK", "owner's PK");
	REFUSED("does not show KEK");
}

TEST_F(boot, a_log_that_does_not_speak_of_it)
{
	REFUSED("does not speak of Secure Boot");
}

TEST_F(boot, not_required_is_said)
{
	self->refvals->secure_boot.required = false;
	EXPECT_TRUE(check(&self->log, self->refvals, &self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "not required")) TH_LOG("%s", self->why.text);
	EXPECT_TRUE(self->why.warning);
}

static int count(const struct tconn_efi_entry *e, void *arg)
{
	(void)e;
	++*(int *)arg;
	return 0;
}

TEST(lengths_of_a_variable_are_checked)
{
	struct buffer b = variable("db", "content", 7);
	struct tconn_efi_variable v;

	ASSERT_EQ(0, tconn_efi_variable_read(b.data, b.len, &v, &err)) TH_LOG("%s", err.text);
	EXPECT_STREQ("db", v.name);
	EXPECT_EQ(7, v.len);
	for (size_t len = 0; len < b.len; len++)
		EXPECT_EQ(-EBADMSG, tconn_efi_variable_read(b.data, len, &v, &err));
	EXPECT_EQ(-EBADMSG, tconn_efi_variable_read(b.data, b.len + 1, &v, &err));
	b.data[16] = 0xff;	/* the name's length */
	EXPECT_EQ(-EBADMSG, tconn_efi_variable_read(b.data, b.len, &v, &err));
}

TEST(lengths_of_a_list_are_checked)
{
	struct buffer b = list("certificate"), bad;
	int n = 0;

	ASSERT_EQ(0, tconn_efi_list_walk(b.data, b.len, count, &n, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(1, n);
	for (size_t len = 1; len < b.len; len++)
		EXPECT_EQ(-EBADMSG, tconn_efi_list_walk(b.data, len, count, &n, &err));
	for (size_t at = 16; at < LIST; at += 4) {
		bad = b;
		memset(bad.data + at, 0xff, 4);
		EXPECT_EQ(-EBADMSG, tconn_efi_list_walk(bad.data, bad.len, count, &n, &err));
		memset(bad.data + at, 0, 4);
		if (at != 20)	/* the header is empty anyhow */
			EXPECT_EQ(-EBADMSG, tconn_efi_list_walk(bad.data, bad.len, count, &n, &err));
	}
}

TEST_HARNESS_MAIN
