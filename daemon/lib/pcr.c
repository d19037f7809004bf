// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "digest.h"
#include "log_cursor.h"
#include "pcr.h"

static const char startup_locality[16] = "StartupLocality";	/* terminator included */

void tconn_pcrs_reset(struct tconn_pcrs *p)
{
	memset(p, 0, sizeof(*p));
	p->mask = (1u << TCONN_PCR_COUNT) - 1;
	memset(p->digest[17], 0xff, 6 * sizeof(p->digest[0]));	/* 17..22, TCG PC Client */
}

void tconn_pcr_replay(struct tconn_pcrs *p, unsigned int pcr, const uint8_t digest[32])
{
	struct tconn_piece pieces[2];

	if (pcr >= TCONN_PCR_COUNT)
		return;
	pieces[0] = (struct tconn_piece){ p->digest[pcr], 32 };
	pieces[1] = (struct tconn_piece){ digest, 32 };
	tconn_sha256_pieces(pieces, 2, p->digest[pcr]);
}

bool tconn_pcr_equal(const uint8_t a[32], const uint8_t b[32])
{
	return !memcmp(a, b, 32);
}

bool tconn_pcr_is_zero(const uint8_t digest[32])
{
	static const uint8_t zero[32];

	return tconn_pcr_equal(digest, zero);
}

static int replay_no_action(struct tconn_pcrs *p, const struct tconn_boot_event *e,
			    struct tconn_error *err)
{
	const size_t name = sizeof(startup_locality);

	if (e->data_len < name || memcmp(e->data, startup_locality, name))
		return 0;
	if (e->data_len != name + 1 || e->pcr || e->data[name] > 4)
		return tconn_fail(err, -EBADMSG, "firmware log: malformed StartupLocality event");
	if (!tconn_pcr_is_zero(p->digest[0]))
		return tconn_fail(err, -EBADMSG, "firmware log: StartupLocality after PCR 0 was extended");
	p->digest[0][31] = e->data[name];
	return 0;
}

int tconn_pcr_replay_boot(struct tconn_pcrs *p, const struct tconn_boot_event *e,
			  struct tconn_error *err)
{
	if (e->type == TCONN_EV_NO_ACTION)
		return replay_no_action(p, e, err);
	tconn_pcr_replay(p, e->pcr, e->digest);
	return 0;
}

void tconn_pcrs_digest(const struct tconn_pcrs *p, uint32_t mask, uint8_t ret[32])
{
	struct tconn_piece pieces[TCONN_PCR_COUNT];
	size_t count = 0;

	for (unsigned int i = 0; i < TCONN_PCR_COUNT; i++) {
		if (mask & 1u << i)
			pieces[count++] = (struct tconn_piece){ p->digest[i], 32 };
	}
	tconn_sha256_pieces(pieces, count, ret);
}
