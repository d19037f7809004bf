// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/lib/evidence_files.c: other people's tools (tpm2_checkquote, tpm2_eventlog, evmctl)
 * accept what is exported, and refuse it once it was changed.
 */
#include <errno.h>
#include <kselftest_harness.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/lib/evidence_files.h"
#include "world.h"

static struct swtpm_maker maker;
static struct world_issuer issuer;
static struct world_identity device;

#define CHECKQUOTE "tpm2_checkquote -u ak.pem -m quote.msg -s quote.sig -g sha256 -f quote.pcrs " \
	"-q \"$(cat qualification)\""
#define EVMCTL "evmctl ima_measurement --pcrs sha256,pcrs.txt ima.log"

FIXTURE(files) {
	struct world *w;
	char dir[SWTPM_PATH_MAX + 8];
	struct tconn_error err;
};

FIXTURE_SETUP(files)
{
	static struct world world;

	self->w = &world;
	ASSERT_EQ(0, world_begin(&world, &device, &issuer)) TH_LOG("%s", world.err.text);
	ASSERT_EQ(0, world_seal(&world)) TH_LOG("%s", world.err.text);
	snprintf(self->dir, sizeof(self->dir), "%s/out", world.dir);
	ASSERT_EQ(0, tconn_evidence_export(&world.evidence, self->dir, &self->err))
		TH_LOG("%s", self->err.text);
}

FIXTURE_TEARDOWN(files)
{
	char command[SWTPM_PATH_MAX + 32];

	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(command));
	world_end(self->w);
}

static int sh(FIXTURE_DATA(files) *self, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd %s && { %s; } >tool.log 2>&1", self->dir, command);
	return system(line);
}

TEST_F(files, tpm2_checkquote_accepts_the_quote)
{
	EXPECT_EQ(0, sh(self, CHECKQUOTE));
	EXPECT_EQ(0, sh(self, "printf x | dd of=quote.pcrs bs=1 seek=150 conv=notrunc"));
	EXPECT_NE(0, sh(self, CHECKQUOTE));
}

/* The firmware of a guest wrote this one; it wants more of an event than our own logs have. */
TEST_F(files, tpm2_eventlog_reads_the_firmware_log)
{
	struct tconn_bytes *log = &self->w->evidence.boot_log;
	FILE *f = fopen("selftests/lib/data/device/boot", "re");

	ASSERT_NE(NULL, f);
	free(log->data);
	log->data = malloc(1 << 20);
	log->len = fread(log->data, 1, 1 << 20, f);
	fclose(f);
	ASSERT_EQ(0, tconn_evidence_export(&self->w->evidence, self->dir, &self->err));
	EXPECT_EQ(0, sh(self, "tpm2_eventlog boot.log >events && "
			"grep -q EV_EFI_BOOT_SERVICES_APPLICATION events"));
	EXPECT_EQ(0, sh(self, "printf '\377' | dd of=boot.log bs=1 seek=20 conv=notrunc"));
	EXPECT_NE(0, sh(self, "tpm2_eventlog boot.log"));
}

TEST_F(files, evmctl_replays_the_ima_log)
{
	EXPECT_EQ(0, sh(self, EVMCTL));
	EXPECT_EQ(0, sh(self, "printf x | dd of=ima.log bs=1 seek=60 conv=notrunc"));
	EXPECT_NE(0, sh(self, EVMCTL));
}

static void write_bytes(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "we");

	if (f) {
		fwrite(data, 1, len, f);
		fclose(f);
	}
}

/* As tconn-serviced keeps it where the device left out what was known. */
TEST_F(files, part_of_a_log_is_completed)
{
	struct tconn_evidence *e = &self->w->evidence, got = { 0 };
	struct tconn_bytes wire = { 0 }, whole = e->ima_log;
	char path[SWTPM_PATH_MAX + 32], ima[SWTPM_PATH_MAX + 32];
	size_t cut = self->w->ima.entry[0].len;

	snprintf(path, sizeof(path), "%s/x.cbor", self->dir);
	snprintf(ima, sizeof(ima), "%s/x.ima", self->dir);
	e->ima_base = cut;
	e->ima_log = (struct tconn_bytes){ whole.data + cut, whole.len - cut };
	ASSERT_EQ(0, tconn_evidence_encode(e, &wire, &self->err));
	e->ima_log = whole;
	e->ima_base = 0;
	write_bytes(path, wire.data, wire.len);
	EXPECT_EQ(-ENOENT, tconn_evidence_load(path, &got, &self->err));
	write_bytes(ima, whole.data, whole.len);
	ASSERT_EQ(0, tconn_evidence_load(path, &got, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(0, got.ima_base);
	ASSERT_EQ(whole.len, got.ima_log.len);
	EXPECT_EQ(0, memcmp(whole.data, got.ima_log.data, whole.len));
	tconn_evidence_free(&got);
	whole.data[whole.len - 1] ^= 1;
	write_bytes(ima, whole.data, whole.len);
	EXPECT_EQ(-EBADMSG, tconn_evidence_load(path, &got, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "is not the log of which")) TH_LOG("%s", self->err.text);
	tconn_bytes_free(&wire);
}

int main(int argc, char **argv)
{
	/* The tools read the files alone; without a TPM they must not look for one. */
	setenv("TPM2TOOLS_TCTI", "none", 1);
	swtpm_maker_start(&maker);
	world_issuer_start(&issuer);
	world_identity_start(&maker, &issuer, "device", NULL, &device);
	return test_harness_run(argc, argv);
}
