// SPDX-License-Identifier: Apache-2.0
/*
 * The service's store, the same on each kind of database: what several writers at
 * once, several programs at once and a server that goes away must not change.
 */
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/audit.h"
#include "daemon/lib/database_postgres.h"
#include "daemon/lib/digest.h"
#include "daemon/serviced/store.h"
#include "postgres.h"
#include "swtpm_fixture.h"

#define DEVICE	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define WRITERS	24
#define EACH	6

static const char *no_server;

/* A new database each time; open() gives one more node at it. */
FIXTURE(store) {
	struct postgres server;
	char dir[SWTPM_PATH_MAX], where[256];
	struct store *s;
	struct tconn_error err;
};

FIXTURE_VARIANT(store) {
	bool postgres;
};

FIXTURE_VARIANT_ADD(store, sqlite) {
	.postgres = false,
};

FIXTURE_VARIANT_ADD(store, postgres) {
	.postgres = true,
};

FIXTURE_SETUP(store)
{
	if (variant->postgres && no_server)
		SKIP(return, "%s", no_server);
	if (variant->postgres) {
		postgres_make(&self->server);
		postgres_start(&self->server);
		strcpy(self->where, self->server.url);
	} else {
		strcpy(self->dir, "/tmp/tconn-store-XXXXXX");
		ASSERT_NE(NULL, mkdtemp(self->dir));
		snprintf(self->where, sizeof(self->where), "%s/serviced.db", self->dir);
	}
	ASSERT_EQ(0, store_open(self->where, &self->s, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, store_add_device(self->s, DEVICE, &self->err)) TH_LOG("%s", self->err.text);
}

FIXTURE_TEARDOWN(store)
{
	char command[SWTPM_PATH_MAX + 16];

	store_close(self->s);
	if (variant->postgres)
		postgres_free(&self->server);
	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	if (self->dir[0])
		EXPECT_EQ(0, system(command));
}

static size_t length(struct json_object *list)
{
	size_t n = json_object_array_length(list);

	json_object_put(list);
	return n;
}

static int add_request(struct store *s, uint8_t first, uint64_t *ret_id, struct tconn_error *err)
{
	uint8_t nonce[32] = { first };

	return store_add_request(s, DEVICE, 1, nonce, (const uint8_t *)"Pay?", 4, ret_id, err);
}

static int add_receipt(struct store *s, uint64_t request, const char *cose, uint64_t *ret_number,
		       struct tconn_error *err)
{
	const struct tconn_bytes b = { .data = (uint8_t *)cose, .len = strlen(cose) };

	return store_add_receipt(s, request, DEVICE, "confirmed", &b, ret_number, err);
}

TEST_F(store, device_is_enrolled_once)
{
	EXPECT_EQ(-EEXIST, store_add_device(self->s, DEVICE, &self->err));
	EXPECT_STREQ("device " DEVICE " is enrolled already", self->err.text);
	EXPECT_EQ(0, store_find_device(self->s, DEVICE, &self->err));
	EXPECT_EQ(-ENOENT, store_find_device(self->s, "b", &self->err));
	EXPECT_EQ(-EINVAL, store_add_device(self->s, "b", &self->err));
}

TEST_F(store, attestation_and_refusal_are_listed)
{
	struct tconn_verdict v = { .trusted = true };
	struct json_object *list, *device;

	EXPECT_EQ(0, store_refused(self->s, DEVICE, "certificate ended", &self->err));
	ASSERT_EQ(0, store_list_devices(self->s, DEVICE, &list, &self->err)) TH_LOG("%s", self->err.text);
	device = json_object_array_get_idx(list, 0);
	EXPECT_STREQ("certificate ended",
		     json_object_get_string(json_object_object_get(device, "last_error")));
	json_object_put(list);
	EXPECT_EQ(0, store_attestation(self->s, DEVICE, &v, "6.1", "", &self->err));
	ASSERT_EQ(0, store_list_devices(self->s, NULL, &list, &self->err)) TH_LOG("%s", self->err.text);
	device = json_object_array_get_idx(list, 0);
	EXPECT_TRUE(json_object_get_boolean(json_object_object_get(device, "trusted")));
	EXPECT_STREQ("6.1", json_object_get_string(json_object_object_get(device, "kernel")));
	EXPECT_STREQ("", json_object_get_string(json_object_object_get(device, "last_error")));
	json_object_put(list);
	ASSERT_EQ(0, store_list_devices(self->s, "nobody", &list, &self->err));
	EXPECT_EQ(0, length(list));
}

TEST_F(store, first_attestation_key_stays)
{
	const uint8_t one[32] = { 1 }, two[32] = { 2 };

	EXPECT_EQ(0, store_keep_ak(self->s, DEVICE, one, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, store_keep_ak(self->s, DEVICE, one, &self->err));
	EXPECT_EQ(-EACCES, store_keep_ak(self->s, DEVICE, two, &self->err));
	EXPECT_EQ(0, strncmp(self->err.text, "takeover: ", 10));
	EXPECT_EQ(0, store_forget_ak(self->s, DEVICE, &self->err));
	EXPECT_EQ(0, store_keep_ak(self->s, DEVICE, two, &self->err));
}

TEST_F(store, pins_are_counted)
{
	EXPECT_EQ(0, store_count_pin(self->s, DEVICE, 2, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, store_check_pin(self->s, DEVICE, 2, &self->err));
	EXPECT_EQ(0, store_count_pin(self->s, DEVICE, 2, &self->err));
	EXPECT_EQ(-EDQUOT, store_count_pin(self->s, DEVICE, 2, &self->err));
	EXPECT_EQ(-EDQUOT, store_check_pin(self->s, DEVICE, 2, &self->err));
	EXPECT_EQ(0, store_check_pin(self->s, DEVICE, 0, &self->err));
	EXPECT_EQ(0, store_reset_pin(self->s, DEVICE, &self->err));
	EXPECT_EQ(0, store_count_pin(self->s, DEVICE, 2, &self->err));
}

TEST_F(store, revocations)
{
	struct store_revocation one;
	struct json_object *list;

	EXPECT_EQ(0, store_check_revoked(self->s, "device", DEVICE, &self->err));
	EXPECT_EQ(0, store_revoke(self->s, "device", DEVICE, "stolen", &self->err));
	EXPECT_EQ(-EEXIST, store_revoke(self->s, "device", DEVICE, "stolen", &self->err));
	EXPECT_EQ(-EKEYREVOKED, store_check_revoked(self->s, "device", DEVICE, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, ": stolen"));
	ASSERT_EQ(1, store_next_revocation(self->s, 0, &one, &self->err));
	EXPECT_STREQ(DEVICE, one.subject);
	EXPECT_EQ(0, store_next_revocation(self->s, one.number, &one, &self->err));
	EXPECT_EQ(0, store_lift(self->s, "device", DEVICE, &self->err));
	EXPECT_EQ(-ENOENT, store_lift(self->s, "device", DEVICE, &self->err));
	EXPECT_EQ(0, store_check_revoked(self->s, "device", DEVICE, &self->err));
	ASSERT_EQ(0, store_list_revocations(self->s, &list, &self->err));
	EXPECT_EQ(1, length(list));
}

/* Threat: replayed proof, at another node. */
TEST_F(store, replayed_nonce_is_refused_on_every_node)
{
	struct store *other;
	uint64_t id;

	ASSERT_EQ(0, store_open(self->where, &other, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, add_request(self->s, 1, &id, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EEXIST, add_request(self->s, 1, &id, &self->err));
	EXPECT_EQ(-EEXIST, add_request(other, 1, &id, &self->err));
	EXPECT_EQ(0, add_request(other, 2, &id, &self->err));
	EXPECT_EQ(-EEXIST, add_request(self->s, 2, &id, &self->err));
	store_close(other);
}

TEST_F(store, receipt_of_a_request_is_one)
{
	struct tconn_bytes kept = { 0 };
	uint64_t id, number, again;
	struct json_object *list;

	ASSERT_EQ(0, add_request(self->s, 1, &id, &self->err));
	EXPECT_EQ(0, store_finish_request(self->s, id, "ok", "confirmed", "", &self->err));
	ASSERT_EQ(0, add_receipt(self->s, id, "cose", &number, &self->err)) TH_LOG("%s", self->err.text);
	/* As after a server that went away before it said that it has it. */
	EXPECT_EQ(0, add_receipt(self->s, id, "cose", &again, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(number, again);
	EXPECT_EQ(-EEXIST, add_receipt(self->s, id, "another", &again, &self->err));
	EXPECT_EQ(-EIO, add_receipt(self->s, id + 1, "of no request", &again, &self->err));
	ASSERT_EQ(0, store_get_receipt(self->s, number, &kept, &self->err));
	EXPECT_EQ(0, memcmp(kept.data, "cose", kept.len));
	tconn_bytes_free(&kept);
	EXPECT_EQ(-ENOENT, store_get_receipt(self->s, number + 1, &kept, &self->err));
	ASSERT_EQ(0, store_list_receipts(self->s, &list, &self->err));
	EXPECT_EQ(1, length(list));
}

/* Entries in order, each with the hash over the one before; how many. */
static long check_chain(struct store *s)
{
	uint8_t hash[32] = { 0 }, next[32];
	struct json_object *list;
	struct tconn_error err;
	long count = 0;

	for (;;) {
		if (store_list_audit(s, (uint64_t)count, 500, &list, &err) < 0)
			return -1;
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			struct json_object *o = json_object_array_get_idx(list, i);
			struct tconn_audit_entry e = {
				.number = (uint64_t)json_object_get_int64(json_object_object_get(o, "number")),
				.time = json_object_get_int64(json_object_object_get(o, "time")),
				.who = json_object_get_string(json_object_object_get(o, "who")),
				.what = json_object_get_string(json_object_object_get(o, "what")),
				.subject = json_object_get_string(json_object_object_get(o, "subject")),
				.detail = json_object_get_string(json_object_object_get(o, "detail")),
			};
			char hex[65];

			tconn_audit_hash(hash, &e, next);
			memcpy(hash, next, 32);
			tconn_hex(hash, 32, hex);
			if (e.number != (uint64_t)++count ||
			    strcmp(hex, json_object_get_string(json_object_object_get(o, "hash"))))
				return -count;
		}
		if (length(list) < 500)
			return count;
	}
}

TEST_F(store, text_that_is_none_does_not_stop_the_log)
{
	EXPECT_EQ(0, store_audit(self->s, "x", "y", "\xff", "a\xc3", &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, store_refused(self->s, DEVICE, "\xff", &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(1, check_chain(self->s));
}

/* -- many at once */

static atomic_int failures;
static char first_failure[TCONN_ERROR_MAX];

static void note(int r, const struct tconn_error *err)
{
	if (r < 0 && atomic_fetch_add(&failures, 1) == 0)
		snprintf(first_failure, sizeof(first_failure), "%s", err->text);
}

struct writer {
	struct store *s;
	int number;
};

static void *write_much(void *arg)
{
	const struct writer *w = arg;
	struct tconn_verdict v = { .trusted = true };
	struct tconn_error err = { "" };
	uint64_t id = 0, receipt;
	char cose[32];

	for (int i = 0; i < EACH; i++) {
		uint8_t nonce[32] = { (uint8_t)w->number, (uint8_t)i, 1, (uint8_t)(w->number >> 8) };

		note(store_audit(w->s, "writer", "writes", DEVICE, "", &err), &err);
		note(store_add_request(w->s, DEVICE, 1, nonce, (const uint8_t *)"x", 1, &id, &err), &err);
		snprintf(cose, sizeof(cose), "%d-%d", w->number, i);
		note(add_receipt(w->s, id, cose, &receipt, &err), &err);
		note(store_attestation(w->s, DEVICE, &v, "6.1", "", &err), &err);
		note(store_find_device(w->s, DEVICE, &err), &err);
	}
	return NULL;
}

/* By n nodes, writers in turn. */
static void run_writers(struct store *const *node, int n)
{
	pthread_t thread[WRITERS];
	struct writer w[WRITERS];

	atomic_store(&failures, 0);
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .s = node[i % n], .number = i };
		pthread_create(&thread[i], NULL, write_much, &w[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
}

/* Never "database is locked", neither among threads nor among programs. */
TEST_F_TIMEOUT(store, many_writers_at_several_nodes, 120)
{
	struct store *node[3] = { self->s };
	struct json_object *list;

	for (int i = 1; i < 3; i++)
		ASSERT_EQ(0, store_open(self->where, &node[i], &self->err)) TH_LOG("%s", self->err.text);
	run_writers(node, 3);
	EXPECT_EQ(0, failures) TH_LOG("%d refused: %s", failures, first_failure);
	EXPECT_EQ(WRITERS * EACH, check_chain(self->s));
	ASSERT_EQ(0, store_list_receipts(node[1], &list, &self->err));
	EXPECT_EQ(WRITERS * EACH, length(list));
	store_close(node[1]);
	store_close(node[2]);
}

/* Several processes that open a database that is not there yet. */
TEST_F_TIMEOUT(store, made_by_several_at_once, 60)
{
	char where[300];
	pid_t child[8];
	int status;

	snprintf(where, sizeof(where), "%s%s", self->where, variant->postgres ? "" : ".new");
	if (variant->postgres)
		postgres_ask(&self->server, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	for (int i = 0; i < 8; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			struct tconn_error err;
			struct store *s;
			int r = store_open(where, &s, &err);

			if (r == 0)
				r = store_audit(s, "child", "opens", "", "", &err);
			if (r < 0)
				fprintf(stderr, "# %s\n", err.text);
			_exit(r < 0);
		}
	}
	for (int i = 0; i < 8; i++) {
		waitpid(child[i], &status, 0);
		EXPECT_EQ(0, status);
	}
}

/* -- a server that goes away */

TEST_F_TIMEOUT(store, server_connections_are_killed, 120)
{
	struct store *node[3] = { self->s };
	struct json_object *list;
	bool stop = false;
	pid_t killer;
	int status;

	if (!variant->postgres)
		SKIP(return, "SQLite has no server");
	for (int i = 1; i < 3; i++)
		ASSERT_EQ(0, store_open(self->where, &node[i], &self->err));
	killer = fork();
	while (killer == 0 && !stop) {
		postgres_ask(&self->server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			     " WHERE application_name = 'tconn'");
		usleep(150000);
		stop = getppid() == 1;
	}
	run_writers(node, 3);
	kill(killer, SIGKILL);
	waitpid(killer, &status, 0);
	/* A request may be refused where nobody knows whether its nonce was kept, and then its receipt
	 * too; what was accepted is there, and the chain is whole.
	 */
	TH_LOG("%d of %d refused: %s", failures, WRITERS * EACH * 5, first_failure);
	ASSERT_EQ(0, store_list_receipts(node[1], &list, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_LE(WRITERS * EACH - failures, (int)length(list));
	EXPECT_LE(WRITERS * EACH - failures, check_chain(self->s));
	store_close(node[1]);
	store_close(node[2]);
}

TEST_F_TIMEOUT(store, server_crashes_between_receipts, 120)
{
	char cose[32];
	int accepted[40], n = 0;
	uint64_t id, number[40];

	if (!variant->postgres)
		SKIP(return, "SQLite has no server");
	for (int i = 0; i < 40; i++) {
		if (i % 10 == 5) {
			postgres_stop(&self->server);
			usleep(300000);
			postgres_start(&self->server);
		}
		snprintf(cose, sizeof(cose), "receipt %d", i);
		if (add_request(self->s, (uint8_t)(i + 1), &id, &self->err) == 0 &&
		    add_receipt(self->s, id, cose, &number[n], &self->err) == 0)
			accepted[n++] = i;
		else
			TH_LOG("%d: %s", i, self->err.text);
		/* Whatever became of it: the nonce is used. */
		if (n && accepted[n - 1] == i)
			EXPECT_EQ(-EEXIST, add_request(self->s, (uint8_t)(i + 1), &id, &self->err));
	}
	EXPECT_LE(36, n);
	for (int i = 0; i < n; i++) {
		struct tconn_bytes kept = { 0 };

		snprintf(cose, sizeof(cose), "receipt %d", accepted[i]);
		ASSERT_EQ(0, store_get_receipt(self->s, number[i], &kept, &self->err));
		EXPECT_EQ(strlen(cose), kept.len);
		EXPECT_EQ(0, memcmp(cose, kept.data, kept.len));
		tconn_bytes_free(&kept);
	}
}

/* Fail closed, in bounded time, with the reason; and it comes back by itself. */
TEST_F_TIMEOUT(store, server_is_away, 120)
{
	uint64_t id;
	time_t began;

	if (!variant->postgres)
		SKIP(return, "SQLite has no server");
	postgres_stop(&self->server);
	began = time(NULL);
	EXPECT_EQ(-EIO, add_request(self->s, 1, &id, &self->err));
	EXPECT_EQ(-EIO, store_check_revoked(self->s, "device", DEVICE, &self->err));
	EXPECT_EQ(-EIO, store_audit(self->s, "a", "b", "c", "d", &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "database: connection to server")) TH_LOG("%s", self->err.text);
	EXPECT_GE(began + 3 * TCONN_POSTGRES_WAIT_MS / 1000 + 5, time(NULL));
	postgres_start(&self->server);
	EXPECT_EQ(0, add_request(self->s, 1, &id, &self->err)) TH_LOG("%s", self->err.text);
}

TEST_F(store, server_that_would_lose_is_refused)
{
	struct store *other;

	if (!variant->postgres)
		SKIP(return, "SQLite has no server");
	postgres_ask(&self->server, "ALTER SYSTEM SET fsync = off");
	postgres_ask(&self->server, "SELECT pg_reload_conf()");
	usleep(300000);
	EXPECT_EQ(-EIO, store_open(self->where, &other, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "fsync off")) TH_LOG("%s", self->err.text);
}

TEST_F(store, commits_are_waited_for_where_the_server_would_not)
{
	struct store *other;

	if (!variant->postgres)
		SKIP(return, "SQLite has no server");
	postgres_ask(&self->server, "ALTER ROLE tconn SET synchronous_commit = off");
	ASSERT_EQ(0, store_open(self->where, &other, &self->err)) TH_LOG("%s", self->err.text);
	store_close(other);
}

TEST(url_that_is_none)
{
	struct tconn_error err;
	struct store *s;

	EXPECT_EQ(-EINVAL, store_open("postgresql://x:secret@[", &s, &err));
	EXPECT_EQ(NULL, strstr(err.text, "secret"));
	EXPECT_EQ(1, tconn_postgres_has_password("postgresql://x:secret@y/z", &err));
	EXPECT_EQ(0, tconn_postgres_has_password("postgresql://x@y/z?passfile=/a", &err));
}

static pid_t parent;

static void forget(void)
{
	if (getpid() == parent)
		postgres_forget();
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	no_server = postgres_missing();
	if (!no_server) {
		postgres_prepare();
		parent = getpid();
		atexit(forget);
	}
	return test_harness_run(argc, argv);
}
