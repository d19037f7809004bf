// SPDX-License-Identifier: Apache-2.0
/* The module's log, with digests put right: no search would ever find one. */
#include "daemon/lib/digest.h"
#include "kmod/uapi/tconn.h"
#include "log_fuzz.h"

static void put_digests_right(uint8_t *log, size_t size)
{
	for (size_t at = 0; size - at >= sizeof(struct tconn_event);) {
		struct tconn_event event;
		struct tconn_piece pieces[3];

		memcpy(&event, log + at, sizeof(event));
		if (event.len > size - at - sizeof(event))
			return;
		pieces[0] = (struct tconn_piece){ &event.type, 4 };
		pieces[1] = (struct tconn_piece){ &event.len, 4 };
		pieces[2] = (struct tconn_piece){ log + at + sizeof(event), event.len };
		tconn_sha256_pieces(pieces, 3, log + at + offsetof(struct tconn_event, digest));
		at += sizeof(event) + event.len;
	}
}

static int replay(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct tconn_appraising *a = arg;
	struct tconn_evidence *evidence = (struct tconn_evidence *)a->evidence;

	a->tconn_prefix = index + 1;
	tconn_pcr_replay(&evidence->quote.pcrs, e->pcr, e->digest);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_evidence e = { .tconn_log = { malloc(size ? size : 1), size } };
	struct tconn_appraising a = { .evidence = &e, .refvals = log_fuzz_refvals() };
	struct tconn_error err = { "" };
	struct tconn_record record;

	memcpy(e.tconn_log.data, data, size);
	put_digests_right(e.tconn_log.data, size);
	tconn_pcrs_reset(&e.quote.pcrs);
	if (tconn_log_walk(e.tconn_log.data, size, replay, &a, &err) && !err.text[0])
		abort();
	log_fuzz_check(tconn_check_tconn_reference, &a);
	log_fuzz_check(tconn_check_tconn_log, &a);
	tconn_evidence_last_record(&e, &record, &err);
	free(e.tconn_log.data);
	return 0;
}
