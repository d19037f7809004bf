// SPDX-License-Identifier: Apache-2.0
#include "sealed_pin.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "digest.h"

#define LABEL		"tconn-pin-1"
#define LABEL_LEN	(sizeof(LABEL) - 1)
#define PADDED		16	/* bytes that are sealed */

_Static_assert(TCONN_HPKE_KEY + PADDED + TCONN_HPKE_TAG == TCONN_SEALED_PIN_SIZE, "form");
_Static_assert(1 + TCONN_PIN_MAX <= PADDED, "the longest PIN fits");

struct bound {
	uint8_t info[LABEL_LEN + 32 + 32], aad[32];
};

static struct bound bind(const struct tconn_pin_binding *to)
{
	struct bound b;

	memcpy(b.info, LABEL, LABEL_LEN);
	memcpy(b.info + LABEL_LEN, to->nonce, 32);
	tconn_sha256(to->statement, to->statement_len, b.info + LABEL_LEN + 32);
	tconn_sha256(to->record, sizeof(*to->record), b.aad);
	return b;
}

int tconn_pin_seal(const struct tconn_pin *pin, const uint8_t key[TCONN_HPKE_KEY],
		   const struct tconn_pin_binding *to, uint8_t ret[TCONN_SEALED_PIN_SIZE])
{
	struct bound b = bind(to);
	uint8_t padded[PADDED] = { pin->len };
	int r;

	memcpy(padded + 1, pin->digits, pin->len);
	r = tconn_hpke_seal(key, (struct tconn_hpke_bytes){ b.info, sizeof(b.info) },
			    (struct tconn_hpke_bytes){ b.aad, sizeof(b.aad) },
			    (struct tconn_hpke_bytes){ padded, sizeof(padded) }, ret);
	OPENSSL_cleanse(padded, sizeof(padded));
	return r;
}

/* One PIN has one form: what is behind the digits is zero. */
static int unpad(const uint8_t padded[PADDED], struct tconn_pin *ret)
{
	struct tconn_pin pin = { .len = padded[0] };

	if (pin.len > TCONN_PIN_MAX)
		return -EBADMSG;
	for (size_t i = 1 + pin.len; i < PADDED; i++)
		if (padded[i])
			return -EBADMSG;
	memcpy(pin.digits, padded + 1, pin.len);
	*ret = pin;
	tconn_pin_wipe(&pin);
	return 0;
}

int tconn_pin_open(const uint8_t *sealed, size_t len, const uint8_t private[TCONN_HPKE_KEY],
		   const uint8_t public[TCONN_HPKE_KEY], const struct tconn_pin_binding *to,
		   struct tconn_pin *ret)
{
	struct bound b = bind(to);
	uint8_t padded[PADDED];
	int r;

	if (len != TCONN_SEALED_PIN_SIZE)
		return -EBADMSG;
	r = tconn_hpke_open(private, public, (struct tconn_hpke_bytes){ b.info, sizeof(b.info) },
			    (struct tconn_hpke_bytes){ b.aad, sizeof(b.aad) },
			    (struct tconn_hpke_bytes){ sealed, len }, padded);
	if (r == 0)
		r = unpad(padded, ret);
	OPENSSL_cleanse(padded, sizeof(padded));
	return r;
}

void tconn_pin_wipe(struct tconn_pin *pin)
{
	OPENSSL_cleanse(pin, sizeof(*pin));
}
