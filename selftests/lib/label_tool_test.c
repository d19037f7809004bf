// SPDX-License-Identifier: Apache-2.0
/*
 * tconnctl label, from files alone: data, order, revocation (CRL, OCSP), time-stamps.
 * The authorities are made here with the openssl program.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <kselftest_harness.h>

#include "swtpm_fixture.h"
#include "test_identity.h"

#define OUTPUT_MAX	16384

static struct swtpm_maker maker;
static struct swtpm swtpm, other_swtpm, sealed_swtpm;
static char issuer_dir[SWTPM_PATH_MAX], id_dir[SWTPM_PATH_MAX], other_dir[SWTPM_PATH_MAX];
static char tsa_dir[SWTPM_PATH_MAX], sealed_dir[SWTPM_PATH_MAX];
static struct tconn_identity device, other, sealed;

FIXTURE(label_tool) {
	char dir[SWTPM_PATH_MAX], out[OUTPUT_MAX];
};

/* A shell command in dir, $tool, $id, $ca, $tsa set; its exit code, its output in self->out. */
__attribute__((format(printf, 2, 3)))
static int sh(FIXTURE_DATA(label_tool) *self, const char *fmt, ...)
{
	char line[4096], command[2048];
	va_list args;
	size_t len;
	FILE *f;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	snprintf(line, sizeof(line), "tool=$PWD/out/bin/tconnctl; id=%s; other=%s; ca=%s; tsa=%s; tcti=%s; "
		 "other_tcti=%s; sealed=%s; sealed_tcti=%s; cd %s; exec 2>&1; %s", id_dir, other_dir,
		 issuer_dir, tsa_dir, swtpm.tcti, other_swtpm.tcti, sealed_dir, sealed_swtpm.tcti,
		 self->dir, command);
	f = popen(line, "r");
	if (!f)
		return -1;
	len = fread(self->out, 1, sizeof(self->out) - 1, f);
	self->out[len] = '\0';
	return WEXITSTATUS(pclose(f));
}

#define SIGN "$tool label sign --identity $id --tcti $tcti --source thermometer --type text/plain "
#define VERIFY "$tool label verify --trust $ca/ca.pem "
#define EXPECT_OUT(text) \
	EXPECT_NE(NULL, strstr(self->out, text)) TH_LOG("%s", self->out)

FIXTURE_SETUP(label_tool)
{
	swtpm_temp_dir(self->dir);
	ASSERT_EQ(0, sh(self, "for i in 1 2 3; do echo reading $i >r$i; done; "
			SIGN "--parameter unit=C r1 r2 r3")) TH_LOG("%s", self->out);
}

FIXTURE_TEARDOWN(label_tool)
{
}

TEST_F(label_tool, verifies_offline_and_says_what_it_looked_at)
{
	EXPECT_EQ(0, sh(self, VERIFY "r2.label r2")) TH_LOG("%s", self->out);
	EXPECT_OUT("label: good, by urn:tconn:device:");
	EXPECT_OUT(device.name);
	EXPECT_OUT("data: all checked");
	EXPECT_OUT("order: not checked");
	EXPECT_OUT("thermometer #2");
	EXPECT_OUT("unit: C");
	EXPECT_EQ(0, sh(self, VERIFY "r2.label")) TH_LOG("%s", self->out);
	EXPECT_OUT("data: not checked");
	EXPECT_EQ(0, sh(self, "$tool --json label verify --trust $ca/ca.pem r2.label r2"));
	EXPECT_OUT("\"data_checked\":true");
}

TEST_F(label_tool, A_2_4_4_names_the_item_that_was_changed)
{
	ASSERT_EQ(0, sh(self, SIGN "--batch all r1 r2 r3")) TH_LOG("%s", self->out);
	EXPECT_EQ(0, sh(self, VERIFY "all r1 r2 r3")) TH_LOG("%s", self->out);
	EXPECT_EQ(4, sh(self, "echo 'reading 9' >r2; " VERIFY "all r1 r2 r3"));
	EXPECT_OUT("refused (data): item 2 (thermometer #2)");
	EXPECT_EQ(4, sh(self, VERIFY "all r1 r3"));
	EXPECT_EQ(4, sh(self, "$tool --json label verify --trust $ca/ca.pem all r1 r2 r3"));
	EXPECT_OUT("\"fault\":\"data\"");
}

TEST_F(label_tool, A_2_3_4_another_device_is_told_from_the_expected_one)
{
	EXPECT_EQ(4, sh(self, VERIFY "--who urn:tconn:device:%s r1.label r1", other.name));
	EXPECT_OUT("refused (other-signer)");
	EXPECT_EQ(0, sh(self, VERIFY "--who urn:tconn:device:%s r1.label r1", device.name));
	/* It has no certificate for the other's key. */
	EXPECT_EQ(4, sh(self, "$tool label sign --identity $other --tcti $tcti --source x --type y r1"));
}

#define SIGN_SEALED "$tool label sign --identity $sealed --tcti $sealed_tcti --source x --type y "

/* Keys that are sealed to boot states sign with the owner's policy, and in these states alone. */
TEST_F(label_tool, A5_sealed_key_signs_in_the_owners_boot_states)
{
	EXPECT_EQ(7, sh(self, SIGN_SEALED "r1"));
	EXPECT_OUT("boot_policy");
	EXPECT_EQ(0, sh(self, SIGN_SEALED "--boot-policy $sealed/boot.policy r1 && " VERIFY "r1.label r1"))
		TH_LOG("%s", self->out);
	EXPECT_OUT(sealed.name);
	EXPECT_EQ(5, sh(self, SIGN_SEALED "--boot-policy $sealed/none r1"));
	EXPECT_EQ(2, sh(self, SIGN_SEALED "--boot-policy $sealed/boot.policy --socket s r1"));
	ASSERT_EQ(0, sh(self, "TPM2TOOLS_TCTI=$sealed_tcti tpm2_pcrextend 11:sha256=%064d", 1))
		TH_LOG("%s", self->out);
	EXPECT_EQ(7, sh(self, SIGN_SEALED "--boot-policy $sealed/boot.policy r1"));
	EXPECT_OUT("none of the 1 that the owner signed");
}

TEST_F(label_tool, state_makes_a_label_count_once_and_in_order)
{
	EXPECT_EQ(0, sh(self, VERIFY "--state s r1.label r1")) TH_LOG("%s", self->out);
	EXPECT_OUT("order: checked");
	EXPECT_EQ(4, sh(self, VERIFY "--state s r1.label r1"));
	EXPECT_OUT("refused (duplicate)");
	EXPECT_EQ(4, sh(self, VERIFY "--state s r3.label r3"));
	EXPECT_OUT("refused (missing)");
	/* What was refused for its data is not remembered as seen. */
	EXPECT_EQ(4, sh(self, VERIFY "--state s r2.label r1"));
	EXPECT_EQ(0, sh(self, VERIFY "--state s r2.label r2")) TH_LOG("%s", self->out);
	/* A new epoch begins; what is older is a replay. */
	EXPECT_EQ(0, sh(self, "cp r3.label old; " SIGN "r1 && " VERIFY "--state s r1.label r1"))
		TH_LOG("%s", self->out);
	EXPECT_EQ(4, sh(self, VERIFY "--state s old r3"));
	EXPECT_OUT("refused (replayed)");
}

TEST_F(label_tool, bad_files_are_each_refused_by_name)
{
	EXPECT_EQ(4, sh(self, "head -c 400 r1.label >x; " VERIFY "x r1"));
	EXPECT_OUT("refused (truncated)");
	EXPECT_EQ(4, sh(self, "(cat r1.label; echo) >x; " VERIFY "x r1"));
	EXPECT_OUT("refused (malformed)");
	EXPECT_EQ(4, sh(self, "truncate -s 17M x; " VERIFY "x r1"));
	EXPECT_OUT("refused (oversized)");
	EXPECT_EQ(5, sh(self, VERIFY "no-such-file r1"));
	EXPECT_EQ(2, sh(self, VERIFY));
}

TEST_F(label_tool, A_1_3_tree_shows_what_data_was_derived_from)
{
	ASSERT_EQ(0, sh(self, "echo mean >m; $tool label sign --identity $id --tcti $tcti --source mean "
			"--type text/plain --algorithm mean --algorithm-version 2 "
			"--input r1.label --input r2.label m")) TH_LOG("%s", self->out);
	ASSERT_EQ(0, sh(self, "echo report >p; $tool label sign --identity $id --tcti $tcti "
			"--source report --type text/plain --input m.label p")) TH_LOG("%s", self->out);
	EXPECT_EQ(0, sh(self, VERIFY "p.label p")) TH_LOG("%s", self->out);
	EXPECT_OUT("inputs: 3 labels verified too");
	EXPECT_EQ(0, sh(self, "$tool label show --tree p.label"));
	EXPECT_OUT("\nreport #1");
	EXPECT_OUT("\n    mean #1");
	EXPECT_OUT("\n      algorithm: mean 2");
	EXPECT_OUT("\n        thermometer #1");
	EXPECT_OUT("\n        thermometer #2");
}

/* Seconds since 1970, so many days from now. */
#define AT(days) "$(date -d '+" #days " days' +%%s) "
#define STAMP \
	"$tool label stamp r1.label q && openssl ts -reply -config $tsa/conf -queryfile q -out token; "

TEST_F(label_tool, outlives_its_certificate_with_a_time_stamp)
{
	ASSERT_EQ(0, sh(self, STAMP VERIFY "--timestamp token --tsa-trust $tsa/ca.pem r1.label r1"))
		TH_LOG("%s", self->out);
	EXPECT_OUT("proven by a time-stamp");
	EXPECT_EQ(4, sh(self, VERIFY "--at " AT(700) "r1.label r1"));
	EXPECT_OUT("refused (expired)");
	EXPECT_EQ(0, sh(self, VERIFY "--at " AT(700) "--timestamp token --tsa-trust $tsa/ca.pem "
			"r1.label r1")) TH_LOG("%s", self->out);
	/* The token is of that signature only, and by an authority that is trusted. */
	EXPECT_EQ(4, sh(self, SIGN "r2; " VERIFY "--timestamp token --tsa-trust $tsa/ca.pem r2.label r2"));
	EXPECT_OUT("time-stamp: the token is not good");
	EXPECT_EQ(4, sh(self, VERIFY "--timestamp token --tsa-trust $ca/ca.pem r1.label r1"));
	EXPECT_EQ(4, sh(self, VERIFY "--need-timestamp r1.label r1"));
	EXPECT_OUT("time-stamp: there is none");
	EXPECT_EQ(4, sh(self, "echo x >token; " VERIFY
			"--timestamp token --tsa-trust $tsa/ca.pem r1.label r1"));
}

#define CA_CONF \
	"printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\ncrlnumber=n\\ndefault_md=sha256\\n" \
	"default_crl_days=3650\\n[v]\\n' >conf; : >index; echo 01 >n; "
#define REVOKE "openssl ca -config conf -cert $ca/ca.pem -keyfile $ca/ca.key -revoke $id/data.pem && "
#define CRL "openssl ca -config conf -cert $ca/ca.pem -keyfile $ca/ca.key -gencrl -out crl && "

TEST_F(label_tool, by_a_revoked_certificate_is_refused)
{
	EXPECT_EQ(0, sh(self, CA_CONF CRL VERIFY "--crl crl --need-status r1.label r1"))
		TH_LOG("%s", self->out);
	EXPECT_OUT("certificate: not revoked, revocation list of");
	EXPECT_EQ(4, sh(self, REVOKE CRL VERIFY "--crl crl r1.label r1"));
	EXPECT_OUT("refused (revoked)");
	EXPECT_EQ(4, sh(self, VERIFY "--need-status r1.label r1"));
	/* A list that somebody else signed counts for nothing. */
	EXPECT_EQ(4, sh(self, "openssl ca -config conf -cert $tsa/ca.pem -keyfile $tsa/ca.key -gencrl "
			"-out foreign && " VERIFY "--crl foreign r1.label r1"));
	EXPECT_OUT("not by the certificate's issuer");
}

/* Revoked after a time that somebody else has proven: the label stays good. */
TEST_F(label_tool, signed_before_the_revocation_stays_good_with_a_time_stamp)
{
	ASSERT_EQ(0, sh(self, STAMP CA_CONF "sleep 2; " REVOKE CRL VERIFY "--crl crl --timestamp token "
			"--tsa-trust $tsa/ca.pem r1.label r1")) TH_LOG("%s", self->out);
	EXPECT_OUT("revoked later");
	EXPECT_EQ(4, sh(self, VERIFY "--crl crl r1.label r1"));
	EXPECT_OUT("refused (revoked)");
}

#define OCSP "openssl ocsp -index index -CA $ca/ca.pem -rsigner $ca/ca.pem -rkey $ca/ca.key " \
	"-issuer $ca/ca.pem -cert $id/data.pem -respout ocsp -ndays 1 -noverify && "

TEST_F(label_tool, status_by_ocsp_response)
{
	/* A certificate that was never heard of is unknown, not good. */
	EXPECT_EQ(4, sh(self, CA_CONF OCSP VERIFY "--ocsp ocsp r1.label r1"));
	EXPECT_OUT("does not know the certificate");
	ASSERT_EQ(0, sh(self, "openssl ca -config conf -cert $ca/ca.pem -keyfile $ca/ca.key "
			"-valid $id/data.pem && " OCSP VERIFY "--ocsp ocsp --need-status r1.label r1"))
		TH_LOG("%s", self->out);
	EXPECT_OUT("not revoked, OCSP response");
	EXPECT_EQ(4, sh(self, REVOKE OCSP VERIFY "--ocsp ocsp r1.label r1"));
	EXPECT_OUT("refused (revoked)");
}

#define SEALER(name, curve) \
	"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:" curve " -nodes -keyout " name ".key " \
	"-out " name ".pem -days 7300 -subj /CN=" name " 2>log && "
#define SEAL(name, files) \
	"$tool label seal --key " name ".key --certificate " name ".pem --out " name ".seal " files " && " \
	"$tool label stamp " name ".seal q && openssl ts -reply -config $tsa/conf -queryfile q -out " \
	name ".token "
#define VERIFY_SEAL(name) "$tool label verify-seal --trust " name ".pem --timestamp " name ".token " \
	"--tsa-trust $tsa/ca.pem "
#define PROVEN "$(sed -n 's/^sealed: .*(\\([0-9]*\\)), proven.*/\\1/p' out)"

/* An archive is sealed, and that seal sealed again with a longer key; each is verified as of
 * the time that the one around it proves, and so is the label, long after its certificate's end.
 */
TEST_F(label_tool, archive_is_sealed_again_with_stronger_algorithms)
{
	ASSERT_EQ(0, sh(self, SEALER("one", "P-384") SEALER("two", "P-521")
			SEAL("one", "r1 r1.label") "&& "
			SEAL("two", "r1 r1.label one.seal one.token"))) TH_LOG("%s", self->out);
	EXPECT_EQ(4, sh(self, VERIFY "--at " AT(4000) "r1.label r1"));
	EXPECT_EQ(0, sh(self, VERIFY_SEAL("two") "--at " AT(6000)
			"two.seal r1 r1.label one.seal one.token >out && cat out && "
			VERIFY_SEAL("one") "--at " PROVEN " one.seal r1 r1.label >out && cat out && "
			VERIFY "--at " PROVEN " r1.label r1")) TH_LOG("%s", self->out);
	EXPECT_OUT("SHA-512");
	EXPECT_OUT("SHA-384");
	EXPECT_OUT("files: all 4 checked");
	EXPECT_OUT("label: good");
}

TEST_F(label_tool, A_2_4_4_archive_that_was_changed_is_refused)
{
	ASSERT_EQ(0, sh(self, SEALER("one", "P-384") SEALER("two", "P-384") SEAL("one", "r1 r2 r3")))
		TH_LOG("%s", self->out);
	EXPECT_EQ(0, sh(self, VERIFY_SEAL("one") "one.seal r3 r1 r2")) TH_LOG("%s", self->out);
	EXPECT_EQ(4, sh(self, VERIFY_SEAL("one") "one.seal r1 r3"));
	EXPECT_OUT("refused (missing): missing: r2 was sealed too");
	EXPECT_EQ(4, sh(self, VERIFY_SEAL("one") "one.seal r1 r2 r3 r1.label"));
	EXPECT_OUT("refused (data): r1.label: was not sealed");
	EXPECT_EQ(4, sh(self, VERIFY_SEAL("one") "one.seal r1 r2 r3 r1"));
	EXPECT_OUT("refused (duplicate): r1: given twice");
	EXPECT_EQ(4, sh(self, "echo 'reading 9' >r2; " VERIFY_SEAL("one") "one.seal r1 r2 r3"));
	EXPECT_OUT("refused (data): r2: is not what was sealed");
	/* By somebody else, with a token of something else, or with a bit turned. */
	EXPECT_EQ(4, sh(self, "$tool label verify-seal --trust two.pem one.seal r1 r2 r3"));
	EXPECT_OUT("refused (signature): seal: certificate: not trusted");
	EXPECT_EQ(4, sh(self, "$tool label seal --key one.key --certificate one.pem --out other r1 && "
			VERIFY_SEAL("one") "other r1"));
	EXPECT_OUT("time-stamp: the token is not good");
	EXPECT_EQ(4, sh(self, "sed 's/r3/r4/' one.seal >bent; mv r3 r4; " VERIFY_SEAL("one") "bent r1 r2 r4"));
	EXPECT_OUT("refused (signature)");
	EXPECT_EQ(4, sh(self, VERIFY_SEAL("one") "r1.label r1"));
	EXPECT_OUT("refused (malformed): seal: ");
}

TEST_F(label_tool, seal_of_a_key_that_is_no_stronger_is_not_made)
{
	EXPECT_EQ(7, sh(self, SEALER("weak", "P-256") "$tool label seal --key weak.key "
			"--certificate weak.pem --out s r1"));
	EXPECT_OUT("P-256 is no stronger");
	EXPECT_EQ(4, sh(self, SEALER("one", "P-384") SEALER("two", "P-384") "$tool label seal --key one.key "
			"--certificate two.pem --out s r1"));
	EXPECT_EQ(7, sh(self, "mkdir d; cp r1 d; $tool label seal --key one.key --certificate one.pem "
			"--out s r1 d/r1"));
	EXPECT_OUT("repeated");
	EXPECT_EQ(1, sh(self, "test -e s"));
}

/* A time-stamping authority: its own root, one certificate for time-stamping alone. */
static void make_tsa(void)
{
	char command[2048];

	swtpm_temp_dir(tsa_dir);
	snprintf(command, sizeof(command),
		 "cd %s && exec >log 2>&1 && openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-384 -nodes -keyout ca.key -out ca.pem -days 7300 -subj /CN=tsa-root "
		 "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign && "
		 "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout key -out csr "
		 "-subj /CN=tsa && printf 'extendedKeyUsage=critical,timeStamping\\n' >ext && "
		 "openssl x509 -req -in csr -CA ca.pem -CAkey ca.key -days 7300 -extfile ext -out pem && "
		 "echo 01 >serial && printf '[tsa]\\ndefault_tsa=t\\n[t]\\nserial=%s/serial\\n"
		 "signer_cert=%s/pem\\ncerts=%s/ca.pem\\nsigner_key=%s/key\\nsigner_digest=sha512\\n"
		 "default_policy=1.2.3.4\\ndigests=sha512,sha256\\ness_cert_id_alg=sha256\\n' >conf",
		 tsa_dir, tsa_dir, tsa_dir, tsa_dir, tsa_dir);
	if (system(command)) {
		printf("Bail out! no time-stamping authority, see %s/log\n", tsa_dir);
		exit(1);
	}
}

/* The owner's word for a TPM whose PCRs are as they were at its start. */
static void make_sealed(const struct tconn_issuer *issuer)
{
	char command[2048], policy[SWTPM_PATH_MAX + 16];

	snprintf(policy, sizeof(policy), "%s/boot.policy", sealed_dir);
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=owner -keyout %s/owner.key "
		 "-out %s/owner.crt 2>%s/log && scripts/bootpolicy.py --key %s/owner.key "
		 "--certificate %s/owner.crt --pcr 7=%064d --pcr 11=%064d %s", sealed_dir, sealed_dir,
		 sealed_dir, sealed_dir, sealed_dir, 0, 0, policy);
	if (system(command)) {
		printf("Bail out! no boot policy in %s\n", sealed_dir);
		exit(1);
	}
	test_identity_sealed(issuer, issuer_dir, sealed_swtpm.tcti, policy, NULL, sealed_dir, &sealed);
}

int main(int argc, char **argv)
{
	struct tconn_issuer *issuer;

	swtpm_maker_start(&maker);
	swtpm_start(&maker, "device", &swtpm);
	swtpm_start(&maker, "other", &other_swtpm);
	swtpm_start(&maker, "sealed", &sealed_swtpm);
	swtpm_temp_dir(issuer_dir);
	swtpm_temp_dir(id_dir);
	swtpm_temp_dir(other_dir);
	swtpm_temp_dir(sealed_dir);
	issuer = test_issuer(issuer_dir, "test issuer");
	test_identity(issuer, issuer_dir, swtpm.tcti, NULL, id_dir, &device);
	test_identity(issuer, issuer_dir, other_swtpm.tcti, NULL, other_dir, &other);
	make_sealed(issuer);
	tconn_issuer_free(issuer);
	make_tsa();
	return test_harness_run(argc, argv);
}
