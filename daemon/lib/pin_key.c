// SPDX-License-Identifier: Apache-2.0
#include "pin_key.h"

#include <errno.h>
#include <string.h>

#include "tpm_blob.h"
#include "tpm_context.h"
#include "tpm_template.h"

#define TRIES		5
#define HEADER		10	/* tag, size, code */
#define SUCCESS_FIXED	(HEADER + 4 + 2 + 32 + 1 + 2 + 32)	/* all of an answer but its parameters */

/* -- commands as bytes: ESAPI computes HMACs itself, with the password that we do not have
 * (part 1, 18: command and response structure)
 */

struct packet {
	size_t len;
	uint8_t data[4096];
};

static void put(struct packet *p, const void *data, size_t len)
{
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

static void put8(struct packet *p, unsigned int value)
{
	p->data[p->len++] = (uint8_t)value;
}

static void put16(struct packet *p, unsigned int value)
{
	put8(p, value >> 8);
	put8(p, value);
}

static void put32(struct packet *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p, value & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

static TSS2_RC transmit_once(struct tconn_tpm *tpm, const struct packet *in, struct packet *out)
{
	TSS2_RC rc = Tss2_Tcti_Transmit(tpm->tcti, in->len, in->data);

	if (rc)
		return rc;
	out->len = sizeof(out->data);
	rc = Tss2_Tcti_Receive(tpm->tcti, &out->len, out->data, TSS2_TCTI_TIMEOUT_BLOCK);
	if (rc)
		return rc;
	if (out->len < HEADER || get32(out->data + 2) != out->len)
		return TSS2_TCTI_RC_MALFORMED_RESPONSE;
	return get32(out->data + 6);
}

/* Lock held. The answer's own code, or that of the way there. A TPM may want a command once more: at
 * the first use of what its limit guards it writes that down first (part 1, 19.8.5).
 */
static TSS2_RC transmit(struct tconn_tpm *tpm, struct packet *p)
{
	struct packet out;
	TSS2_RC rc;

	p->data[4] = (uint8_t)(p->len >> 8);
	p->data[5] = (uint8_t)p->len;
	for (int i = 0; i < TRIES; i++) {
		rc = transmit_once(tpm, p, &out);
		if (rc != TPM2_RC_RETRY && rc != TPM2_RC_YIELDED && rc != TPM2_RC_TESTING)
			break;
	}
	*p = out;
	return rc;
}

static void start(struct packet *p, TPM2_ST tag, TPM2_CC code)
{
	p->len = 0;
	put16(p, tag);
	put32(p, 0);		/* size: transmit() */
	put32(p, code);
}

/* -- the session */

static int open_session(struct tconn_tpm *tpm, TPM2_HANDLE ek, const struct tconn_pin_parts *open,
			uint32_t *ret_session, uint8_t ret_nonce[32], struct tconn_error *err)
{
	struct packet p;
	int r;

	start(&p, TPM2_ST_NO_SESSIONS, TPM2_CC_StartAuthSession);
	put32(&p, ek);
	put32(&p, TPM2_RH_NULL);
	put16(&p, 32);
	put(&p, open->nonce, 32);
	put16(&p, (unsigned int)open->body_len);
	put(&p, open->body, open->body_len);
	put8(&p, TPM2_SE_HMAC);
	put16(&p, TPM2_ALG_AES);
	put16(&p, 128);
	put16(&p, TPM2_ALG_CFB);
	put16(&p, TPM2_ALG_SHA256);
	r = tconn_tpm_rc(transmit(tpm, &p), "start of a PIN's session", err);
	if (r)
		return r;
	if (p.len != HEADER + 4 + 2 + 32 || get16(p.data + HEADER + 4) != 32)
		return tconn_fail(err, -EIO, "TPM: start of a PIN's session: not 32 bytes of nonce");
	*ret_session = get32(p.data + HEADER);
	memcpy(ret_nonce, p.data + HEADER + 6, 32);
	return 0;
}

static int raw_handle(struct tconn_tpm *tpm, ESYS_TR object, TPM2_HANDLE *ret, struct tconn_error *err)
{
	return tconn_tpm_rc(Esys_TR_GetTpmHandle(tpm->esys, object, ret), "handle of a key", err);
}

static int storage(struct tconn_tpm *tpm, ESYS_TR *ret, uint8_t ret_name[TCONN_PIN_NAME],
		   struct tconn_error *err)
{
	ESYS_FREE TPM2B_NAME *name = NULL;
	TPMT_PUBLIC template;
	int r;

	tconn_template_storage(&template);
	r = tconn_tpm_create_primary(tpm, ESYS_TR_RH_OWNER, &template, ret, err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_TR_GetName(tpm->esys, *ret, &name), "storage key", err);
	if (!r && name->size != TCONN_PIN_NAME)
		r = tconn_fail(err, -EIO, "TPM: storage key: no SHA-256 name");
	if (r)
		tconn_tpm_flush(tpm, *ret);
	else if (ret_name)
		memcpy(ret_name, name->name, TCONN_PIN_NAME);
	return r;
}

static int begin(struct tconn_pin_carrier *c, const struct tconn_pin_parts *open, uint8_t nonce[32],
		 struct tconn_error *err)
{
	TPM2_HANDLE handle;
	bool transient;
	ESYS_TR ek;
	int r = tconn_tpm_ek_handle(c->tpm, &ek, &transient, err);

	if (r)
		return r;
	r = raw_handle(c->tpm, ek, &handle, err);
	if (!r)
		r = open_session(c->tpm, handle, open, &c->session, nonce, err);
	if (transient)
		tconn_tpm_flush(c->tpm, ek);
	else
		Esys_TR_Close(c->tpm->esys, &ek);
	return r;
}

int tconn_pin_carrier_begin(struct tconn_pin_carrier *c, struct tconn_tpm *tpm, const void *open, size_t len,
			    struct tconn_pin_message *ret, struct tconn_error *err)
{
	struct tconn_pin_parts in, out = { .type = TCONN_PIN_OPENED };
	uint8_t nonce[32], name[TCONN_PIN_NAME];
	ESYS_TR parent;
	int r = tconn_pin_message_parse(open, len, &in, err);

	*c = (struct tconn_pin_carrier){ .tpm = tpm };
	if (r)
		return r;
	if (in.type != TCONN_PIN_OPEN)
		return tconn_fail(err, -EBADMSG, "PIN session: it does not begin with its secret");
	TCONN_TPM_LOCK(tpm);
	r = storage(tpm, &parent, name, err);
	if (r)
		return r;
	tconn_tpm_flush(tpm, parent);
	r = begin(c, &in, nonce, err);
	if (r)
		return r;
	out.nonce = nonce;
	out.name = name;
	tconn_pin_message_build(&out, ret);
	return 0;
}

static void flush_session(struct tconn_pin_carrier *c)
{
	struct packet p;

	if (!c->session)
		return;
	start(&p, TPM2_ST_NO_SESSIONS, TPM2_CC_FlushContext);
	put32(&p, c->session);
	transmit(c->tpm, &p);
	c->session = 0;
}

void tconn_pin_carrier_end(struct tconn_pin_carrier *c)
{
	if (!c->session)
		return;
	TCONN_TPM_LOCK(c->tpm);
	flush_session(c);
}

/* -- a command in it */

static TSS2_RC command(struct tconn_pin_carrier *c, TPM2_CC code, TPM2_HANDLE on,
		       const struct tconn_pin_parts *in, struct packet *p)
{
	TSS2_RC rc;

	start(p, TPM2_ST_SESSIONS, code);
	put32(p, on);
	put32(p, 4 + 2 + 32 + 1 + 2 + 32);
	put32(p, c->session);
	put16(p, 32);
	put(p, in->nonce, 32);
	put8(p, in->attributes & ~TPMA_SESSION_CONTINUESESSION);
	put16(p, 32);
	put(p, in->hmac, 32);
	put(p, in->body, in->body_len);
	rc = transmit(c->tpm, p);
	if (rc == TSS2_RC_SUCCESS)
		c->session = 0;	/* it ended with its use */
	return rc;
}

/* parameterSize, parameters, then the session's part. */
static int take_result(const struct packet *p, struct tconn_pin_parts *ret, struct tconn_error *err)
{
	const uint8_t *body = p->data + HEADER + 4, *auth;
	size_t len = p->len < SUCCESS_FIXED ? 0 : p->len - SUCCESS_FIXED;

	auth = body + len;
	if (p->len < SUCCESS_FIXED || get32(p->data + HEADER) != len || len > TCONN_PIN_RESULT_MAX ||
	    get16(auth) != 32 || get16(auth + 35) != 32)
		return tconn_fail(err, -EIO, "TPM: the PIN's key: an answer of another form");
	*ret = (struct tconn_pin_parts){
		.type = TCONN_PIN_RESULT, .nonce = auth + 2, .attributes = auth[34], .hmac = auth + 37,
		.body = len ? body : NULL, .body_len = len,
	};
	return 0;
}

static int evict_old(struct tconn_tpm *tpm, struct tconn_error *err)
{
	ESYS_TR old, gone;
	int r = tconn_tpm_rc(Esys_TR_FromTPMPublic(tpm->esys, TCONN_PIN_KEY_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
						   ESYS_TR_NONE, &old), "the PIN's key", err);

	if (r == -ENOENT)
		return 0;
	if (!r)
		r = tconn_tpm_rc(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, old, ESYS_TR_PASSWORD,
						   ESYS_TR_NONE, ESYS_TR_NONE, TCONN_PIN_KEY_HANDLE, &gone),
				 "taking the PIN's key of before away", err);
	if (!r)
		Esys_TR_Close(tpm->esys, &old);	/* or the next one has the Name of this one */
	return r;
}

static int unpack_made(const struct tconn_pin_parts *made, TPM2B_PRIVATE *private, TPM2B_PUBLIC *public,
		       struct tconn_error *err)
{
	size_t at = 0;

	if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(made->body, made->body_len, &at, private) ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(made->body, made->body_len, &at, public))
		return tconn_fail(err, -EIO, "TPM: the PIN's key was made, but not as such a key is");
	return 0;
}

static int keep(struct tconn_tpm *tpm, ESYS_TR parent, const struct tconn_pin_parts *made,
		struct tconn_error *err)
{
	TPM2B_PRIVATE private = { 0 };
	TPM2B_PUBLIC public = { 0 };
	ESYS_TR key, persistent;
	int r = unpack_made(made, &private, &public, err);

	if (!r)
		r = tconn_tpm_rc(Esys_Load(tpm->esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
					   &private, &public, &key), "loading the PIN's key", err);
	if (r)
		return r;
	r = evict_old(tpm, err);
	if (!r)
		r = tconn_tpm_rc(Esys_EvictControl(tpm->esys, ESYS_TR_RH_OWNER, key, ESYS_TR_PASSWORD,
						   ESYS_TR_NONE, ESYS_TR_NONE, TCONN_PIN_KEY_HANDLE,
						   &persistent), "keeping the PIN's key", err);
	tconn_tpm_flush(tpm, key);
	if (!r)
		Esys_TR_Close(tpm->esys, &persistent);
	return r;
}

static int finish(TSS2_RC rc, const struct packet *p, struct tconn_pin_parts *ret, struct tconn_error *err)
{
	if (rc == TSS2_RC_SUCCESS)
		return take_result(p, ret, err);
	/* Its own word, as it is; what the way there says is no answer. */
	if ((rc & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER)
		return tconn_tpm_rc(rc, "the PIN's key", err);
	*ret = (struct tconn_pin_parts){ .type = TCONN_PIN_RESULT, .rc = rc };
	return 0;
}

static int make(struct tconn_pin_carrier *c, const struct tconn_pin_parts *in, struct packet *p,
		struct tconn_pin_parts *ret, struct tconn_error *err)
{
	TPM2_HANDLE handle;
	ESYS_TR parent;
	int r = storage(c->tpm, &parent, NULL, err);

	if (r)
		return r;
	r = raw_handle(c->tpm, parent, &handle, err);
	if (!r)
		r = finish(command(c, TPM2_CC_Create, handle, in, p), p, ret, err);
	if (!r && !ret->rc)
		r = keep(c->tpm, parent, ret, err);
	tconn_tpm_flush(c->tpm, parent);
	return r;
}

int tconn_pin_carrier_use(struct tconn_pin_carrier *c, const void *from, size_t len,
			  struct tconn_pin_message *ret, struct tconn_error *err)
{
	struct tconn_pin_parts in, out = { 0 };
	struct packet p;
	int r = tconn_pin_message_parse(from, len, &in, err);

	if (r)
		return r;
	if (in.type != TCONN_PIN_COMMAND || !c->session)
		return tconn_fail(err, -EBADMSG, "PIN session: no command, or none in a session");
	TCONN_TPM_LOCK(c->tpm);
	if (in.what == TCONN_PIN_MAKE)
		r = make(c, &in, &p, &out, err);
	else
		r = finish(command(c, TPM2_CC_Sign, TCONN_PIN_KEY_HANDLE, &in, &p), &p, &out, err);
	flush_session(c);
	if (!r)
		tconn_pin_message_build(&out, ret);
	return r;
}

/* -- what is there */

int tconn_pin_key_public(struct tconn_tpm *tpm, struct tconn_blob *ret, struct tconn_error *err)
{
	ESYS_FREE TPM2B_NAME *name = NULL, *qualified = NULL;
	ESYS_FREE TPM2B_PUBLIC *public = NULL;
	ESYS_TR key;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = tconn_tpm_rc(Esys_TR_FromTPMPublic(tpm->esys, TCONN_PIN_KEY_HANDLE, ESYS_TR_NONE, ESYS_TR_NONE,
					       ESYS_TR_NONE, &key), "the PIN's key", err);
	if (r)
		return r;
	r = tconn_tpm_rc(Esys_ReadPublic(tpm->esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &public,
					 &name, &qualified), "the PIN's key", err);
	Esys_TR_Close(tpm->esys, &key);
	return r ? r : tconn_blob_pack_public(&public->publicArea, ret, err);
}

static int property(struct tconn_tpm *tpm, TPM2_PT which, uint32_t *ret, struct tconn_error *err)
{
	ESYS_FREE TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	int r = tconn_tpm_rc(Esys_GetCapability(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
						TPM2_CAP_TPM_PROPERTIES, which, 1, &more, &data),
			     "its limit of wrong tries", err);

	if (!r && (data->data.tpmProperties.count != 1 ||
		   data->data.tpmProperties.tpmProperty[0].property != which))
		r = tconn_fail(err, -EIO, "TPM: it does not tell its limit of wrong tries");
	if (!r)
		*ret = data->data.tpmProperties.tpmProperty[0].value;
	return r;
}

int tconn_pin_limit(struct tconn_tpm *tpm, struct tconn_pin_limit *ret, struct tconn_error *err)
{
	struct tconn_pin_limit limit = { 0 };
	uint32_t permanent = 0;
	int r;

	TCONN_TPM_LOCK(tpm);
	r = property(tpm, TPM2_PT_LOCKOUT_COUNTER, &limit.failed, err);
	if (!r)
		r = property(tpm, TPM2_PT_MAX_AUTH_FAIL, &limit.most, err);
	if (!r)
		r = property(tpm, TPM2_PT_LOCKOUT_INTERVAL, &limit.recovery_s, err);
	if (!r)
		r = property(tpm, TPM2_PT_PERMANENT, &permanent, err);
	if (r)
		return r;
	limit.locked = permanent & TPMA_PERMANENT_INLOCKOUT;
	limit.lockout_auth = permanent & TPMA_PERMANENT_LOCKOUTAUTHSET;
	*ret = limit;
	return 0;
}
