// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/input-event-codes.h>
#include <openssl/evp.h>

#include "kmod/uapi/tconn.h"
#include "selftests/tui/pictures.h"

#define TEXT(t) .text = (t), .text_len = sizeof(t) - 1

#define CONFIRM(t) { .kind = TCONN_KIND_CONFIRM, TEXT(t) }
#define NOTICE(t) { .kind = TCONN_KIND_NOTICE, TEXT(t) }
#define PIN(min, max, t) { .kind = TCONN_KIND_PIN, .pin_min = (min), .pin_max = (max), TEXT(t) }

/* Details as they travel: two lengths, key, value. */
static const uint8_t paid[] = "\x06\0\x0a\0" "Amount120.00 EUR"
			      "\x05\0\x08\0" "PayeeACME Ltd"
			      "\x09\0\x3a\0" "ReferenceInvoice 2026-1173, lamps and cables "
			      "for the new hall, part 2";
static const uint8_t arabic[] = "\x0c\0\x0a\0" "المبلغ120.00 EUR"
				"\x08\0\x0b\0" "حساب030 1234 56"
				"\x10\0\x0d\0" "المستفيدشركة ACME";

#define DETAILS(n, d) .n_details = (n), .details = (d), .details_len = sizeof(d) - 1

const struct picture pictures[] = {
	{ .name = "confirm", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?") },
	{ .name = "confirm-early", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?"),
	  .hint = TCONN_HINT_EARLY },
	{ .name = "confirm-lines", .statement = CONFIRM("Transfer\n\nTo: ACME Ltd\n"
							"Amount: 120.00 EUR\nFee: 0.35 EUR") },
	{ .name = "confirm-scripts", .statement = CONFIRM("Zażółć gęślą jaźń, Αθήνα, Москва, "
							  "Überweisung: 20 € → Łódź") },
	{ .name = "confirm-word", .statement = CONFIRM("0123456789abcdef0123456789abcdef"
						       "0123456789abcdef0123456789abcdef") },
	{ .name = "pin-0", .statement = PIN(4, 8, "PIN of the card that ends in 1234") },
	{ .name = "pin-3", .statement = PIN(4, 8, "PIN of the card that ends in 1234"),
	  .entered = 3 },
	{ .name = "pin-4", .statement = PIN(4, 8, "PIN of the card that ends in 1234"),
	  .entered = 4 },
	{ .name = "pin-short", .statement = PIN(4, 8, "PIN of the card that ends in 1234"),
	  .entered = 3, .hint = TCONN_HINT_SHORT },
	{ .name = "pin-full", .statement = PIN(1, 12, "PIN"), .entered = 12,
	  .hint = TCONN_HINT_FULL },
	{ .name = "notice", .statement = NOTICE("Paid. You may take your card.") },
	{ .name = "details", .statement = { .kind = TCONN_KIND_CONFIRM, TEXT("Pay this invoice?"),
					    DETAILS(3, paid) },
	  .phrase = "amber river owl" },
	{ .name = "details-large", .statement = { .kind = TCONN_KIND_CONFIRM,
						  TEXT("Pay this invoice?"), DETAILS(3, paid) },
	  .look = { TCONN_SCALE_LARGE, TCONN_THEME_LIGHT } },
	{ .name = "dark", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?"),
	  .look = { TCONN_SCALE_NORMAL, TCONN_THEME_DARK } },
	{ .name = "dark-largest", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?"),
	  .look = { TCONN_SCALE_LARGEST, TCONN_THEME_DARK } },
	{ .name = "pin-german", .entered = 2,
	  .statement = { .kind = TCONN_KIND_PIN, .pin_min = 4, .pin_max = 8, .locale = "de",
			 TEXT("PIN der Karte, die auf 1234 endet") } },
	{ .name = "notice-french", .statement = { .kind = TCONN_KIND_NOTICE, .locale = "fr",
						  TEXT("Payé. Vous pouvez reprendre votre carte.") } },
	{ .name = "pin-hebrew", .entered = 3, .hint = TCONN_HINT_SHORT,
	  .statement = { .kind = TCONN_KIND_PIN, .pin_min = 4, .pin_max = 8, .locale = "he",
			 TEXT("הקוד של הכרטיס שמסתיים ב-1234") } },
	{ .name = "arabic", .phrase = "amber river owl",
	  .statement = { .kind = TCONN_KIND_CONFIRM, .locale = "ar",
			 TEXT("هل تريد دفع هذه الفاتورة (رقم 1173)؟"), DETAILS(3, arabic) } },
	{ .name = "arabic-dark", .look = { TCONN_SCALE_LARGEST, TCONN_THEME_DARK },
	  .statement = { .kind = TCONN_KIND_CONFIRM, .locale = "ar",
			 TEXT("هل تريد دفع 120.00 EUR إلى شركة ACME؟\nلا") } },
	{ .name = "untrusted", .statement = PIN(4, 4, "PIN"), .entered = 1, .untrusted = true },
	{ .name = "developer-confirm", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?"),
	  .developer = true },
	{ .name = "developer-confirm-early", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?"),
	  .hint = TCONN_HINT_EARLY, .developer = true },
	{ .name = "developer-pin-4", .statement = PIN(4, 8, "PIN of the card that ends in 1234"),
	  .entered = 4, .developer = true },
	{ .name = "developer-notice", .statement = NOTICE("Paid. You may take your card."),
	  .developer = true },
	{ .name = "hold", .statement = CONFIRM("Pay 120.00 EUR to ACME Ltd?"),
	  .gestures = { { TCONN_GESTURE_HOLD, KEY_ENTER, 1500 },
			{ TCONN_GESTURE_DOUBLE, KEY_ESC, 400 } } },
	{ .name = "buttons", .statement = NOTICE("Paid. You may take your card."),
	  .gestures = { { TCONN_GESTURE_DOUBLE, KEY_VOLUMEUP, 500 },
			{ TCONN_GESTURE_PRESS, KEY_VOLUMEDOWN, 0 } } },
	{ .name = "pin-pad", .entered = 3, .hint = TCONN_HINT_SHORT,
	  .statement = PIN(4, 8, "PIN of the card that ends in 1234"),
	  .gestures = { { TCONN_GESTURE_PRESS, KEY_OK, 0 }, { TCONN_GESTURE_HOLD, KEY_CANCEL, 2000 } } },
	{ .name = "hold-german", .look = { TCONN_SCALE_LARGEST, TCONN_THEME_DARK },
	  .statement = { .kind = TCONN_KIND_CONFIRM, .locale = "de", TEXT("120,00 EUR an ACME zahlen?") },
	  .gestures = { { TCONN_GESTURE_HOLD, KEY_F5, 1450 }, { TCONN_GESTURE_DOUBLE, 183, 300 } } },
	{ .name = "hold-french",
	  .statement = { .kind = TCONN_KIND_CONFIRM, .locale = "fr", TEXT("Payer 120,00 EUR à ACME ?") },
	  .gestures = { { TCONN_GESTURE_HOLD, KEY_OK, 1500 }, { TCONN_GESTURE_DOUBLE, KEY_CANCEL, 300 } } },
	{ .name = "hold-hebrew",
	  .statement = { .kind = TCONN_KIND_CONFIRM, .locale = "he", TEXT("לשלם 120.00 EUR?") },
	  .gestures = { { TCONN_GESTURE_HOLD, KEY_ENTER, 1500 }, { TCONN_GESTURE_DOUBLE, KEY_ESC, 300 } } },
	{ .name = "hold-arabic",
	  .statement = { .kind = TCONN_KIND_CONFIRM, .locale = "ar", TEXT("هل تريد دفع 120.00 EUR؟") },
	  .gestures = { { TCONN_GESTURE_HOLD, KEY_ENTER, 3000 }, { TCONN_GESTURE_DOUBLE, KEY_ESC, 300 } } },
};
const size_t n_pictures = sizeof(pictures) / sizeof(pictures[0]);

const struct size sizes[] = {
	{ 1280, 800 }, { 1024, 768 }, { 800, 480 }, { 800, 1280 }, { 480, 800 }, { 1920, 1080 },
	{ 3840, 2160 },
};
const size_t n_sizes = sizeof(sizes) / sizeof(sizes[0]);

struct tconn_render picture_state(const struct picture *p)
{
	return (struct tconn_render){
		.statement = &p->statement,
		.entered = p->entered,
		.hint = p->hint,
		.look = p->look,
		.phrase = p->phrase,
		.untrusted = p->untrusted,
		.developer = p->developer,
		.gestures = p->gestures,
	};
}

struct tconn_canvas canvas_new(struct size size, uint32_t padding)
{
	struct tconn_canvas canvas = {
		.width = size.width,
		.height = size.height,
		.pitch = size.width * 4 + padding,
	};

	canvas.pixels = malloc((size_t)canvas.pitch * canvas.height);
	if (!canvas.pixels)
		abort();
	memset(canvas.pixels, 0xa5, (size_t)canvas.pitch * canvas.height);
	return canvas;
}

void canvas_digest(const struct tconn_canvas *canvas, char ret[static DIGEST_HEX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[32];

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		abort();
	for (uint32_t y = 0; y < canvas->height; y++)
		EVP_DigestUpdate(ctx, (char *)canvas->pixels + (size_t)y * canvas->pitch,
				 (size_t)canvas->width * 4);
	EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(ret + 2 * i, "%02x", digest[i]);
}
