/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzzers of logs share: reference values to compare with, and evidence
 * around the log that is tried.
 */
#ifndef TCONN_LOG_FUZZ_H
#define TCONN_LOG_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "daemon/lib/appraise_part.h"
#include "daemon/lib/pcr.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

/* A public key for file signatures; its private half was thrown away. */
#define LOG_FUZZ_KEY "-----BEGIN PUBLIC KEY-----\\n" \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAExyDZO22m7Gwp4aHG1wSkzCp1uh4i\\n" \
	"ykG6e3e9QUufGj38c+b07NhaPiCUG5PmXHq7F2sFXRHwwdTureU8APQL+A==\\n" \
	"-----END PUBLIC KEY-----\\n"

static inline struct tconn_refvals *log_fuzz_refvals(void)
{
	static const char json[] =
		"{\"tconn-reference-values\":1,\"name\":\"fuzz\",\"pcr_events\":["
		"{\"pcr\":4,\"type\":\"EV_IPL\",\"digest\":\"" ZEROS "\",\"what\":\"x\"}],"
		"\"ima\":{\"/usr/bin/busybox\":[\"" ZEROS "\"]},\"ima_buf\":{\"x\":[\"" ZEROS "\"]},"
		"\"ima_required\":true,\"ima_text\":{\"x\":[\"a*b\"]},"
		"\"ima_rules\":[{\"path\":\"/s*\",\"accept\":\"signed\"},"
		"{\"path\":\"/v*/?\",\"accept\":\"any\",\"violation\":true}],\"ima_keys\":[\"" LOG_FUZZ_KEY "\"],"
		"\"tconn\":{\"required\":true,\"policy\":[\"" ZEROS "\"],\"app\":[\"" ZEROS "\"]}}";
	static struct tconn_refvals *r;

	if (!r && tconn_refvals_parse(json, strlen(json), &r, NULL))
		abort();
	return r;
}

/* Every byte that an event points to is there. */
static volatile uint8_t log_fuzz_sum;

static inline void log_fuzz_read(const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		log_fuzz_sum ^= ((const uint8_t *)data)[i];
}

/* A check always says something. */
static inline bool log_fuzz_check(tconn_check_fn fn, struct tconn_appraising *a)
{
	struct tconn_reason why = { .text = "" };
	bool pass = fn(a, &why);

	if (!why.text[0])
		abort();
	return pass;
}

#endif
