// SPDX-License-Identifier: Apache-2.0
#include "pin_session.h"

#include <endian.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <string.h>

#include "digest.h"
#include "tpm_secret.h"

/* TPM 2.0 Library, part 2: 6.5.2 (command codes), 6.6.3 (response codes), 8.4 (session attributes) */
#define CC_CREATE		0x00000153u
#define CC_SIGN			0x0000015du
#define RC_SUCCESS		0
#define RC_AUTH_FAIL		0x98eu	/* TPM_RC_AUTH_FAIL of session 1 */
#define RC_BAD_AUTH		0x9a2u
#define RC_LOCKOUT		0x921u
#define SESSION_DECRYPT		0x20u	/* and not continueSession: it ends with its use */

#define HEAD			4	/* type and length */

/* ECC P-256, ECDSA with SHA-256; fixedTPM fixedParent sensitiveDataOrigin userWithAuth sign, hence
 * subject to the TPM's limit of wrong tries (no noDA), and with no other way than authValue (empty
 * authPolicy). part 2, 12.2.4
 */
const uint8_t tconn_pin_key_form[TCONN_PIN_KEY_FORM] = {
	0x00, 0x23, 0x00, 0x0b, 0x00, 0x04, 0x00, 0x72, 0x00, 0x00,
	0x00, 0x10, 0x00, 0x18, 0x00, 0x0b, 0x00, 0x03, 0x00, 0x10,
};

/* -- messages */

struct form {
	size_t fixed, most;	/* bytes before the body; the longest body */
	bool may_be_empty;
};

static const struct form forms[] = {
	[TCONN_PIN_OPEN] = { HEAD + 32, TCONN_PIN_SECRET_MAX, false },
	[TCONN_PIN_OPENED] = { HEAD + 32 + TCONN_PIN_NAME, 0, true },
	[TCONN_PIN_COMMAND] = { HEAD + 2 + 32 + 32, TCONN_PIN_COMMAND_MAX, false },
	[TCONN_PIN_RESULT] = { HEAD + 4 + 1 + 32 + 32, TCONN_PIN_RESULT_MAX, true },
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static void put16(uint8_t *p, size_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static void take_fields(const uint8_t *p, struct tconn_pin_parts *ret)
{
	switch (ret->type) {
	case TCONN_PIN_OPEN:
		ret->nonce = p;
		break;
	case TCONN_PIN_OPENED:
		ret->nonce = p;
		ret->name = p + 32;
		break;
	case TCONN_PIN_COMMAND:
		ret->what = p[0];
		ret->attributes = p[1];
		ret->nonce = p + 2;
		ret->hmac = p + 34;
		break;
	case TCONN_PIN_RESULT:
		ret->attributes = p[4];
		ret->nonce = p + 5;
		ret->hmac = p + 37;
		break;
	}
}

int tconn_pin_message_parse(const void *buf, size_t len, struct tconn_pin_parts *ret,
			    struct tconn_error *err)
{
	struct tconn_pin_parts parts = { 0 };
	const uint8_t *p = buf;
	uint32_t rc = 0;

	if (len < HEAD || len > TCONN_PIN_TALK_MAX)
		return tconn_fail(err, -EBADMSG, "PIN session: a message of %zu bytes", len);
	parts.type = get16(p);
	parts.body_len = get16(p + 2);
	if (parts.type < TCONN_PIN_OPEN || parts.type > TCONN_PIN_RESULT)
		return tconn_fail(err, -EBADMSG, "PIN session: no message is of type %u", parts.type);
	if (parts.type == TCONN_PIN_RESULT && len >= HEAD + 4)
		memcpy(&rc, p + HEAD, 4);
	parts.rc = le32toh(rc);
	if (parts.rc && len == HEAD + 4 && !parts.body_len) {	/* refused: there is no more */
		*ret = parts;
		return 0;
	}
	if (parts.rc || parts.body_len > forms[parts.type].most ||
	    (!parts.body_len && !forms[parts.type].may_be_empty) ||
	    len != forms[parts.type].fixed + parts.body_len)
		return tconn_fail(err, -EBADMSG, "PIN session: a message of type %u is too short or too long",
				  parts.type);
	take_fields(p + HEAD, &parts);
	if (parts.type == TCONN_PIN_COMMAND && parts.what != TCONN_PIN_MAKE && parts.what != TCONN_PIN_SIGN)
		return tconn_fail(err, -EBADMSG, "PIN session: no command is number %u", parts.what);
	if (parts.body_len)
		parts.body = p + forms[parts.type].fixed;
	*ret = parts;
	return 0;
}

static void put(struct tconn_pin_message *m, const void *data, size_t len)
{
	if (len)
		memcpy(m->data + m->len, data, len);
	m->len += len;
}

void tconn_pin_message_build(const struct tconn_pin_parts *from, struct tconn_pin_message *ret)
{
	const uint8_t bytes[2] = { from->what, from->attributes };
	const uint32_t rc = htole32(from->rc);

	ret->len = HEAD;
	put16(ret->data, from->type);
	put16(ret->data + 2, from->body_len);
	if (from->type == TCONN_PIN_COMMAND)
		put(ret, bytes, 2);
	if (from->type == TCONN_PIN_RESULT) {
		put(ret, &rc, 4);
		if (from->rc)
			return;
		put(ret, bytes + 1, 1);
	}
	put(ret, from->nonce, 32);
	if (from->hmac)
		put(ret, from->hmac, 32);
	if (from->name)
		put(ret, from->name, TCONN_PIN_NAME);
	put(ret, from->body, from->body_len);
}

/* -- the session */

int tconn_pin_session_open(struct tconn_pin_session *s, const uint8_t device[32], const void *ek,
			   size_t ek_len, struct tconn_pin_message *ret, struct tconn_error *err)
{
	uint8_t secret[TCONN_PIN_SECRET_MAX], digest[32];
	struct tconn_pin_parts open = { .type = TCONN_PIN_OPEN, .nonce = s->nonce_caller, .body = secret };
	int r;

	memset(s, 0, sizeof(*s));
	tconn_sha256(ek, ek_len, digest);
	if (memcmp(digest, device, sizeof(digest)) != 0)
		return tconn_fail(err, -EKEYREJECTED, "PIN session: this is not the key of the device's TPM");
	memcpy(s->device, device, sizeof(s->device));
	r = tconn_secret_salt(ek, ek_len, s->salt, &s->salt_len, secret, &open.body_len, err);
	if (r < 0)
		return r;
	if (RAND_bytes(s->nonce_caller, sizeof(s->nonce_caller)) != 1)
		return tconn_fail(err, -EIO, "PIN session: no random bytes");
	tconn_pin_message_build(&open, ret);
	return 0;
}

void tconn_pin_session_wipe(struct tconn_pin_session *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

/* KDFa for one block: part 1, 11.4.10.2. label with its zero byte; 256 bits. */
static bool kdfa(const void *key, size_t key_len, const char label[4], const uint8_t u[32],
		 const uint8_t v[32], uint8_t ret[32])
{
	uint8_t input[4 + 4 + 32 + 32 + 4] = { 0, 0, 0, 1 };

	memcpy(input + 4, label, 4);
	memcpy(input + 8, u, 32);
	memcpy(input + 40, v, 32);
	input[74] = 256 >> 8;
	return HMAC(EVP_sha256(), key, (int)key_len, input, sizeof(input), ret, NULL);
}

static void make_auth(struct tconn_pin_session *s, const struct tconn_pin *pin)
{
	uint8_t text[16] = { pin->len };
	const struct tconn_piece piece[] = {
		{ "tconn-pin-auth-1", 16 }, { s->device, 32 }, { text, sizeof(text) },
	};

	memcpy(text + 1, pin->digits, pin->len);
	tconn_sha256_pieces(piece, 3, s->auth);
	s->auth[31] |= 1;
	OPENSSL_cleanse(text, sizeof(text));
}

/* The HMAC of a command or of its answer: newer and older are the nonces. A new key's parent has an
 * empty authValue.
 */
static bool authorise(const struct tconn_pin_session *s, const uint8_t digest[32], const uint8_t *newer,
		      const uint8_t *older, uint8_t attributes, uint8_t ret[32])
{
	uint8_t key[64], input[32 + 32 + 32 + 1];
	bool done;

	memcpy(key, s->key, 32);
	memcpy(key + 32, s->auth, 32);
	memcpy(input, digest, 32);
	memcpy(input + 32, newer, 32);
	memcpy(input + 64, older, 32);
	input[96] = attributes;
	done = HMAC(EVP_sha256(), key, s->what == TCONN_PIN_SIGN ? 64 : 32, input, sizeof(input), ret, NULL);
	OPENSSL_cleanse(key, sizeof(key));
	return done;
}

/* To OPENED: the session's key, and a fresh nonce for the command. */
static int begin(struct tconn_pin_session *s, const void *opened, size_t len, enum tconn_pin_what what,
		 const struct tconn_pin *pin, struct tconn_pin_parts *ret, struct tconn_error *err)
{
	int r = tconn_pin_message_parse(opened, len, ret, err);

	if (r < 0)
		return r;
	if (ret->type != TCONN_PIN_OPENED)
		return tconn_fail(err, -EBADMSG, "PIN session: the TPM's nonce is missing");
	if (!s->salt_len || pin->len == 0 || pin->len > TCONN_PIN_MAX)
		return tconn_fail(err, -EINVAL, "PIN session: no session, or no PIN");
	memcpy(s->nonce_tpm, ret->nonce, 32);
	s->what = what;
	if (!kdfa(s->salt, s->salt_len, "ATH", s->nonce_tpm, s->nonce_caller, s->key) ||
	    RAND_bytes(s->nonce_caller, sizeof(s->nonce_caller)) != 1)
		return tconn_fail(err, -EIO, "PIN session: no key");
	OPENSSL_cleanse(s->salt, sizeof(s->salt));
	s->salt_len = 0;
	make_auth(s, pin);
	return 0;
}

static int finish(struct tconn_pin_session *s, uint32_t code, const uint8_t *name, uint8_t attributes,
		  const uint8_t *parameters, size_t len, struct tconn_pin_message *ret,
		  struct tconn_error *err)
{
	const uint32_t cc = htobe32(code);
	const struct tconn_piece piece[] = { { &cc, 4 }, { name, TCONN_PIN_NAME }, { parameters, len } };
	uint8_t digest[32], hmac[32];

	tconn_sha256_pieces(piece, 3, digest);
	if (!authorise(s, digest, s->nonce_caller, s->nonce_tpm, attributes, hmac))
		return tconn_fail(err, -EIO, "PIN session: no HMAC");
	tconn_pin_message_build(&(struct tconn_pin_parts){
		.type = TCONN_PIN_COMMAND, .what = s->what, .attributes = attributes,
		.nonce = s->nonce_caller, .hmac = hmac, .body = parameters, .body_len = len,
	}, ret);
	return 0;
}

int tconn_pin_session_sign(struct tconn_pin_session *s, const void *opened, size_t len,
			   const struct tconn_pin *pin, const uint8_t name[TCONN_PIN_NAME],
			   const uint8_t digest[32], struct tconn_pin_message *ret,
			   struct tconn_error *err)
{
	/* TPM2B_DIGEST, then TPM_ALG_NULL: the key's own scheme, then an empty ticket */
	uint8_t parameters[2 + 32 + 2 + 8] = { 0, 32, [34] = 0x00, 0x10, 0x80, 0x24, 0x40, 0x00, 0x00, 0x07 };
	struct tconn_pin_parts from;
	int r = begin(s, opened, len, TCONN_PIN_SIGN, pin, &from, err);

	if (r < 0)
		return r;
	memcpy(parameters + 2, digest, 32);
	return finish(s, CC_SIGN, name, 0, parameters, sizeof(parameters), ret, err);
}

/* In place, with key and IV as part 1, 21.3 has them. */
static bool encrypt_parameter(const struct tconn_pin_session *s, uint8_t *data, int len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t key[32];
	int out = 0;
	bool done = ctx && kdfa(s->key, sizeof(s->key), "CFB", s->nonce_caller, s->nonce_tpm, key) &&
		    EVP_EncryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, key + 16) == 1 &&
		    EVP_EncryptUpdate(ctx, data, &out, data, len) == 1 && out == len;

	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(key, sizeof(key));
	return done;
}

/* inSensitive: TPM2B of TPM2B authValue and empty TPM2B data; inPublic; outsideInfo and creationPCR
 * are empty.
 */
#define SENSITIVE	(2 + 32 + 2)
#define MAKE_LEN	(2 + SENSITIVE + 2 + TCONN_PIN_KEY_FORM + 4 + 2 + 4)

int tconn_pin_session_make(struct tconn_pin_session *s, const void *opened, size_t len,
			   const struct tconn_pin *pin, struct tconn_pin_message *ret,
			   struct tconn_error *err)
{
	uint8_t parameters[MAKE_LEN] = { 0, SENSITIVE, 0, 32 };
	struct tconn_pin_parts from;
	int r = begin(s, opened, len, TCONN_PIN_MAKE, pin, &from, err);

	if (r < 0)
		return r;
	memcpy(parameters + 4, s->auth, 32);
	parameters[2 + SENSITIVE + 1] = TCONN_PIN_KEY_FORM + 4;	/* two empty coordinates follow */
	memcpy(parameters + 4 + SENSITIVE, tconn_pin_key_form, TCONN_PIN_KEY_FORM);
	if (!encrypt_parameter(s, parameters + 2, SENSITIVE)) {
		OPENSSL_cleanse(parameters, sizeof(parameters));
		return tconn_fail(err, -EIO, "PIN session: no encryption");
	}
	return finish(s, CC_CREATE, from.name, SESSION_DECRYPT, parameters, sizeof(parameters), ret, err);
}

static int refused(uint32_t rc, struct tconn_error *err)
{
	switch (rc) {
	case RC_AUTH_FAIL:
	case RC_BAD_AUTH:
		return tconn_fail(err, -EACCES, "the PIN is wrong");
	case RC_LOCKOUT:
		return tconn_fail(err, -EBUSY, "too many wrong PINs: the TPM takes none for a while");
	}
	return tconn_fail(err, -EIO, "the TPM refused the PIN's key: response code %#x", rc);
}

int tconn_pin_session_result(const struct tconn_pin_session *s, const void *result, size_t len,
			     struct tconn_pin_parts *ret, struct tconn_error *err)
{
	const uint32_t cc = htobe32(s->what == TCONN_PIN_SIGN ? CC_SIGN : CC_CREATE), rc = RC_SUCCESS;
	struct tconn_pin_parts parts;
	uint8_t digest[32], hmac[32];
	int r = tconn_pin_message_parse(result, len, &parts, err);

	if (r < 0)
		return r;
	if (parts.type != TCONN_PIN_RESULT)
		return tconn_fail(err, -EBADMSG, "PIN session: the TPM's answer is missing");
	if (parts.rc)
		return refused(parts.rc, err);
	tconn_sha256_pieces((const struct tconn_piece[]){ { &rc, 4 }, { &cc, 4 },
							  { parts.body, parts.body_len } }, 3, digest);
	if (!authorise(s, digest, parts.nonce, s->nonce_caller, parts.attributes, hmac))
		return tconn_fail(err, -EIO, "PIN session: no HMAC");
	if (CRYPTO_memcmp(hmac, parts.hmac, sizeof(hmac)) != 0)
		return tconn_fail(err, -EKEYREJECTED, "PIN session: the answer is not the TPM's");
	*ret = parts;
	return 0;
}

/* TPM2B_PRIVATE, then TPM2B_PUBLIC. */
int tconn_pin_session_name(const struct tconn_pin_parts *made, uint8_t ret[TCONN_PIN_NAME],
			   struct tconn_error *err)
{
	const uint8_t *p = made->body;
	size_t at = 2;

	if (made->body_len >= 2)
		at += (size_t)p[0] << 8 | p[1];
	if (made->body_len < at + 2 + TCONN_PIN_KEY_PUBLIC ||
	    ((size_t)p[at] << 8 | p[at + 1]) != TCONN_PIN_KEY_PUBLIC ||
	    memcmp(p + at + 2, tconn_pin_key_form, TCONN_PIN_KEY_FORM) != 0)
		return tconn_fail(err, -EBADMSG, "PIN session: what was made is not the key that was asked for");
	ret[0] = 0x00;
	ret[1] = 0x0b;
	tconn_sha256(p + at + 2, TCONN_PIN_KEY_PUBLIC, ret + 2);
	return 0;
}

void tconn_pin_proof_digest(const struct tconn_pin_binding *of, uint8_t ret[32])
{
	uint8_t statement[32], record[32];
	const struct tconn_piece piece[] = {
		{ "tconn-pin-proof-1", 17 }, { of->nonce, 32 }, { statement, 32 }, { record, 32 },
	};

	tconn_sha256(of->statement, of->statement_len, statement);
	tconn_sha256(of->record, sizeof(*of->record), record);
	tconn_sha256_pieces(piece, 4, ret);
}
