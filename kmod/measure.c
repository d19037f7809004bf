// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measurement: every event goes to the log, to a PCR and to IMA. The log is
 * one buffer that only grows, allocated at load, so that nothing can fail for
 * want of memory when a session has ended and its record must be kept.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ima.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tpm.h>
#include <linux/vmalloc.h>
#include <crypto/sha2.h>

#include "evidence.h"
#include "measure.h"
#include "policy.h"

#define LOG_MAX		BIT(20)	/* bytes */
#define EXTEND_TRIES	10
#define EXTEND_WAIT_MS	20	/* between two */
#define SESSION_ROOM	(2 * sizeof(struct tconn_event) + sizeof(struct tconn_event_app) + \
			 sizeof(struct tconn_record))

static struct {
	struct mutex lock;	/* writers: the log's tail and the PCR move together */
	u8 *log;		/* LOG_MAX bytes */
	size_t len;		/* published with release: readers need no lock */
	struct tpm_chip *chip;	/* NULL: none, or none with a sha256 bank */
	struct tpm_digest *banks;
	bool failed;		/* an extend failed: log and PCR may differ */
	u8 boot_id[TCONN_ID_SIZE];
} measure = { .lock = __MUTEX_INITIALIZER(measure.lock) };

static const char * const type_name[] = {
	[TCONN_EVENT_BOOT] = "tconn-boot",
	[TCONN_EVENT_POLICY] = "tconn-policy",
	[TCONN_EVENT_APP] = "tconn-app",
	[TCONN_EVENT_RECORD] = "tconn-record",
};

bool tconn_measure_has_tpm(void)
{
	return measure.chip && !READ_ONCE(measure.failed);
}

size_t tconn_measure_log_size(void)
{
	/* Pairs with measure_locked(). */
	return smp_load_acquire(&measure.len);
}

bool tconn_measure_has_room(void)
{
	return LOG_MAX - tconn_measure_log_size() >= SESSION_ROOM;
}

const u8 *tconn_measure_boot_id(void)
{
	return measure.boot_id;
}

/* A command that found no memory was not sent: it is no reason to give up for good. */
static int extend(u32 pcr, const u8 *digest)
{
	unsigned int i, tries;
	int ret;

	for (i = 0; i < measure.chip->nr_allocated_banks; i++) {
		memset(&measure.banks[i], 0, sizeof(measure.banks[i]));
		measure.banks[i].alg_id = measure.chip->allocated_banks[i].alg_id;
		memcpy(measure.banks[i].digest, digest, TCONN_DIGEST_SIZE);
	}
	for (tries = 1;; tries++) {
		ret = tpm_pcr_extend(measure.chip, pcr, measure.banks);
		if (ret != -ENOMEM || tries == EXTEND_TRIES)
			return ret;
		msleep(EXTEND_WAIT_MS);
	}
}

/* digest = SHA-256(type || len || data) */
static void hash_event(struct tconn_event *event, const void *data)
{
	struct sha256_state state;

	sha256_init(&state);
	sha256_update(&state, (u8 *)&event->type, sizeof(event->type));
	sha256_update(&state, (u8 *)&event->len, sizeof(event->len));
	sha256_update(&state, data, event->len);
	sha256_final(&state, event->digest);
}

static int measure_locked(struct tconn_event *event, const void *data)
{
	u8 *tail = measure.log + measure.len;

	if (!tconn_measure_has_tpm() || LOG_MAX - measure.len < sizeof(*event) + event->len)
		return -EHWPOISON;
	hash_event(event, data);
	memcpy(tail, event, sizeof(*event));
	memcpy(tail + sizeof(*event), data, event->len);
	/* Published before the PCR moves: a log may be ahead of a quote, never behind. */
	smp_store_release(&measure.len, measure.len + sizeof(*event) + event->len);
	if (extend(event->pcr, event->digest)) {
		WRITE_ONCE(measure.failed, true);
		pr_err("the TPM refused to extend PCR %u; no more sessions\n", event->pcr);
		return -EHWPOISON;
	}
	return 0;
}

int tconn_measure(enum tconn_event_type type, const void *data, u32 len)
{
	const struct tconn_policy *policy = tconn_policy();
	struct tconn_event event = {
		.pcr = policy ? policy->pcr : TCONN_PCR_DEFAULT,
		.type = type,
		.len = len,
	};
	int ret;

	mutex_lock(&measure.lock);
	ret = measure_locked(&event, data);
	mutex_unlock(&measure.lock);
	/* Whether IMA keeps it is a matter of its policy; the verifier sees what is there. */
	ima_measure_critical_data("tconn", type_name[type], data, len, false, NULL, 0);
	return ret;
}

static ssize_t log_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	return simple_read_from_buffer(buf, len, pos, measure.log, tconn_measure_log_size());
}

const struct file_operations tconn_log_fops = {
	.owner = THIS_MODULE,
	.read = log_read,
	.llseek = default_llseek,
};

static void show_boot(struct seq_file *m, const struct tconn_event_boot *e)
{
	seq_printf(m, " abi=%u flags=%u version=%.32s srcversion=%.28s", e->abi, e->flags,
		   e->version, e->srcversion);
	seq_printf(m, " boot_id=%*phN kernel_key=%*phN", TCONN_ID_SIZE, e->boot_id,
		   TCONN_KEY_SIZE, e->kernel_key);
}

static void show_policy(struct seq_file *m, const struct tconn_event_policy *e)
{
	seq_printf(m, " policy=%*phN len=%u flags=%u", TCONN_DIGEST_SIZE, e->digest, e->len,
		   e->flags);
}

static void show_app(struct seq_file *m, const struct tconn_event_app *e)
{
	seq_printf(m, " session=%llu admitted=%u reason=%u pid=%u app=%*phN path=", e->session,
		   e->admitted, e->reason, e->pid, TCONN_DIGEST_SIZE, e->digest);
	seq_escape(m, e->path, " \t\n\\");
}

static void show_record(struct seq_file *m, const struct tconn_record *r)
{
	seq_printf(m, " session=%llu kind=%u outcome=%u cause=%u indicator=%u", r->session,
		   r->kind, r->outcome, r->cause, r->indicator);
	seq_printf(m, " statement=%*phN", TCONN_DIGEST_SIZE, r->statement_digest);
	seq_printf(m, " nonce=%*phN", TCONN_NONCE_SIZE, r->nonce);
	seq_printf(m, " verifier_key=%*phN", TCONN_KEY_SIZE, r->verifier_key);
	seq_printf(m, " frame=%*phN", TCONN_DIGEST_SIZE, r->frame_digest);
	seq_printf(m, " app=%*phN", TCONN_DIGEST_SIZE, r->app_digest);
	seq_printf(m, " policy=%*phN", TCONN_DIGEST_SIZE, r->policy_digest);
	seq_printf(m, " mode=%ux%u@%u format=%08x presents=%u keys=%u", r->width, r->height,
		   r->refresh_mhz, r->format, r->presents, r->keys);
	seq_printf(m, " attested=%ux%u+%u+%u", r->attested.width, r->attested.height,
		   r->attested.x, r->attested.y);
	seq_printf(m, " live=%ux%u+%u+%u", r->live.width, r->live.height, r->live.x, r->live.y);
	seq_printf(m, " gesture=%u:%u:%u", r->gesture.type, r->gesture.code, r->gesture.ms);
	seq_printf(m, " input=%04x:%04x:%04x:%04x", r->input_bustype, r->input_vendor,
		   r->input_product, r->input_version);
	seq_printf(m, " bound=%llu active=%llu lit=%llu unlit=%llu ended=%llu", r->bound_ns,
		   r->active_ns, r->lit_ns, r->unlit_ns, r->ended_ns);
	seq_printf(m, " changed=%llu gesture_at=%llu grace=%u", r->changed_ns, r->gesture_ns,
		   r->grace_ms);
	seq_printf(m, " mac=%*phN", TCONN_MAC_SIZE, r->mac);
}

static void show_event(struct seq_file *m, const struct tconn_event *event)
{
	const void *data = event + 1;

	seq_printf(m, "%u %s %*phN", event->pcr, type_name[event->type] + strlen("tconn-"),
		   TCONN_DIGEST_SIZE, event->digest);
	switch (event->type) {
	case TCONN_EVENT_BOOT:
		show_boot(m, data);
		break;
	case TCONN_EVENT_POLICY:
		show_policy(m, data);
		break;
	case TCONN_EVENT_APP:
		show_app(m, data);
		break;
	case TCONN_EVENT_RECORD:
		show_record(m, data);
		break;
	}
	seq_putc(m, '\n');
}

static int log_ascii_show(struct seq_file *m, void *unused)
{
	size_t len = tconn_measure_log_size(), at = 0;

	while (at < len) {
		const struct tconn_event *event = (void *)(measure.log + at);

		show_event(m, event);
		at += sizeof(*event) + event->len;
	}
	return 0;
}

static int log_ascii_open(struct inode *inode, struct file *file)
{
	return single_open(file, log_ascii_show, NULL);
}

const struct file_operations tconn_log_ascii_fops = {
	.owner = THIS_MODULE,
	.open = log_ascii_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static bool has_sha256(const struct tpm_chip *chip)
{
	unsigned int i;

	for (i = 0; i < chip->nr_allocated_banks; i++)
		if (chip->allocated_banks[i].alg_id == TPM_ALG_SHA256)
			return true;
	return false;
}

/* No TPM is no error: sessions will be refused, and say so. */
static int find_tpm(void)
{
	struct tpm_chip *chip = tpm_default_chip();

	if (!chip) {
		pr_err("no TPM: sessions will be refused\n");
		return 0;
	}
	if (!has_sha256(chip)) {
		pr_err("the TPM has no sha256 bank: sessions will be refused\n");
		put_device(&chip->dev);
		return 0;
	}
	measure.banks = kcalloc(chip->nr_allocated_banks, sizeof(*measure.banks), GFP_KERNEL);
	if (!measure.banks) {
		put_device(&chip->dev);
		return -ENOMEM;
	}
	measure.chip = chip;
	return 0;
}

void tconn_measure_boot(void)
{
	struct tconn_event_boot event = {
		.abi = TCONN_ABI,
		.flags = tconn_policy_developer() ? TCONN_BOOT_DEVELOPER : 0,
	};

	if (THIS_MODULE->version)
		strscpy(event.version, THIS_MODULE->version, sizeof(event.version));
	if (THIS_MODULE->srcversion)
		strscpy(event.srcversion, THIS_MODULE->srcversion, sizeof(event.srcversion));
	memcpy(event.boot_id, measure.boot_id, sizeof(event.boot_id));
	memcpy(event.kernel_key, tconn_evidence_public(), sizeof(event.kernel_key));
	tconn_measure(TCONN_EVENT_BOOT, &event, sizeof(event));
}

int tconn_measure_init(void)
{
	int ret;

	measure.log = vzalloc(LOG_MAX);
	if (!measure.log)
		return -ENOMEM;
	get_random_bytes(measure.boot_id, sizeof(measure.boot_id));
	ret = find_tpm();
	if (ret)
		vfree(measure.log);
	return ret;
}

void tconn_measure_exit(void)
{
	if (measure.chip)
		put_device(&measure.chip->dev);
	kfree(measure.banks);
	vfree(measure.log);
}
