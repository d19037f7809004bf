// SPDX-License-Identifier: Apache-2.0
/* tconn-labeld - labels for the data of sensors; see tconn-labeld(8). */
#include <endian.h>
#include <errno.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../lib/daemon_main.h"
#include "../lib/digest.h"
#include "../lib/evidence.h"
#include "../lib/file.h"
#include "../lib/process.h"
#include "../lib/say.h"
#include "desk.h"

#define CONFIG_DEFAULT	"/etc/tconn/labeld.json"
#define BACKLOG		16

/* Documented in tconn-labeld(8). */
enum { EXIT_OK = 0, EXIT_SETUP = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3, EXIT_TPM = 4 };

static const char help[] =
	"usage: tconn-labeld [--config FILE]\n"
	"Gives the items of sensor processes their labels: who, when, by which program,\n"
	"in which state of this machine; one TPM signature for many items.\n"
	"\n"
	"  --config FILE   configuration, JSON (" CONFIG_DEFAULT "); keys in tconn-labeld(8)\n"
	"  --check         read the configuration and everything it names, then exit\n"
	"  --help, --version\n"
	"\n"
	"Runs in the foreground and logs to standard error. SIGTERM ends it.\n"
	"Exit codes: 0 ended by a signal, 1 start-up failed, 2 usage, 3 configuration,\n"
	"4 no TPM.\n";

struct program {
	struct settings settings;
	struct tconn_label_policy policy;
	struct desk desk;
};

static int load(struct program *p, struct tconn_error *err)
{
	struct desk *d = &p->desk;
	int r = tconn_label_policy_load(p->settings.policy, &p->policy, err);

	if (!r)
		r = tconn_trust_load(p->settings.trust, &d->trust, err);
	if (r)
		return r;
	r = certificate_load(&d->certificate, p->settings.identity, err);
	d->settings = &p->settings;
	d->policy = &p->policy;
	return r ? tconn_fail_in(err, r, "own identity (enrol with tconnctl enrol)") : 0;
}

static int write_evidence(const struct program *p, const struct tconn_bytes *b,
			  struct tconn_error *err)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%s/%llu.evidence", p->settings.evidence,
		     (unsigned long long)p->desk.clock.epoch) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: path too long", p->settings.evidence);
	return tconn_file_create(path, b, 0644, err);
}

/* qualifyingData of an epoch's evidence, LABEL.md. */
static void qualify(uint64_t epoch, uint8_t ret[32])
{
	const uint64_t big = htobe64(epoch);
	const struct tconn_piece pieces[] = {
		{ "tconn-label-1", 13 },
		{ &big, sizeof(big) },
	};

	tconn_sha256_pieces(pieces, 2, ret);
}

static void describe(const struct tconn_evidence *e, const struct tconn_bytes *encoded,
		     struct tconn_label_environment *ret)
{
	ret->present = true;
	tconn_sha256(encoded->data, encoded->len, ret->evidence);
	tconn_sha256(e->quote.attest.data, e->quote.attest.len, ret->quote);
	ret->ima_log = e->ima_log.len;
	ret->tconn_log = e->tconn_log.len;
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", e->kernel);
}

/* The machine's state at the beginning of the epoch, kept beside the labels that name it. */
static int look_around(struct program *p, struct tconn_error *err)
{
	const struct tconn_sources sources = { .identity_dir = p->settings.identity };
	struct tconn_bytes encoded = { 0 };
	struct tconn_evidence e = { 0 };
	uint8_t qualifying[32];
	int r;

	if (!p->settings.evidence)
		return 0;
	qualify(p->desk.clock.epoch, qualifying);
	r = tconn_evidence_collect(p->desk.signer.tpm, &sources, qualifying, &e, err);
	if (r)
		return r;
	r = tconn_evidence_encode(&e, &encoded, err);
	if (!r)
		r = write_evidence(p, &encoded, err);
	if (!r)
		describe(&e, &encoded, &p->desk.environment);
	tconn_bytes_free(&encoded);
	tconn_evidence_free(&e);
	return r;
}

static int open_tpm(struct program *p, struct tconn_error *err)
{
	struct desk *d = &p->desk;
	int r = tconn_tpm_open(p->settings.tcti, &d->signer.tpm, err);

	if (!r)
		r = tconn_tpm_use_boot_policy(d->signer.tpm, p->settings.boot_policy, err);
	if (!r)
		r = tconn_tpm_try_key(d->signer.tpm, TCONN_KEY_DATA, err);
	if (!r)
		r = tconn_label_new_epoch(d->signer.tpm, &d->clock.epoch, err);
	return r ? r : look_around(p, err);
}

/* Anybody may connect; who gets a label is the policy's business. */
static int listen_at(const char *path, int *ret, struct tconn_error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: too long for a socket's name", path);
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		return tconn_fail(err, -EADDRINUSE, "%s: somebody listens there already", path);
	}
	if (fd >= 0)
		close(fd);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || chmod(path, 0666) ||
	    listen(fd, BACKLOG)) {
		tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EIO;
	}
	*ret = fd;
	return 0;
}

static int open_signals(int *ret, struct tconn_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*ret = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret < 0 ? tconn_fail(err, -errno, "signalfd: %s", strerror(errno)) : 0;
}

static int serve(struct program *p, struct tconn_error *err)
{
	int stop_fd = -1, listen_fd = -1;
	int r = open_signals(&stop_fd, err);

	if (!r)
		r = desk_open(&p->desk, err);
	if (!r)
		r = listen_at(p->settings.socket, &listen_fd, err);
	if (!r) {
		tconn_say("epoch %llu: %s, labels within %u ms",
			  (unsigned long long)p->desk.clock.epoch, p->settings.socket,
			  p->settings.latency_ms);
		tconn_process_notify("READY=1");
		desk_run(&p->desk, listen_fd, stop_fd);
		tconn_process_notify("STOPPING=1");
		desk_close(&p->desk);
		unlink(p->settings.socket);
		close(listen_fd);
	}
	if (stop_fd >= 0)
		close(stop_fd);
	return r;
}

static void unload(struct program *p)
{
	tconn_tpm_close(p->desk.signer.tpm);
	X509_STORE_free(p->desk.trust);
	certificate_free(&p->desk.certificate);
	settings_free(&p->settings);
	free(p);
}

static int failed(struct program *p, int code, const struct tconn_error *err)
{
	tconn_say("%s", err->text);
	unload(p);
	return code;
}

static int run(const char *config, bool check_only)
{
	struct program *p = calloc(1, sizeof(*p));
	struct tconn_error err = { "" };

	if (!p)
		return EXIT_SETUP;
	if (tconn_process_harden(&err))
		return failed(p, EXIT_SETUP, &err);
	if (settings_load(config, &p->settings, &err) || load(p, &err))
		return failed(p, EXIT_CONFIG, &err);
	if (check_only) {
		unload(p);
		return EXIT_OK;
	}
	if (open_tpm(p, &err))
		return failed(p, EXIT_TPM, &err);
	if (serve(p, &err))
		return failed(p, EXIT_SETUP, &err);
	unload(p);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	static const struct tconn_daemon d = {
		.name = "tconn-labeld", .help = help, .config = CONFIG_DEFAULT,
		.usage_code = EXIT_USAGE, .run = run,
	};

	return tconn_daemon_main(&d, argc, argv);
}
