// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/log_boot.c, log_ima.c, log_tconn.c and pcr.c. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <kselftest_harness.h>

#include "daemon/lib/log.h"
#include "daemon/lib/pcr.h"
#include "kmod/uapi/tconn.h"
#include "log_build.h"

static struct log made;		/* too large for a stack; each test has its own process */
static struct tconn_bytes bytes;
static struct tconn_error err;

struct seen {
	size_t count;
	struct tconn_pcrs pcrs;
	struct tconn_boot_event boot;
	struct tconn_ima_event ima[LOG_ENTRIES_MAX];
	struct tconn_log_event tconn;
};

static int see_boot(const struct tconn_boot_event *e, size_t index, void *arg)
{
	struct seen *s = arg;

	s->count = index + 1;
	s->boot = *e;
	return tconn_pcr_replay_boot(&s->pcrs, e, &err);
}

static int see_ima(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct seen *s = arg;
	uint8_t digest[32];

	s->count = index + 1;
	s->ima[index % LOG_ENTRIES_MAX] = *e;
	tconn_ima_template_digest(e, digest);
	tconn_pcr_replay(&s->pcrs, e->pcr, digest);
	return 0;
}

static int see_tconn(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct seen *s = arg;

	s->count = index + 1;
	s->tconn = *e;
	tconn_pcr_replay(&s->pcrs, e->pcr, e->digest);
	return 0;
}

static struct seen *fresh(void)
{
	static struct seen s;

	memset(&s, 0, sizeof(s));
	tconn_pcrs_reset(&s.pcrs);
	err.text[0] = '\0';
	return &s;
}

/* What the TPM would hold: H(old || digest), computed with EVP. */
static void replay_by_hand(const struct log *l, uint32_t pcr, uint8_t ret[32])
{
	uint8_t both[64] = { 0 };

	for (size_t i = 0; i < l->count; i++) {
		if (!l->entry[i].extended || l->entry[i].pcr != pcr)
			continue;
		memcpy(both + 32, l->entry[i].digest, 32);
		log_sha256(both, 64, both);
	}
	memcpy(ret, both, 32);
}

static void build_boot(void)
{
	log_boot_begin(&made);
	log_boot_add(&made, 0, EV_S_CRTM_VERSION, "v1", 2);
	log_boot_add(&made, 4, EV_EFI_APPLICATION, "kernel", 6);
	log_boot_add(&made, 9, EV_EVENT_TAG, "initrd", 6);
	log_boot_add(&made, 0, EV_SEPARATOR, "\0\0\0\0", 4);
}

static void build_ima(void)
{
	uint8_t aggregate[32] = { 1 };

	log_ima_add_digest(&made, "ima-ng", "boot_aggregate", "sha256", aggregate, 32);
	log_ima_add(&made, "ima-sig", "/usr/sbin/tconnd", "elf", 3);
	log_ima_violation(&made, "/var/log/x");
	log_ima_add(&made, "ima-buf", "tconn-boot", "boot data", 9);
}

static void build_tconn(void)
{
	struct tconn_event_boot boot = { .abi = TCONN_ABI };
	struct tconn_event_policy policy = { .len = 10 };

	log_tconn_add(&made, 13, TCONN_EVENT_BOOT, &boot, sizeof(boot));
	log_tconn_add(&made, 13, TCONN_EVENT_POLICY, &policy, sizeof(policy));
}

static int walk_boot(struct seen *s)
{
	log_join(&made, &bytes);
	return tconn_boot_walk(bytes.data, bytes.len, see_boot, s, &err);
}

static int walk_ima(struct seen *s)
{
	log_join(&made, &bytes);
	return tconn_ima_walk(bytes.data, bytes.len, see_ima, s, &err);
}

static int walk_tconn(struct seen *s)
{
	log_join(&made, &bytes);
	return tconn_log_walk(bytes.data, bytes.len, see_tconn, s, &err);
}

TEST(boot_log_replays)
{
	struct seen *s = fresh();
	uint8_t want[32];

	build_boot();
	ASSERT_EQ(0, walk_boot(s)) TH_LOG("%s", err.text);
	EXPECT_EQ(4, s->count);
	for (uint32_t pcr = 0; pcr < 17; pcr++) {
		replay_by_hand(&made, pcr, want);
		EXPECT_EQ(0, memcmp(want, s->pcrs.digest[pcr], 32)) TH_LOG("PCR %u", pcr);
	}
	EXPECT_EQ(EV_SEPARATOR, s->boot.type);
	EXPECT_EQ(4, s->boot.data_len);
}

TEST(startup_locality_sets_pcr_0_and_no_action_is_not_extended)
{
	uint8_t event[17] = "StartupLocality", want[64] = { 0 };
	struct seen *s = fresh();

	event[16] = 3;
	log_boot_begin(&made);
	log_boot_add(&made, 0, EV_NO_ACTION, event, sizeof(event));
	log_boot_add(&made, 7, EV_NO_ACTION, "remark", 6);
	log_boot_add(&made, 0, EV_S_CRTM_VERSION, "v1", 2);
	ASSERT_EQ(0, walk_boot(s)) TH_LOG("%s", err.text);
	want[31] = 3;
	memcpy(want + 32, made.entry[3].digest, 32);
	log_sha256(want, 64, want);
	EXPECT_EQ(0, memcmp(want, s->pcrs.digest[0], 32));
	EXPECT_TRUE(tconn_pcr_is_zero(s->pcrs.digest[7]));
	log_swap(&made, 1, 3);
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "StartupLocality after")) TH_LOG("%s", err.text);
}

TEST(reset_values_are_the_pc_clients)
{
	static const uint8_t ones[32] = { [0 ... 31] = 0xff };
	struct tconn_pcrs p;

	tconn_pcrs_reset(&p);
	EXPECT_EQ(0xffffffu, p.mask);
	for (int i = 0; i < 24; i++) {
		EXPECT_EQ(i >= 17 && i <= 22, !memcmp(p.digest[i], ones, 32)) TH_LOG("PCR %d", i);
	}
}

TEST(boot_log_without_sha256_is_refused_with_advice)
{
	uint8_t sha1_log[32 + 37];

	build_boot();
	log_join(&made, &bytes);
	memcpy(sha1_log, bytes.data, sizeof(sha1_log));
	sha1_log[32 + 24] = 1;		/* one algorithm, sha1 */
	sha1_log[28] -= 4;
	sha1_log[32 + 32] = 0;
	EXPECT_EQ(-EBADMSG, tconn_boot_walk(sha1_log, sizeof(sha1_log) - 4, see_boot, fresh(), &err));
	EXPECT_NE(NULL, strstr(err.text, "no sha256 bank")) TH_LOG("%s", err.text);
	bytes.data[32 + 14] = '0';	/* Spec ID Event00 */
	EXPECT_EQ(-EBADMSG, tconn_boot_walk(bytes.data, bytes.len, see_boot, fresh(), &err));
	EXPECT_NE(NULL, strstr(err.text, "Spec ID Event03")) TH_LOG("%s", err.text);
}

TEST(boot_log_with_a_digest_twice_or_missing_is_refused)
{
	build_boot();
	made.entry[1].bytes[12 + 2 + 20] = 0x04;		/* sha256 becomes a second sha1 */
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "event 1 at byte 69")) TH_LOG("%s", err.text);
	made.entry[1].bytes[12 + 2 + 20] = 0x0c;		/* sha384, which is not listed */
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
	made.entry[1].bytes[8] = 1;			/* one digest only */
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "one digest for each")) TH_LOG("%s", err.text);
}

TEST(pcrs_that_do_not_exist_are_refused)
{
	build_boot();
	made.entry[2].bytes[0] = 24;
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
	made.count = 0;
	build_ima();
	made.entry[1].bytes[0] = 24;
	EXPECT_EQ(-EBADMSG, walk_ima(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "names a PCR that does not exist")) TH_LOG("%s", err.text);
	made.count = 0;
	build_tconn();
	made.entry[1].bytes[0] = 24;
	EXPECT_EQ(-EBADMSG, walk_tconn(fresh()));
}

/* After each whole event the log is a shorter log; anywhere else it is malformed. */
static bool is_boundary(size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < made.count && at < len; i++)
		at += made.entry[i].len;
	return at == len;
}

#define EXPECT_CUTS_REFUSED(walk, see) do { \
	log_join(&made, &bytes); \
	for (size_t len = 0; len <= bytes.len; len++) { \
		/* A copy of its own size, so that a sanitizer sees a read too far. */ \
		uint8_t *copy = malloc(len ? len : 1); \
		memcpy(copy, bytes.data, len); \
		ASSERT_EQ(is_boundary(len) ? 0 : -EBADMSG, walk(copy, len, see, fresh(), &err)) \
			TH_LOG("%zu bytes: %s", len, err.text); \
		free(copy); \
	} \
} while (0)

TEST(logs_cut_anywhere_are_refused)
{
	build_boot();
	EXPECT_CUTS_REFUSED(tconn_boot_walk, see_boot);
	made.count = 0;
	build_ima();
	EXPECT_CUTS_REFUSED(tconn_ima_walk, see_ima);
	made.count = 0;
	build_tconn();
	EXPECT_CUTS_REFUSED(tconn_log_walk, see_tconn);
}

TEST(lengths_beyond_the_log_are_refused)
{
	static const size_t ima_lengths[] = { 24, 34, 38 };	/* name, data, first field */

	for (size_t i = 0; i < 3; i++) {
		made.count = 0;
		build_ima();
		memset(made.entry[0].bytes + ima_lengths[i], 0xff, 4);
		EXPECT_EQ(-EBADMSG, walk_ima(fresh())) TH_LOG("byte %zu", ima_lengths[i]);
	}
	made.count = 0;
	build_tconn();
	memset(made.entry[0].bytes + 40, 0xff, 4);
	EXPECT_EQ(-EBADMSG, walk_tconn(fresh()));
	made.count = 0;
	build_boot();
	memset(made.entry[1].bytes + 12 + 22 + 34, 0xff, 4);
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
	made.count = 0;
	build_boot();
	memset(made.entry[0].bytes + 28, 0xff, 4);
	EXPECT_EQ(-EBADMSG, walk_boot(fresh()));
}

TEST(ima_entries_say_what_they_hold)
{
	struct seen *s = fresh();
	uint8_t want[32], got[32];

	build_ima();
	ASSERT_EQ(0, walk_ima(s)) TH_LOG("%s", err.text);
	ASSERT_EQ(4, s->count);
	replay_by_hand(&made, 10, want);
	EXPECT_EQ(0, memcmp(want, s->pcrs.digest[10], 32));
	EXPECT_EQ(TCONN_IMA_NG, s->ima[0].template);
	EXPECT_EQ(NULL, s->ima[0].buf);
	EXPECT_EQ(TCONN_IMA_SIG, s->ima[1].template);
	EXPECT_STREQ("sha256", s->ima[1].digest_alg);
	EXPECT_EQ(strlen("/usr/sbin/tconnd"), s->ima[1].path_len);
	EXPECT_EQ(0, memcmp("/usr/sbin/tconnd", s->ima[1].path, s->ima[1].path_len));
	log_sha256("elf", 3, want);
	ASSERT_EQ(32, s->ima[1].digest_len);
	EXPECT_EQ(0, memcmp(want, s->ima[1].digest, 32));
	EXPECT_FALSE(s->ima[1].violation);
	EXPECT_TRUE(s->ima[2].violation);
	memset(want, 0xff, 32);
	tconn_ima_template_digest(&s->ima[2], got);
	EXPECT_EQ(0, memcmp(want, got, 32));
	ASSERT_EQ(9, s->ima[3].buf_len);
	EXPECT_EQ(0, memcmp("boot data", s->ima[3].buf, 9));
}

TEST(ima_templates_and_fields_that_are_not_known_are_refused)
{
	build_ima();
	memcpy(made.entry[1].bytes + 28, "ima-xyz", 7);
	EXPECT_EQ(-EBADMSG, walk_ima(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "template other than")) TH_LOG("%s", err.text);
	made.count = 0;
	build_ima();
	made.entry[0].bytes[42 + 6] = '_';	/* "sha256_" */
	EXPECT_EQ(-EBADMSG, walk_ima(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "without an algorithm")) TH_LOG("%s", err.text);
	made.count = 0;
	build_ima();
	made.entry[0].bytes[made.entry[0].len - 1] = 'x';		/* the path's terminator */
	EXPECT_EQ(-EBADMSG, walk_ima(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "terminated string")) TH_LOG("%s", err.text);
}

TEST(module_events_are_checked_against_their_digest)
{
	struct seen *s = fresh();

	build_tconn();
	ASSERT_EQ(0, walk_tconn(s)) TH_LOG("%s", err.text);
	EXPECT_EQ(2, s->count);
	EXPECT_EQ(TCONN_EVENT_POLICY, s->tconn.type);
	EXPECT_EQ(sizeof(struct tconn_event_policy), s->tconn.data_len);
	made.entry[1].bytes[50] ^= 1;
	EXPECT_EQ(-EBADMSG, walk_tconn(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "event 1 at byte 160")) TH_LOG("%s", err.text);
	EXPECT_NE(NULL, strstr(err.text, "not the digest of its data")) TH_LOG("%s", err.text);
}

TEST(module_events_of_another_type_or_size_are_refused)
{
	uint8_t data[41] = { 0 };

	log_tconn_add(&made, 13, 9, data, 40);
	EXPECT_EQ(-EBADMSG, walk_tconn(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "unknown type")) TH_LOG("%s", err.text);
	made.count = 0;
	log_tconn_add(&made, 13, TCONN_EVENT_POLICY, data, 41);
	EXPECT_EQ(-EBADMSG, walk_tconn(fresh()));
	EXPECT_NE(NULL, strstr(err.text, "not the size of its type")) TH_LOG("%s", err.text);
}

static int stop_at_two(const struct tconn_log_event *e, size_t index, void *arg)
{
	(void)e;
	(void)arg;
	return index == 1 ? 42 : 0;
}

TEST(a_callback_can_stop_the_walk)
{
	build_tconn();
	log_join(&made, &bytes);
	EXPECT_EQ(42, tconn_log_walk(bytes.data, bytes.len, stop_at_two, NULL, &err));
}

TEST(an_empty_log_is_a_log)
{
	struct seen *s = fresh();

	EXPECT_EQ(0, tconn_boot_walk(NULL, 0, see_boot, s, &err));
	EXPECT_EQ(0, tconn_ima_walk(NULL, 0, see_ima, s, &err));
	EXPECT_EQ(0, tconn_log_walk(NULL, 0, see_tconn, s, &err));
	EXPECT_EQ(0, s->count);
}

static struct tconn_bytes repeat(const struct log_entry *e, size_t times)
{
	struct tconn_bytes b = { malloc(e->len * times), e->len * times };

	for (size_t i = 0; i < times; i++)
		memcpy(b.data + i * e->len, e->bytes, e->len);
	return b;
}

TEST(logs_over_the_limits_are_refused)
{
	struct tconn_bytes many, big = { calloc(1, TCONN_LOG_MAX + 1), TCONN_LOG_MAX + 1 };

	EXPECT_EQ(-EBADMSG, tconn_ima_walk(big.data, big.len, see_ima, fresh(), &err));
	EXPECT_NE(NULL, strstr(err.text, "over the limit")) TH_LOG("%s", err.text);
	EXPECT_EQ(-EBADMSG, tconn_boot_walk(big.data, big.len, see_boot, fresh(), &err));
	EXPECT_EQ(-EBADMSG, tconn_log_walk(big.data, big.len, see_tconn, fresh(), &err));
	log_ima_add(&made, "ima-ng", "x", "x", 1);
	ASSERT_GT(TCONN_LOG_MAX / made.entry[0].len, 100000);
	many = repeat(&made.entry[0], TCONN_LOG_MAX / made.entry[0].len);
	EXPECT_EQ(0, tconn_ima_walk(many.data, many.len, see_ima, fresh(), &err))
		TH_LOG("%s", err.text);
	tconn_bytes_free(&many);
	tconn_bytes_free(&big);
	made.count = 0;
	log_ima_add_digest(&made, "ima-ng", "", "a", (const uint8_t *)"x", 1);
	many = repeat(&made.entry[0], TCONN_LOG_EVENTS_MAX + 1);
	ASSERT_GT(TCONN_LOG_MAX, many.len);
	EXPECT_EQ(-EBADMSG, tconn_ima_walk(many.data, many.len, see_ima, fresh(), &err));
	EXPECT_NE(NULL, strstr(err.text, "event 200000 ")) TH_LOG("%s", err.text);
	EXPECT_NE(NULL, strstr(err.text, "one more than the limit")) TH_LOG("%s", err.text);
	tconn_bytes_free(&many);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

TEST(a_hundred_thousand_entries_take_well_under_a_second)
{
	struct tconn_bytes many;
	double start;

	log_ima_add(&made, "ima-ng", "/usr/lib/x86_64-linux-gnu/libc.so.6", "x", 1);
	many = repeat(&made.entry[0], 100000);
	start = seconds();
	EXPECT_EQ(0, tconn_ima_walk(many.data, many.len, see_ima, fresh(), &err));
	printf("# 100000 entries: %.3f s of CPU time\n", seconds() - start);
	fflush(stdout);		/* the harness ends a test with _exit() */
	EXPECT_GT(1.0, seconds() - start);
	tconn_bytes_free(&many);
}

TEST_HARNESS_MAIN
