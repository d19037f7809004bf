// SPDX-License-Identifier: Apache-2.0
/*
 * Three nodes of one service, each in a network namespace of its own with a TPM of
 * its own, and a PostgreSQL in a fourth, over TLS. Devices come to any of them. Nodes
 * and connections are killed; what was accepted stays, and nothing is accepted twice.
 *
 * Wants root (or CAP_SYS_ADMIN and CAP_NET_ADMIN), iproute2 and postgresql-15; where one
 * of them is missing each test is skipped with the reason.
 */
#include <errno.h>
#include <json-c/json.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "daemon/serviced/store.h"
#include "tui/protocol.h"
#include "answer.h"
#include "postgres.h"
#include "stage.h"

#define NODES	3
#define DB_IP	"10.77.0.1"
#define SECONDS	4	/* at most, until a revocation has its effect */

#define _cleanup_message_ __attribute__((cleanup(tconn_message_free)))

static struct stage base;
static struct machine machine[NODES];	/* machine[0] is the stage's service */
static char netns[NODES + 1][32];	/* the last: the database's */
static const char *missing;
static pid_t parent;

__attribute__((format(printf, 1, 2)))
static bool shell(const char *fmt, ...)
{
	char command[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	return system(command) == 0;
}

/* -- the network: a bridge in this process's own namespace, and one cable to each other */

static bool add_netns(int i, const char *ip)
{
	snprintf(netns[i], sizeof(netns[i]), "tconn-%d-%d", getpid(), i);
	return shell("ip netns add %s 2>&1", netns[i]) &&
	       shell("ip link add v%d type veth peer name eth0 netns %s", i, netns[i]) &&
	       shell("ip link set v%d master br0 up", i) &&
	       shell("ip -n %s addr add %s/24 dev eth0", netns[i], ip) &&
	       shell("ip -n %s link set eth0 up", netns[i]) && shell("ip -n %s link set lo up", netns[i]);
}

static const char *node_ip(int i)
{
	static char ip[NODES][16];

	snprintf(ip[i], sizeof(ip[i]), "10.77.0.%d", 11 + i);
	return ip[i];
}

static const char *make_network(void)
{
	if (postgres_missing())
		return postgres_missing();
	if (unshare(CLONE_NEWNET))
		return "network namespaces are not permitted here";
	if (!shell("ip link set lo up && ip link add br0 type bridge && ip addr add 10.77.0.254/24 dev br0"
		   " && ip link set br0 up"))
		return "no bridge can be made here (iproute2, CAP_NET_ADMIN)";
	for (int i = 0; i < NODES; i++)
		if (!add_netns(i, node_ip(i)))
			return "ip netns add is not permitted here";
	return add_netns(NODES, DB_IP) ? NULL : "ip netns add is not permitted here";
}

static void end_network(void)
{
	for (int i = 0; i <= NODES; i++)
		if (netns[i][0])
			shell("ip netns del %s 2>/dev/null", netns[i]);
}

/* -- a database and three nodes, new for each test */

struct node {
	struct stage w;		/* as the tests of one service have it */
	pid_t pid;
};

FIXTURE(nodes) {
	struct postgres server;
	char url[300];
	struct node node[NODES];
	struct player p;
	struct tconn_message request, answer;
};

/* A certificate for its address, which the nodes know. */
static bool start_database(struct postgres *p, char url[300])
{
	postgres_make(p);
	p->netns = netns[NODES];
	p->address = DB_IP;
	if (!shell("cd %s/data && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
		   " -subj /CN=db -addext subjectAltName=IP:" DB_IP " -keyout server.key -out server.crt"
		   " 2>/dev/null && chmod 600 server.key && chown --reference=. server.key server.crt &&"
		   " cp server.crt %s/db.pem && echo hostssl all all 10.77.0.0/24 trust >>pg_hba.conf",
		   p->dir, base.dir))
		return false;
	postgres_start(p);
	snprintf(url, 300, "postgresql://tconn@" DB_IP "/postgres?sslrootcert=%s/db.pem", base.dir);
	return true;
}

static bool answers(void *arg)
{
	struct json_object *request = json_tokener_parse("{\"do\":\"status\"}"), *reply = NULL;
	int r = tconn_jsonline_call(arg, request, 5000, &reply, NULL);

	json_object_put(request);
	json_object_put(reply);
	return r == 0;
}

static bool start_node(struct node *n, int i, const char *url)
{
	const struct machine *m = &machine[i];
	char text[4096], name[32], config[STAGE_PATH];

	n->w = base;
	n->w.service = *m;
	snprintf(n->w.address, sizeof(n->w.address), "%s:7443", node_ip(i));
	snprintf(n->w.admin, sizeof(n->w.admin), "%s/admin%d.sock", base.dir, i);
	snprintf(name, sizeof(name), "node%d.json", i);
	snprintf(config, sizeof(config), "%s", stage_path(&base, name));
	snprintf(text, sizeof(text),
		 "{\"listen\":\"%s\",\"admin_socket\":\"%s\",\"tcti\":\"%s\",\"name\":\"%s\","
		 "\"identity\":\"%s\",\"trust\":\"%s\",\"device_reference\":\"%s\",\"evidence\":\"none\","
		 "\"boot_log\":\"%s/%s.boot\",\"ima_log\":\"%s/%s.ima\",\"tconn_log\":\"%s/%s.tconn\","
		 "\"message_ms\":20000}",
		 n->w.address, n->w.admin, m->swtpm.tcti, STAGE_SERVICE_NAME, m->dir, base.trust,
		 base.device_reference, base.dir, m->name, base.dir, m->name, base.dir, m->name);
	stage_write(config, text, strlen(text));
	snprintf(name, sizeof(name), "node%d.log", i);
	n->pid = stage_spawn_path(&base, name, "/sbin/ip", "netns", "exec", netns[i],
				  "out/bin/tconn-serviced", "--config", config, "--database", url, NULL);
	if (stage_until(answers, n->w.admin, 30000))
		return true;
	fprintf(stderr, "%s", stage_read(stage_path(&base, name)));
	return false;
}

static void kill_node(struct node *n)
{
	if (n->pid <= 0)
		return;
	kill(n->pid, SIGKILL);
	waitpid(n->pid, NULL, 0);
	n->pid = 0;
}

static const char *visitor(void)
{
	return base.visitor.identity.name;
}

FIXTURE_SETUP(nodes)
{
	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_TRUE(start_database(&self->server, self->url));
	for (int i = 0; i < NODES; i++)
		ASSERT_TRUE(start_node(&self->node[i], i, self->url));
	json_object_put(stage_call(self->node[0].w.admin, 20000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   visitor()));
}

FIXTURE_TEARDOWN(nodes)
{
	if (missing)
		return;
	tconn_message_free(&self->request);
	tconn_message_free(&self->answer);
	player_close(&self->p);
	for (int i = 0; i < NODES; i++)
		kill_node(&self->node[i]);
	postgres_free(&self->server);
	if (!_metadata->passed || getenv("TCONN_TEST_VERBOSE"))
		shell("for i in 0 1 2; do echo \"node $i\"; tail -30 %s/node$i.log; done 1>&2", base.dir);
}

static int come_to(struct player *p, const struct node *n)
{
	int r;

	player_close(p);
	player_open(p, &n->w, &base.visitor, false);
	r = player_connect(p);
	return r < 0 ? r : player_attest(p);
}

/* As that node has it from the books. */
static bool is_known(void *arg)
{
	return stage_connected(arg, visitor());
}

struct asking {
	const struct node *at;
	struct json_object *reply;
	pthread_t thread;
};

static void *ask_thread(void *arg)
{
	struct asking *a = arg;

	a->reply = stage_call(a->at->w.admin, 90000, "{\"do\":\"request\",\"id\":\"%s\",\"kind\":\"confirm\","
			      "\"text\":\"Pay?\",\"timeout_ms\":5000}", visitor());
	return NULL;
}

static void ask(struct asking *a, const struct node *at)
{
	a->at = at;
	pthread_create(&a->thread, NULL, ask_thread, a);
}

static const struct answering yes = {
	.status = TCONN_TUI_DECIDED, .outcome = TCONN_OUTCOME_CONFIRMED,
};

/* Asked at one node, answered to where the device is: the receipt's number, or -1. */
static long long confirm(FIXTURE_DATA(nodes) *self, const struct node *at)
{
	struct tconn_receipt receipt = { 0 };
	struct json_object *number;
	struct asking a;
	long long n = -1;

	tconn_message_free(&self->request);
	tconn_message_free(&self->answer);
	ask(&a, at);
	if (play_answer(&self->p, &yes, &self->request, &self->answer) == 0)
		take_receipt(&self->p, &self->request, &receipt);
	tconn_receipt_free(&receipt);
	pthread_join(a.thread, NULL);
	if (!stage_flag(a.reply, "ok"))
		fprintf(stderr, "# %s\n", json_object_to_json_string(a.reply));
	else if (json_object_object_get_ex(a.reply, "receipt", &number))
		n = json_object_get_int64(number);
	json_object_put(a.reply);
	return n;
}

static bool has_receipt(const struct node *n, long long number)
{
	struct json_object *reply = stage_call(n->w.admin, 20000, "{\"do\":\"receipt-show\",\"receipt\":%lld}",
					       number);
	bool ok = stage_flag(reply, "ok");

	if (!ok)
		fprintf(stderr, "# %s\n", json_object_to_json_string(reply));
	json_object_put(reply);
	return ok;
}

/* -- tests */

static void *write_log(void *arg)
{
	const struct node *n = arg;

	for (int i = 0; i < 8; i++)
		json_object_put(stage_call(n->w.admin, 20000, "{\"do\":\"device-pin-reset\",\"id\":\"%s\"}",
					   visitor()));
	return NULL;
}

TEST_F_TIMEOUT(nodes, are_one_service, 120)
{
	pthread_t thread[NODES];
	long long number;

	ASSERT_EQ(0, come_to(&self->p, &self->node[1])) TH_LOG("%s", self->p.err.text);
	for (int i = 0; i < NODES; i++)
		EXPECT_TRUE(stage_until(is_known, &self->node[i].w, 5000));
	/* Asked at the first, delivered at the second, read at the third. */
	number = confirm(self, &self->node[0]);
	ASSERT_LT(0, number);
	EXPECT_TRUE(has_receipt(&self->node[2], number));
	/* It moves on, and is found there; nothing of it sticks to a node. */
	ASSERT_EQ(0, come_to(&self->p, &self->node[2])) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_known, &self->node[1].w, 5000));
	usleep(500000);
	number = confirm(self, &self->node[1]);
	ASSERT_LT(0, number);
	EXPECT_TRUE(has_receipt(&self->node[0], number));
	/* One log, which each writes to at once. */
	for (int i = 0; i < NODES; i++)
		pthread_create(&thread[i], NULL, write_log, &self->node[i]);
	for (int i = 0; i < NODES; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, stage_ctl(&self->node[1].w, "audit", "export", stage_path(&base, "log"), NULL));
	EXPECT_EQ(0, stage_ctl(&self->node[2].w, "audit", "verify", stage_path(&base, "log"), "--trust",
			       base.trust, NULL)) TH_LOG("%s", stage_read(stage_path(&base, "ctl.out")));
	EXPECT_STREQ("24\n", postgres_ask(&self->server, "SELECT count(*) FROM audit WHERE what ="
					  " 'device-pin-reset'"));
}

TEST_F_TIMEOUT(nodes, revoked_at_one_is_out_at_each, 120)
{
	time_t began;

	ASSERT_EQ(0, come_to(&self->p, &self->node[1])) TH_LOG("%s", self->p.err.text);
	began = time(NULL);
	ASSERT_EQ(0, stage_ctl(&self->node[0].w, "revocation", "add", "device", visitor(), "--reason",
			       "stolen", NULL));
	EXPECT_IN("stolen", player_refused(&self->p));
	EXPECT_GE(began + SECONDS, time(NULL));
	for (int i = 0; i < NODES; i++) {
		EXPECT_NE(0, come_to(&self->p, &self->node[i]));
		EXPECT_IN("stolen", self->p.err.text);
	}
}

/* Threat: replayed proof. Nobody knows what the killed node was told; its nonce is used all the same. */
TEST_F_TIMEOUT(nodes, killed_loses_nothing_and_replays_nothing, 150)
{
	struct tconn_error err;
	struct asking a;
	struct store *s;
	long long number;
	uint64_t id;

	ASSERT_EQ(0, come_to(&self->p, &self->node[1])) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_known, &self->node[0].w, 5000));
	number = confirm(self, &self->node[0]);
	ASSERT_LT(0, number);
	ask(&a, &self->node[0]);
	tconn_message_free(&self->request);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_REQUEST, TCONN_MESSAGE_MAX, 20000,
					   &self->request, &self->p.err)) TH_LOG("%s", self->p.err.text);
	kill_node(&self->node[1]);
	pthread_join(a.thread, NULL);
	EXPECT_FALSE(stage_flag(a.reply, "ok"));
	EXPECT_IN("went away before it answered", stage_text(a.reply, "error"));
	json_object_put(a.reply);
	EXPECT_TRUE(has_receipt(&self->node[0], number));
	EXPECT_TRUE(has_receipt(&self->node[2], number));
	ASSERT_EQ(0, store_open(self->url, &s, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(-EEXIST, store_add_request(s, visitor(), TCONN_KIND_CONFIRM, self->request.nonce,
					     (const uint8_t *)"x", 1, &id, &err));
	store_close(s);
	/* The device goes to another node, and the answer to the old question does nothing there. */
	ASSERT_EQ(0, come_to(&self->p, &self->node[2])) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_known, &self->node[0].w, 5000));
	usleep(500000);
	number = confirm(self, &self->node[0]);
	EXPECT_LT(0, number);
	self->answer.id = self->request.id - 1;
	EXPECT_EQ(0, tconn_message_send(self->p.channel, &self->answer, &self->p.err));
	EXPECT_IN("where REFUSAL is due", player_refused(&self->p));
	EXPECT_STREQ("2\n", postgres_ask(&self->server, "SELECT count(*) FROM receipts"));
	/* It comes back, and knows all of it. */
	ASSERT_TRUE(start_node(&self->node[1], 1, self->url));
	EXPECT_TRUE(has_receipt(&self->node[1], number));
}

static atomic_bool enough;

static void *kill_connections(void *arg)
{
	while (!atomic_load(&enough)) {
		postgres_ask(arg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
			     " WHERE application_name = 'tconn'");
		usleep(700000);
	}
	return NULL;
}

TEST_F_TIMEOUT(nodes, connections_to_the_database_are_killed, 150)
{
	long long number[6];
	pthread_t killer;
	int n = 0;

	pthread_create(&killer, NULL, kill_connections, &self->server);
	for (int i = 0; i < 6; i++) {
		/* Refused is allowed: then the device comes again, and is asked again. */
		if (!self->p.channel && come_to(&self->p, &self->node[1]) < 0)
			player_close(&self->p);
		if (!self->p.channel)
			continue;
		usleep(400000);
		number[n] = confirm(self, &self->node[0]);
		if (number[n] > 0)
			n++;
		else
			player_close(&self->p);
	}
	atomic_store(&enough, true);
	pthread_join(killer, NULL);
	TH_LOG("%d of 6 accepted", n);
	EXPECT_LE(2, n);
	for (int i = 0; i < n; i++)
		EXPECT_TRUE(has_receipt(&self->node[2], number[i]));
}

/* Fail closed: nobody is let in, nothing is asked; and all is well once it is back. */
TEST_F_TIMEOUT(nodes, database_that_is_away_refuses, 150)
{
	struct json_object *reply;
	long long number;

	ASSERT_EQ(0, come_to(&self->p, &self->node[1])) TH_LOG("%s", self->p.err.text);
	ASSERT_TRUE(stage_until(is_known, &self->node[0].w, 5000));
	number = confirm(self, &self->node[0]);
	ASSERT_LT(0, number);
	postgres_stop(&self->server);
	reply = stage_call(self->node[0].w.admin, 30000, "{\"do\":\"device-pin-reset\",\"id\":\"%s\"}",
			   visitor());
	EXPECT_FALSE(stage_flag(reply, "ok"));
	EXPECT_IN("database", stage_text(reply, "error"));
	json_object_put(reply);
	EXPECT_NE(0, come_to(&self->p, &self->node[2]));
	postgres_start(&self->server);
	for (int i = 0; i < 20 && come_to(&self->p, &self->node[2]) < 0; i++)
		usleep(500000);
	ASSERT_TRUE(stage_until(is_known, &self->node[1].w, 10000)) TH_LOG("%s", self->p.err.text);
	usleep(500000);
	EXPECT_TRUE(has_receipt(&self->node[1], number));
	EXPECT_LT(0, confirm(self, &self->node[1]));
}

static void finish(void)
{
	if (getpid() != parent)
		return;
	end_network();
	postgres_forget();
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	missing = make_network();
	parent = getpid();
	if (!missing) {
		atexit(finish);
		postgres_prepare();
		stage_start(&base);
		machine[0] = base.service;
		stage_add_service(&base, &machine[1], "service1");
		stage_add_service(&base, &machine[2], "service2");
	} else {
		end_network();
		fprintf(stderr, "# ALL TESTS OF SEVERAL NODES ARE SKIPPED: %s\n", missing);
	}
	return test_harness_run(argc, argv);
}
