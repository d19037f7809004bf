// SPDX-License-Identifier: Apache-2.0
#include "stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/jsonline.h"

#define READY_MS 20000

const uint8_t stage_app_digest[32] = { 0xa1, 0xa2, 0xa3 };
const uint8_t stage_policy_digest[32] = { 0xb1, 0xb2, 0xb3 };
const uint8_t stage_boot_id[16] = { 0xc1, 0xc2, 0xc3 };
const uint8_t stage_kernel_private[32] = {
	0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
	0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a,
};
const uint8_t stage_kernel_key[32] = {
	0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
	0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a,
};

__attribute__((noreturn, format(printf, 1, 2)))
static void bail_out(const char *fmt, ...)
{
	va_list args;

	printf("Bail out! stage: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

const char *stage_path(const struct stage *w, const char *name)
{
	static char paths[8][STAGE_PATH];
	static unsigned int next;
	char *path = paths[next++ % 8];

	snprintf(path, STAGE_PATH, "%s/%s", w->dir, name);
	return path;
}

void stage_write(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		bail_out("%s: %s", path, strerror(errno));
}

char *stage_read(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t size = 1 << 20, len = 0;
	char *text = calloc(1, size + 1);

	if (!text)
		bail_out("out of memory");
	if (f) {
		len = fread(text, 1, size, f);
		fclose(f);
	}
	text[len] = '\0';
	return text;
}

/* -- machines */

static void write_log(const struct stage *w, const struct machine *m, const char *kind,
		      const struct log *log)
{
	struct tconn_bytes b = { 0 };
	char name[64];

	snprintf(name, sizeof(name), "%s.%s", m->name, kind);
	log_join(log, &b);
	stage_write(stage_path(w, name), b.data, b.len);
	tconn_bytes_free(&b);
}

/* What firmware, IMA and (on a device) the module would have measured by now. */
static void make_logs(struct machine *m, struct tconn_tpm *tpm, bool module)
{
	struct tconn_event_boot boot = { .abi = TCONN_ABI, .version = "0.1.0" };
	struct tconn_event_policy policy = { .len = 1, .flags = TCONN_POLICY_SIGNED };
	struct tconn_pcrs pcrs;
	struct tconn_error err = { "" };
	uint8_t aggregate[32], values[10 * 32];

	log_boot_begin(&m->boot);
	log_boot_add(&m->boot, 0, EV_S_CRTM_VERSION, "1", 1);
	log_boot_add(&m->boot, 4, EV_EFI_APPLICATION, "kernel", 6);
	for (uint32_t pcr = 0; pcr < 8; pcr++)
		log_boot_add(&m->boot, pcr, EV_SEPARATOR, "\0\0\0\0", 4);
	if (log_extend(&m->boot, tpm, &err) || tconn_tpm_pcr_read(tpm, 0x3ff, &pcrs, &err))
		bail_out("%s: %s", m->name, err.text);
	for (int i = 0; i < 10; i++)
		memcpy(values + 32 * i, pcrs.digest[i], 32);
	log_sha256(values, sizeof(values), aggregate);
	log_ima_add_digest(&m->ima, "ima-ng", "boot_aggregate", "sha256", aggregate, 32);
	log_ima_add(&m->ima, "ima-ng", "/usr/sbin/init", "init", 4);
	log_ima_add(&m->ima, "ima-ng", "/usr/sbin/daemon", "daemon", 6);
	if (log_extend(&m->ima, tpm, &err))
		bail_out("%s: %s", m->name, err.text);
	if (!module)
		return;
	memcpy(boot.boot_id, stage_boot_id, sizeof(boot.boot_id));
	memcpy(boot.kernel_key, stage_kernel_key, sizeof(boot.kernel_key));
	memcpy(policy.digest, stage_policy_digest, 32);
	log_tconn_add(&m->tconn, 13, TCONN_EVENT_BOOT, &boot, sizeof(boot));
	log_tconn_add(&m->tconn, 13, TCONN_EVENT_POLICY, &policy, sizeof(policy));
	if (log_extend(&m->tconn, tpm, &err))
		bail_out("%s: %s", m->name, err.text);
}

struct issuers {
	struct tconn_issuer *good, *other;
	const char *good_dir, *other_dir;
};

static void make_machine(struct stage *w, struct machine *m, const char *name,
			 const char *service_name, const struct issuers *i)
{
	struct tconn_identity ignored;
	struct tconn_error err = { "" };
	struct tconn_tpm *tpm;

	m->name = name;
	swtpm_start(&w->maker, name, &m->swtpm);
	snprintf(m->dir, sizeof(m->dir), "%s/%s-id", w->dir, name);
	snprintf(m->foreign, sizeof(m->foreign), "%s/%s-foreign", w->dir, name);
	test_identity(i->good, i->good_dir, m->swtpm.tcti, service_name, m->dir, &m->identity);
	test_identity(i->other, i->other_dir, m->swtpm.tcti, service_name, m->foreign, &ignored);
	if (tconn_tpm_open(m->swtpm.tcti, &tpm, &err))
		bail_out("%s: %s", name, err.text);
	make_logs(m, tpm, service_name == NULL);
	tconn_tpm_close(tpm);
	write_log(w, m, "boot", &m->boot);
	write_log(w, m, "ima", &m->ima);
	write_log(w, m, "tconn", &m->tconn);
}

static void write_reference(const char *path, bool module)
{
	char kernel[65], init[65], app[65], policy[65], daemon[65], text[2048];
	uint8_t digest[32];

	log_sha256("kernel", 6, digest);
	tconn_hex(digest, 32, kernel);
	log_sha256("init", 4, digest);
	tconn_hex(digest, 32, init);
	log_sha256("daemon", 6, digest);
	tconn_hex(digest, 32, daemon);
	tconn_hex(stage_app_digest, 32, app);
	tconn_hex(stage_policy_digest, 32, policy);
	snprintf(
		text, sizeof(text),
		"{ \"tconn-reference-values\": 1, \"name\": \"test\",\n"
		"  \"pcr_events\": [ { \"pcr\": 4, \"type\": \"EV_EFI_BOOT_SERVICES_APPLICATION\",\n"
		"    \"digest\": \"%s\", \"what\": \"kernel\" } ],\n"
		"  \"ima\": { \"/usr/sbin/init\": [\"%s\"], \"/usr/sbin/daemon\": [\"%s\"] },\n"
		"  \"ima_required\": true,\n"
		"  \"tconn\": { \"required\": %s, \"policy\": [\"%s\"], \"app\": [\"%s\"] } }\n",
		kernel, init, daemon, module ? "true" : "false", policy, app);
	stage_write(path, text, strlen(text));
}

void stage_free_address(char *ret, size_t size)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		bail_out("no port: %s", strerror(errno));
	close(fd);
	snprintf(ret, size, "127.0.0.1:%u", ntohs(sa.sin_port));
}

static void fill_paths(struct stage *w)
{
	snprintf(w->trust, sizeof(w->trust), "%s/ca/ca.pem", w->dir);
	snprintf(w->other_trust, sizeof(w->other_trust), "%s/other-ca/ca.pem", w->dir);
	snprintf(w->device_reference, sizeof(w->device_reference), "%s/device-reference.json",
		 w->dir);
	snprintf(w->service_reference, sizeof(w->service_reference), "%s/service-reference.json",
		 w->dir);
	snprintf(w->admin, sizeof(w->admin), "%s/admin.sock", w->dir);
	snprintf(w->status, sizeof(w->status), "%s/status.sock", w->dir);
}

void stage_start(struct stage *w)
{
	struct issuers i;
	char ca[STAGE_PATH], other[STAGE_PATH];

	signal(SIGPIPE, SIG_IGN);
	/* Test programs run from the top of the tree. */
	if (access("out/bin/tconnd", X_OK))
		bail_out("out/bin/tconnd is not there; run from the top of the tree, after make");
	swtpm_temp_dir(w->dir);
	fill_paths(w);
	snprintf(ca, sizeof(ca), "%s/ca", w->dir);
	snprintf(other, sizeof(other), "%s/other-ca", w->dir);
	i = (struct issuers){
		.good = test_issuer(ca, "test issuer"), .other = test_issuer(other, "other issuer"),
		.good_dir = ca, .other_dir = other,
	};
	swtpm_maker_start(&w->maker);
	make_machine(w, &w->service, "service", STAGE_SERVICE_NAME, &i);
	make_machine(w, &w->device, "device", NULL, &i);
	make_machine(w, &w->visitor, "visitor", NULL, &i);
	make_machine(w, &w->stranger, "stranger", NULL, &i);
	tconn_issuer_free(i.good);
	tconn_issuer_free(i.other);
	write_reference(w->device_reference, true);
	write_reference(w->service_reference, false);
	stage_free_address(w->address, sizeof(w->address));
}

void stage_add_service(struct stage *w, struct machine *m, const char *name)
{
	char ca[STAGE_PATH], other[STAGE_PATH];
	struct issuers i = { .good_dir = ca, .other_dir = other };
	struct tconn_error err = { "" };

	snprintf(ca, sizeof(ca), "%s/ca", w->dir);
	snprintf(other, sizeof(other), "%s/other-ca", w->dir);
	if (tconn_issuer_load(ca, &i.good, &err) || tconn_issuer_load(other, &i.other, &err))
		bail_out("%s", err.text);
	make_machine(w, m, name, STAGE_SERVICE_NAME, &i);
	tconn_issuer_free(i.good);
	tconn_issuer_free(i.other);
}

/* -- processes */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

const char *stage_text(struct json_object *obj, const char *key)
{
	const char *s = "";

	tconn_json_string(obj, key, &s, NULL);
	return s;
}

bool stage_flag(struct json_object *obj, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(obj, key, &v) && json_object_get_boolean(v);
}

const char *stage_says(const char *path, const void *bytes, size_t len, bool end)
{
	static char error[TCONN_ERROR_MAX];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct json_object *reply = NULL;
	struct tconn_error err = { "no reply" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		return "path too long";
	strcpy(sa.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return "no connection";
	if (send(fd, bytes, len, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "# the daemon closed before all was sent\n");
	if (end)
		shutdown(fd, SHUT_WR);
	tconn_jsonline_receive(fd, TCONN_JSONLINE_REPLY_MAX, 10000, &reply, &err);
	close(fd);
	snprintf(error, sizeof(error), "%s", reply ? stage_text(reply, "error") : err.text);
	json_object_put(reply);
	return error;
}

bool stage_until(bool (*true_at_last)(void *arg), void *arg, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	while (!true_at_last(arg)) {
		if (now_ms() > deadline)
			return false;
		usleep(20000);
	}
	return true;
}

static pid_t spawn(const struct stage *w, const char *log, char *path, va_list args)
{
	char *argv[48] = { path };
	pid_t parent = getpid(), pid;
	size_t n = 1;
	int fd;

	while (n < 48 && (argv[n] = va_arg(args, char *)))
		n++;
	fd = open(stage_path(w, log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid = fork();
	if (fd < 0 || pid < 0)
		bail_out("%s: %s", path, strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(path, argv);
		_exit(127);
	}
	close(fd);
	return pid;
}

pid_t stage_spawn(const struct stage *w, const char *log, const char *program, ...)
{
	char path[STAGE_PATH];
	va_list args;
	pid_t pid;

	snprintf(path, sizeof(path), "out/bin/%s", program);
	va_start(args, program);
	pid = spawn(w, log, path, args);
	va_end(args);
	return pid;
}

pid_t stage_spawn_path(const struct stage *w, const char *log, const char *path, ...)
{
	va_list args;
	pid_t pid;

	va_start(args, path);
	pid = spawn(w, log, (char *)path, args);
	va_end(args);
	return pid;
}

int stage_wait(pid_t pid, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() > deadline)
			kill(pid, SIGKILL);
		usleep(10000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int stage_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	return stage_wait(pid, 20000);
}

static struct {
	pid_t parent;
	const struct stage *stage;
	const pid_t *serviced, *other;
} at_exit;

static void end(void)
{
	if (getpid() != at_exit.parent)
		return;
	if (stage_stop(*at_exit.serviced) != 0)
		fprintf(stderr, "# tconn-serviced did not end cleanly\n");
	if (at_exit.other)
		stage_stop(*at_exit.other);
	if (getenv("TCONN_TEST_VERBOSE"))
		fputs(stage_read(stage_path(at_exit.stage, "tconn-serviced.log")), stderr);
}

void stage_end_at_exit(const struct stage *w, const pid_t *serviced, const pid_t *other)
{
	at_exit.parent = getpid();
	at_exit.stage = w;
	at_exit.serviced = serviced;
	at_exit.other = other;
	atexit(end);
}

static bool answers(void *arg)
{
	struct json_object *request = json_object_new_object(), *reply = NULL;
	int r;

	tconn_json_add_string(request, "do", "status");
	r = tconn_jsonline_call(arg, request, 5000, &reply, NULL);
	json_object_put(request);
	json_object_put(reply);
	return r == 0;
}

static pid_t start_daemon(const struct stage *w, const char *program, const char *config,
			  const char *socket)
{
	char log[64];
	pid_t pid;

	snprintf(log, sizeof(log), "%s.log", program);
	pid = stage_spawn(w, log, program, "--config", config, NULL);
	if (!stage_until(answers, (void *)socket, READY_MS))
		bail_out("%s is not ready: %s", program, stage_read(stage_path(w, log)));
	return pid;
}

pid_t stage_serviced(const struct stage *w, const char *config)
{
	const struct machine *m = &w->service;
	char text[4096];

	snprintf(
		text, sizeof(text),
		"{\"listen\":\"%s\",\"admin_socket\":\"%s\",\"tcti\":\"%s\",\"name\":\"%s\","
		"\"identity\":\"%s\",\"trust\":\"%s\",\"device_reference\":\"%s\",\"database\":\"%s\",\"evidence\":\"%s\","
		"\"boot_log\":\"%s\",\"ima_log\":\"%s\",\"tconn_log\":\"%s\"%s%s}",
		w->address, w->admin, m->swtpm.tcti, STAGE_SERVICE_NAME, m->dir, w->trust,
		w->device_reference, stage_path(w, "serviced.db"), stage_path(w, "evidence"),
		stage_path(w, "service.boot"),
		stage_path(w, "service.ima"), stage_path(w, "service.tconn"), *config ? "," : "",
		config);
	stage_write(stage_path(w, "serviced.json"), text, strlen(text));
	return start_daemon(w, "tconn-serviced", stage_path(w, "serviced.json"), w->admin);
}

pid_t stage_tconnd(const struct stage *w, const char *config)
{
	const struct machine *m = &w->device;
	char text[4096];

	snprintf(
		text, sizeof(text),
		"{\"service\":\"%s\",\"service_name\":\"%s\",\"status_socket\":\"%s\",\"tcti\":\"%s\","
		"\"identity\":\"%s\",\"trust\":\"%s\",\"service_reference\":\"%s\",\"receipts\":\"%s\","
		"\"boot_log\":\"%s\",\"ima_log\":\"%s\",\"tconn_log\":\"%s\","
		"\"retry_min_ms\":100,\"retry_max_ms\":500%s%s}",
		w->address, STAGE_SERVICE_NAME, w->status, m->swtpm.tcti, m->dir, w->trust,
		w->service_reference, stage_path(w, "receipts"), stage_path(w, "device.boot"),
		stage_path(w, "device.ima"), stage_path(w, "device.tconn"), *config ? "," : "",
		config);
	stage_write(stage_path(w, "tconnd.json"), text, strlen(text));
	return start_daemon(w, "tconnd", stage_path(w, "tconnd.json"), w->status);
}

struct json_object *stage_call(const char *socket, int timeout_ms, const char *fmt, ...)
{
	struct json_object *request, *reply = NULL;
	struct tconn_error err = { "" };
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	request = json_tokener_parse(text);
	if (!request || tconn_jsonline_call(socket, request, timeout_ms, &reply, &err))
		bail_out("%s: %s", text, err.text);
	json_object_put(request);
	return reply;
}

struct json_object *stage_device(const struct stage *w, const char *id)
{
	struct json_object *reply =
		stage_call(w->admin, 5000, "{\"do\":\"device-show\",\"id\":\"%s\"}", id);
	struct json_object *device = NULL;

	if (json_object_object_get_ex(reply, "device", &device))
		json_object_get(device);
	json_object_put(reply);
	return device;
}

bool stage_connected(const struct stage *w, const char *id)
{
	struct json_object *device = stage_device(w, id);
	bool connected = device && stage_flag(device, "connected");

	json_object_put(device);
	return connected;
}

int stage_ctl(const struct stage *w, ...)
{
	const char *word[16] = { NULL };
	va_list args;

	va_start(args, w);
	for (size_t n = 0; n < 15 && (word[n] = va_arg(args, const char *)); n++)
		;
	va_end(args);
	unlink(stage_path(w, "ctl.out"));
	return stage_wait(stage_spawn(w, "ctl.out", "tconnctl", "--socket", w->admin, word[0], word[1],
				      word[2], word[3], word[4], word[5], word[6], word[7], word[8],
				      word[9], word[10], word[11], word[12], word[13], NULL), 20000);
}

/* -- players */

static const char *keep_path(char to[STAGE_PATH], const struct stage *w, const char *machine,
			     const char *kind)
{
	snprintf(to, STAGE_PATH, "%s/%s.%s", w->dir, machine, kind);
	return to;
}

void player_open(struct player *p, const struct stage *w, const struct machine *m, bool foreign)
{
	const bool service = m == &w->service;
	struct tconn_refset *refset;

	memset(p, 0, sizeof(*p));
	p->stage = w;
	p->machine = m;
	p->party.message_ms = 5000;
	p->party.sources = (struct tconn_sources){
		.boot_log = keep_path(p->boot_log, w, m->name, "boot"),
		.ima_log = keep_path(p->ima_log, w, m->name, "ima"),
		.tconn_log = keep_path(p->tconn_log, w, m->name, "tconn"),
		.identity_dir = foreign ? m->foreign : m->dir,
	};
	if (tconn_tpm_open(m->swtpm.tcti, &p->party.tpm, &p->err) ||
	    tconn_trust_load(w->trust, &p->party.trust, &p->err) ||
	    tconn_refset_load(service ? w->device_reference : w->service_reference, NULL, &refset,
			      &p->err) ||
	    tconn_tls_context(p->party.tpm, p->party.sources.identity_dir, p->party.trust, service,
			      &p->tls, &p->err))
		bail_out("%s: %s", m->name, p->err.text);
	p->party.refset = refset;
}

void player_close(struct player *p)
{
	tconn_channel_close(p->channel);
	SSL_CTX_free(p->tls);
	tconn_refset_free((struct tconn_refset *)p->party.refset);
	X509_STORE_free(p->party.trust);
	tconn_tpm_close(p->party.tpm);
	memset(p, 0, sizeof(*p));
}

int player_connect(struct player *p)
{
	return tconn_channel_connect(p->tls, p->stage->address, &p->channel, &p->err);
}

int player_attest(struct player *p)
{
	struct tconn_attestation *a = calloc(1, sizeof(*a));
	int r = tconn_attest_device(p->channel, &p->party, &p->stage->service.identity, a, &p->err);

	free(a);
	return r;
}

const char *player_refused(struct player *p)
{
	static char said[1024];
	struct tconn_message m = { 0 };
	int r = tconn_message_receive(p->channel, TCONN_MSG_REFUSAL, TCONN_MESSAGE_MAX, 15000, &m,
				      &p->err);

	snprintf(said, sizeof(said), "%s", r < 0 ? p->err.text : m.text);
	tconn_message_free(&m);
	return said;
}

void player_measure(struct player *p, uint32_t type, const void *data, size_t len)
{
	struct log one = { 0 };

	FILE *f = fopen(p->tconn_log, "ae");

	log_tconn_add(&one, 13, type, data, len);
	if (log_extend(&one, p->party.tpm, &p->err))
		bail_out("%s: %s", p->machine->name, p->err.text);
	if (!f || fwrite(one.entry[0].bytes, 1, one.entry[0].len, f) != one.entry[0].len ||
	    fclose(f))
		bail_out("%s: %s", p->tconn_log, strerror(errno));
}
