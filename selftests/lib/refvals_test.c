// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/refvals.c: a file with a mistake in it is refused, and says where. */
#include <errno.h>
#include <kselftest_harness.h>

#include "daemon/lib/refvals.h"
#include "world.h"

static struct tconn_error err;
static char json[8192];

static int parse(const char *text)
{
	struct tconn_refvals *r = NULL;
	int error = tconn_refvals_parse(text, strlen(text), &r, &err);

	tconn_refvals_free(r);
	return error;
}

/* The good file with one piece of text replaced. */
static int parse_with(const char *old, const char *new)
{
	char text[8192], *at;

	world_refvals_json(json, sizeof(json), NULL);
	at = strstr(json, old);
	if (!at)
		return 1;
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - json), json, new, at + strlen(old));
	return parse(text);
}

#define EXPECT_BAD(old, new, reason) do { \
	EXPECT_EQ(-EBADMSG, parse_with(old, new)) TH_LOG("%s", new); \
	EXPECT_NE(NULL, strstr(err.text, reason)) TH_LOG("%s", err.text); \
} while (0)

TEST(good_values_are_read)
{
	struct tconn_refvals *r = NULL;
	const struct tconn_digests *list;
	uint8_t digest[32];

	world_refvals_json(json, sizeof(json), NULL);
	ASSERT_EQ(0, tconn_refvals_parse(json, strlen(json), &r, &err)) TH_LOG("%s", err.text);
	EXPECT_STREQ("test device", r->name);
	EXPECT_STREQ("", r->kernel);
	EXPECT_EQ(3, r->event_count);
	EXPECT_EQ(1u << 2 | 1u << 4 | 1u << 9, r->pcr_closed);
	EXPECT_TRUE(r->ima_required);
	EXPECT_TRUE(r->tconn_required);
	EXPECT_EQ(13, r->tconn_pcr);
	EXPECT_EQ(2, r->policy->count);
	list = tconn_refvals_find(r->ima, WORLD_TCONND "xxx", strlen(WORLD_TCONND));
	ASSERT_NE(NULL, list);
	log_sha256("tconnd 1", 8, digest);
	EXPECT_TRUE(tconn_digests_have(list, digest));
	EXPECT_EQ(NULL, tconn_refvals_find(r->ima, WORLD_TCONND, strlen(WORLD_TCONND) - 1));
	EXPECT_EQ(NULL, tconn_refvals_find(r->ima, json, sizeof(json)));
	EXPECT_FALSE(tconn_digests_have(NULL, digest));
	tconn_refvals_free(r);
}

TEST(what_is_no_json_is_refused)
{
	EXPECT_EQ(-EBADMSG, parse(""));
	EXPECT_EQ(-EBADMSG, parse("{"));
	EXPECT_EQ(-EBADMSG, parse("[]"));
	EXPECT_EQ(-EBADMSG, parse("null"));
	EXPECT_EQ(-EBADMSG, parse("{} {}"));
	EXPECT_EQ(-EBADMSG, parse("{} x"));
	EXPECT_EQ(-EBADMSG, parse("[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]"));
	EXPECT_EQ(-EBADMSG, parse("{\"name\":\"\xff\"}"));
}

TEST(every_key_is_needed)
{
	EXPECT_BAD("\"tconn-reference-values\": 1,", "", "\"tconn-reference-values\" is missing");
	EXPECT_BAD("\"name\": \"test device\",", "", "\"name\" is missing");
	EXPECT_BAD("\"ima_required\": true,", "", "\"ima_required\" is missing");
	EXPECT_BAD("\"required\": true,", "", "tconn: \"required\" is missing");
	EXPECT_BAD("\"policy\": [", "\"pcr\": 13, \"app\": [", "\"policy\" is missing");
	EXPECT_BAD(",\"what\":\"initrd\"", "", "pcr_events[0]: \"what\" is missing");
	EXPECT_EQ(0, parse_with("\"ima_buf\": { \"kernel_version\": [", "\"ima_buf\": { \"x\": ["));
}

TEST(misspelt_keys_are_refused)
{
	EXPECT_BAD("\"ima_required\": true", "\"ima_required\": true, \"ima_requird\": true",
		   "unknown key \"ima_requird\"");
	EXPECT_BAD("\"required\": true", "\"required\": true, \"x\": 1", "tconn: unknown key \"x\"");
	EXPECT_BAD("\"pcr\":9", "\"pcr\":9,\"index\":9", "pcr_events[0]: unknown key \"index\"");
}

TEST(wrong_values_are_refused)
{
	EXPECT_BAD("values\": 1", "values\": 2", "not within 1..1");
	EXPECT_BAD("values\": 1", "values\": \"1\"", "no int");
	EXPECT_BAD("\"ima_required\": true", "\"ima_required\": 1", "no boolean");
	EXPECT_BAD("\"pcr\":9", "\"pcr\":15", "not within 0..14");
	EXPECT_BAD("\"pcr\":9", "\"pcr\":-1", "not within 0..14");
	EXPECT_BAD("[2]", "[15]", "pcr_closed[0] is not within 0..14");
	EXPECT_BAD("[2]", "[1, \"2\"]", "pcr_closed[1] is not within 0..14");
	EXPECT_BAD("[2]", "2", "\"pcr_closed\" is no array");
	EXPECT_BAD("EV_EVENT_TAG", "EV_EVENT_TAGS", "unknown event type \"EV_EVENT_TAGS\"");
	EXPECT_BAD("\"required\": true", "\"required\": true, \"developer\": 1", "no boolean");
	EXPECT_BAD("\"required\": true", "\"required\": true, \"pcr\": 10", "not within 11..14");
	EXPECT_BAD("\"required\": true", "\"required\": true, \"pcr\": null", "no int");
	EXPECT_BAD("\"/never/run\": []", "\"/never/run\": [\"00\"]", "/never/run: a digest is not 64");
	EXPECT_BAD("\"/never/run\": []", "\"/never/run\": [7]", "/never/run: a digest is not 64");
	EXPECT_BAD("\"/never/run\": []", "\"/never/run\": \"\"", "no array of digests");
	EXPECT_BAD("\"ima_buf\": {", "\"ima_buf\": [], \"name\": {", "");
}

TEST(files_are_loaded_with_their_name_in_errors)
{
	struct tconn_refvals *r = NULL;
	char dir[SWTPM_PATH_MAX], path[SWTPM_PATH_MAX + 16];
	FILE *f;

	swtpm_temp_dir(dir);
	snprintf(path, sizeof(path), "%s/refvals.json", dir);
	EXPECT_EQ(-ENOENT, tconn_refvals_load(path, &r, &err));
	EXPECT_NE(NULL, strstr(err.text, path)) TH_LOG("%s", err.text);
	EXPECT_EQ(-EFBIG, tconn_refvals_load(dir, &r, &err));
	f = fopen(path, "we");
	world_refvals_json(json, sizeof(json), NULL);
	fprintf(f, "%s\n\n", json);
	fclose(f);
	EXPECT_EQ(0, tconn_refvals_load(path, &r, &err)) TH_LOG("%s", err.text);
	tconn_refvals_free(r);
	r = NULL;
	f = fopen(path, "we");
	fprintf(f, "{}");
	fclose(f);
	EXPECT_EQ(-EBADMSG, tconn_refvals_load(path, &r, &err));
	EXPECT_NE(NULL, strstr(err.text, path)) TH_LOG("%s", err.text);
	EXPECT_EQ(NULL, r);
	remove(path);
	remove(dir);
}

TEST_HARNESS_MAIN
