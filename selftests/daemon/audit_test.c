// SPDX-License-Identifier: Apache-2.0
/*
 * The service's audit log: what goes in, and that every kind of tampering shows, in an export
 * and in the database itself.
 */
#include <errno.h>
#include <json-c/json.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "stage.h"

static struct stage w;
static pid_t serviced;

static const char *printed(void)
{
	return stage_read(stage_path(&w, "ctl.out"));
}

static const char *export_to(const char *name)
{
	const char *path = stage_path(&w, name);

	unlink(path);
	if (stage_ctl(&w, "audit", "export", path, NULL)) {
		printf("# audit export: %s\n", printed());
		abort();
	}
	return path;
}

static int verify(const char *path)
{
	return stage_ctl(&w, "audit", "verify", path, "--trust", w.trust, NULL);
}

/* The n-th line (from 0; -1: the last), and where the next begins. */
static char *line_of(char *text, int n, char **ret_next)
{
	char *at = text, *next;

	for (;;) {
		next = strchr(at, '\n') + 1;
		if (n == 0 || (n < 0 && !*next))
			break;
		n -= n > 0;
		at = next;
	}
	*ret_next = next;
	return at;
}

static void expect_tampered(struct __test_metadata *_metadata, const char *text, const char *why)
{
	const char *path = stage_path(&w, "tampered");

	stage_write(path, text, strlen(text));
	EXPECT_EQ(4, verify(path));
	EXPECT_IN(why, printed());
}

FIXTURE(export) {
	char *text;
};

/* Five entries of known kinds at least. */
FIXTURE_SETUP(export)
{
	for (int i = 0; i < 3; i++)
		json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-pin-reset\",\"id\":\"%s\"}",
					   w.visitor.identity.name));
	self->text = stage_read(export_to("export"));
}

FIXTURE_TEARDOWN(export)
{
	free(self->text);
}

TEST_F(export, verifies_and_says_who_did_what)
{
	char who[32];

	EXPECT_EQ(0, verify(stage_path(&w, "export"))) TH_LOG("%s", printed());
	EXPECT_IN("intact: ", printed());
	EXPECT_IN("signed by service " STAGE_SERVICE_NAME, printed());
	snprintf(who, sizeof(who), "operator uid %u", getuid());
	EXPECT_IN(who, self->text);
	EXPECT_IN("\"what\":\"device-add\"", self->text);
	EXPECT_IN(w.visitor.identity.name, self->text);
	EXPECT_EQ(4, stage_ctl(&w, "audit", "verify", stage_path(&w, "export"), "--trust",
			       w.other_trust, NULL));
	EXPECT_IN("head: certificate: not trusted", printed());
}

TEST_F(export, entry_changed)
{
	char *at = strstr(self->text, "pin-reset");

	ASSERT_NE(NULL, at);
	at[0] = 'P';
	expect_tampered(_metadata, self->text, "was changed, or one before it");
}

TEST_F(export, time_changed)
{
	char *at = strstr(self->text, "\"time\":1");

	ASSERT_NE(NULL, at);
	at[12] = at[12] == '0' ? '1' : '0';
	expect_tampered(_metadata, self->text, "entry 1 was changed");
}

TEST_F(export, entry_taken_out)
{
	char *next, *at = line_of(self->text, 1, &next);

	memmove(at, next, strlen(next) + 1);
	expect_tampered(_metadata, self->text, "entry 3 follows entry 1");
}

TEST_F(export, entries_swapped)
{
	char *first, *second, *copy = malloc(2 * strlen(self->text) + 1), *at = line_of(self->text, 0, &first);

	line_of(self->text, 1, &second);
	sprintf(copy, "%.*s%.*s%s", (int)(second - first), first, (int)(first - at), at, second);
	expect_tampered(_metadata, copy, "entry 2 follows entry 0");
	free(copy);
}

TEST_F(export, entry_twice)
{
	char *next, *copy = malloc(2 * strlen(self->text) + 1), *at = line_of(self->text, 0, &next);

	sprintf(copy, "%.*s%s", (int)(next - at), at, self->text);
	expect_tampered(_metadata, copy, "entry 1 follows entry 1");
	free(copy);
}

TEST_F(export, cut_short)
{
	char *next, *at = line_of(self->text, -1, &next);

	*at = '\0';
	expect_tampered(_metadata, self->text, "there is no head");
	at[-10] = '\0';
	expect_tampered(_metadata, self->text, "a line that is cut short");
}

/* The last entry goes, the head stays: it says what is missing. */
TEST_F(export, last_entry_taken_out)
{
	char *head, *next, *last = self->text, *after;

	head = line_of(self->text, -1, &next);
	while (line_of(last, 0, &after) && after != head)
		last = after;
	memmove(last, head, strlen(head) + 1);
	expect_tampered(_metadata, self->text, "entries after it are missing");
}

/* A whole new chain needs the service's key. */
TEST_F(export, head_of_another_time)
{
	char *next, *at = line_of(self->text, -1, &next), *time = strstr(at, "\"time\":1");

	ASSERT_NE(NULL, time);
	time[12] = time[12] == '0' ? '1' : '0';
	expect_tampered(_metadata, self->text, "the signature is not the certificate's key's");
}

TEST_F(export, what_is_no_export)
{
	expect_tampered(_metadata, "", "there is no head");
	expect_tampered(_metadata, "[]\n", "a line that is no JSON object");
	expect_tampered(_metadata, "{}\n", "a line that is no entry");
	expect_tampered(_metadata, "{\"head\":0}\n", "a line that is no head");
}

TEST_F(export, continues_an_earlier_one)
{
	char earlier[STAGE_PATH];

	snprintf(earlier, sizeof(earlier), "%s", stage_path(&w, "export"));
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-pin-reset\",\"id\":\"%s\"}",
				   w.visitor.identity.name));
	EXPECT_EQ(0, stage_ctl(&w, "audit", "verify", export_to("later"), "--trust", w.trust, "--after",
			       earlier, NULL)) TH_LOG("%s", printed());
	EXPECT_IN("continues the earlier export", printed());
	/* The other way round something was taken back. */
	EXPECT_EQ(4, stage_ctl(&w, "audit", "verify", earlier, "--trust", w.trust, "--after",
			       stage_path(&w, "later"), NULL));
	EXPECT_IN("entries were taken back", printed());
}

/* -- what is logged */

static bool is_out(void *arg)
{
	(void)arg;
	return !stage_connected(&w, w.visitor.identity.name);
}

TEST(comings_and_goings_are_logged)
{
	struct player p;
	char *text;

	player_open(&p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&p)) TH_LOG("%s", p.err.text);
	ASSERT_EQ(0, player_attest(&p)) TH_LOG("%s", p.err.text);
	player_close(&p);
	EXPECT_TRUE(stage_until(is_out, NULL, 5000));
	player_open(&p, &w, &w.stranger, false);
	EXPECT_EQ(0, player_connect(&p));
	EXPECT_NE(0, player_attest(&p));
	player_close(&p);
	text = stage_read(export_to("export"));
	EXPECT_IN("\"what\":\"device-in\"", text);
	EXPECT_IN("\"what\":\"device-out\"", text);
	EXPECT_EQ(NULL, strstr(text, w.stranger.identity.name));
	free(text);
}

TEST(what_failed_is_logged_as_such)
{
	char *text;

	EXPECT_EQ(7, stage_ctl(&w, "device", "add", w.visitor.identity.name, NULL));
	text = stage_read(export_to("export"));
	EXPECT_IN("\"what\":\"device-add-failed\"", text);
	EXPECT_IN("is enrolled already", text);
	free(text);
}

/* -- the database in other hands; last, for it cannot be mended */

static void change_database(struct __test_metadata *_metadata, const char *sql)
{
	char path[STAGE_PATH];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s", stage_path(&w, "serviced.db"));
	ASSERT_EQ(SQLITE_OK, sqlite3_open(path, &db));
	sqlite3_busy_timeout(db, 5000);
	EXPECT_EQ(SQLITE_OK, sqlite3_exec(db, sql, NULL, NULL, NULL)) TH_LOG("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* The service itself would sign the head of what it finds: the chain shows it all the same. */
TEST_F(export, zz_database_changed)
{
	char earlier[STAGE_PATH];

	snprintf(earlier, sizeof(earlier), "%s", export_to("earlier"));
	change_database(_metadata, "DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)");
	EXPECT_EQ(0, verify(export_to("export")));
	EXPECT_EQ(4, stage_ctl(&w, "audit", "verify", stage_path(&w, "export"), "--trust", w.trust,
			       "--after", earlier, NULL));
	EXPECT_IN("entries were taken back", printed());
	change_database(_metadata, "UPDATE audit SET who = 'nobody' WHERE number = 2");
	EXPECT_EQ(4, verify(export_to("export")));
	EXPECT_IN("entry 2 was changed", printed());
}

/* A log that takes no more lets nothing happen. */
TEST_F(export, zzz_log_that_cannot_be_written)
{
	change_database(_metadata, "CREATE TRIGGER full BEFORE INSERT ON audit"
			" BEGIN SELECT RAISE(ABORT, 'no room'); END");
	EXPECT_EQ(7, stage_ctl(&w, "device", "add", w.device.identity.name, NULL));
	EXPECT_IN("audit log: database: no room", printed());
	EXPECT_EQ(NULL, stage_device(&w, w.device.identity.name));
}

static pid_t parent;

static void finish(void)
{
	if (getpid() == parent && stage_stop(serviced) != 0)
		fprintf(stderr, "# tconn-serviced did not end cleanly\n");
}

int main(int argc, char **argv)
{
	parent = getpid();
	stage_start(&w);
	serviced = stage_serviced(&w, "");
	atexit(finish);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   w.visitor.identity.name));
	return test_harness_run(argc, argv);
}
