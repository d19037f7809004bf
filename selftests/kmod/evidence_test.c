// SPDX-License-Identifier: Apache-2.0
/*
 * kmod/evidence.c: the kernel's key, and the MAC of records, against what OpenSSL makes of
 * the verifier's half of the key (daemon/lib/record_mac.c: EVP_PKEY_derive, EVP_KDF, HMAC).
 */
#include <kselftest_harness.h>
#include <sys/ioctl.h>

#include "client.h"
#include "daemon/lib/record_mac.h"
#include "guest.h"

FIXTURE(evidence) {
	struct guest guest;
	struct client client;
	struct tconn_event_boot boot;
};

FIXTURE_SETUP(evidence)
{
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_BOOT, &self->boot, sizeof(self->boot)));
}

FIXTURE_TEARDOWN(evidence)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

/* By the verifier: does the MAC hold? */
static bool is_authentic(const struct tconn_record *r, const struct tconn_event_boot *boot)
{
	uint8_t private[TCONN_KEY_SIZE], mac[TCONN_MAC_SIZE];
	struct tconn_error err;

	memset(private, CLIENT_PRIVATE_BYTE, sizeof(private));
	return !tconn_record_mac(r, boot->kernel_key, private, boot->kernel_key, mac, &err) &&
	       !memcmp(mac, r->mac, sizeof(mac));
}

TEST_F(evidence, mac_is_what_openssl_makes_of_it)
{
	static const uint8_t public[] = CLIENT_PUBLIC;
	struct tconn_record r, changed;
	size_t at;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	ASSERT_EQ(0, client_confirm(&self->client, &r));
	EXPECT_EQ(0, memcmp(public, r.verifier_key, sizeof(public)));
	EXPECT_TRUE(is_authentic(&r, &self->boot));
	for (at = 0; at < sizeof(r); at++) {
		changed = r;
		((uint8_t *)&changed)[at] ^= 1;
		EXPECT_FALSE(is_authentic(&changed, &self->boot)) TH_LOG("byte %zu", at);
	}
}

TEST_F(evidence, what_ends_without_a_decision_has_a_mac_too)
{
	struct tconn_record r;

	ASSERT_EQ(0, client_bind(&self->client));
	ASSERT_EQ(0, client_activate(&self->client));
	client_close(&self->client);
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_RECORD, &r, sizeof(r)));
	EXPECT_EQ(TCONN_OUTCOME_ABORTED, r.outcome);
	EXPECT_EQ(TCONN_GESTURE_NONE, r.gesture.type);
	EXPECT_TRUE(is_authentic(&r, &self->boot));
	ASSERT_EQ(0, client_open(&self->client));
}

TEST_F(evidence, key_is_new_at_each_load)
{
	struct tconn_event_boot second;

	client_close(&self->client);
	ASSERT_EQ(0, guest_stop(&self->guest));
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_BOOT, &second, sizeof(second)));
	EXPECT_NE(0, memcmp(self->boot.kernel_key, second.kernel_key, TCONN_KEY_SIZE));
}

static int bind_for(struct client *c, const uint8_t *verifier_key)
{
	struct tconn_bind bind = {
		.size = sizeof(bind), .kind = TCONN_KIND_NOTICE, .timeout_ms = 5000,
		.display_fd = c->card, .statement = (uintptr_t)"?", .statement_len = 1,
	};

	memcpy(bind.verifier_key, verifier_key, sizeof(bind.verifier_key));
	return ioctl(c->fd, TCONN_IOC_BIND, &bind) ? -errno : 0;
}

/* RFC 7748, section 7: with these nobody contributes to the secret. All of them. */
static const uint8_t low_order[][TCONN_KEY_SIZE] = {
	{ 0 },
	{ 1 },
	{ 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
	  0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
	  0xb8, 0x00 },
	{ 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
	  0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
	  0x11, 0x57 },
	{ [0] = 0xec, [1 ... 30] = 0xff, [31] = 0x7f },
	{ [0] = 0xed, [1 ... 30] = 0xff, [31] = 0x7f },
	{ [0] = 0xee, [1 ... 30] = 0xff, [31] = 0x7f },
};

TEST_F(evidence, verifier_key_of_low_order_is_refused)
{
	static const uint8_t public[] = CLIENT_PUBLIC;
	uint8_t key[TCONN_KEY_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(low_order); i++) {
		memcpy(key, low_order[i], sizeof(key));
		EXPECT_EQ(-EKEYREJECTED, bind_for(&self->client, key)) TH_LOG("point %zu", i);
		key[31] |= 0x80;	/* which X25519 ignores */
		EXPECT_EQ(-EKEYREJECTED, bind_for(&self->client, key)) TH_LOG("point %zu", i);
	}
	EXPECT_EQ(0, bind_for(&self->client, public));
}

TEST_HARNESS_MAIN
