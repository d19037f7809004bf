// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/tconnd/phrase.c and phrase_words.c: tconnd with a software TPM, against
 * tconn-serviced. This program plays the TUI, and keeps what tconnd told it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/tpm.h"
#include "daemon/tconnd/band.h"
#include "daemon/tconnd/phrase_words.h"
#include "kmod/uapi/tconn.h"
#include "tui/protocol.h"
#include "tui/render.h"
#include "tui/statement.h"
#include "boot_owner.h"
#include "process_memory.h"
#include "stage.h"

static struct stage w;
static char config[1024];
static pid_t serviced, tconnd;

/* -- the TUI: how it answers is in DIR/tui-mode; what it was told goes to DIR/tui-request */

struct told {
	struct tconn_tui_request header;
	char text[TCONN_STATEMENT_MAX + 1];
	char phrase[TCONN_PHRASE_MAX + 1];
};

static int take_request(const char *dir, struct told *t)
{
	char part[STAGE_PATH], path[STAGE_PATH];
	FILE *f;

	snprintf(part, sizeof(part), "%s/tui-request.part", dir);
	snprintf(path, sizeof(path), "%s/tui-request", dir);
	if (fread(&t->header, sizeof(t->header), 1, stdin) != 1 ||
	    fread(t->text, 1, t->header.statement_len, stdin) != t->header.statement_len ||
	    fread(t->phrase, 1, t->header.phrase_len, stdin) != t->header.phrase_len)
		return -1;
	memmove(t->text, t->text + TCONN_STATEMENT_HEADER, sizeof(t->text) - TCONN_STATEMENT_HEADER);
	f = fopen(part, "we");
	if (!f || fwrite(t, sizeof(*t), 1, f) != 1 || fclose(f))
		return -1;
	return rename(part, path);
}

static int play_tui(const char *dir)
{
	struct tconn_tui_reply r = { .magic = "TCRP", .version = TCONN_TUI_VERSION };
	struct tconn_record record = { .magic = "TCNR", .kind = TCONN_KIND_NOTICE, .width = 1280,
				       .height = 800, .attested = { 0, 96, 1280, 704 } };
	static struct told t;
	char path[STAGE_PATH];
	const char *mode;

	snprintf(path, sizeof(path), "%s/tui-mode", dir);
	mode = stage_read(path);
	if (take_request(dir, &t))
		return 3;
	if (strcmp(mode, "refuse") == 0) {
		r.status = TCONN_TUI_REFUSED;
	} else if (strcmp(mode, "prove") == 0 && strcmp(t.text, TCONN_TUI_ATTENTION) != 0) {
		r.status = TCONN_TUI_UNPROVEN;
	} else if (strcmp(mode, "timeout") == 0) {
		r.status = TCONN_TUI_ABORTED;
		record.outcome = TCONN_OUTCOME_ABORTED;
		record.cause = TCONN_CAUSE_TIMEOUT;
	} else if (strcmp(mode, "low-band") == 0) {
		record.outcome = TCONN_OUTCOME_CONFIRMED;
		record.attested.y = 80;
	} else if (strcmp(mode, "sleep") == 0) {
		sleep(60);
	} else {
		record.outcome = TCONN_OUTCOME_CONFIRMED;
	}
	r.record_len = r.status <= TCONN_TUI_ABORTED ? sizeof(record) : 0;
	fwrite(&r, sizeof(r), 1, stdout);
	fwrite(&record, r.record_len, 1, stdout);
	return fflush(stdout) ? 4 : 0;
}

static void tui_will(const char *mode)
{
	unlink(stage_path(&w, "tui-request"));
	stage_write(stage_path(&w, "tui-mode"), mode, strlen(mode));
}

static bool was_told(void *arg)
{
	FILE *f = fopen(stage_path(&w, "tui-request"), "re");
	bool whole = f && fread(arg, sizeof(struct told), 1, f) == 1;

	if (f)
		fclose(f);
	return whole;
}

/* -- tconnd */

static const char *sealed_path(void)
{
	static char path[STAGE_PATH + 16];

	snprintf(path, sizeof(path), "%s/phrase", w.device.dir);
	return path;
}

static bool status_is(void *arg)
{
	struct json_object *s = stage_call(w.status, 5000, "{\"do\":\"status\"}");
	bool is = strcmp(stage_text(s, "phrase"), arg) == 0;

	json_object_put(s);
	return is;
}

static bool is_in(void *arg)
{
	struct json_object *s = stage_call(w.status, 5000, "{\"do\":\"status\"}");
	bool in = stage_flag(s, "connected") && stage_flag(s, "trusted");

	(void)arg;
	json_object_put(s);
	return in;
}

static void start(const char *more)
{
	char whole[2048];

	snprintf(whole, sizeof(whole), "%s%s", config, more);
	tconnd = stage_tconnd(&w, whole);
}

/* tconnctl's exit code; what it printed is in phrase.out. */
static int phrase(const char *verb)
{
	pid_t pid;

	unlink(stage_path(&w, "phrase.out"));
	pid = stage_spawn(&w, "phrase.out", "tconnctl", "--socket", w.status, "phrase", verb, NULL);
	return stage_wait(pid, 60000);
}

static int request(void)
{
	pid_t pid = stage_spawn(&w, "request.out", "tconnctl", "--socket", w.admin, "request",
				"confirm", "--device", w.device.identity.name, "--text",
				"Pay 1 EUR?", "--timeout", "5", NULL);

	return stage_wait(pid, 60000);
}

static bool file_has(const char *path, const char *text)
{
	char *whole = stage_read(path);
	bool has = memmem(whole, 1 << 20, text, strlen(text)) != NULL;

	free(whole);
	return has;
}

#define EXPECT_FILE_HAS(part, path) \
	EXPECT_TRUE(file_has(path, part)) TH_LOG("\"%s\" is not in: %s", part, stage_read(path))

FIXTURE(phrase) {
	struct told told;
};

FIXTURE_SETUP(phrase)
{
	unlink(stage_path(&w, "serviced.db"));
	unlink(stage_path(&w, "tconnd.log"));
	unlink(sealed_path());
	tui_will("confirm");
	serviced = stage_serviced(&w, "");
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   w.device.identity.name));
	start("");
	ASSERT_TRUE(stage_until(is_in, NULL, 10000))
		TH_LOG("%s", stage_read(stage_path(&w, "tconnd.log")));
}

FIXTURE_TEARDOWN(phrase)
{
	EXPECT_EQ(0, stage_stop(tconnd));
	EXPECT_EQ(0, stage_stop(serviced));
}

/* A question of the service: what the TUI is told with it. It is refused, and the service takes
 * offence; who asked is back soon.
 */
static void hear_question(struct __test_metadata *_metadata, struct told *ret)
{
	ASSERT_TRUE(stage_until(is_in, NULL, 10000));
	tui_will("refuse");
	EXPECT_EQ(4, request());
	ASSERT_TRUE(was_told(ret));
	EXPECT_NE(NULL, strstr(ret->text, "Pay 1 EUR?"));
	EXPECT_TRUE(stage_until(is_in, NULL, 10000));
}

static void expect_secret(struct __test_metadata *_metadata, const struct told *t)
{
	EXPECT_FALSE(file_has(stage_path(&w, "tconnd.log"), t->phrase));
	EXPECT_FALSE(file_has(stage_path(&w, "phrase.out"), t->phrase));
	EXPECT_FALSE(file_has(sealed_path(), t->phrase));
	EXPECT_EQ(NULL, strstr(t->text, t->phrase)) TH_LOG("%s", t->text);
}

TEST_F(phrase, none_is_shown_before_one_is_set_up)
{
	EXPECT_TRUE(status_is("not set up"));
	hear_question(_metadata, &self->told);
	EXPECT_EQ(0, self->told.header.phrase_len);
}

TEST_F(phrase, is_in_force_once_confirmed_and_stays)
{
	char words[TCONN_PHRASE_MAX + 1];
	struct stat st;

	EXPECT_EQ(0, phrase("new"));
	EXPECT_FILE_HAS("phrase: in force", stage_path(&w, "phrase.out"));
	ASSERT_TRUE(was_told(&self->told));
	EXPECT_TRUE(phrase_valid(self->told.phrase, self->told.header.phrase_len))
		TH_LOG("%s", self->told.phrase);
	EXPECT_TRUE(status_is("in force"));
	ASSERT_EQ(0, stat(sealed_path(), &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	expect_secret(_metadata, &self->told);
	strcpy(words, self->told.phrase);

	hear_question(_metadata, &self->told);
	EXPECT_STREQ(words, self->told.phrase);
	EXPECT_EQ(0, stage_stop(tconnd));
	start("");
	EXPECT_TRUE(status_is("in force"));
	hear_question(_metadata, &self->told);
	EXPECT_STREQ(words, self->told.phrase);
	expect_secret(_metadata, &self->told);

	EXPECT_TRUE(process_memory_has(tconnd, words, strlen(words)));
	EXPECT_EQ(0, phrase("forget"));
	EXPECT_FILE_HAS("phrase: not set up", stage_path(&w, "phrase.out"));
	EXPECT_FALSE(process_memory_has(tconnd, words, strlen(words)));
	EXPECT_NE(0, access(sealed_path(), F_OK));
	hear_question(_metadata, &self->told);
	EXPECT_EQ(0, self->told.header.phrase_len);
}

TEST_F(phrase, of_before_stays_where_the_new_one_is_not_confirmed)
{
	char words[TCONN_PHRASE_MAX + 1];

	EXPECT_EQ(0, phrase("new"));
	ASSERT_TRUE(was_told(&self->told));
	strcpy(words, self->told.phrase);
	tui_will("timeout");
	EXPECT_EQ(3, phrase("new"));
	EXPECT_FILE_HAS("nobody confirmed it (timeout)", stage_path(&w, "phrase.out"));
	ASSERT_TRUE(was_told(&self->told));
	EXPECT_STRNE(words, self->told.phrase);
	EXPECT_TRUE(status_is("in force"));
	tui_will("refuse");
	EXPECT_EQ(7, phrase("new"));
	EXPECT_FILE_HAS("refused", stage_path(&w, "phrase.out"));
	hear_question(_metadata, &self->told);
	EXPECT_STREQ(words, self->told.phrase);
}

/* With service-ca in the policy the TUI shows no words but its own: the phrase comes with those. */
TEST_F(phrase, comes_with_the_tuis_own_notice_where_that_is_all_it_shows)
{
	tui_will("prove");
	EXPECT_EQ(0, phrase("new"));
	ASSERT_TRUE(was_told(&self->told));
	EXPECT_STREQ(TCONN_TUI_ATTENTION, self->told.text);
	EXPECT_TRUE(phrase_valid(self->told.phrase, self->told.header.phrase_len));
	EXPECT_TRUE(status_is("in force"));
}

TEST_F(phrase, set_up_gives_way_to_a_question)
{
	pid_t pid;

	tui_will("sleep");
	unlink(stage_path(&w, "phrase.out"));
	pid = stage_spawn(&w, "phrase.out", "tconnctl", "--socket", w.status, "phrase", "new", NULL);
	ASSERT_TRUE(stage_until(was_told, &self->told, 10000));
	hear_question(_metadata, &self->told);
	EXPECT_EQ(0, self->told.header.phrase_len);
	EXPECT_EQ(5, stage_wait(pid, 10000));
	EXPECT_FILE_HAS("a question took its place", stage_path(&w, "phrase.out"));
	EXPECT_TRUE(status_is("not set up"));
}

TEST_F(phrase, is_offered_at_first_use_where_settings_say_so)
{
	EXPECT_EQ(0, stage_stop(tconnd));
	tui_will("timeout");
	start(",\"phrase_ask\":true");
	ASSERT_TRUE(stage_until(was_told, &self->told, 10000));
	EXPECT_TRUE(phrase_valid(self->told.phrase, self->told.header.phrase_len));
	EXPECT_TRUE(status_is("not set up"));
	/* Left alone: the next connection does not offer it again. The next start does. */
	hear_question(_metadata, &self->told);
	EXPECT_EQ(0, stage_stop(tconnd));
	tui_will("confirm");
	start(",\"phrase_ask\":true");
	EXPECT_TRUE(stage_until(status_is, "in force", 10000));
	EXPECT_EQ(0, stage_stop(tconnd));
	tui_will("confirm");
	start(",\"phrase_ask\":true");
	EXPECT_TRUE(stage_until(is_in, NULL, 10000));
	EXPECT_FALSE(was_told(&self->told));
}

/* As where the device starts something else, while tconnd does not run; signed: by its owner. */
static void boot_another(struct __test_metadata *_metadata, bool is_signed)
{
	const uint8_t digest[32] = { 1 };
	struct tconn_tpm *tpm = NULL;
	struct tconn_error err = { "" };

	ASSERT_EQ(0, tconn_tpm_open(w.device.swtpm.tcti, &tpm, &err)) TH_LOG("%s", err.text);
	ASSERT_EQ(0, tconn_tpm_pcr_extend(tpm, 11, digest, &err)) TH_LOG("%s", err.text);
	ASSERT_EQ(0, tconn_tpm_pcr_extend(tpm, 14, digest, &err)) TH_LOG("%s", err.text);
	if (is_signed)
		ASSERT_EQ(0, boot_owner_sign(tpm, w.dir, "image", "", stage_path(&w, "boot.policy")));
	tconn_tpm_close(tpm);
}

static const char *with_boot_policy(void)
{
	static char setting[STAGE_PATH + 32];

	snprintf(setting, sizeof(setting), ",\"boot_policy\":\"%s\"", stage_path(&w, "boot.policy"));
	return setting;
}

/* The PCRs that sealed literally are others after the update. */
TEST_F(phrase, outlives_an_update_that_the_owner_signed)
{
	char words[TCONN_PHRASE_MAX + 1];

	EXPECT_EQ(0, stage_stop(tconnd));
	boot_another(_metadata, true);
	start(with_boot_policy());
	EXPECT_TRUE(stage_until(is_in, NULL, 10000));
	EXPECT_EQ(0, phrase("new"));
	ASSERT_TRUE(was_told(&self->told));
	strcpy(words, self->told.phrase);
	EXPECT_EQ(0, stage_stop(tconnd));
	boot_another(_metadata, true);
	start(with_boot_policy());
	EXPECT_TRUE(status_is("in force"));
	hear_question(_metadata, &self->told);
	EXPECT_STREQ(words, self->told.phrase);
	expect_secret(_metadata, &self->told);
	EXPECT_EQ(0, stage_stop(tconnd));
	boot_another(_metadata, false);
	start(with_boot_policy());
	EXPECT_TRUE(status_is("cannot be unsealed: TPM: sealed to the boot state, and this one is none of "
			      "the 1 that the owner signed"));
	EXPECT_EQ(0, stage_stop(tconnd));
	start("");
	EXPECT_TRUE(status_is("cannot be unsealed: TPM: sealed to the boot state; name the owner's boot "
			      "policy (\"boot_policy\")"));
}

/* Of before the device had a boot policy. */
TEST_F(phrase, is_sealed_anew_once_there_is_a_boot_policy)
{
	static const char anew[] = "phrase: sealed anew, to the owner's signed boot states";
	char words[TCONN_PHRASE_MAX + 1];
	struct tconn_tpm *tpm = NULL;

	EXPECT_EQ(0, phrase("new"));
	ASSERT_TRUE(was_told(&self->told));
	strcpy(words, self->told.phrase);
	EXPECT_EQ(0, stage_stop(tconnd));
	ASSERT_EQ(0, tconn_tpm_open(w.device.swtpm.tcti, &tpm, NULL));
	ASSERT_EQ(0, boot_owner_sign(tpm, w.dir, "image", "", stage_path(&w, "boot.policy")));
	tconn_tpm_close(tpm);
	start(with_boot_policy());
	EXPECT_TRUE(status_is("in force"));
	EXPECT_FILE_HAS(anew, stage_path(&w, "tconnd.log"));
	EXPECT_EQ(0, stage_stop(tconnd));
	boot_another(_metadata, true);
	unlink(stage_path(&w, "tconnd.log"));
	start(with_boot_policy());
	EXPECT_TRUE(status_is("in force"));
	EXPECT_FALSE(file_has(stage_path(&w, "tconnd.log"), anew));
	hear_question(_metadata, &self->told);
	EXPECT_STREQ(words, self->told.phrase);
}

TEST_F(phrase, cannot_be_unsealed_after_something_else_booted)
{
	static char lost[] = "cannot be unsealed: the boot state is another";

	EXPECT_EQ(0, phrase("new"));
	EXPECT_EQ(0, stage_stop(tconnd));
	boot_another(_metadata, false);
	tui_will("confirm");
	/* Nothing is offered unasked. */
	start(",\"phrase_ask\":true");
	EXPECT_TRUE(status_is(lost));
	EXPECT_FILE_HAS(lost, stage_path(&w, "tconnd.log"));
	EXPECT_TRUE(stage_until(is_in, NULL, 10000));
	EXPECT_FALSE(was_told(&self->told));
	hear_question(_metadata, &self->told);
	EXPECT_EQ(0, self->told.header.phrase_len);
	tui_will("confirm");
	EXPECT_EQ(0, phrase("new"));
	EXPECT_TRUE(status_is("in force"));
}

TEST_F(phrase, file_that_is_none_is_said_to_be)
{
	static char lost[] = "cannot be unsealed: not a sealed file: 5 bytes are too few";

	EXPECT_EQ(0, stage_stop(tconnd));
	stage_write(sealed_path(), "words", 5);
	start("");
	EXPECT_TRUE(status_is(lost)) TH_LOG("%s", stage_read(stage_path(&w, "tconnd.log")));
	hear_question(_metadata, &self->told);
	EXPECT_EQ(0, self->told.header.phrase_len);
}

TEST_F(phrase, is_not_in_force_where_the_screen_attests_it)
{
	tui_will("low-band");
	EXPECT_EQ(7, phrase("new"));
	EXPECT_FILE_HAS("too low for this screen", stage_path(&w, "phrase.out"));
	EXPECT_TRUE(status_is("not set up"));
}

/* -- the band */

static const char *fault_with(const char *state, const char *policy)
{
	stage_write(stage_path(&w, "state"), state, strlen(state));
	stage_write(stage_path(&w, "policy"), policy, strlen(policy));
	return band_fault(w.dir) ? band_fault(w.dir) : "";
}

TEST(band_is_the_policys_to_leave)
{
	EXPECT_EQ(NULL, band_fault("/nonexistent"));
	EXPECT_NE(NULL, strstr(fault_with("developer yes\n", "band-permille 120\n"), "developer"));
	EXPECT_NE(NULL, strstr(fault_with("developer no\n", "tconn-policy 1\n"), "no band"));
	EXPECT_NE(NULL, strstr(fault_with("developer no\n", "band-permille 119\n"), "no band"));
	EXPECT_NE(NULL, strstr(fault_with("developer no\n", "# band-permille 150\n"), "no band"));
	EXPECT_STREQ("", fault_with("state IDLE\ndeveloper no\n", "x y z\n\tband-permille\t120 # a\n"));
}

/* -- words */

TEST(words_are_256_and_each_comes)
{
	static char seen[300][8];
	char text[PHRASE_SIZE], *save;
	struct tconn_error err;
	size_t count = 0, i;

	for (int round = 0; round < 5000; round++) {
		ASSERT_EQ(0, phrase_make(text, &err)) TH_LOG("%s", err.text);
		ASSERT_TRUE(phrase_valid(text, strlen(text))) TH_LOG("%s", text);
		for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
			for (i = 0; i < count && strcmp(seen[i], word); i++)
				;
			if (i == count && count < 300)
				strcpy(seen[count++], word);
		}
	}
	EXPECT_EQ(256, count);
}

TEST(what_is_no_phrase_is_not_taken_for_one)
{
	static const char *const wrong[] = {
		"", "one", "a b c", "a b c d e", "a b c D", "a b c \x1b", "a b c d\n", "a\tb c d",
		"aaaaaaaa bbbbbbbb cccccccc dddddddd",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		EXPECT_FALSE(phrase_valid(wrong[i], strlen(wrong[i]))) TH_LOG("\"%s\"", wrong[i]);
	}
	EXPECT_TRUE(phrase_valid("a b c d", 7));
	EXPECT_FALSE(phrase_valid("a b c\0d ", 8));
}

int main(int argc, char **argv)
{
	char self[256];
	ssize_t n;

	if (argc == 3 && strcmp(argv[1], "--tui") == 0)
		return play_tui(argv[2]);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return 1;
	self[n] = '\0';
	stage_start(&w);
	boot_owner_make(w.dir, "image");
	snprintf(config, sizeof(config), "\"tui\":\"%s\",\"tui_args\":[\"--tui\",\"%s\"]", self, w.dir);
	return test_harness_run(argc, argv);
}
