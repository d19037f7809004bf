// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#define CMD_INIT	2u	/* swtpm's control channel: power on again */

__attribute__((format(printf, 1, 2), noreturn))
static void bail_out(const char *fmt, ...)
{
	va_list args;

	printf("Bail out! world: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

void world_issuer_start(struct world_issuer *ret)
{
	struct tconn_error err = { "" };

	swtpm_temp_dir(ret->dir);
	if (tconn_issuer_create(ret->dir, "test issuer", &err) ||
	    tconn_issuer_load(ret->dir, &ret->issuer, &err))
		bail_out("%s", err.text);
}

static void write_pem(const char *dir, const char *name, const struct tconn_bytes *der)
{
	const uint8_t *p = der->data;
	X509 *cert = d2i_X509(NULL, &p, (long)der->len);
	char path[SWTPM_PATH_MAX + 32];
	BIO *bio;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	bio = BIO_new_file(path, "w");
	if (!cert || !bio || !PEM_write_bio_X509(bio, cert))
		bail_out("%s: cannot be written", path);
	BIO_free(bio);
	X509_free(cert);
}

static struct tconn_bytes issue(struct tconn_tpm *tpm, const struct world_issuer *issuer,
				const struct tconn_identity *id, enum tconn_use use,
				enum tconn_key key)
{
	uint8_t serial[TCONN_SERIAL_BYTES];
	struct tconn_error err = { "" };
	struct tconn_bytes ret = { 0 };
	struct tconn_blob pub;

	if (tconn_tpm_key_public(tpm, key, &pub, &err) ||
	    tconn_issuer_issue(issuer->issuer, id, use, &pub, &ret.data, &ret.len, serial, &err))
		bail_out("%s", err.text);
	return ret;
}

void world_identity_start(const struct swtpm_maker *maker, const struct world_issuer *issuer,
			  const char *label, const char *name, struct world_identity *ret)
{
	struct tconn_error err = { "" };
	struct tconn_tpm *tpm;
	struct tconn_blob ek;
	char id[65];

	swtpm_start(maker, label, &ret->swtpm);
	swtpm_temp_dir(ret->dir);
	if (tconn_tpm_open(ret->swtpm.tcti, &tpm, &err) || tconn_tpm_make_keys(tpm, &err) ||
	    tconn_tpm_ek_public(tpm, &ek, &err) || tconn_device_id(&ek, id, &err))
		bail_out("%s", err.text);
	ret->id.role = name ? TCONN_ROLE_SERVICE : TCONN_ROLE_DEVICE;
	snprintf(ret->id.name, sizeof(ret->id.name), "%s", name ? name : id);
	ret->ak_cert = issue(tpm, issuer, &ret->id, TCONN_USE_AK, TCONN_KEY_AK);
	ret->data_cert = issue(tpm, issuer, &ret->id, TCONN_USE_DATA, TCONN_KEY_DATA);
	write_pem(ret->dir, "ak.pem", &ret->ak_cert);
	tconn_tpm_close(tpm);
}

static int control(const char *path, uint32_t command)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint32_t request[2] = { htonl(command), 0 }, result = 1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		bail_out("%s: too long for a socket's name", path);
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    write(fd, request, sizeof(request)) != sizeof(request) ||
	    read(fd, &result, sizeof(result)) != sizeof(result))
		result = 1;
	close(fd);
	return result ? -EIO : 0;
}

/* TPM2_Startup(CLEAR), which firmware does on a real machine. */
static int start_up(const char *tcti)
{
	static const uint8_t startup[] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0, 0 };
	TSS2_TCTI_CONTEXT *c = NULL;
	uint8_t answer[64];
	size_t len = sizeof(answer);
	int error = -EIO;

	if (Tss2_TctiLdr_Initialize(tcti, &c))
		return error;
	if (!Tss2_Tcti_Transmit(c, sizeof(startup), startup) &&
	    !Tss2_Tcti_Receive(c, &len, answer, TSS2_TCTI_TIMEOUT_BLOCK) &&
	    len == 10 && !memcmp(answer + 6, "\0\0\0\0", 4))
		error = 0;
	Tss2_TctiLdr_Finalize(&c);
	return error;
}

/* As a machine's reset does: PCRs are zero again, keys stay. */
static int restart(const struct swtpm *swtpm)
{
	char path[sizeof(swtpm->tcti) + 8];

	snprintf(path, sizeof(path), "%s.ctrl", strchr(swtpm->tcti, '/'));
	return control(path, CMD_INIT) ? -EIO : start_up(swtpm->tcti);
}

static void fill_boot(struct world *w)
{
	log_boot_begin(&w->boot);
	log_boot_add(&w->boot, 0, EV_S_CRTM_VERSION, "firmware 1", 10);
	log_boot_add(&w->boot, 4, EV_EFI_APPLICATION, WORLD_KERNEL, strlen(WORLD_KERNEL));
	log_boot_add(&w->boot, 9, EV_EVENT_TAG, WORLD_CMDLINE, strlen(WORLD_CMDLINE));
	log_boot_add(&w->boot, 9, EV_EVENT_TAG, WORLD_INITRD, strlen(WORLD_INITRD));
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		log_boot_add(&w->boot, pcr, EV_SEPARATOR, "\0\0\0\0", 4);
}

/* SHA-256 over PCR 0-9 as the boot log leaves them. */
static void boot_aggregate(const struct world *w, uint8_t ret[32])
{
	uint8_t pcrs[10][32] = { 0 }, both[64];

	for (size_t i = 0; i < w->boot.count; i++) {
		const struct log_entry *e = &w->boot.entry[i];

		if (!e->extended || e->pcr >= 10)
			continue;
		memcpy(both, pcrs[e->pcr], 32);
		memcpy(both + 32, e->digest, 32);
		log_sha256(both, 64, pcrs[e->pcr]);
	}
	log_sha256(pcrs, sizeof(pcrs), ret);
}

static void fill_ima(struct world *w)
{
	uint8_t aggregate[32];

	boot_aggregate(w, aggregate);
	log_ima_add_digest(&w->ima, "ima-ng", "boot_aggregate", "sha256", aggregate, 32);
	log_ima_add(&w->ima, "ima-sig", WORLD_TCONND, "tconnd 1", 8);
	log_ima_add(&w->ima, "ima-ng", WORLD_TUI, "tui 1", 5);
	log_ima_add(&w->ima, "ima-buf", "kernel_version", "6.1.0", 5);
}

void world_module_event(struct world *w, uint32_t type, const void *data, size_t len)
{
	static const char *const names[] = {
		NULL, "tconn-boot", "tconn-policy", "tconn-app", "tconn-record"
	};

	log_tconn_add(&w->module, 13, type, data, len);
	log_ima_add(&w->ima, "ima-buf", names[type], data, len);
}

void world_app_event(struct world *w, const char *path, const char *content, bool admitted)
{
	struct tconn_event_app app = { .session = admitted, .admitted = admitted, .pid = 100 };

	app.reason = admitted ? TCONN_REFUSAL_NONE : TCONN_REFUSAL_NOT_LISTED;
	log_sha256(content, strlen(content), app.digest);
	snprintf(app.path, sizeof(app.path), "%s", path);
	world_module_event(w, TCONN_EVENT_APP, &app, sizeof(app));
}

static void fill_module(struct world *w)
{
	struct tconn_event_boot *boot = &w->boot_event;
	struct tconn_event_policy policy = { .len = 8, .flags = TCONN_POLICY_SIGNED };
	struct tconn_record *r = &w->record;

	*boot = (struct tconn_event_boot){ .abi = TCONN_ABI, .version = "1.0", .boot_id = { 7 } };
	world_module_event(w, TCONN_EVENT_BOOT, boot, sizeof(*boot));
	log_sha256("policy 1", 8, policy.digest);
	world_module_event(w, TCONN_EVENT_POLICY, &policy, sizeof(policy));
	world_app_event(w, WORLD_TUI, "tui 1", true);
	*r = (struct tconn_record){ .magic = "TCNR", .version = 2, .size = sizeof(*r), .session = 1 };
	memcpy(r->boot_id, boot->boot_id, sizeof(r->boot_id));
	memcpy(r->policy_digest, policy.digest, 32);
	log_sha256("tui 1", 5, r->app_digest);
	r->kind = TCONN_KIND_CONFIRM;
	r->outcome = TCONN_OUTCOME_CONFIRMED;
	world_module_event(w, TCONN_EVENT_RECORD, r, sizeof(*r));
}

const char *world_hex(const char *content)
{
	static char ring[16][65];
	static unsigned int next;
	char *text = ring[next++ % 16];
	uint8_t digest[32];

	log_sha256(content, strlen(content), digest);
	for (int i = 0; i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}

static void drop_line(char *text, const char *what)
{
	char *hit = what ? strstr(text, what) : NULL;
	char *start = hit, *end = hit ? strchr(hit, '\n') : NULL;

	if (!hit)
		return;
	while (start > text && start[-1] != '\n')
		start--;
	memmove(start, end + 1, strlen(end + 1) + 1);
}

void world_refvals_json(char *ret, size_t size, const char *drop)
{
	snprintf(ret, size,
		 "{ \"tconn-reference-values\": 1, \"name\": \"test device\",\n"
		 "\"pcr_events\": [\n"
		 "{\"pcr\":9,\"type\":\"EV_EVENT_TAG\",\"digest\":\"%s\",\"what\":\"initrd\"},\n"
		 "{\"pcr\":4,\"type\":\"EV_EFI_BOOT_SERVICES_APPLICATION\",\"digest\":\"%s\","
		 "\"what\":\"kernel\"},\n"
		 "{\"pcr\":9,\"type\":\"EV_EVENT_TAG\",\"digest\":\"%s\",\"what\":\"cmdline\"}\n"
		 "],\n"
		 "\"pcr_closed\": [2],\n"
		 "\"ima\": {\n"
		 "\"" WORLD_TCONND "\": [\"%s\"],\n"
		 "\"" WORLD_TUI "\": [\"%s\"],\n"
		 "\"/never/run\": []\n"
		 "},\n"
		 "\"ima_buf\": { \"kernel_version\": [\"%s\"] },\n"
		 "\"ima_required\": true,\n"
		 "\"tconn\": { \"required\": true,\n"
		 "\"policy\": [\"%s\",\n\"%s\"],\n"
		 "\"app\": [\n\"%s\",\n\"%s\"] } }\n",
		 world_hex(WORLD_INITRD), world_hex(WORLD_KERNEL), world_hex(WORLD_CMDLINE),
		 world_hex("tconnd 1"), world_hex("tui 1"), world_hex("6.1.0"),
		 world_hex("policy 0"), world_hex("policy 1"), world_hex("tui 1"), world_hex("tui 0"));
	drop_line(ret, drop);
}

int world_refvals(struct world *w, const char *drop)
{
	char json[4096];

	tconn_refvals_free(w->refvals);
	w->refvals = NULL;
	world_refvals_json(json, sizeof(json), drop);
	return tconn_refvals_parse(json, strlen(json), &w->refvals, &w->err);
}

int world_begin(struct world *w, const struct world_identity *who,
		const struct world_issuer *issuer)
{
	char ca[SWTPM_PATH_MAX + 16];
	int error;

	memset(w, 0, sizeof(*w));
	w->who = who;
	w->binding = (struct tconn_binding){ .role = who->id.role, .nonce = { 1 }, .exporter = { 2 },
					     .own_leaf = { 3 }, .peer_leaf = { 4 } };
	snprintf(ca, sizeof(ca), "%s/" TCONN_ISSUER_CERT, issuer->dir);
	error = restart(&who->swtpm);
	if (error) {
		tconn_fail(&w->err, error, "the software TPM does not restart");
		return error;
	}
	error = tconn_tpm_open(who->swtpm.tcti, &w->tpm, &w->err);
	if (!error)
		error = tconn_trust_load(ca, &w->trust, &w->err);
	if (!error)
		error = world_refvals(w, NULL);
	fill_boot(w);
	fill_ima(w);
	fill_module(w);
	return error;
}

static int write_log(const struct world *w, const char *name, const struct log *log)
{
	char path[SWTPM_PATH_MAX + 32];
	struct tconn_bytes b = { 0 };
	FILE *f;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	log_join(log, &b);
	f = fopen(path, "we");
	good = f && fwrite(b.data, 1, b.len, f) == b.len;
	if (f)
		good &= !fclose(f);
	tconn_bytes_free(&b);
	return good ? 0 : -EIO;
}

static int collect(struct world *w)
{
	char boot[SWTPM_PATH_MAX + 32], ima[SWTPM_PATH_MAX + 32], module[SWTPM_PATH_MAX + 32];
	struct tconn_sources src = { boot, ima, module, w->who->dir, NULL };
	uint8_t qualifying[32];

	snprintf(boot, sizeof(boot), "%s/boot", w->dir);
	snprintf(ima, sizeof(ima), "%s/ima", w->dir);
	snprintf(module, sizeof(module), "%s/module", w->dir);
	tconn_qualifying(&w->binding, NULL, qualifying);
	return tconn_evidence_collect(w->tpm, &src, qualifying, &w->evidence, &w->err);
}

int world_quote(struct world *w)
{
	int error = write_log(w, "boot", &w->boot);

	if (!error)
		error = write_log(w, "ima", &w->ima);
	if (!error)
		error = write_log(w, "module", &w->module);
	if (error)
		return error;
	tconn_evidence_free(&w->evidence);
	memset(&w->evidence, 0, sizeof(w->evidence));
	return collect(w);
}

int world_seal(struct world *w)
{
	int error;

	snprintf(w->dir, sizeof(w->dir), "/tmp/tconn-world-XXXXXX");
	if (!mkdtemp(w->dir))
		return -errno;
	error = log_extend(&w->boot, w->tpm, &w->err);
	if (!error)
		error = log_extend(&w->ima, w->tpm, &w->err);
	if (!error)
		error = log_extend(&w->module, w->tpm, &w->err);
	return error ? error : world_quote(w);
}

void world_show_logs(struct world *w)
{
	log_join(&w->boot, &w->evidence.boot_log);
	log_join(&w->ima, &w->evidence.ima_log);
	w->evidence.ima_base = 0;
	log_join(&w->module, &w->evidence.tconn_log);
}

int world_appraise(struct world *w)
{
	struct tconn_appraisal a = {
		.evidence = &w->evidence, .refvals = w->refvals, .trust = w->trust,
		.peer = &w->who->id, .state = w->state,
	};

	tconn_qualifying(&w->binding, NULL, a.qualifying);
	return tconn_appraise(&a, &w->verdict);
}

void world_end(struct world *w)
{
	static const char *const names[] = { "boot", "ima", "module" };
	char path[SWTPM_PATH_MAX + 32];

	for (size_t i = 0; w->dir[0] && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
		unlink(path);
	}
	if (w->dir[0])
		rmdir(w->dir);
	tconn_evidence_free(&w->evidence);
	tconn_refvals_free(w->refvals);
	X509_STORE_free(w->trust);
	tconn_tpm_close(w->tpm);
}

const struct tconn_check *world_check(const struct tconn_verdict *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (!strcmp(v->check[i].name, name))
			return &v->check[i];
	}
	return NULL;
}

bool world_first_failure(const struct tconn_verdict *v, const char *name, const char *reason)
{
	const struct tconn_check *first = NULL;

	for (size_t i = 0; i < v->count && !first; i++) {
		if (!v->check[i].pass)
			first = &v->check[i];
	}
	if (!v->trusted && first && !strcmp(first->name, name) && strstr(first->reason, reason))
		return true;
	printf("# wanted %s (%s), got %s (%s)\n", name, reason, first ? first->name : "no failure",
	       first ? first->reason : "");
	fflush(stdout);		/* the harness ends a test with _exit() */
	return false;
}
