// SPDX-License-Identifier: Apache-2.0
/* kmod/measure.c: the log, the PCR it replays to, and what IMA was told. */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <openssl/sha.h>

#include "client.h"
#include "guest.h"

#define PCR_FILE	"/sys/class/tpm/tpm0/pcr-sha256/13"
#define IMA_FILE	"/sys/kernel/security/ima/ascii_runtime_measurements"

static int read_pcr(unsigned char pcr[32])
{
	char hex[128];
	int i;

	if (guest_read(PCR_FILE, hex, sizeof(hex)) < 64)
		return -1;
	for (i = 0; i < 32; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &pcr[i]) != 1)
			return -1;
	return 0;
}

/* SHA-256(a || b || c) */
static void hash3(unsigned char out[32], const void *a, size_t a_len, const void *b, size_t b_len,
		  const void *c, size_t c_len)
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, a, a_len);
	SHA256_Update(&ctx, b, b_len);
	SHA256_Update(&ctx, c, c_len);
	SHA256_Final(out, &ctx);
}

/* Replays a log from the given value; returns events, or -1 where a digest is wrong. */
static int replay(const unsigned char *log, ssize_t len, unsigned char pcr[32])
{
	struct tconn_event event;
	unsigned char digest[32];
	int events = 0;
	ssize_t at = 0;

	while (at + (ssize_t)sizeof(event) <= len) {
		memcpy(&event, log + at, sizeof(event));
		at += (ssize_t)sizeof(event);
		hash3(digest, &event.type, 4, &event.len, 4, log + at, event.len);
		if (event.pcr != 13 || memcmp(digest, event.digest, 32))
			return -1;
		hash3(pcr, pcr, 32, digest, 32, NULL, 0);
		at += event.len;
		events++;
	}
	return at == len ? events : -1;
}

FIXTURE(measure) {
	struct guest guest;
	struct client client;
	unsigned char before[32];	/* the PCR, which other tests have extended */
};

FIXTURE_SETUP(measure)
{
	/* Loading it anew extends the PCR, so what is left of another test goes first. */
	guest_unload();
	ASSERT_EQ(0, read_pcr(self->before));
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
}

FIXTURE_TEARDOWN(measure)
{
	client_close(&self->client);
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static int run_session(struct client *c, struct tconn_record *ret)
{
	int error = client_bind(c);

	if (!error)
		error = client_activate(c);
	return error ? error : client_confirm(c, ret);
}

TEST_F(measure, log_replays_to_its_pcr)
{
	static unsigned char log[65536];
	unsigned char now[32], pcr[32];
	ssize_t len;

	ASSERT_EQ(0, run_session(&self->client, NULL));
	len = guest_read(GUEST_FILE("log"), log, sizeof(log));
	ASSERT_LT(0, len);
	memcpy(pcr, self->before, sizeof(pcr));
	/* boot, policy, app, record */
	ASSERT_EQ(4, replay(log, len, pcr));
	ASSERT_EQ(0, read_pcr(now));
	EXPECT_EQ(0, memcmp(now, pcr, sizeof(now)));
}

TEST_F(measure, boot_is_first_and_says_which_module)
{
	unsigned char log[4096];
	struct tconn_event event;
	struct tconn_event_boot boot;
	char src[64];

	ASSERT_LT(sizeof(event) + sizeof(boot), guest_read(GUEST_FILE("log"), log, sizeof(log)));
	memcpy(&event, log, sizeof(event));
	memcpy(&boot, log + sizeof(event), sizeof(boot));
	EXPECT_EQ(TCONN_EVENT_BOOT, event.type);
	EXPECT_EQ(sizeof(boot), event.len);
	EXPECT_EQ(TCONN_ABI, boot.abi);
	EXPECT_EQ(TCONN_BOOT_DEVELOPER, boot.flags);
	ASSERT_LT(0, guest_read("/sys/module/tconn/srcversion", src, sizeof(src)));
	src[strcspn(src, "\n")] = '\0';
	EXPECT_STREQ(src, boot.srcversion);
	ASSERT_LT(0, guest_read("/sys/module/tconn/version", src, sizeof(src)));
	src[strcspn(src, "\n")] = '\0';
	EXPECT_STREQ(src, boot.version);
}

TEST_F(measure, boot_id_is_new_at_each_load)
{
	struct tconn_event_boot first, second;

	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_BOOT, &first, sizeof(first)));
	client_close(&self->client);
	ASSERT_EQ(0, guest_stop(&self->guest));
	ASSERT_EQ(0, guest_start(&self->guest, GUEST_ALL));
	ASSERT_EQ(0, client_open(&self->client));
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_BOOT, &second, sizeof(second)));
	EXPECT_NE(0, memcmp(first.boot_id, second.boot_id, sizeof(first.boot_id)));
}

TEST_F(measure, record_in_the_log_is_the_one_returned)
{
	struct tconn_record returned, logged;
	struct tconn_event_policy policy;
	struct tconn_event_boot boot;
	unsigned char digest[32];
	uint8_t nonce[32];

	ASSERT_EQ(0, run_session(&self->client, &returned));
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_RECORD, &logged, sizeof(logged)));
	EXPECT_EQ(0, memcmp(&returned, &logged, sizeof(logged)));
	EXPECT_EQ(0, memcmp(returned.magic, "TCNR", 4));
	EXPECT_EQ(2, returned.version);
	EXPECT_EQ(sizeof(returned), returned.size);
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_BOOT, &boot, sizeof(boot)));
	EXPECT_EQ(0, memcmp(boot.boot_id, returned.boot_id, sizeof(boot.boot_id)));
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_POLICY, &policy, sizeof(policy)));
	EXPECT_EQ(0, memcmp(policy.digest, returned.policy_digest, 32));
	ASSERT_EQ(0, guest_own_digest(digest));
	EXPECT_EQ(0, memcmp(digest, returned.app_digest, 32));
	hash3(digest, CLIENT_STATEMENT, strlen(CLIENT_STATEMENT), NULL, 0, NULL, 0);
	EXPECT_EQ(0, memcmp(digest, returned.statement_digest, 32));
	memset(nonce, CLIENT_NONCE_BYTE, sizeof(nonce));
	EXPECT_EQ(0, memcmp(nonce, returned.nonce, 32));
}

TEST_F(measure, ascii_log_has_a_line_an_event)
{
	static const char * const starts[] = { "13 boot ", "13 policy ", "13 app ", "13 record " };
	static char text[65536];
	char *line, *rest = text;
	size_t i;

	ASSERT_EQ(0, run_session(&self->client, NULL));
	ASSERT_LT(0, guest_read(GUEST_FILE("log_ascii"), text, sizeof(text)));
	for (i = 0; i < 4; i++) {
		line = strsep(&rest, "\n");
		ASSERT_NE(NULL, line);
		EXPECT_EQ(0, strncmp(line, starts[i], strlen(starts[i])))
			TH_LOG("line %zu: %s", i, line);
	}
	EXPECT_STREQ("", rest);
}

TEST_F(measure, ima_has_the_same_events)
{
	static const char * const names[] = { " tconn-boot ", " tconn-policy ", " tconn-app ",
					      " tconn-record " };
	static char text[1 << 20];
	size_t i;

	ASSERT_EQ(0, run_session(&self->client, NULL));
	ASSERT_LT(0, guest_read(IMA_FILE, text, sizeof(text)));
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(strstr(text, names[i]) != NULL);
}

TEST_HARNESS_MAIN
