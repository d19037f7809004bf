// SPDX-License-Identifier: Apache-2.0
/*
 * tconn-swarm: its devices are enrolled by the real tconn-ca and trusted by the real
 * tconn-serviced, in each of its loads; and they are refused where the issuer does not believe
 * their maker, and where one bit of what they measured is another.
 */
#include <arpa/inet.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/jsonline.h"
#include "stage.h"

#define DEVICES "3"

static struct stage w;
static char ca_address[32], swarm_dir[STAGE_PATH - 32], pid_text[16];
static pid_t parent, serviced, ca;

static bool ca_listens(void *arg)
{
	const char *address = arg;
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	sa.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	r = connect(fd, (struct sockaddr *)&sa, sizeof(sa));
	close(fd);
	return r == 0;
}

static pid_t start_ca(char *address, const char *ek_trust)
{
	pid_t pid = stage_spawn(&w, "ca.log", "tconn-ca", "serve", "--dir", stage_path(&w, "ca"),
				"--listen", address, "--ek-trust", ek_trust, NULL);

	if (!stage_until(ca_listens, address, 10000))
		ksft_exit_fail_msg("%s", stage_read(stage_path(&w, "ca.log")));
	return pid;
}

static char *output(void)
{
	return stage_read(stage_path(&w, "swarm.out"));
}

/* Its exit code. */
static int enrol(const char *address, const char *devices)
{
	unlink(stage_path(&w, "swarm.out"));
	return stage_wait(stage_spawn(&w, "swarm.out", "tconn-swarm", "enrol", "--dir", swarm_dir,
				      "--devices", devices, "--ca", address, "--ca-file", w.trust,
				      "--admin", w.admin, NULL), 60000);
}

static int run_at(const char *dir, const char *load, const char *seconds)
{
	unlink(stage_path(&w, "swarm.out"));
	return stage_wait(stage_spawn(&w, "swarm.out", "tconn-swarm", "run", "--dir", dir,
				      "--load", load, "--devices", DEVICES, "--service", w.address,
				      "--name", STAGE_SERVICE_NAME, "--ca-file", w.trust,
				      "--reference", w.service_reference, "--seconds", seconds,
				      "--pid", pid_text, NULL), 60000);
}

static struct json_object *report(void)
{
	char *text = output();
	struct json_object *obj = json_tokener_parse(text);

	free(text);
	return obj;
}

static double number(struct json_object *obj, const char *part, const char *key)
{
	struct json_object *v = obj;

	if (part && !json_object_object_get_ex(obj, part, &v))
		return -1;
	return json_object_object_get_ex(v, key, &v) ? json_object_get_double(v) : -1;
}

TEST(handshakes_are_counted_and_cost_something)
{
	struct json_object *r;

	ASSERT_EQ(0, run_at(swarm_dir, "handshake", "1")) TH_LOG("%s", output());
	r = report();
	EXPECT_EQ(0, number(r, NULL, "failed"));
	EXPECT_LT(2, number(r, "connections", "done"));
	EXPECT_LT(0, number(r, "connections", "service_cpu_us_each"));
	EXPECT_LT(0, number(r, "connections", "own_cpu_s"));
	EXPECT_IN("software", stage_text(r, "simulated"));
	json_object_put(r);
}

TEST(the_service_trusts_what_they_show)
{
	struct json_object *r, *list, *reply, *device;

	ASSERT_EQ(0, run_at(swarm_dir, "connect", "1")) TH_LOG("%s", output());
	r = report();
	EXPECT_EQ(0, number(r, NULL, "failed")) TH_LOG("%s", stage_text(r, "first_failure"));
	EXPECT_LT(2, number(r, "connections", "done"));
	json_object_put(r);
	reply = stage_call(w.admin, 5000, "{\"do\":\"device-list\"}");
	ASSERT_TRUE(json_object_object_get_ex(reply, "devices", &list));
	EXPECT_EQ(3, json_object_array_length(list));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		device = json_object_array_get_idx(list, i);
		EXPECT_TRUE(stage_flag(device, "trusted")) TH_LOG("%s", stage_text(device, "last_error"));
		EXPECT_STREQ("simulated by tconn-swarm", stage_text(device, "kernel"));
	}
	json_object_put(reply);
}

TEST(those_that_stay_attest_again)
{
	struct json_object *r;

	ASSERT_EQ(0, run_at(swarm_dir, "hold", "3")) TH_LOG("%s", output());
	r = report();
	EXPECT_EQ(3, number(r, NULL, "held"));
	EXPECT_EQ(0, number(r, NULL, "failed")) TH_LOG("%s", stage_text(r, "first_failure"));
	/* reattest_s is 1 */
	EXPECT_LE(3, number(r, "attestations", "done"));
	json_object_put(r);
}

/* The evidence is appraised, not waved through: IMA's log shows a file more. */
TEST(another_log_is_not_trusted)
{
	struct json_object *r;
	char command[1024];

	snprintf(command, sizeof(command), "rm -rf %s.odd && cp -r %s %s.odd && cd %s.odd && rm ima.log && "
		 "mkdir o && $OLDPWD/out/bin/tconn-swarm init --dir o --ima-entries 7 && cp o/ima.log .",
		 swarm_dir, swarm_dir, swarm_dir, swarm_dir);
	ASSERT_EQ(0, system(command));
	snprintf(command, sizeof(command), "%s.odd", swarm_dir);
	EXPECT_EQ(3, run_at(command, "connect", "1")) TH_LOG("%s", output());
	r = report();
	EXPECT_EQ(0, number(r, "connections", "done"));
	EXPECT_IN("ima-reference", stage_text(r, "first_failure"));
	json_object_put(r);
}

TEST(an_issuer_that_does_not_know_their_maker_refuses_them)
{
	char address[32];
	pid_t strict;

	stage_free_address(address, sizeof(address));
	strict = start_ca(address, w.trust);
	EXPECT_EQ(1, enrol(address, "4"));
	EXPECT_IN("EK certificate", output());
	EXPECT_NE(0, access(stage_path(&w, "swarm/devices/00004.pem"), F_OK));
	EXPECT_EQ(0, stage_stop(strict));
}

TEST(a_swarm_is_not_overwritten)
{
	EXPECT_EQ(1, stage_wait(stage_spawn(&w, "swarm.out", "tconn-swarm", "init", "--dir", swarm_dir,
					    NULL), 10000));
	EXPECT_EQ(2, stage_wait(stage_spawn(&w, "swarm.out", "tconn-swarm", "run", "--dir", swarm_dir,
					    NULL), 10000));
}

static void begin(void)
{
	stage_start(&w);
	stage_free_address(ca_address, sizeof(ca_address));
	snprintf(swarm_dir, sizeof(swarm_dir), "%s/swarm", w.dir);
	if (stage_wait(stage_spawn(&w, "swarm.out", "tconn-swarm", "init", "--dir", swarm_dir,
				   "--ima-entries", "5", NULL), 10000))
		ksft_exit_fail_msg("%s", output());
	snprintf(w.device_reference, sizeof(w.device_reference), "%s/device-reference.json", swarm_dir);
	ca = start_ca(ca_address, stage_path(&w, "swarm/maker.pem"));
	serviced = stage_serviced(&w, "\"reattest_s\":1");
	snprintf(pid_text, sizeof(pid_text), "%d", serviced);
	if (enrol(ca_address, DEVICES))
		ksft_exit_fail_msg("%s", output());
}

static void finish(void)
{
	if (getpid() != parent)
		return;
	stage_stop(ca);
	stage_stop(serviced);
	if (getenv("TCONN_TEST_VERBOSE"))
		fputs(stage_read(stage_path(&w, "tconn-serviced.log")), stderr);
}

int main(int argc, char **argv)
{
	parent = getpid();
	atexit(finish);
	begin();
	return test_harness_run(argc, argv);
}
