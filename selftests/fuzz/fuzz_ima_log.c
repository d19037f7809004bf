// SPDX-License-Identifier: Apache-2.0
/* Every prefix of an IMA log that is well-formed is compared without a fault. */
#include "log_fuzz.h"

struct replay {
	struct tconn_pcrs *pcrs;
	size_t entries;
};

static int replay(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct replay *r = arg;
	uint8_t digest[32];

	log_fuzz_read(e->path, e->path_len);
	log_fuzz_read(e->buf, e->buf_len);
	log_fuzz_read(e->digest, e->digest_len);
	tconn_ima_template_digest(e, digest);
	tconn_pcr_replay(r->pcrs, e->pcr, digest);
	r->entries = index + 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_evidence e = { .ima_log = { (uint8_t *)data, size } };
	struct tconn_appraising a = { .evidence = &e, .refvals = log_fuzz_refvals() };
	struct replay r = { .pcrs = &e.quote.pcrs };
	struct tconn_error err = { "" };

	tconn_pcrs_reset(&e.quote.pcrs);
	if (tconn_ima_walk(data, size, replay, &r, &err) && !err.text[0])
		abort();
	log_fuzz_check(tconn_check_ima_log, &a);
	a.ima_prefix = r.entries;
	log_fuzz_check(tconn_check_ima_reference, &a);
	return 0;
}
