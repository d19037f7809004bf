// SPDX-License-Identifier: Apache-2.0
/*
 * A sealed PIN, as the service opens it. First byte 0: the rest is what came; so almost
 * nothing opens. Otherwise a TUI that was taken over seals the rest, whatever it is, to the
 * right key: so that the form inside is looked at, too. What opens has one form, and is it.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/sealed_pin.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t private[TCONN_HPKE_KEY] = "the service's, for this request";
static const uint8_t nonce[32] = "a nonce";
static const struct tconn_record record = { .magic = "TCNR" };
static const struct tconn_pin_binding to = {
	.nonce = nonce, .statement = (const uint8_t *)"PIN?", .statement_len = 4, .record = &record,
};

static void find_public(uint8_t ret[TCONN_HPKE_KEY])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private,
						     sizeof(private));
	size_t len = TCONN_HPKE_KEY;

	if (!key || EVP_PKEY_get_raw_public_key(key, ret, &len) != 1)
		abort();
	EVP_PKEY_free(key);
}

/* It was padded so, and nothing else pads to it. */
static void check_opened(const struct tconn_pin *pin, const uint8_t *text, size_t len)
{
	uint8_t padded[PADDED] = { pin->len };

	if (pin->len > TCONN_PIN_MAX)
		abort();
	memcpy(padded + 1, pin->digits, pin->len);
	if (text && (len != sizeof(padded) || memcmp(padded, text, len) != 0))
		abort();
}

static void open_it(const uint8_t *sealed, size_t len, const uint8_t *public, const uint8_t *text,
		    size_t text_len)
{
	const struct tconn_pin untouched = { .len = 255 };
	struct tconn_pin pin = untouched;

	if (tconn_pin_open(sealed, len, private, public, &to, &pin) == 0)
		check_opened(&pin, text, text_len);
	else if (memcmp(&pin, &untouched, sizeof(pin)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t sealed[TCONN_HPKE_KEY + TCONN_HPKE_TEXT_MAX + TCONN_HPKE_TAG];
	const struct bound b = bind(&to);
	uint8_t public[TCONN_HPKE_KEY];

	if (size == 0 || size > TCONN_HPKE_TEXT_MAX)
		return 0;
	find_public(public);
	if (data[0] == 0) {
		open_it(data + 1, size - 1, public, NULL, 0);
		return 0;
	}
	if (tconn_hpke_seal(public, (struct tconn_hpke_bytes){ b.info, sizeof(b.info) },
			    (struct tconn_hpke_bytes){ b.aad, sizeof(b.aad) },
			    (struct tconn_hpke_bytes){ data + 1, size - 1 }, sealed))
		abort();
	open_it(sealed, TCONN_HPKE_KEY + size - 1 + TCONN_HPKE_TAG, public, data + 1, size - 1);
	return 0;
}
