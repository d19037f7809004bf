// SPDX-License-Identifier: Apache-2.0
/* hpke.h against the vectors of RFC 9180, appendix A.2.1; hence the source is included. */
#include <kselftest_harness.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/hpke.c"

static const char info_hex[] = "4f6465206f6e2061204772656369616e2055726e";
static const char sk_e[] = "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600";
static const char enc_hex[] = "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a";
static const char pk_r[] = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
static const char sk_r[] = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
static const char shared_hex[] = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7";
static const char key_hex[] = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91";
static const char nonce_hex[] = "5c4d98150661b848853b547f";
static const char aad_hex[] = "436f756e742d30";
static const char text_hex[] = "4265617574792069732074727574682c20747275746820626561757479";
static const char ct_hex[] = "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62"
			     "ce81883d2dd1b51a28";

struct vector {
	uint8_t data[128];
	struct tconn_hpke_bytes b;
};

static struct vector unhex(const char *hex)
{
	struct vector v;

	v.b.len = strlen(hex) / 2;
	if (!tconn_unhex(hex, strlen(hex), v.data, v.b.len))
		abort();
	return v;
}

#define V(name, hex) struct vector name = unhex(hex); name.b.data = name.data

TEST(appendix_a21_seal)
{
	V(info, info_hex); V(e, sk_e); V(enc, enc_hex); V(r, pk_r); V(aad, aad_hex);
	V(text, text_hex); V(ct, ct_hex);
	uint8_t sealed[32 + 29 + 16];

	ASSERT_EQ(sizeof(sealed), 32 + ct.b.len);
	ASSERT_EQ(0, seal_from(e.data, enc.data, r.data, info.b, aad.b, text.b, sealed));
	EXPECT_EQ(0, memcmp(enc.data, sealed, 32));
	EXPECT_EQ(0, memcmp(ct.data, sealed + 32, ct.b.len));
}

TEST(appendix_a21_between)
{
	V(info, info_hex); V(e, sk_e); V(enc, enc_hex); V(r, pk_r); V(shared, shared_hex);
	V(key, key_hex); V(nonce, nonce_hex);
	uint8_t value[HASH], got[HASH];
	struct keys k;

	ASSERT_TRUE(dh(e.data, r.data, value));
	ASSERT_TRUE(shared_secret(value, enc.data, r.data, got));
	EXPECT_EQ(0, memcmp(shared.data, got, HASH));
	ASSERT_TRUE(key_schedule(got, info.b, &k));
	EXPECT_EQ(0, memcmp(key.data, k.key, HASH));
	EXPECT_EQ(0, memcmp(nonce.data, k.base_nonce, NONCE));
}

TEST(appendix_a21_open)
{
	V(info, info_hex); V(r, sk_r); V(p, pk_r); V(enc, enc_hex); V(aad, aad_hex); V(ct, ct_hex);
	V(text, text_hex);
	uint8_t sealed[32 + 45], got[29];

	memcpy(sealed, enc.data, 32);
	memcpy(sealed + 32, ct.data, 45);
	ASSERT_EQ(0, tconn_hpke_open(r.data, p.data, info.b, aad.b,
				     (struct tconn_hpke_bytes){ sealed, sizeof(sealed) }, got));
	EXPECT_EQ(0, memcmp(text.data, got, sizeof(got)));
	/* Every byte counts; so do info and aad. */
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		EXPECT_EQ(-EKEYREJECTED,
			  tconn_hpke_open(r.data, p.data, info.b, aad.b,
					  (struct tconn_hpke_bytes){ sealed, sizeof(sealed) }, got))
			TH_LOG("byte %zu", i);
		sealed[i] ^= 1;
	}
	EXPECT_EQ(-EKEYREJECTED,
		  tconn_hpke_open(r.data, p.data, aad.b, aad.b,
				  (struct tconn_hpke_bytes){ sealed, sizeof(sealed) }, got));
	EXPECT_EQ(-EKEYREJECTED,
		  tconn_hpke_open(r.data, p.data, info.b, info.b,
				  (struct tconn_hpke_bytes){ sealed, sizeof(sealed) }, got));
	for (size_t cut = 0; cut < 48; cut++)
		EXPECT_EQ(-EBADMSG, tconn_hpke_open(r.data, p.data, info.b, aad.b,
						    (struct tconn_hpke_bytes){ sealed, cut }, got));
}

TEST(round_trip_never_twice_the_same)
{
	V(r, sk_r); V(p, pk_r); V(text, text_hex); V(info, info_hex);
	uint8_t one[32 + 29 + 16], two[sizeof(one)], got[29];

	ASSERT_EQ(0, tconn_hpke_seal(p.data, info.b, info.b, text.b, one));
	ASSERT_EQ(0, tconn_hpke_seal(p.data, info.b, info.b, text.b, two));
	EXPECT_NE(0, memcmp(one, two, sizeof(one)));
	ASSERT_EQ(0, tconn_hpke_open(r.data, p.data, info.b, info.b,
				     (struct tconn_hpke_bytes){ two, sizeof(two) }, got));
	EXPECT_EQ(0, memcmp(text.data, got, sizeof(got)));
}

TEST(point_of_low_order)
{
	static const uint8_t zero[32];
	uint8_t sealed[64];

	EXPECT_EQ(-EKEYREJECTED, tconn_hpke_seal(zero, (struct tconn_hpke_bytes){ zero, 1 },
						 (struct tconn_hpke_bytes){ zero, 1 },
						 (struct tconn_hpke_bytes){ zero, 16 }, sealed));
}

TEST_HARNESS_MAIN
