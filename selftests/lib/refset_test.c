// SPDX-License-Identifier: Apache-2.0
/* Reference values that an owner signs, and versions that the owner withdraws. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kselftest_harness.h>

#include "daemon/lib/cose.h"
#include "daemon/lib/digest.h"
#include "daemon/lib/refset.h"
#include "daemon/lib/signed.h"

#define VALUES(name) \
	"{\"tconn-reference-values\":1,\"name\":\"" name "\",\"pcr_events\":[],\"ima\":{}," \
	"\"ima_required\":false,\"tconn\":{\"required\":false}}"

static struct tconn_error err;

struct owner {
	EVP_PKEY *key;
	X509 *cert;
};

static struct owner owner_new(void)
{
	struct owner o = { EVP_EC_gen("P-256"), X509_new() };

	ASN1_INTEGER_set(X509_get_serialNumber(o.cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(o.cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(o.cert), 3600);
	X509_set_pubkey(o.cert, o.key);
	X509_sign(o.cert, o.key, EVP_sha256());
	return o;
}

static void owner_free(struct owner *o)
{
	EVP_PKEY_free(o->key);
	X509_free(o->cert);
}

FIXTURE(refset) {
	char dir[64], pem[96], path[128];
	struct owner owner, other;
	struct tconn_refset *set;
};

FIXTURE_SETUP(refset)
{
	FILE *f;

	snprintf(self->dir, sizeof(self->dir), "/tmp/refset-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->owner = owner_new();
	self->other = owner_new();
	snprintf(self->pem, sizeof(self->pem), "%s/signers.pem", self->dir);
	f = fopen(self->pem, "we");
	ASSERT_NE(NULL, f);
	PEM_write_X509(f, self->owner.cert);
	fclose(f);
	self->set = NULL;
}

FIXTURE_TEARDOWN(refset)
{
	char command[128];

	tconn_refset_free(self->set);
	owner_free(&self->owner);
	owner_free(&self->other);
	snprintf(command, sizeof(command), "rm -rf %s", self->dir);
	ASSERT_EQ(0, system(command));
}

static void put(const char *dir, const char *name, const void *data, size_t len)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (f) {
		fwrite(data, 1, len, f);
		fclose(f);
	}
}

static void put_signed(const char *dir, const char *name, const struct owner *signer,
		       const struct owner *shown, const char *type, const char *json)
{
	struct tconn_cbor_writer w = { 0 };
	struct tconn_bytes protected = { 0 }, out = { 0 };
	unsigned char *der = NULL;
	int len = i2d_X509(shown->cert, &der);
	struct tconn_cose c = { .payload = (const uint8_t *)json, .payload_len = strlen(json) };

	tconn_cbor_put_map(&w, 3);
	tconn_cbor_put_uint(&w, TCONN_COSE_ALG);
	tconn_cbor_put_negative(&w, TCONN_COSE_ES256);
	tconn_cbor_put_uint(&w, TCONN_COSE_CONTENT_TYPE);
	tconn_cbor_put_text(&w, type, strlen(type) + 1);
	tconn_cbor_put_uint(&w, TCONN_COSE_X5CHAIN);
	tconn_cbor_put_bytes(&w, der, (size_t)len);
	if (!tconn_cbor_finish(&w, &protected, &err)) {
		c.protected = protected.data;
		c.protected_len = protected.len;
		if (!tconn_cose_sign_with(&c, signer->key, &err) &&
		    !tconn_cose_encode(&c, 1 << 20, &out, &err))
			put(dir, name, out.data, out.len);
	}
	tconn_bytes_free(&protected);
	tconn_bytes_free(&out);
	OPENSSL_free(der);
}

TEST_F(refset, the_owners_signature_counts)
{
	put_signed(self->dir, "1.cose", &self->owner, &self->owner, TCONN_TYPE_REFVALS, VALUES("one"));
	put_signed(self->dir, "2.cose", &self->owner, &self->owner, TCONN_TYPE_REFVALS, VALUES("two"));
	EXPECT_EQ(0, tconn_refset_load(self->dir, self->pem, &self->set, &err)) TH_LOG("%s", err.text);
}

TEST_F(refset, nobody_elses_does)
{
	put_signed(self->dir, "1.cose", &self->other, &self->other, TCONN_TYPE_REFVALS, VALUES("one"));
	EXPECT_EQ(-EKEYREJECTED, tconn_refset_load(self->dir, self->pem, &self->set, &err));
	EXPECT_NE(NULL, strstr(err.text, "1.cose: is signed by nobody who may")) TH_LOG("%s", err.text);
	/* The owner's certificate, somebody else's signature. */
	put_signed(self->dir, "1.cose", &self->other, &self->owner, TCONN_TYPE_REFVALS, VALUES("one"));
	EXPECT_EQ(-EKEYREJECTED, tconn_refset_load(self->dir, self->pem, &self->set, &err));
}

TEST_F(refset, unsigned_values_do_not_count_beside_signers)
{
	put(self->dir, "1.json", VALUES("one"), strlen(VALUES("one")));
	EXPECT_EQ(-ENOENT, tconn_refset_load(self->dir, self->pem, &self->set, &err));
	put(self->dir, "1.cose", VALUES("one"), strlen(VALUES("one")));
	EXPECT_EQ(-EBADMSG, tconn_refset_load(self->dir, self->pem, &self->set, &err));
}

TEST_F(refset, a_paper_of_another_kind_is_refused)
{
	put_signed(self->dir, "1.cose", &self->owner, &self->owner, "text/plain", VALUES("one"));
	EXPECT_EQ(-EBADMSG, tconn_refset_load(self->dir, self->pem, &self->set, &err));
	EXPECT_NE(NULL, strstr(err.text, "text/plain")) TH_LOG("%s", err.text);
}

TEST_F(refset, a_withdrawn_version_says_so)
{
	struct tconn_evidence evidence = { 0 };
	struct tconn_appraisal a = { .evidence = &evidence };
	struct tconn_verdict v;
	uint8_t digest[32];
	char json[160], hex[65];

	tconn_sha256(VALUES("one"), strlen(VALUES("one")), digest);
	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	snprintf(json, sizeof(json), "{\"tconn-withdrawn\":1,\"reference_values\":[\"%s\"]}", hex);
	put_signed(self->dir, "1.cose", &self->owner, &self->owner, TCONN_TYPE_REFVALS, VALUES("one"));
	put_signed(self->dir, "w.cose", &self->owner, &self->owner, TCONN_TYPE_WITHDRAWN, json);
	ASSERT_EQ(0, tconn_refset_load(self->dir, self->pem, &self->set, &err)) TH_LOG("%s", err.text);
	EXPECT_EQ(-EKEYREJECTED, tconn_refset_appraise(self->set, &a, &v));
	EXPECT_FALSE(v.trusted);
	ASSERT_LT(0, v.count);
	EXPECT_STREQ("image-version", v.check[v.count - 1].name);
	EXPECT_NE(NULL, strstr(v.check[v.count - 1].reason, "one was withdrawn"));
}

TEST_HARNESS_MAIN
