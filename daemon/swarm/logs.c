// SPDX-License-Identifier: Apache-2.0
#include "logs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "../../kmod/uapi/tconn.h"
#include "../lib/cbor_util.h"
#include "../lib/digest.h"
#include "../lib/file.h"
#include "../lib/pcr.h"
#include "../lib/version.h"

#define BOOT_LOG	"boot.log"
#define IMA_LOG		"ima.log"
#define TCONN_LOG	"tconn.log"
#define REFERENCE	"device-reference.json"
#define PATH_SIZE	4096

#define PCR_MODULE	13
#define ALG_SHA256	0x000bu
#define EV_SEPARATOR	4u
#define EV_S_CRTM_VERSION	8u
#define EV_APPLICATION	0x80000003u	/* EV_EFI_BOOT_SERVICES_APPLICATION */

/* A buffer that all is put into; a NULL f is out of memory, and shows at the end. */
struct out {
	FILE *f;
	char *data;
	size_t len;
};

static void out_open(struct out *o)
{
	o->f = open_memstream(&o->data, &o->len);
}

static void put(struct out *o, const void *data, size_t len)
{
	if (o->f)
		fwrite(data, 1, len, o->f);
}

static void put_le(struct out *o, uint64_t value, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	put(o, bytes, len);
}

static void put_counted(struct out *o, const void *data, size_t len)
{
	put_le(o, len, 4);
	put(o, data, len);
}

/* Into the file, and no more of it. */
static int out_write(struct out *o, const char *dir, const char *name, struct tconn_error *err)
{
	char path[PATH_SIZE];
	bool good = o->f && !fclose(o->f);
	struct tconn_bytes b = { (uint8_t *)o->data, o->len };
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	r = good ? tconn_file_create(path, &b, 0644, err) : tconn_fail(err, -ENOMEM, "out of memory");
	free(o->data);
	return r;
}

/* TCG_EfiSpecIDEvent, with the sha256 bank alone. */
static void put_spec_id(struct out *o)
{
	static const uint8_t no_digest[20];

	put_le(o, 0, 4);
	put_le(o, TCONN_EV_NO_ACTION, 4);
	put(o, no_digest, sizeof(no_digest));
	put_le(o, 16 + 8 + 4 + 4 + 1, 4);
	put(o, "Spec ID Event03", 16);
	put(o, "\0\0\0\0\0\2\0\2", 8);		/* platform class client, 2.0, 64-bit UINTN */
	put_le(o, 1, 4);
	put_le(o, ALG_SHA256, 2);
	put_le(o, 32, 2);
	put_le(o, 0, 1);
}

static void put_boot(struct out *o, struct tconn_pcrs *pcrs, uint32_t pcr, uint32_t type,
		     const void *data, size_t len)
{
	uint8_t digest[32];

	tconn_sha256(data, len, digest);
	put_le(o, pcr, 4);
	put_le(o, type, 4);
	put_le(o, 1, 4);
	put_le(o, ALG_SHA256, 2);
	put(o, digest, 32);
	put_counted(o, data, len);
	tconn_pcr_replay(pcrs, pcr, digest);
}

static int make_boot(const char *dir, struct tconn_pcrs *pcrs, struct tconn_error *err)
{
	struct out o = { 0 };

	out_open(&o);
	put_spec_id(&o);
	put_boot(&o, pcrs, 0, EV_S_CRTM_VERSION, "simulated", 9);
	put_boot(&o, pcrs, 4, EV_APPLICATION, "kernel", 6);
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		put_boot(&o, pcrs, pcr, EV_SEPARATOR, "\0\0\0\0", 4);
	return out_write(&o, dir, BOOT_LOG, err);
}

/* ima-ng: the digest with its algorithm, the path. */
static void put_ima(struct out *o, const char *path, const uint8_t digest[32])
{
	const size_t path_len = strlen(path) + 1;
	struct out data = { 0 };
	uint8_t sha1[20];

	out_open(&data);
	put_le(&data, 8 + 32, 4);
	put(&data, "sha256:", 8);
	put(&data, digest, 32);
	put_counted(&data, path, path_len);
	if (!data.f || fclose(data.f)) {
		fclose(o->f);
		o->f = NULL;
		return;
	}
	EVP_Digest(data.data, data.len, sha1, NULL, EVP_sha1(), NULL);
	put_le(o, 10, 4);
	put(o, sha1, sizeof(sha1));
	put_counted(o, "ima-ng", 6);
	put_counted(o, data.data, data.len);
	free(data.data);
}

static void file_entry(unsigned int i, char path[64], uint8_t digest[32])
{
	snprintf(path, 64, "/usr/lib/simulated/%u", i);
	tconn_sha256(path, strlen(path), digest);
}

static int make_ima(const char *dir, const struct tconn_pcrs *pcrs, unsigned int entries,
		    struct tconn_error *err)
{
	struct out o = { 0 };
	uint8_t digest[32];
	char path[64];

	out_open(&o);
	tconn_pcrs_digest(pcrs, 0x3ff, digest);
	for (unsigned int i = 0; i < entries && o.f; i++) {
		if (i)
			file_entry(i, path, digest);
		put_ima(&o, i ? path : "boot_aggregate", digest);
	}
	return out_write(&o, dir, IMA_LOG, err);
}

static void put_module(struct out *o, uint32_t type, const void *data, size_t len)
{
	uint8_t head[8] = { (uint8_t)type, 0, 0, 0, (uint8_t)len, (uint8_t)(len >> 8) }, digest[32];
	const struct tconn_piece piece[] = { { head, sizeof(head) }, { data, len } };

	tconn_sha256_pieces(piece, 2, digest);
	put_le(o, PCR_MODULE, 4);
	put_le(o, type, 4);
	put(o, digest, 32);
	put_counted(o, data, len);
}

static int make_module(const char *dir, const uint8_t policy_digest[32], struct tconn_error *err)
{
	struct tconn_event_boot boot = { .abi = TCONN_ABI, .version = "simulated" };
	struct tconn_event_policy policy = { .len = 1, .flags = TCONN_POLICY_SIGNED };
	struct out o = { 0 };

	/* Nobody has the private half: such a device confirms nothing. */
	if (RAND_bytes(boot.boot_id, sizeof(boot.boot_id)) != 1 ||
	    RAND_bytes(boot.kernel_key, sizeof(boot.kernel_key)) != 1)
		return tconn_fail(err, -EIO, "no random numbers");
	memcpy(policy.digest, policy_digest, 32);
	out_open(&o);
	put_module(&o, TCONN_EVENT_BOOT, &boot, sizeof(boot));
	put_module(&o, TCONN_EVENT_POLICY, &policy, sizeof(policy));
	return out_write(&o, dir, TCONN_LOG, err);
}

static void put_text(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_hex(struct out *o, const uint8_t digest[32])
{
	char hex[65];

	tconn_hex(digest, 32, hex);
	put_text(o, hex);
}

static int make_reference(const char *dir, unsigned int entries, const uint8_t policy[32],
			  struct tconn_error *err)
{
	struct out o = { 0 };
	uint8_t digest[32];
	char path[64];

	out_open(&o);
	put_text(&o, "{ \"tconn-reference-values\": 1, \"name\": \"simulated devices of tconn-swarm\",\n"
		 "  \"pcr_events\": [ { \"pcr\": 4, \"type\": \"EV_EFI_BOOT_SERVICES_APPLICATION\","
		 " \"what\": \"kernel\",\n    \"digest\": \"");
	tconn_sha256("kernel", 6, digest);
	put_hex(&o, digest);
	put_text(&o, "\" } ],\n  \"ima_required\": true,\n  \"ima\": {");
	for (unsigned int i = 1; i < entries; i++) {
		file_entry(i, path, digest);
		put_text(&o, i > 1 ? ",\n    \"" : "\n    \"");
		put_text(&o, path);
		put_text(&o, "\": [\"");
		put_hex(&o, digest);
		put_text(&o, "\"]");
	}
	put_text(&o, " },\n  \"tconn\": { \"required\": true, \"policy\": [\"");
	put_hex(&o, policy);
	put_text(&o, "\"], \"app\": [\"");
	put_hex(&o, policy);	/* of no program: none is started */
	put_text(&o, "\"] } }\n");
	return out_write(&o, dir, REFERENCE, err);
}

int logs_create(const char *dir, unsigned int ima_entries, struct tconn_error *err)
{
	struct tconn_pcrs pcrs;
	uint8_t policy[32];
	int r;

	tconn_sha256("policy", 6, policy);
	tconn_pcrs_reset(&pcrs);
	r = make_boot(dir, &pcrs, err);
	if (!r)
		r = make_ima(dir, &pcrs, ima_entries, err);
	if (!r)
		r = make_module(dir, policy, err);
	return r ? r : make_reference(dir, ima_entries, policy, err);
}

struct replay {
	struct tconn_pcrs *pcrs;
	struct tconn_error *err;
};

static int replay_boot(const struct tconn_boot_event *e, size_t index, void *arg)
{
	struct replay *p = arg;

	(void)index;
	return tconn_pcr_replay_boot(p->pcrs, e, p->err);
}

static int replay_ima(const struct tconn_ima_event *e, size_t index, void *arg)
{
	struct replay *p = arg;
	uint8_t digest[32];

	(void)index;
	tconn_ima_template_digest(e, digest);
	if (e->pcr >= TCONN_PCR_COUNT)
		return tconn_fail(p->err, -EBADMSG, "an entry of PCR %u", e->pcr);
	tconn_pcr_replay(p->pcrs, e->pcr, digest);
	return 0;
}

static int replay_module(const struct tconn_log_event *e, size_t index, void *arg)
{
	struct replay *p = arg;

	(void)index;
	if (e->pcr >= TCONN_PCR_COUNT)
		return tconn_fail(p->err, -EBADMSG, "an event of PCR %u", e->pcr);
	tconn_pcr_replay(p->pcrs, e->pcr, e->digest);
	return 0;
}

static int read_one(const char *dir, const char *name, struct tconn_bytes *ret,
		    struct tconn_error *err)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return tconn_file_read(path, TCONN_LOG_MAX, ret, err);
}

int logs_load(const char *dir, struct logs *ret, struct tconn_error *err)
{
	struct replay p = { &ret->pcrs, err };
	int r;

	memset(ret, 0, sizeof(*ret));
	tconn_pcrs_reset(&ret->pcrs);
	ret->pcrs.mask = TCONN_PCR_MASK;
	r = read_one(dir, BOOT_LOG, &ret->boot, err);
	if (!r)
		r = tconn_boot_walk(ret->boot.data, ret->boot.len, replay_boot, &p, err);
	if (!r)
		r = read_one(dir, IMA_LOG, &ret->ima, err);
	if (!r)
		r = tconn_ima_walk(ret->ima.data, ret->ima.len, replay_ima, &p, err);
	if (!r)
		r = read_one(dir, TCONN_LOG, &ret->tconn, err);
	if (!r)
		r = tconn_log_walk(ret->tconn.data, ret->tconn.len, replay_module, &p, err);
	if (r)
		logs_free(ret);
	return r ? tconn_fail_in(err, r, "logs") : 0;
}

void logs_free(struct logs *l)
{
	tconn_bytes_free(&l->boot);
	tconn_bytes_free(&l->ima);
	tconn_bytes_free(&l->tconn);
}

int logs_fill(const struct logs *l, struct tconn_evidence *e, struct tconn_error *err)
{
	int r = tconn_bytes_copy(&e->boot_log, l->boot.data, l->boot.len, err);

	if (!r)
		r = tconn_bytes_copy(&e->ima_log, l->ima.data, l->ima.len, err);
	return r ? r : tconn_bytes_copy(&e->tconn_log, l->tconn.data, l->tconn.len, err);
}
