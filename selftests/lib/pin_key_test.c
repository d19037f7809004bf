// SPDX-License-Identifier: Apache-2.0
/*
 * A PIN for the TPM: daemon/lib/pin_session.c, pin_key.c and tpm_secret.c against software TPMs. The
 * carrier is a process of its own, into whose memory this one looks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tss2/tss2_tpm2_types.h>
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/pin_key.h"
#include "daemon/lib/pin_proof.h"
#include "daemon/lib/tpm_context.h"
#include "daemon/lib/tpm_ek.h"
#include "process_memory.h"
#include "swtpm_fixture.h"

static struct swtpm_maker maker;
static struct swtpm swtpm, other_swtpm, large_swtpm;

static const struct tconn_pin right = { 4, "4711" }, wrong = { 4, "4712" }, longer = { 12, "471100001234" };

#define EXPECT_SAID(part) \
	EXPECT_NE(NULL, strstr(self->err.text, part)) \
		TH_LOG("\"%s\" is not in \"%s\"", part, self->err.text)

FIXTURE(pin) {
	struct tconn_tpm *tpm;
	struct tconn_error err;
	struct tconn_blob ek, public;
	uint8_t device[32], name[TCONN_PIN_NAME], digest[32];
	struct tconn_pin_session session;
	struct tconn_pin_carrier carrier;
	struct tconn_pin_message opened, command, result;
	struct tconn_pin_parts parts;
	struct tconn_record record;
	struct tconn_pin_binding of;
};

static int know_ek(FIXTURE_DATA(pin) *self)
{
	int r = tconn_tpm_ek_public(self->tpm, &self->ek, &self->err);

	tconn_sha256(self->ek.data, self->ek.len, self->device);
	return r;
}

static int use_tpm(FIXTURE_DATA(pin) *self, const char *tcti)
{
	int r;

	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	r = tconn_tpm_open(tcti, &self->tpm, &self->err);
	return r ? r : know_ek(self);
}

static int begin(FIXTURE_DATA(pin) *self)
{
	struct tconn_pin_message open;
	int r = tconn_pin_session_open(&self->session, self->device, self->ek.data, self->ek.len, &open,
				       &self->err);

	return r ? r : tconn_pin_carrier_begin(&self->carrier, self->tpm, open.data, open.len,
					       &self->opened, &self->err);
}

static int carry(FIXTURE_DATA(pin) *self)
{
	int r = tconn_pin_carrier_use(&self->carrier, self->command.data, self->command.len, &self->result,
				      &self->err);

	return r ? r : tconn_pin_session_result(&self->session, self->result.data, self->result.len,
						&self->parts, &self->err);
}

static int make_key(FIXTURE_DATA(pin) *self, const struct tconn_pin *pin)
{
	int r = begin(self);

	if (!r)
		r = tconn_pin_session_make(&self->session, self->opened.data, self->opened.len, pin,
					   &self->command, &self->err);
	if (!r)
		r = carry(self);
	if (!r)
		r = tconn_pin_session_name(&self->parts, self->name, &self->err);
	return r ? r : tconn_pin_key_public(self->tpm, &self->public, &self->err);
}

static int prepare_sign(FIXTURE_DATA(pin) *self, const struct tconn_pin *pin)
{
	int r = begin(self);

	return r ? r : tconn_pin_session_sign(&self->session, self->opened.data, self->opened.len, pin,
					      self->name, self->digest, &self->command, &self->err);
}

static int sign(FIXTURE_DATA(pin) *self, const struct tconn_pin *pin)
{
	int r = prepare_sign(self, pin);

	return r ? r : carry(self);
}

/* The owner of the TPM sets the limit, and its lockoutAuth takes the count back. */
static int tools(const struct swtpm *on, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "TPM2TOOLS_TCTI=%s %s >/dev/null 2>&1", on->tcti, command);
	return system(line);
}

#define RESET "tpm2_dictionarylockout -c"
#define LIMIT "tpm2_dictionarylockout -s -n 5 -t 1000 -l 1000"

FIXTURE_SETUP(pin)
{
	ASSERT_EQ(0, tools(&swtpm, LIMIT));
	ASSERT_EQ(0, tools(&swtpm, RESET));
	ASSERT_EQ(0, use_tpm(self, swtpm.tcti)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, make_key(self, &right)) TH_LOG("%s", self->err.text);
	self->of = (struct tconn_pin_binding){ self->device, (const uint8_t *)"PIN?", 4, &self->record };
	tconn_pin_proof_digest(&self->of, self->digest);
}

FIXTURE_TEARDOWN(pin)
{
	tconn_pin_carrier_end(&self->carrier);
	tconn_pin_session_wipe(&self->session);
	tconn_tpm_close(self->tpm);
}

TEST_F(pin, right_one_signs_for_this_request_and_record)
{
	uint8_t name[TCONN_PIN_NAME];

	for (int i = 0; i < 5; i++)	/* leaves no session behind */
		ASSERT_EQ(0, sign(self, &right)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_name(&self->public, name, &self->err));
	EXPECT_EQ(0, memcmp(name, self->name, sizeof(name)));
	EXPECT_EQ(0, tconn_pin_proof_verify(&self->public, self->parts.body, self->parts.body_len, &self->of,
					    &self->err)) TH_LOG("%s", self->err.text);
	self->record.session++;
	EXPECT_EQ(-EKEYREJECTED, tconn_pin_proof_verify(&self->public, self->parts.body,
							self->parts.body_len, &self->of, &self->err));
	EXPECT_SAID("did not sign for this request");
	self->record.session--;
	self->of.statement_len--;
	EXPECT_EQ(-EKEYREJECTED, tconn_pin_proof_verify(&self->public, self->parts.body,
							self->parts.body_len, &self->of, &self->err));
}

TEST_F(pin, wrong_one_is_told_from_a_lockout)
{
	struct tconn_pin_limit limit;

	ASSERT_EQ(0, tconn_pin_limit(self->tpm, &limit, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(5, limit.most);
	EXPECT_EQ(0, limit.failed);
	EXPECT_EQ(1000, limit.recovery_s);
	EXPECT_FALSE(limit.lockout_auth);
	for (uint32_t i = 0; i < 5; i++) {
		EXPECT_EQ(-EACCES, sign(self, &wrong));
		EXPECT_SAID("the PIN is wrong");
		ASSERT_EQ(0, tconn_pin_limit(self->tpm, &limit, &self->err));
		EXPECT_EQ(i + 1, limit.failed);
		EXPECT_EQ(i == 4, limit.locked);
	}
	/* Now the right one is not taken either. */
	EXPECT_EQ(-EBUSY, sign(self, &right));
	EXPECT_SAID("too many wrong PINs");
	tconn_tpm_close(self->tpm);	/* one user at a time */
	self->tpm = NULL;
	ASSERT_EQ(0, tools(&swtpm, RESET));
	ASSERT_EQ(0, use_tpm(self, swtpm.tcti));
	EXPECT_EQ(0, sign(self, &right)) TH_LOG("%s", self->err.text);
}

/* Keys of the device itself go on during a lockout: they are not subject to it. */
TEST_F(pin, lockout_leaves_the_devices_own_keys_alone)
{
	uint8_t sig[72];
	size_t len;

	ASSERT_EQ(0, tconn_tpm_make_keys(self->tpm, &self->err)) TH_LOG("%s", self->err.text);
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(-EACCES, sign(self, &wrong));
	EXPECT_EQ(-EBUSY, sign(self, &right));
	EXPECT_EQ(0, tconn_tpm_sign(self->tpm, TCONN_KEY_TLS, self->digest, sig, &len, &self->err));
}

TEST_F(pin, another_takes_its_place)
{
	uint8_t before[TCONN_PIN_NAME];

	memcpy(before, self->name, sizeof(before));
	ASSERT_EQ(0, make_key(self, &longer)) TH_LOG("%s", self->err.text);
	EXPECT_NE(0, memcmp(before, self->name, sizeof(before)));
	EXPECT_EQ(0, sign(self, &longer)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EACCES, sign(self, &right));
	/* Who still means the one before: the TPM takes no HMAC over another Name. */
	memcpy(self->name, before, sizeof(before));
	EXPECT_EQ(-EACCES, sign(self, &longer));
}

TEST_F(pin, length_is_in_no_message)
{
	struct tconn_pin_message command = { 0 };

	ASSERT_EQ(0, prepare_sign(self, &right));
	command = self->command;
	tconn_pin_carrier_end(&self->carrier);
	ASSERT_EQ(0, prepare_sign(self, &longer));
	EXPECT_EQ(command.len, self->command.len);
	tconn_pin_carrier_end(&self->carrier);
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, tconn_pin_session_make(&self->session, self->opened.data, self->opened.len, &right,
					    &command, &self->err));
	tconn_pin_carrier_end(&self->carrier);
	ASSERT_EQ(0, begin(self));
	ASSERT_EQ(0, tconn_pin_session_make(&self->session, self->opened.data, self->opened.len, &longer,
					    &self->command, &self->err));
	EXPECT_EQ(command.len, self->command.len);
	EXPECT_EQ(NULL, memmem(self->command.data, self->command.len, self->session.auth, 32));
}

/* A carrier with a TPM, or a key, of its own would have the salt. */
TEST_F(pin, another_tpms_key_is_not_salted_to)
{
	struct tconn_pin_message open;

	ASSERT_EQ(0, use_tpm(self, other_swtpm.tcti)) TH_LOG("%s", self->err.text);
	self->device[0] ^= 1;
	EXPECT_EQ(-EKEYREJECTED, tconn_pin_session_open(&self->session, self->device, self->ek.data,
							self->ek.len, &open, &self->err));
	EXPECT_SAID("not the key of the device's TPM");
	/* With its id but cut off, or of another kind: not a key to salt to. */
	for (size_t len = 0; len < self->ek.len; len++) {
		tconn_sha256(self->ek.data, len, self->device);
		EXPECT_EQ(-EBADMSG, tconn_pin_session_open(&self->session, self->device, self->ek.data, len,
							   &open, &self->err)) TH_LOG("%zu", len);
	}
	tconn_sha256(self->public.data, self->public.len, self->device);
	EXPECT_EQ(-EBADMSG, tconn_pin_session_open(&self->session, self->device, self->public.data,
						   self->public.len, &open, &self->err));
}

/* Session and command for one TPM, replayed or carried to another. */
TEST_F(pin, session_serves_once_and_there_alone)
{
	struct tconn_pin_message command;

	ASSERT_EQ(0, sign(self, &right));
	command = self->command;
	EXPECT_EQ(-EBADMSG, tconn_pin_carrier_use(&self->carrier, command.data, command.len, &self->result,
						  &self->err));
	ASSERT_EQ(0, begin(self));
	self->command = command;
	EXPECT_EQ(-EACCES, carry(self));
	EXPECT_EQ(-EINVAL, tconn_pin_session_sign(&(struct tconn_pin_session){ 0 }, self->opened.data,
						  self->opened.len, &right, self->name, self->digest,
						  &self->command, &self->err));
}

/* What the carrier changes on the way, to the TPM and back. */
TEST_F(pin, what_was_changed_is_refused)
{
	for (size_t at = 5; at < 4 + 2 + 64 + 44; at += 7) {
		ASSERT_EQ(0, prepare_sign(self, &right));
		self->command.data[at] ^= 2;
		EXPECT_NE(0, carry(self)) TH_LOG("command, byte %zu", at);
		tconn_pin_carrier_end(&self->carrier);
		tconn_tpm_close(self->tpm);
		self->tpm = NULL;
		ASSERT_EQ(0, tools(&swtpm, RESET));
		ASSERT_EQ(0, use_tpm(self, swtpm.tcti));
	}
	ASSERT_EQ(0, sign(self, &right));
	for (size_t at = 0; at < self->result.len; at++) {
		self->result.data[at] ^= 2;
		EXPECT_NE(0, tconn_pin_session_result(&self->session, self->result.data, self->result.len,
						      &self->parts, &self->err)) TH_LOG("result, byte %zu", at);
		self->result.data[at] ^= 2;
	}
	EXPECT_EQ(0, tconn_pin_session_result(&self->session, self->result.data, self->result.len,
					      &self->parts, &self->err));
	for (size_t len = 0; len < self->result.len; len++)
		EXPECT_EQ(-EBADMSG, tconn_pin_session_result(&self->session, self->result.data, len,
							     &self->parts, &self->err));
}

/* A key without the TPM's limit, or with another way to it, is none of ours. */
TEST_F(pin, key_of_another_form_proves_nothing)
{
	ASSERT_EQ(0, sign(self, &right));
	self->public.data[6] ^= TPMA_OBJECT_NODA >> 8;
	EXPECT_EQ(-EKEYREJECTED, tconn_pin_proof_verify(&self->public, self->parts.body,
							self->parts.body_len, &self->of, &self->err));
	EXPECT_SAID("no key that only a PIN opens");
	self->public.data[6] ^= TPMA_OBJECT_NODA >> 8;
	self->public.len--;
	EXPECT_EQ(-EKEYREJECTED, tconn_pin_proof_verify(&self->public, self->parts.body,
							self->parts.body_len, &self->of, &self->err));
	self->public.len++;
	EXPECT_EQ(-EBADMSG, tconn_pin_proof_verify(&self->public, self->parts.body,
						   self->parts.body_len - 1, &self->of, &self->err));
}

/* As a program without the PIN has it: an empty password, or one made of the digits as they are. */
TEST_F(pin, is_the_only_way_to_the_key)
{
	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	ASSERT_EQ(0, tools(&swtpm, "tpm2_readpublic -c 0x81010013"));
	EXPECT_NE(0, tools(&swtpm, "sh -c 'echo x | tpm2_sign -c 0x81010013 -g sha256 -o /dev/null'"));
	EXPECT_NE(0, tools(&swtpm, "sh -c 'echo x | tpm2_sign -c 0x81010013 -p 4711 -g sha256 -o /dev/null'"));
}

TEST_F(pin, works_with_every_kind_of_ek)
{
	size_t count = 0;

	ASSERT_EQ(0, use_tpm(self, large_swtpm.tcti)) TH_LOG("%s", self->err.text);
	for (; tconn_ek_kind(count); count++) {
		self->tpm->ek = tconn_ek_kind(count);
		ASSERT_EQ(0, know_ek(self)) TH_LOG("%s: %s", self->tpm->ek->name, self->err.text);
		ASSERT_EQ(0, make_key(self, &right)) TH_LOG("%s: %s", self->tpm->ek->name, self->err.text);
		EXPECT_EQ(0, sign(self, &right)) TH_LOG("%s: %s", self->tpm->ek->name, self->err.text);
	}
	EXPECT_LT(4, count);
	EXPECT_EQ(-EACCES, sign(self, &wrong));
}

/* -- the carrier's memory */

static void take_message(int fd, struct tconn_pin_message *ret)
{
	ssize_t n = recv(fd, ret->data, sizeof(ret->data), 0);

	ret->len = n > 0 ? (size_t)n : 0;
}

/* Carries one conversation, keeps all it saw, and waits to be looked at. */
static int carrier_process(int fd)
{
	static struct tconn_pin_message in, opened, command, result;
	struct tconn_pin_carrier carrier;
	struct tconn_tpm *tpm = NULL;
	struct tconn_error err;
	char end;

	if (tconn_tpm_open(swtpm.tcti, &tpm, &err))
		return 1;
	take_message(fd, &in);
	if (tconn_pin_carrier_begin(&carrier, tpm, in.data, in.len, &opened, &err))
		return 2;
	send(fd, opened.data, opened.len, 0);
	take_message(fd, &command);
	if (tconn_pin_carrier_use(&carrier, command.data, command.len, &result, &err))
		return 3;
	send(fd, result.data, result.len, 0);
	if (recv(fd, &end, 1, 0) < 0)
		return 4;
	tconn_tpm_close(tpm);
	return 0;
}

/* The PIN is made here, after the carrier was started: what it has of this process is older. */
static void random_pin(struct tconn_pin *ret)
{
	FILE *f = fopen("/dev/urandom", "re");

	ret->len = TCONN_PIN_MAX;
	if (!f || fread(ret->digits, 1, ret->len, f) != ret->len)
		ksft_exit_fail_msg("no random bytes\n");
	fclose(f);
	for (size_t i = 0; i < ret->len; i++)
		ret->digits[i] = (char)('0' + (uint8_t)ret->digits[i] % 10);
}

TEST_F(pin, is_not_in_the_memory_of_who_carries_it)
{
	struct tconn_pin_message open;
	struct tconn_pin pin;
	int ends[2], status;
	pid_t pid;

	tconn_tpm_close(self->tpm);
	self->tpm = NULL;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		_exit(carrier_process(ends[1]));
	}
	close(ends[1]);
	random_pin(&pin);
	ASSERT_EQ(0, tconn_pin_session_open(&self->session, self->device, self->ek.data, self->ek.len, &open,
					    &self->err));
	ASSERT_LT(0, send(ends[0], open.data, open.len, 0));
	take_message(ends[0], &self->opened);
	ASSERT_EQ(0, tconn_pin_session_make(&self->session, self->opened.data, self->opened.len, &pin,
					    &self->command, &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_LT(0, send(ends[0], self->command.data, self->command.len, 0));
	take_message(ends[0], &self->result);
	EXPECT_EQ(0, tconn_pin_session_result(&self->session, self->result.data, self->result.len,
					      &self->parts, &self->err)) TH_LOG("%s", self->err.text);
	/* It was there: what it carried is. */
	EXPECT_TRUE(process_memory_has(pid, self->session.nonce_tpm, 32));
	EXPECT_TRUE(process_memory_has(pid, self->command.data, self->command.len));
	EXPECT_FALSE(process_memory_has(pid, pin.digits, pin.len));
	EXPECT_FALSE(process_memory_has(pid, self->session.auth, 32));
	EXPECT_FALSE(process_memory_has(pid, self->session.key, 32));
	close(ends[0]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

int main(int argc, char **argv)
{
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "tpm", &swtpm);
	swtpm_start(&maker, "other", &other_swtpm);
	swtpm_start_with(&maker, "large", "3072", &large_swtpm);
	return test_harness_run(argc, argv);
}
