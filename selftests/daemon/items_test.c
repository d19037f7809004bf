// SPDX-License-Identifier: Apache-2.0
/*
 * Labelled data over the attested channel, both ways, between the real daemons: what is
 * good is kept, what is not is refused with the item and the reason, and leaves nothing.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/file.h"
#include "daemon/lib/intake.h"
#include "stage.h"

#define PATIENCE_MS 60000
#define HOUR_MS 3600000

static struct stage w;
static pid_t serviced, tconnd;

static const char *device(void)
{
	return w.device.identity.name;
}

/* -- labels, made before the daemons have the TPMs */

struct made {
	const char *file, *source, *data;
};

static const struct made by_device[] = {
	{ "good", "thermometer/1", "21.5 C" }, { "bent", "thermometer/1", "21.6 C" },
	{ "foreign", "microphone/1", "hello" }, { "torn", "thermometer/1", "21.7 C" },
	{ "last", "thermometer/1", "21.8 C" }, { "line", "journal/1", "started" },
	{ "second", "journal/1", "stopped" },
}, by_fitting[] = {
	{ "fitting", "probe/1", "1" },
}, by_other_kernel[] = {
	{ "kernel", "probe/2", "2" },
}, by_longer_log[] = {
	{ "longer", "probe/3", "3" },
}, by_visitor[] = {
	{ "visitors", "thermometer/1", "99.9 C" },
}, by_service[] = {
	{ "prices", "prices/today", "bread 2.10" }, { "rates", "prices/today", "1 EUR = 1.1 USD" },
	{ "jokes", "jokes/today", "knock knock" },
};

static void must(int r, const struct tconn_error *err)
{
	if (!r)
		return;
	printf("Bail out! items: %s\n", err->text);
	exit(1);
}

static void write_item(const struct made *m, struct tconn_label_batch *b, size_t index)
{
	struct tconn_bytes label = { 0 };
	struct tconn_error err = { "" };
	char name[64];

	stage_write(stage_path(&w, m->file), m->data, strlen(m->data));
	must(tconn_label_batch_item(b, index, NULL, 0, &label, &err), &err);
	snprintf(name, sizeof(name), "%s.label", m->file);
	stage_write(stage_path(&w, name), label.data, label.len);
	tconn_bytes_free(&label);
}

/* environment: of a time after the device attested; NULL: none. */
static void make(const struct machine *machine, const struct made *made, size_t count,
		 const struct tconn_label_environment *environment)
{
	struct tconn_label_source source = { .content_type = "text/plain" };
	struct tconn_label_clock clock = { .batch = 1 };
	struct tconn_label_signer signer;
	struct tconn_label_batch *b;
	struct tconn_error err = { "" };

	must(tconn_label_signer_open(machine->swtpm.tcti, machine->dir, &signer, &err), &err);
	tconn_label_now(&clock);
	must(tconn_label_read_clock(signer.tpm, &clock, &err), &err);
	must(tconn_label_new_epoch(signer.tpm, &clock.epoch, &err), &err);
	if (environment)
		clock.tpm_clock_ms += HOUR_MS;
	must(tconn_label_batch_new(&clock, environment, &b, &err), &err);
	for (size_t i = 0; i < count; i++) {
		struct tconn_label_new item = {
			.sequence = i + 1, .time_us = clock.time_us, .size = strlen(made[i].data),
			.data = (const uint8_t *)made[i].data,
		};

		snprintf(source.name, sizeof(source.name), "%s", made[i].source);
		must(tconn_label_batch_source(b, &source, &item.source, &err), &err);
		must(tconn_label_batch_add(b, &item, &err), &err);
	}
	must(tconn_label_batch_sign(b, &signer, &err), &err);
	for (size_t i = 0; i < count; i++)
		write_item(&made[i], b, i);
	tconn_label_batch_free(b);
	tconn_label_signer_close(&signer);
}

static void make_environments(void)
{
	struct tconn_label_environment e = { .present = true, .ima_log = 1, .tconn_log = 1 };
	struct utsname name;

	uname(&name);
	snprintf(e.kernel, sizeof(e.kernel), "%s", name.release);
	make(&w.device, by_fitting, 1, &e);
	e.ima_log = 1ull << 40;
	make(&w.device, by_longer_log, 1, &e);
	e.ima_log = 1;
	strcpy(e.kernel, "0.0");
	make(&w.device, by_other_kernel, 1, &e);
}

/* -- looking */

/* Whether log of the stage has both in one line. */
static bool is_logged(const char *log, const char *a, const char *b)
{
	char *text = stage_read(stage_path(&w, log));
	bool found = false;

	for (char *line = strtok(text, "\n"); line && !found; line = strtok(NULL, "\n"))
		found = strstr(line, a) && strstr(line, b);
	free(text);
	return found;
}

struct line {
	const char *a, *b;
};

static bool service_said(void *arg)
{
	const struct line *l = arg;

	return is_logged("tconn-serviced.log", l->a, l->b);
}

static bool quota_is_counted(void *arg)
{
	char *text = stage_read(stage_path(&w, "metrics.prom"));
	const char *line = strstr(text, "\ntconn_items_total{result=\"quota\"} ");
	bool counted = line && strtoul(strchr(line, '}') + 1, NULL, 10) > 0;

	(void)arg;
	free(text);
	return counted;
}

/* In one of the two folders of kept items there is a file with this data. */
static bool is_kept(const char *folder, const char *from, const char *data)
{
	char command[512];

	snprintf(command, sizeof(command), "grep -rqsx --include='*.data' -- '%s' %s/%s", data,
		 stage_path(&w, folder), from);
	return system(command) == 0;
}

static bool is_there(const char *name)
{
	return access(stage_path(&w, name), F_OK) == 0;
}

/* Into the device's outbox, the label last. */
static void put_out(const char *file, const char *as)
{
	char command[1024];

	snprintf(command, sizeof(command), "cp %s %s/%s && cp %s.label %s/%s.tmp && mv %s/%s.tmp %s/%s.label",
		 stage_path(&w, file), stage_path(&w, "outbox"), as, stage_path(&w, file),
		 stage_path(&w, "outbox"), as, stage_path(&w, "outbox"), as, stage_path(&w, "outbox"), as);
	if (system(command))
		abort();
}

static void expect_refused(struct __test_metadata *_metadata, const char *as, const char *fault,
			   const char *why)
{
	char name[64];

	EXPECT_TRUE(stage_until(service_said, &(struct line){ fault, why }, PATIENCE_MS))
		TH_LOG("%s", stage_read(stage_path(&w, "tconn-serviced.log")));
	snprintf(name, sizeof(name), "outbox/refused/%s", as);
	for (int i = 0; i < PATIENCE_MS / 20 && !is_there(name); i++)
		usleep(20000);
	EXPECT_TRUE(is_there(name));
	snprintf(name, sizeof(name), "outbox/%s.label", as);
	EXPECT_FALSE(is_there(name));
	/* The device knows why as well, for whoever looks after it. */
	EXPECT_TRUE(is_logged("tconnd.log", "refused", why));
}

/* -- from the device to the service */

TEST(device_item_is_checked_and_kept_once)
{
	put_out("good", "a");
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "item thermometer/1 #1 kept in", device() },
				PATIENCE_MS));
	EXPECT_TRUE(is_kept("items", device(), "21.5 C"));
	for (int i = 0; i < PATIENCE_MS / 20 && is_there("outbox/a"); i++)
		usleep(20000);
	EXPECT_FALSE(is_there("outbox/a"));
	/* Again: the service says that it has it, and that is all. */
	put_out("good", "b");
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "refused (duplicate)",
				"item thermometer/1 #1" }, PATIENCE_MS));
	EXPECT_FALSE(is_there("outbox/refused/b"));
}

TEST(A_2_4_4_item_changed_on_its_way_is_refused_by_name)
{
	stage_write(stage_path(&w, "bent"), "91.6 C", 6);
	put_out("bent", "c");
	expect_refused(_metadata, "c", "refused (data)", "item thermometer/1 #2: ");
	EXPECT_FALSE(is_kept("items", device(), "91.6 C"));
}

TEST(A_1_2_item_of_another_device_is_refused)
{
	put_out("visitors", "d");
	expect_refused(_metadata, "d", "refused (other-signer)", "item thermometer/1 #1: ");
	EXPECT_FALSE(is_kept("items", device(), "99.9 C"));
}

TEST(item_of_a_source_that_is_not_in_the_policy_is_refused)
{
	put_out("foreign", "e");
	expect_refused(_metadata, "e", "item microphone/1 #3", "policy: no such source is accepted");
}

TEST(item_with_a_torn_label_is_refused)
{
	if (truncate(stage_path(&w, "torn.label"), 300))
		abort();
	put_out("torn", "f");
	expect_refused(_metadata, "f", "refused (truncated)", "the label is truncated");
}

/* What lies there and is no plain file is neither waited for nor followed. */
TEST(outbox_is_read_plainly)
{
	char *log;

	put_out("good", "g");
	ASSERT_EQ(0, symlink("/etc/passwd", stage_path(&w, "outbox/h")));
	ASSERT_EQ(0, link(stage_path(&w, "good.label"), stage_path(&w, "outbox/h.label")));
	ASSERT_EQ(0, mkfifo(stage_path(&w, "outbox/i.label"), 0600));
	put_out("last", "z");
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "item thermometer/1 #5 kept in", device() },
				PATIENCE_MS));
	log = stage_read(stage_path(&w, "tconnd.log"));
	EXPECT_IN("outbox: h: refused: h: Too many levels of symbolic links", log);
	EXPECT_IN("outbox: i: refused: i.label: is no plain file", log);
}

/* What a label says of the machine is compared with what the service appraised of it. */
TEST(A_1_2_item_whose_environment_was_not_appraised_is_refused)
{
	put_out("kernel", "p");
	expect_refused(_metadata, "p", "item probe/2 #1", "environment: kernel 0.0; appraised was ");
	/* This could have come about since: the device attests again, and it has not. */
	put_out("longer", "q");
	expect_refused(_metadata, "q", "refused", "item probe/3 #1: environment: IMA's log of 1099511627776 bytes");
	EXPECT_TRUE(is_logged("tconn-serviced.log", "is to attest again: ", "item probe/3 #1"));
	put_out("fitting", "r");
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "item probe/1 #1 kept in", device() },
				PATIENCE_MS));
	EXPECT_FALSE(is_logged("tconn-serviced.log", "left", device()));
}

/* One line of the journal may lie there. The next stays with the device until there is room. */
TEST(item_beyond_the_quota_waits_at_the_device)
{
	char command[512];

	put_out("line", "a");
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "item journal/1 #6 kept in", device() },
				PATIENCE_MS));
	put_out("second", "b");
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "refused (quota): item journal/1 #7: quota: ",
				"1 items of" }, PATIENCE_MS))
		TH_LOG("%s", stage_read(stage_path(&w, "tconn-serviced.log")));
	for (int i = 0; i < PATIENCE_MS / 20 && !is_logged("tconnd.log", "outbox: b stays: ", "quota"); i++)
		usleep(20000);
	EXPECT_TRUE(is_logged("tconnd.log", "outbox: b stays: ", "quota"));
	EXPECT_TRUE(is_there("outbox/b.label"));
	EXPECT_FALSE(is_there("outbox/refused/b"));
	EXPECT_EQ(0, stage_ctl(&w, "audit", "export", stage_path(&w, "audit"), NULL));
	EXPECT_IN("\"items-quota\"", stage_read(stage_path(&w, "audit")));
	EXPECT_TRUE(stage_until(quota_is_counted, NULL, PATIENCE_MS))
		TH_LOG("%s", stage_read(stage_path(&w, "metrics.prom")));

	snprintf(command, sizeof(command), "rm %s/%s/journal*", stage_path(&w, "items"), device());
	ASSERT_EQ(0, system(command));
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "item journal/1 #7 kept in", device() },
				PATIENCE_MS));
}

/* -- from the service to the device */

static const char *printed(void)
{
	return stage_read(stage_path(&w, "ctl.out"));
}

static int send_item(const char *label, const char *data)
{
	return stage_ctl(&w, "item", "send", "--device", device(), stage_path(&w, label),
			 stage_path(&w, data), NULL);
}

TEST(service_item_is_checked_by_the_device_and_kept)
{
	EXPECT_EQ(0, send_item("prices.label", "prices")) TH_LOG("%s", printed());
	EXPECT_TRUE(is_kept("device-items", STAGE_SERVICE_NAME, "bread 2.10"));
	EXPECT_EQ(4, send_item("prices.label", "prices"));
	EXPECT_IN("refused (duplicate): the device refused: item prices/today #1", printed());
}

TEST(A_2_4_4_service_item_that_is_not_good_never_reaches_the_device)
{
	EXPECT_EQ(4, send_item("rates.label", "prices"));
	EXPECT_IN("refused (data): the device refused: item prices/today #2: ", printed());
	EXPECT_EQ(4, send_item("good.label", "good"));
	EXPECT_IN("refused (other-signer): the device refused: item thermometer/1 #1", printed());
	EXPECT_NE(0, send_item("jokes.label", "jokes"));
	EXPECT_IN("item jokes/today #3: policy: no such source is accepted", printed());
	EXPECT_FALSE(is_kept("device-items", STAGE_SERVICE_NAME, "knock knock"));
	/* The connection goes on. */
	EXPECT_EQ(0, send_item("rates.label", "rates")) TH_LOG("%s", printed());
}

TEST(item_to_nobody)
{
	EXPECT_EQ(5, stage_ctl(&w, "item", "send", "--device", w.stranger.identity.name,
			       stage_path(&w, "prices.label"), stage_path(&w, "prices"), NULL));
	EXPECT_EQ(2, stage_ctl(&w, "item", "send", "--device", device(), "/nowhere", "/nowhere", NULL));
	EXPECT_EQ(2, stage_ctl(&w, "item", "send", NULL));
}

/* -- a hostile device */

FIXTURE(hostile) {
	struct player p;
	struct tconn_message m;
};

FIXTURE_SETUP(hostile)
{
	player_open(&self->p, &w, &w.visitor, false);
	ASSERT_EQ(0, player_connect(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, player_attest(&self->p)) TH_LOG("%s", self->p.err.text);
	ASSERT_EQ(0, tconn_message_receive(self->p.channel, TCONN_MSG_FETCH, TCONN_MESSAGE_MAX,
					   PATIENCE_MS, &self->m, &self->p.err))
		TH_LOG("%s", self->p.err.text);
}

FIXTURE_TEARDOWN(hostile)
{
	tconn_message_free(&self->m);
	player_close(&self->p);
}

TEST_F(hostile, item_over_the_limit_ends_the_connection)
{
	uint8_t *large = calloc(1, TCONN_FRAME_ITEM + 1);

	tconn_channel_send(self->p.channel, large, TCONN_FRAME_ITEM + 1, &self->p.err);
	free(large);
	EXPECT_TRUE(stage_until(service_said, &(struct line){ "waiting for ITEM: the peer's message has", "are allowed here" },
				PATIENCE_MS)) TH_LOG("%s", stage_read(stage_path(&w, "tconn-serviced.log")));
}

TEST_F(hostile, item_that_was_not_asked_for_ends_the_connection)
{
	struct tconn_message none = { .type = TCONN_MSG_ITEM }, item = { .type = TCONN_MSG_ITEM, .id = 1 };
	uint8_t byte = 0;

	item.label = (struct tconn_bytes){ &byte, 1 };
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &none, &self->p.err));
	ASSERT_EQ(0, tconn_message_send(self->p.channel, &item, &self->p.err));
	EXPECT_IN("ITEM", player_refused(&self->p));
}

static void write_config(const char *name, const char *source, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"tconn-item-policy\":1,\"sources\":[{\"source\":\"%s\","
		 "\"content_types\":[\"text/plain\"]}%s]}", source, more);
	stage_write(stage_path(&w, name), text, strlen(text));
}

static pid_t parent;

static void finish(void)
{
	if (getpid() != parent)
		return;
	if (stage_stop(tconnd) != 0 || stage_stop(serviced) != 0)
		fprintf(stderr, "# a daemon did not end cleanly\n");
	if (getenv("TCONN_TEST_VERBOSE"))
		fputs(stage_read(stage_path(&w, "tconn-serviced.log")), stderr);
}

static bool is_connected(void *arg)
{
	(void)arg;
	return stage_connected(&w, device());
}

static void start(void)
{
	char config[1024];

	snprintf(config, sizeof(config), "\"items\":\"%s\",\"item_policy\":\"%s\",\"items_s\":1,"
		 "\"metrics_file\":\"%s\"", stage_path(&w, "items"), stage_path(&w, "service-policy"),
		 stage_path(&w, "metrics.prom"));
	serviced = stage_serviced(&w, config);
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}", device()));
	json_object_put(stage_call(w.admin, 5000, "{\"do\":\"device-add\",\"id\":\"%s\"}",
				   w.visitor.identity.name));
	snprintf(config, sizeof(config), "\"items\":\"%s\",\"item_policy\":\"%s\",\"outbox\":\"%s\"",
		 stage_path(&w, "device-items"), stage_path(&w, "device-policy"), stage_path(&w, "outbox"));
	tconnd = stage_tconnd(&w, config);
	atexit(finish);
	if (!stage_until(is_connected, NULL, PATIENCE_MS)) {
		printf("Bail out! items: the device does not connect\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	parent = getpid();
	stage_start(&w);
	make(&w.device, by_device, sizeof(by_device) / sizeof(by_device[0]), NULL);
	make_environments();
	make(&w.visitor, by_visitor, sizeof(by_visitor) / sizeof(by_visitor[0]), NULL);
	make(&w.service, by_service, sizeof(by_service) / sizeof(by_service[0]), NULL);
	write_config("service-policy", "thermometer/...", ",{\"source\":\"journal/...\",\"max_items\":1},"
		     "{\"source\":\"probe/...\",\"appraised\":true}");
	write_config("device-policy", "prices/...", "");
	if (mkdir(stage_path(&w, "outbox"), 0700))
		abort();
	start();
	return test_harness_run(argc, argv);
}
