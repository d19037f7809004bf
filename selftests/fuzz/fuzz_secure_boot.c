// SPDX-License-Identifier: Apache-2.0
/*
 * A variable of PCR 7 and the signatures in it; then the same as an event of a log, with
 * the digest that it has to have.
 */
#include "daemon/lib/digest.h"
#include "daemon/lib/secure_boot.h"
#include "log_fuzz.h"

static const char json[] =
	"{\"tconn-reference-values\":1,\"name\":\"fuzz\",\"pcr_events\":[],\"ima\":{},"
	"\"secure_boot\":{\"required\":true,\"pk\":[],\"kek\":[],\"db\":[\"" ZEROS "\"],"
	"\"dbx\":[\"" ZEROS "\"]},\"ima_required\":true,\"tconn\":{\"required\":false}}";

static int see(const struct tconn_efi_entry *e, void *arg)
{
	char subject[80];

	(void)arg;
	log_fuzz_read(e->data, e->len);
	tconn_efi_subject(e, subject, sizeof(subject));
	return 0;
}

static const struct tconn_refvals *values(void)
{
	static struct tconn_refvals *r;

	if (!r && tconn_refvals_parse(json, strlen(json), &r, NULL))
		abort();
	return r;
}

/* The spec id event with one algorithm, and one event of PCR 7. */
static void as_event(const uint8_t *data, size_t size)
{
	static const uint8_t first[] = {
		0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		33, 0, 0, 0, 'S', 'p', 'e', 'c', ' ', 'I', 'D', ' ', 'E', 'v', 'e', 'n', 't', '0', '3', 0,
		0, 0, 0, 0, 0, 2, 0, 2, 1, 0, 0, 0, 0x0b, 0, 32, 0, 0,
		7, 0, 0, 0, 1, 0, 0, 0x80, 1, 0, 0, 0, 0x0b, 0,
	};
	struct tconn_appraising a = { .refvals = values() };
	struct tconn_evidence e = { 0 };
	uint8_t log[sizeof(first) + 32 + 4 + 4096];

	if (size > 4096)
		return;
	memcpy(log, first, sizeof(first));
	tconn_sha256(data, size, log + sizeof(first));
	memcpy(log + sizeof(first) + 32, &(uint32_t){ (uint32_t)size }, 4);
	memcpy(log + sizeof(first) + 36, data, size);
	e.boot_log = (struct tconn_bytes){ log, sizeof(first) + 36 + size };
	a.evidence = &e;
	if (log_fuzz_check(tconn_check_secure_boot, &a))
		abort();	/* one event cannot be all that is asked for */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_efi_variable v;
	struct tconn_efi_entry e;
	struct tconn_error err = { "" };

	if (!tconn_efi_variable_read(data, size, &v, &err)) {
		log_fuzz_read(v.data, v.len);
		tconn_efi_list_walk(v.data, v.len, see, NULL, &err);
		if (!tconn_efi_authority(v.data, v.len, &e, &err))
			see(&e, NULL);
	}
	as_event(data, size);
	return 0;
}
