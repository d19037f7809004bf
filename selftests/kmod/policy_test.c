// SPDX-License-Identifier: Apache-2.0
/* kmod/policy.c: what is accepted, what is refused and with which words. */
#include <fcntl.h>
#include <kselftest_harness.h>
#include <openssl/sha.h>

#include "client.h"
#include "guest.h"

#define HEAD	"tconn-policy 1\n"
#define APP	"app sha256 0000000000000000000000000000000000000000000000000000000000000001 a\n"
#define CA	"00000000000000000000000000000000000000000000000000000000000000ca"
#define ZERO	"0000000000000000000000000000000000000000000000000000000000000000"
#define NOT_HEX	"000000000000000000000000000000000000000000000000000000000000000g"
#define LEAST	HEAD APP "display /devices/x\ninput /devices/y\n"

FIXTURE(policy) {
	struct guest guest;
};

FIXTURE_SETUP(policy)
{
	ASSERT_EQ(0, guest_start(&self->guest, 0));
}

FIXTURE_TEARDOWN(policy)
{
	EXPECT_EQ(0, guest_stop(&self->guest));
}

static int load(const char *text)
{
	return guest_write(GUEST_FILE("policy"), text);
}

TEST_F(policy, missing_is_said)
{
	int mark = guest_kmsg_mark();
	struct tconn_status status;
	struct client c;

	ASSERT_EQ(0, client_open(&c));
	EXPECT_EQ(-ENOKEY, client_bind(&c));
	ASSERT_EQ(0, client_status(&c, &status));
	EXPECT_EQ(TCONN_REFUSAL_NO_POLICY, status.refusal);
	EXPECT_EQ(TCONN_STATE_IDLE, status.state);
	EXPECT_TRUE(guest_kmsg_said(mark, "no policy is loaded"));
	EXPECT_EQ(0, guest_log_count(TCONN_EVENT_APP));
	client_close(&c);
}

TEST_F(policy, is_read_back_as_written)
{
	static const char text[] = "# for a test\n" LEAST "# and its end\n\n";
	char back[sizeof(text) + 1];

	EXPECT_EQ(0, guest_read(GUEST_FILE("policy"), back, sizeof(back)));
	ASSERT_EQ(0, load(text));
	ASSERT_EQ(sizeof(text) - 1, guest_read(GUEST_FILE("policy"), back, sizeof(back)));
	EXPECT_STREQ(text, back);
}

TEST_F(policy, is_measured)
{
	struct tconn_event_policy event;
	unsigned char digest[32];
	SHA256_CTX ctx;

	ASSERT_EQ(0, load(LEAST));
	ASSERT_EQ(0, guest_log_last(TCONN_EVENT_POLICY, &event, sizeof(event)));
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, LEAST, sizeof(LEAST) - 1);
	SHA256_Final(digest, &ctx);
	EXPECT_EQ(0, memcmp(digest, event.digest, sizeof(digest)));
	EXPECT_EQ(sizeof(LEAST) - 1, event.len);
	EXPECT_EQ(0, event.flags);
}

TEST_F(policy, is_taken_once)
{
	ASSERT_EQ(0, load(LEAST));
	EXPECT_EQ(-EPERM, load(LEAST));
	EXPECT_EQ(-EPERM, load(LEAST "pcr 9\n"));
	EXPECT_EQ(1, guest_log_count(TCONN_EVENT_POLICY));
}

TEST_F(policy, names_the_pcr_of_later_events)
{
	char line[4096], *last;

	ASSERT_EQ(0, load(LEAST "pcr 11\n"));
	ASSERT_LT(0, guest_read(GUEST_FILE("log_ascii"), line, sizeof(line)));
	last = strchr(line, '\n');
	ASSERT_NE(NULL, last);
	EXPECT_EQ(0, strncmp(last + 1, "11 policy ", strlen("11 policy ")));
}

/* Each is refused whole, the kernel log says where and why, and another may follow. */
static const struct {
	const char *text;
	const char *said;
} bad[] = {
	{ "# nothing\n", "line 2: the policy is empty" },
	{ "pcr 13\n", "line 1: the first line is: tconn-policy 1" },
	{ "tconn-policy 2\n", "line 1: the first line is: tconn-policy 1" },
	{ "tconn-policy 1 1\n", "line 1: the first line is: tconn-policy 1" },
	{ LEAST "colour red\n", "line 5: unknown keyword" },
	{ LEAST "app\n", "line 5: wrong number of words" },
	{ LEAST "app sha256 00 a\n", "line 5: app wants: sha256 HEX NAME" },
	{ LEAST "app sha1 0000000000000000000000000000000000000000000000000000000000000001 a\n",
	  "line 5: app wants: sha256 HEX NAME" },
	{ LEAST "app sha256 " NOT_HEX " a\n", "line 5: not a hexadecimal digest" },
	{ LEAST APP APP APP APP APP APP APP APP APP APP APP APP APP APP APP APP,
	  "line 20: too many apps" },
	{ LEAST "pcr 7\n", "line 5: pcr is a number from 8 to 15" },
	{ LEAST "pcr 16\n", "line 5: pcr is a number from 8 to 15" },
	{ LEAST "pcr x\n", "line 5: pcr is a number from 8 to 15" },
	{ LEAST "pcr 13\npcr 13\n", "line 6: given twice" },
	{ LEAST "display card0\n", "line 5: a device path starts with /devices/" },
	{ LEAST "indicator /devices/a\nindicator /devices/b\n", "line 6: too many lines" },
	{ LEAST "indicator-required maybe\n", "line 5: indicator-required is yes or no" },
	{ LEAST "hotplug yes\n", "line 5: hotplug is abort or ignore" },
	{ LEAST "hotplug abort\nhotplug abort\n", "line 6: given twice" },
	{ LEAST "attention-key\n", "line 5: wrong number of words" },
	{ LEAST "attention-key 29 56 42 88\n", "line 5: wrong number of words" },
	{ LEAST "attention-key KEY_F99\n", "line 5: not a key" },
	{ LEAST "attention-key 88\nattention-key 87\n", "line 6: given twice" },
	{ LEAST "timeout-max-ms 999\n", "line 5: timeout-max-ms is outside the limits" },
	{ LEAST "timeout-max-ms 90001\n", "line 5: timeout-max-ms is outside the limits" },
	{ LEAST "grace-ms 5001\n", "line 5: grace-ms is a number from 0 to 5000" },
	{ LEAST "band-permille 201\n", "line 5: band-permille is a number from 0 to 200" },
	{ LEAST "service-ca sha256 " CA " a\n", "line 5: wrong number of words" },
	{ LEAST "service-ca sha256 00\n", "line 5: service-ca wants: sha256 HEX" },
	{ LEAST "service-ca sha1 " CA "\n", "line 5: service-ca wants: sha256 HEX" },
	{ LEAST "service-ca sha256 " NOT_HEX "\n", "line 5: not a hexadecimal digest" },
	{ LEAST "service-ca sha256 " ZERO "\n", "line 5: no certificate has this digest" },
	{ LEAST "service-ca sha256 " CA "\nservice-ca sha256 " CA "\n", "line 6: given twice" },
	{ LEAST "confirm\n", "line 5: wrong number of words" },
	{ LEAST "confirm KEY_NONE\n", "line 5: not a key" },
	{ LEAST "confirm 0\n", "line 5: not a key" },
	{ LEAST "confirm 768\n", "line 5: not a key" },
	{ LEAST "deny KEY_ESC hold\n", "line 5: a gesture is: hold MS or double MS" },
	{ LEAST "deny KEY_ESC twice 300\n", "line 5: a gesture is: hold MS or double MS" },
	{ LEAST "confirm KEY_ENTER hold 99\n", "line 5: a gesture is: hold MS or double MS" },
	{ LEAST "confirm KEY_ENTER double 5001\n", "line 5: a gesture is: hold MS or double" },
	{ LEAST "confirm 5\nconfirm 6\n", "line 6: given twice" },
	{ LEAST "deny KEY_ENTER\n", "one key both confirms and denies" },
	{ LEAST "pcr 13\r\n", "line 5: not printable ASCII" },
	{ LEAST "# \xc3\xa4\n", "line 5: not printable ASCII" },
	{ LEAST "one two three four five\n", "line 5: unknown keyword" },
	{ HEAD "display /devices/x\ninput /devices/y\n", "no app is listed" },
	{ HEAD APP "input /devices/y\n", "no display is listed" },
	{ HEAD APP "display /devices/x\n", "no input is listed" },
};

TEST_F(policy, with_a_fault_is_refused)
{
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int mark = guest_kmsg_mark();

		EXPECT_EQ(-EINVAL, load(bad[i].text))
			TH_LOG("accepted: %s", bad[i].text);
		EXPECT_TRUE(guest_kmsg_said(mark, bad[i].said))
			TH_LOG("not said: %s", bad[i].said);
	}
	EXPECT_EQ(0, guest_log_count(TCONN_EVENT_POLICY));
	EXPECT_EQ(0, load(LEAST));
}

TEST_F(policy, in_two_writes_is_refused)
{
	int fd = open(GUEST_FILE("policy"), O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, pwrite(fd, LEAST, sizeof(LEAST) - 1, 1));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
}

TEST_F(policy, over_its_limit_is_refused)
{
	char *text = malloc(TCONN_POLICY_MAX + 2);

	ASSERT_NE(NULL, text);
	memset(text, '\n', TCONN_POLICY_MAX + 1);
	memcpy(text, LEAST, sizeof(LEAST) - 1);
	text[TCONN_POLICY_MAX + 1] = '\0';
	EXPECT_EQ(-EFBIG, load(text));
	text[TCONN_POLICY_MAX] = '\0';
	EXPECT_EQ(0, load(text));
	free(text);
}

/* LEAST under a signature of zeros that says of itself how long it is. */
static int load_signed(uint32_t zeros, uint32_t said)
{
	struct tconn_signature_end end = { .len = said };
	char text[sizeof(LEAST) - 1 + 64 + sizeof(end)] = LEAST;
	size_t len = sizeof(LEAST) - 1 + zeros;
	int fd = open(GUEST_FILE("policy"), O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	memcpy(end.magic, TCONN_SIGNATURE_MAGIC, sizeof(end.magic));
	memcpy(text + len, &end, sizeof(end));
	if (write(fd, text, len + sizeof(end)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Not even developer mode takes it. (With a real one: selftests/e2e/test_policy.py.) */
TEST_F(policy, with_a_signature_that_is_none_is_refused)
{
	const uint32_t all = sizeof(LEAST) - 1 + 64;
	int mark = guest_kmsg_mark();

	EXPECT_EQ(-EBADMSG, load_signed(64, 0));
	EXPECT_EQ(-EBADMSG, load_signed(64, all));
	EXPECT_EQ(-EBADMSG, load_signed(64, UINT32_MAX));
	EXPECT_TRUE(guest_kmsg_said(mark, "its signature has no length that can be"));
	mark = guest_kmsg_mark();
	EXPECT_EQ(-EBADMSG, load_signed(64, 64));
	EXPECT_TRUE(guest_kmsg_said(mark, "its signature is no PKCS#7 that this kernel knows"));
	EXPECT_EQ(0, guest_log_count(TCONN_EVENT_POLICY));
	EXPECT_EQ(0, load(LEAST));
}

TEST_F(policy, without_signature_is_for_developers)
{
	int mark = guest_kmsg_mark();

	ASSERT_EQ(0, guest_unload());
	ASSERT_EQ(0, guest_load_with(""));
	EXPECT_EQ(-EKEYREJECTED, load(LEAST));
	EXPECT_TRUE(guest_kmsg_said(mark, "it is not signed, and this is no developer mode"));
}

TEST_F(policy, lowers_the_time_limit)
{
	struct guest *g = &self->guest;
	struct client c;
	char text[1024];

	ASSERT_EQ(0, guest_ree_start(g));
	ASSERT_EQ(0, guest_policy_text(text, sizeof(text),
				       "timeout-max-ms 5000\nindicator-required no\n"));
	ASSERT_EQ(0, load(text));
	ASSERT_EQ(0, client_open(&c));
	c.timeout_ms = 5001;
	EXPECT_EQ(-ERANGE, client_bind(&c));
	c.timeout_ms = 5000;
	EXPECT_EQ(0, client_bind(&c));
	client_close(&c);
}

/* What BIND answers for a policy with these lines besides; 0 or a negative errno. */
static int bind_under(struct guest *g, const char *lines, struct tconn_bind *ret)
{
	struct client c;
	char text[1024];
	int r = guest_ree_start(g);

	if (!r)
		r = guest_policy_text(text, sizeof(text), lines);
	if (!r)
		r = load(text);
	if (!r)
		r = client_open(&c);
	if (r)
		return r;
	r = client_bind(&c);
	*ret = c.bind;
	client_close(&c);
	return r;
}

TEST_F(policy, tells_the_app_who_vouches_for_services)
{
	static const unsigned char ca[TCONN_DIGEST_SIZE] = { [31] = 0xca };
	struct tconn_bind bind;

	ASSERT_EQ(0, bind_under(&self->guest, "indicator-required no\nservice-ca sha256 " CA "\n",
				&bind));
	EXPECT_EQ(0, memcmp(ca, bind.service_ca, sizeof(ca)));
}

TEST_F(policy, without_a_service_ca_tells_zeros)
{
	static const unsigned char none[TCONN_DIGEST_SIZE];
	struct tconn_bind bind;

	ASSERT_EQ(0, bind_under(&self->guest, "indicator-required no\n", &bind));
	EXPECT_EQ(0, memcmp(none, bind.service_ca, sizeof(none)));
}

TEST_HARNESS_MAIN
