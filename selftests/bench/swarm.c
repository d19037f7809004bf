// SPDX-License-Identifier: Apache-2.0
/*
 * What tconn-serviced does under load, with tconn-swarm's devices, enrolled at a tconn-ca, on this
 * machine; the service's TPM is swtpm. Its peer is a bare mutual TLS 1.3 server with the same TLS
 * settings, its key in an swtpm of its own, a thread for each connection.
 *
 *	swarm ROUNDS SECONDS DEVICES...
 *
 * Prints one JSON object of tconn-swarm's reports: "rounds", each with "bare" and "attested" over
 * so many seconds with as many devices as come first, and "held", one for each number of DEVICES,
 * all of which are held so long, and asked to attest every second.
 * Exit codes: 0 measured, 1 something failed (said on standard error), 2 usage.
 */
#include <errno.h>
#include <json-c/json.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/lib/channel.h"
#include "selftests/daemon/stage.h"

#define LONG_MS		1800000
#define PEER		"peer.example"
#define PEER_STACK	(1u << 20)
#define ENROLLED	"\"connections\":65536"
#define ASKED		ENROLLED ",\"reattest_s\":1"

static struct stage w;
static char ca_address[32], peer_address[32], swarm_dir[STAGE_PATH - 32], peer_dir[STAGE_PATH];
static pid_t parent;

__attribute__((noreturn))
static void give_up(const char *what, const char *why)
{
	fprintf(stderr, "swarm: %s: %s\n", what, why);
	exit(1);
}

/* -- the peer */

struct visit {
	SSL_CTX *ctx;
	int fd;
};

static void *serve_one(void *arg)
{
	struct visit v = *(struct visit *)arg;
	struct tconn_channel *c;

	free(arg);
	if (tconn_channel_accept(v.ctx, v.fd, &c, NULL) == 0)
		tconn_channel_close(c);
	return NULL;
}

static void serve(SSL_CTX *ctx, int listener)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PEER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		struct visit *v = malloc(sizeof(*v));

		if (!v)
			_exit(1);
		*v = (struct visit){ ctx, accept4(listener, NULL, NULL, SOCK_CLOEXEC) };
		if (v->fd < 0 || pthread_create(&thread, &attr, serve_one, v))
			_exit(1);
	}
}

static void run_peer(void)
{
	struct tconn_error err = { "" };
	X509_STORE *trust;
	struct tconn_tpm *tpm;
	SSL_CTX *ctx;
	int listener;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (tconn_tpm_open(w.stranger.swtpm.tcti, &tpm, &err) ||
	    tconn_trust_load(w.trust, &trust, &err) ||
	    tconn_tls_context(tpm, peer_dir, trust, true, &ctx, &err) ||
	    tconn_listen(peer_address, &listener, &err))
		fprintf(stderr, "swarm: peer: %s\n", err.text);
	else
		serve(ctx, listener);
	_exit(1);
}

static pid_t start_peer(void)
{
	char ca[STAGE_PATH];
	struct tconn_identity ignored;
	struct tconn_issuer *issuer;
	struct tconn_error err;
	pid_t pid;

	snprintf(ca, sizeof(ca), "%s", stage_path(&w, "ca"));
	snprintf(peer_dir, sizeof(peer_dir), "%s", stage_path(&w, "peer-id"));
	if (tconn_issuer_load(ca, &issuer, &err))
		give_up("issuer", err.text);
	test_identity(issuer, ca, w.stranger.swtpm.tcti, PEER, peer_dir, &ignored);
	tconn_issuer_free(issuer);
	stage_free_address(peer_address, sizeof(peer_address));
	pid = fork();
	if (pid == 0)
		run_peer();
	return pid;
}

/* -- the swarm */

static void check(pid_t pid, const char *log, int timeout_ms)
{
	int r = stage_wait(pid, timeout_ms);

	if (r != 0 && r != 3)	/* 3: some failed; the report says how many */
		give_up(log, stage_read(stage_path(&w, log)));
}

static void make_swarm(const char *devices)
{
	pid_t ca, serviced;

	snprintf(swarm_dir, sizeof(swarm_dir), "%s/swarm", w.dir);
	check(stage_spawn(&w, "init.log", "tconn-swarm", "init", "--dir", swarm_dir, NULL), "init.log",
	      60000);
	snprintf(w.device_reference, sizeof(w.device_reference), "%s/device-reference.json", swarm_dir);
	stage_free_address(ca_address, sizeof(ca_address));
	ca = stage_spawn(&w, "ca.log", "tconn-ca", "serve", "--dir", stage_path(&w, "ca"), "--listen",
			 ca_address, "--ek-trust", stage_path(&w, "swarm/maker.pem"), NULL);
	serviced = stage_serviced(&w, ENROLLED);
	check(stage_spawn(&w, "enrol.log", "tconn-swarm", "enrol", "--dir", swarm_dir, "--devices",
			  devices, "--ca", ca_address, "--ca-file", w.trust, "--admin", w.admin, NULL),
	      "enrol.log", LONG_MS);
	stage_stop(ca);
	stage_stop(serviced);
}

struct where {
	const char *address, *name;
	pid_t pid;
};

static struct json_object *load(const char *kind, const char *devices, const char *seconds,
				const struct where *at)
{
	struct json_object *report;
	char pid[16], *text;

	snprintf(pid, sizeof(pid), "%d", at->pid);
	unlink(stage_path(&w, "run.log"));
	check(stage_spawn(&w, "run.log", "tconn-swarm", "run", "--dir", swarm_dir, "--load", kind,
			  "--devices", devices, "--seconds", seconds, "--service", at->address, "--name",
			  at->name, "--ca-file", w.trust, "--reference", w.service_reference, "--pid", pid,
			  NULL), "run.log", LONG_MS);
	text = stage_read(stage_path(&w, "run.log"));
	report = json_tokener_parse(text);
	if (!report)
		give_up("tconn-swarm run", text);
	free(text);
	return report;
}

static struct json_object *measure_rounds(int rounds, const char *devices, const char *seconds)
{
	const struct where peer = { peer_address, PEER, start_peer() };
	const struct where service = { w.address, STAGE_SERVICE_NAME, stage_serviced(&w, ENROLLED) };
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < rounds; i++) {
		struct json_object *round = json_object_new_object();

		json_object_object_add(round, "bare", load("handshake", devices, seconds, &peer));
		json_object_object_add(round, "attested", load("connect", devices, seconds, &service));
		json_object_array_add(list, round);
	}
	stage_stop(service.pid);
	kill(peer.pid, SIGKILL);
	return list;
}

static struct json_object *measure_held(char **devices, int count, const char *seconds)
{
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < count; i++) {
		const struct where service = { w.address, STAGE_SERVICE_NAME, stage_serviced(&w, ASKED) };

		json_object_array_add(list, load("hold", devices[i], seconds, &service));
		stage_stop(service.pid);
	}
	return list;
}

int main(int argc, char **argv)
{
	struct json_object *all = json_object_new_object();
	const int rounds = argc > 3 ? atoi(argv[1]) : 0;
	const char *most = argc > 3 ? argv[argc - 1] : "";
	struct rlimit l;

	if (rounds < 1 || atoi(argv[2]) < 1 || atoi(most) < 1) {
		fprintf(stderr, "usage: swarm ROUNDS SECONDS DEVICES... (the most come last)\n");
		return 2;
	}
	parent = getpid();
	getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
	stage_start(&w);
	make_swarm(most);
	json_object_object_add(all, "rounds", measure_rounds(rounds, argv[3], argv[2]));
	json_object_object_add(all, "held", measure_held(argv + 3, argc - 3, argv[2]));
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
	return 0;
}
