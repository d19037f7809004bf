// SPDX-License-Identifier: Apache-2.0
/* daemon/lib/ima_policy.c and ima_signature.c; the signatures are evmctl's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/ima_policy.h"
#include "log_build.h"
#include "swtpm_fixture.h"

static struct tconn_error err;
static char dir[SWTPM_PATH_MAX];

static struct tconn_refvals *parse(const char *rules)
{
	struct tconn_refvals *r = NULL;
	char listed[65], json[16384];
	uint8_t digest[32];

	log_sha256("listed", 6, digest);
	tconn_hex(digest, 32, listed);
	snprintf(json, sizeof(json), "{\"tconn-reference-values\":1,\"name\":\"x\",\"pcr_events\":[],"
		 "\"ima\":{\"/usr/bin/listed\":[\"%s\"],\"/copy\":[\"%s\"]},\"ima_required\":true,"
		 "\"tconn\":{\"required\":false}%s}", listed, listed, rules);
	err.text[0] = '\0';
	tconn_refvals_parse(json, strlen(json), &r, &err);
	return r;
}

struct entry {
	struct tconn_ima_event event;
	uint8_t digest[32];
};

static const struct tconn_ima_event *file(struct entry *e, const char *path, const char *content)
{
	log_sha256(content, strlen(content), e->digest);
	e->event = (struct tconn_ima_event){
		.pcr = 10, .template = TCONN_IMA_SIG, .digest = e->digest, .digest_len = 32,
		.digest_alg = "sha256", .path = path, .path_len = strlen(path),
	};
	return &e->event;
}

static const struct tconn_ima_event *buffer(struct entry *e, const char *name, const char *data)
{
	file(e, name, data);
	e->event.template = TCONN_IMA_BUF;
	e->event.buf = (const uint8_t *)data;
	e->event.buf_len = strlen(data);
	return &e->event;
}

static const char *said(const struct tconn_refvals *r, const struct tconn_ima_event *e)
{
	static struct tconn_reason why;

	why.text[0] = '\0';
	return tconn_ima_policy_check(r, e, &why) ? "accepted" : why.text;
}

#define EXPECT_SAID(part, r, e) do { \
	const char *said_ = said(r, e); \
	EXPECT_NE(NULL, strstr(said_, part)) TH_LOG("\"%s\", not \"%s\"", said_, part); \
} while (0)

TEST(lists_go_by_name_and_content)
{
	struct tconn_refvals *r = parse("");
	struct entry e;

	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	EXPECT_SAID("accepted", r, file(&e, "/usr/bin/listed", "listed"));
	EXPECT_SAID("accepted", r, file(&e, "/copy", "listed"));
	EXPECT_SAID("another content", r, file(&e, "/usr/bin/listed", "other"));
	EXPECT_SAID("not on the list", r, file(&e, "/usr/bin/liste", "listed"));
	EXPECT_SAID("not on the list", r, file(&e, "/usr/bin/listed2", "listed"));
	tconn_refvals_free(r);
}

TEST(digests_count_under_any_name)
{
	char rules[128], hex[65];
	struct tconn_refvals *r;
	struct entry e;
	uint8_t digest[32];

	log_sha256("anywhere", 8, digest);
	tconn_hex(digest, 32, hex);
	snprintf(rules, sizeof(rules), ",\"ima_digests\":[\"%s\"]", hex);
	r = parse(rules);
	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	EXPECT_SAID("accepted", r, file(&e, "/tmp/x", "anywhere"));
	EXPECT_SAID("not on the list", r, file(&e, "/tmp/x", "elsewhere"));
	tconn_refvals_free(r);
}

TEST(first_rule_that_matches_decides)
{
	struct tconn_refvals *r = parse(
		",\"ima_rules\":[{\"path\":\"/var/lib/tconn/*\",\"accept\":\"listed\"},"
		"{\"path\":\"/var/*.log\",\"accept\":\"any\",\"violation\":true},"
		"{\"path\":\"/var/?\",\"accept\":\"any\"}]");
	struct entry e;

	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	EXPECT_SAID("accepted", r, file(&e, "/var/log/some/deep.log", "x"));
	EXPECT_SAID("accepted", r, file(&e, "/var/x", "x"));
	EXPECT_SAID("not on the list", r, file(&e, "/var/xy", "x"));
	EXPECT_SAID("not on the list", r, file(&e, "/var/lib/tconn/a.log", "x"));
	EXPECT_SAID("not on the list", r, file(&e, "/var/log/deep.log2", "x"));
	tconn_refvals_free(r);
}

TEST(violations_pass_only_where_a_rule_says_so)
{
	struct tconn_refvals *r = parse(
		",\"ima_rules\":[{\"path\":\"/var/log/*\",\"accept\":\"any\",\"violation\":true},"
		"{\"path\":\"/opt/*\",\"accept\":\"any\"}]");
	struct entry e;

	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	file(&e, "/var/log/x", "x");
	e.event.violation = true;
	EXPECT_SAID("accepted", r, &e.event);
	file(&e, "/opt/x", "x");
	e.event.violation = true;
	EXPECT_SAID("violation", r, &e.event);
	file(&e, "/usr/bin/listed", "listed");
	e.event.violation = true;
	EXPECT_SAID("violation", r, &e.event);
	tconn_refvals_free(r);
}

TEST(a_pattern_of_many_stars_costs_no_time)
{
	struct tconn_refvals *r = parse(
		",\"ima_rules\":[{\"path\":\"*a*a*a*a*a*a*a*a*a*a*b\",\"accept\":\"any\"}]");
	static char path[4096];
	struct entry e;

	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	memset(path, 'a', sizeof(path) - 1);
	EXPECT_SAID("not on the list", r, file(&e, path, "x"));
	tconn_refvals_free(r);
}

TEST(text_of_a_buffer_by_pattern)
{
	struct tconn_refvals *r = parse(
		",\"ima_text\":{\"dm_table_load\":[\"dm_version=*,verity,*root_digest=abcd,*\"]},"
		"\"ima_buf\":{}");
	static const char good[] = "dm_version=4.45.0;name=root,verity,root_digest=abcd,x;";
	static const char bad[] = "dm_version=4.45.0;name=root,verity,root_digest=abce,x;";
	struct entry e;

	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	EXPECT_SAID("accepted", r, buffer(&e, "dm_table_load", good));
	EXPECT_SAID("not on the list", r, buffer(&e, "dm_table_load", bad));
	EXPECT_SAID("not on the list", r, buffer(&e, "dm_device_resume", good));
	EXPECT_SAID("not on the list", r, file(&e, "dm_table_load", good));
	buffer(&e, "dm_table_load", bad);
	e.event.buf = (const uint8_t *)good;	/* not what the digest is of */
	EXPECT_SAID("not on the list", r, &e.event);
	tconn_refvals_free(r);
}

static void sh(struct __test_metadata *_metadata, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && ( %s ) >log 2>&1", dir, command);
	ASSERT_EQ(0, system(line)) TH_LOG("%s", command);
}

static size_t slurp(const char *name, void *buf, size_t size)
{
	char path[SWTPM_PATH_MAX + 32];
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f) {
		len = fread(buf, 1, size, f);
		fclose(f);
	}
	return len;
}

/* A PEM in a JSON string. */
static struct tconn_refvals *parse_keys(const char *name)
{
	char pem[4096] = "", json[8192], *to;

	slurp(name, pem, sizeof(pem) - 1);
	to = json + sprintf(json, ",\"ima_rules\":[{\"path\":\"/signed/*\",\"accept\":\"signed\"}],"
			    "\"ima_keys\":[\"");
	for (const char *p = pem; *p; p++)
		to += sprintf(to, *p == '\n' ? "\\n" : "%c", *p);
	strcpy(to, "\"]");
	return parse(json);
}

#define MAKE_KEYS \
	"openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj /CN=rsa && " \
	"openssl ecparam -name prime256v1 -genkey -noout -out ec.key && " \
	"openssl ec -in ec.key -pubout -out ec.pub && " \
	"printf content >file"

static void signed_with(struct __test_metadata *_metadata, const char *key, const char *list)
{
	struct tconn_refvals *r = parse_keys(list);
	uint8_t sig[1024];
	char command[128];
	struct entry e;
	size_t len;

	ASSERT_NE(NULL, r) TH_LOG("%s", err.text);
	snprintf(command, sizeof(command), "evmctl ima_sign --sigfile -a sha256 --key %s file", key);
	sh(_metadata, command);
	len = slurp("file.sig", sig, sizeof(sig));
	ASSERT_LT(64, len);
	file(&e, "/signed/file", "content");
	e.event.buf = sig;
	e.event.buf_len = len;
	EXPECT_SAID("accepted", r, &e.event);
	e.event.path = "/other/file";
	EXPECT_SAID("not on the list", r, &e.event);
	e.event.path = "/signed/file";
	e.digest[0] ^= 1;
	EXPECT_SAID("has a wrong signature by key ", r, &e.event);
	e.digest[0] ^= 1;
	sig[len - 1] ^= 1;
	EXPECT_SAID("has a wrong signature by key ", r, &e.event);
	sig[len - 1] ^= 1;
	sig[3] ^= 1;
	EXPECT_SAID("which is not on the list", r, &e.event);
	sig[3] ^= 1;
	sig[2] = 2;
	EXPECT_SAID("digest other than sha256", r, &e.event);
	sig[2] = 4;
	e.event.buf_len = len - 1;
	EXPECT_SAID("of a wrong length", r, &e.event);
	e.event.buf_len = 8;
	EXPECT_SAID("of an unknown kind", r, &e.event);
	e.event.buf_len = 0;
	EXPECT_SAID("has no signature", r, &e.event);
	tconn_refvals_free(r);
}

TEST(files_signed_by_a_key_of_the_keyring)
{
	sh(_metadata, MAKE_KEYS);
	signed_with(_metadata, "rsa.key", "rsa.pem");
	signed_with(_metadata, "ec.key", "ec.pub");
}

#define EXPECT_BAD(rules, reason) do { \
	EXPECT_EQ(NULL, parse(rules)); \
	EXPECT_NE(NULL, strstr(err.text, reason)) TH_LOG("%s", err.text); \
} while (0)

TEST(mistakes_refuse_the_file)
{
	EXPECT_BAD(",\"ima_rules\":{}", "no array");
	EXPECT_BAD(",\"ima_rules\":[1]", "a rule is no object");
	EXPECT_BAD(",\"ima_rules\":[{\"path\":\"/x\"}]", "wants \"path\" and \"accept\"");
	EXPECT_BAD(",\"ima_rules\":[{\"path\":\"\",\"accept\":\"any\"}]", "is empty");
	EXPECT_BAD(",\"ima_rules\":[{\"path\":\"/x\",\"accept\":\"all\"}]", "not one of listed");
	EXPECT_BAD(",\"ima_rules\":[{\"path\":\"/x\",\"accept\":null}]", "not one of listed");
	EXPECT_BAD(",\"ima_rules\":[{\"path\":\"/x\",\"acept\":\"any\"}]", "acept");
	EXPECT_BAD(",\"ima_rules\":[{\"path\":\"/x\",\"accept\":\"any\",\"violation\":1}]",
		   "violation");
	EXPECT_BAD(",\"ima_keys\":[\"no key\"]", "no PEM");
	EXPECT_BAD(",\"ima_keys\":[7]", "no string");
	EXPECT_BAD(",\"ima_digests\":[\"00\"]", "64 hexadecimal digits");
	EXPECT_BAD(",\"ima_text\":{\"x\":7}", "has no array");
	EXPECT_BAD(",\"ima_text\":{\"x\":[7]}", "no string");
}

int main(int argc, char **argv)
{
	swtpm_temp_dir(dir);
	return test_harness_run(argc, argv);
}
