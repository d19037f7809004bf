// SPDX-License-Identifier: Apache-2.0
/* A firmware log that is well-formed passes boot-log with the PCRs it replays to. */
#include "log_fuzz.h"

static int replay(const struct tconn_boot_event *e, size_t index, void *arg)
{
	(void)index;
	log_fuzz_read(e->data, e->data_len);
	return tconn_pcr_replay_boot(arg, e, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_evidence e = { .boot_log = { (uint8_t *)data, size } };
	struct tconn_appraising a = { .evidence = &e, .refvals = log_fuzz_refvals() };
	struct tconn_error err = { "" };

	tconn_pcrs_reset(&e.quote.pcrs);
	if (!tconn_boot_walk(data, size, replay, &e.quote.pcrs, &err) &&
	    !log_fuzz_check(tconn_check_boot_log, &a))
		abort();
	log_fuzz_check(tconn_check_boot_reference, &a);
	return 0;
}
