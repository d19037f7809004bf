// SPDX-License-Identifier: Apache-2.0
/* tconn-serviced - the service's end and verifier; see tconn-serviced(8). */
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../lib/certificate_cache.h"
#include "../lib/daemon_main.h"
#include "../lib/database_postgres.h"
#include "../lib/jsonline.h"
#include "../lib/process.h"
#include "../lib/revocation.h"
#include "../lib/say.h"
#include "../lib/version.h"
#include "action.h"
#include "http.h"
#include "metrics.h"
#include "node.h"
#include "operator.h"
#include "reload.h"
#include "revocation.h"
#include "server.h"

#define LOBBY_MS	200	/* between looks at who is due, and at what was revoked */
#define LOBBY_FULL_MS	20
#define TRIM_MS		10000	/* between giving memory back */
#define ARENAS		4	/* of malloc(): each keeps what its threads' peaks left behind */
#define CONFIG_DEFAULT "/etc/tconn/serviced.json"

/* Documented in tconn-serviced(8). */
enum { EXIT_OK = 0, EXIT_SETUP = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3, EXIT_TPM = 4 };

static const char help[] =
	"usage: tconn-serviced [--config FILE] [--database WHERE]\n"
	"The service's end of trusted connections: proves itself to devices, verifies\n"
	"them, asks their holders what the operator wants to know, signs receipts.\n"
	"\n"
	"  --config FILE   configuration, JSON (" CONFIG_DEFAULT "); keys in\n"
	"                  tconn-serviced(8)\n"
	"  --database WHERE  in place of the configuration's: a file (SQLite), or the URL\n"
	"                  of a PostgreSQL that several nodes share, postgresql://...,\n"
	"                  without a password in it\n"
	"  --check         read the configuration and everything it names, then exit\n"
	"  --help, --version\n"
	"\n"
	"Runs in the foreground and logs to standard error. SIGTERM ends it, SIGHUP\n"
	"has it read reference values, policies and certificates again.\n"
	"The operator's tool is tconnctl(1).\n"
	"Exit codes: 0 ended by a signal, 1 start-up failed, 2 usage, 3 configuration,\n"
	"4 no TPM.\n";

/* On the command line; NULL: the configuration's. */
static const char *database;

struct program {
	const char *config;		/* path */
	struct settings settings;
	struct server server;
	struct tconn_tpm *tpm;
	struct tconn_revocation_list revoked;
	struct http_access *http_access;	/* until the listener has it */
	struct http *http;		/* NULL: no listener */
	int64_t metrics_due;		/* CLOCK_BOOTTIME, seconds */
	bool metrics_failed;
	int device_fd, operator_fd, http_fd, signal_fd;	/* -1: not open */
	int64_t look_due, trim_due;	/* CLOCK_MONOTONIC, milliseconds */
};

static int own_identity(struct program *p, struct tconn_error *err)
{
	struct tconn_credentials *own;
	/* Without the TPM: a better message where that is not the identity's. */
	int r = tconn_credentials_load(NULL, p->settings.identity, p->server.rules->trust,
				       TCONN_ROLE_SERVICE, &own, err);

	if (r < 0)
		return r;
	p->server.self = own->self;
	tconn_credentials_put(own);
	if (strcmp(p->server.self.name, p->settings.name) != 0)
		return tconn_fail(err, -EINVAL, "%s: holds the identity of %s, \"name\" says %s",
				  p->settings.identity, p->server.self.name, p->settings.name);
	return 0;
}

static int open_parts(struct program *p, struct tconn_error *err)
{
	struct rules *rules;
	int r = rules_load(&p->settings, NULL, &rules, err);

	if (r < 0)
		return r;
	rules_enforce(&p->server, rules);
	r = own_identity(p, err);
	if (r == 0)
		r = event_rules_parse(p->settings.severities, &p->server.event_rules, err);
	if (r == 0)
		r = actions_check(&p->settings, err);
	if (r == 0 && p->settings.http_listen)
		r = http_access_load(&p->settings, &p->http_access, err);
	return r;
}

static int open_tpm(struct program *p, struct tconn_error *err)
{
	int r = tconn_tpm_open(p->settings.tcti, &p->tpm, err);

	if (r == 0)
		r = tconn_tpm_use_boot_policy(p->tpm, p->settings.boot_policy, err);
	if (r == 0)
		r = tconn_tpm_try_key(p->tpm, TCONN_KEY_TLS, err);
	if (r == 0)
		r = tconn_credentials_load(p->tpm, p->settings.identity, p->server.rules->trust,
					   TCONN_ROLE_SERVICE, &p->server.credentials, err);
	return r;
}

/* A connection takes two descriptors, and the usual soft limit is 1024 for all. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

static int open_sockets(struct program *p, struct tconn_error *err)
{
	sigset_t set;
	int r;

	raise_descriptors();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->signal_fd < 0)
		return tconn_fail(err, -errno, "signalfd: %s", strerror(errno));
	r = store_open(p->settings.database, &p->server.store, err);
	p->revoked = (struct tconn_revocation_list){ revocation_look, p->server.store };
	if (r == 0)
		r = tconn_trust_revocation(p->server.rules->trust, &p->revoked, err);
	if (r == 0)
		r = tconn_jsonline_listen(p->settings.admin_socket, &p->operator_fd, err);
	if (r == 0 && p->settings.http_listen)
		r = tconn_listen(p->settings.http_listen, &p->http_fd, err);
	if (r == 0)
		r = tconn_listen(p->settings.listen, &p->device_fd, err);
	return r;
}

static void name_address(const struct sockaddr_storage *sa, socklen_t len, char *ret, size_t size)
{
	char host[48], port[8];

	if (getnameinfo((const struct sockaddr *)sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(ret, size, "unknown");
	else
		snprintf(ret, size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

static void take_device(struct program *p)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char address[64];
	int fd = accept4(p->device_fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	name_address(&sa, len, address, sizeof(address));
	server_accept(&p->server, fd, address);
}

static void take_operator(struct program *p)
{
	int fd = accept4(p->operator_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		operator_accept(&p->server, fd);
}

/* Told once where it fails, and once when it works again. */
static void write_metrics(struct program *p)
{
	struct tconn_error err;
	bool failed;

	if (!p->settings.metrics_file || server_now() < p->metrics_due)
		return;
	p->metrics_due = server_now() + METRICS_S;
	failed = metrics_write(&p->server, p->settings.metrics_file, &err) < 0;
	if (failed != p->metrics_failed)
		tconn_say("metrics: %s", failed ? err.text : "written again");
	p->metrics_failed = failed;
}

/* Where several nodes share the database, the node's thread does. */
static void sweep(struct program *p)
{
	struct tconn_error err;

	if (!store_is_shared(p->server.store) && revocation_sweep(&p->server, &err) < 0)
		tconn_say("revocations cannot be read: %s", err.text);
}

/* SIGHUP: true, it goes on. */
static bool hear_signal(struct program *p)
{
	const struct reload r = {
		.server = &p->server, .settings = &p->settings, .config = p->config,
		.revoked = &p->revoked, .http = p->http, .database = database,
	};
	struct signalfd_siginfo info;

	if (read(p->signal_fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo != SIGHUP)
		return false;
	reload_run(&r);
	return true;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* What needs no hurry: not with each connection, of which there may be hundreds a second. */
static void look_around(struct program *p)
{
	if (now_ms() < p->look_due)
		return;
	p->look_due = now_ms() + LOBBY_MS;
	sweep(p);
	write_metrics(p);
	if (now_ms() < p->trim_due)
		return;
	p->trim_due = now_ms() + TRIM_MS;
	malloc_trim(0);
}

static void loop(struct program *p)
{
	bool room = true;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = p->signal_fd, .events = POLLIN },
			{ .fd = p->operator_fd, .events = POLLIN },
			{ .fd = p->device_fd, .events = POLLIN },
			/* Those who must wait for a thread stay readable: look again soon. */
			{ .fd = room ? p->server.lobby_fd : -1, .events = POLLIN },
		};

		if (poll(fds, 4, room ? LOBBY_MS : LOBBY_FULL_MS) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (fds[0].revents && !hear_signal(p))
			return;
		if (fds[1].revents)
			take_operator(p);
		if (fds[2].revents)
			take_device(p);
		atomic_store(&p->server.beat, server_now());
		if (p->http)
			http_sweep(p->http);
		look_around(p);
		room = server_lobby(&p->server);
	}
}

static void fill_server(struct program *p)
{
	p->server.settings = &p->settings;
	p->server.party = (struct tconn_party){
		.tpm = p->tpm,
		.sources = {
			.boot_log = p->settings.boot_log,
			.ima_log = p->settings.ima_log,
			.tconn_log = p->settings.tconn_log,
			.identity_dir = p->settings.identity,
		},
		.message_ms = p->settings.message_ms,
		.silent = !p->settings.attest,
		.exempt = p->settings.device_exempt,
	};
}

static int start_http(struct program *p, struct tconn_error *err)
{
	struct http_access *access = p->http_access;
	int r;

	if (p->http_fd < 0)
		return 0;
	p->http_access = NULL;
	r = http_start(&p->server, p->http_fd, access, &p->http, err);
	if (r == 0)
		p->http_fd = -1;
	return r;
}

static int serve(struct program *p, struct tconn_error *err)
{
	int r;

	fill_server(p);
	r = actions_start(&p->settings, p->server.self.name, &p->server.actions, err);
	if (r == 0)
		r = start_http(p, err);
	if (r == 0)
		r = server_renew_start(&p->server, err);
	if (r < 0)
		return r;
	r = node_start(&p->server, err);
	if (r < 0) {
		server_renew_end(&p->server);
		return r;
	}
	tconn_say("tconn-serviced %s: service %s, devices at %s, operator at %s", TCONN_VERSION,
		  p->server.self.name, p->settings.listen, p->settings.admin_socket);
	if (p->http)
		tconn_say("operators over HTTP at %s", p->settings.http_listen);
	tconn_process_notify("READY=1");
	loop(p);
	tconn_process_notify("STOPPING=1");
	close(p->device_fd);
	p->device_fd = -1;
	if (p->http)
		http_quiesce(p->http);
	server_stop(&p->server);
	node_end(&p->server);
	server_renew_end(&p->server);
	tconn_say("tconn-serviced: ended");
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_parts(struct program *p)
{
	if (p->operator_fd >= 0)
		unlink(p->settings.admin_socket);
	http_stop(p->http);
	actions_stop(p->server.actions);
	http_access_free(p->http_access);
	close_fd(p->operator_fd);
	close_fd(p->http_fd);
	close_fd(p->device_fd);
	close_fd(p->signal_fd);
	store_close(p->server.store);
	tconn_tpm_close(p->tpm);
	server_free(&p->server);
	settings_free(&p->settings);
}

static int take_database(struct settings *s, struct tconn_error *err)
{
	if (!database)
		return 0;
	if (tconn_postgres_is_url(database) && tconn_postgres_has_password(database, NULL) > 0)
		return tconn_fail(err, -EINVAL, "--database: every user of this machine sees a password "
				  "there; put it into a passfile");
	free(s->database);
	s->database = strdup(database);
	return s->database ? 0 : tconn_fail(err, -ENOMEM, "out of memory");
}

static int fail(int code, const struct tconn_error *err)
{
	tconn_say("tconn-serviced: %s", err->text);
	return code;
}

static int run(const char *config, bool check_only)
{
	struct program p = {
		.config = config,
		.device_fd = -1, .operator_fd = -1, .http_fd = -1, .signal_fd = -1,
	};
	struct tconn_error err = { "" };
	int code = EXIT_OK;

	mallopt(M_ARENA_MAX, ARENAS);
	tconn_certificate_cache_start();
	if (tconn_process_harden(&err) < 0 || server_init(&p.server, &err) < 0)
		return fail(EXIT_SETUP, &err);
	if (settings_load(config, &p.settings, &err) < 0)
		code = fail(EXIT_CONFIG, &err);
	else if (take_database(&p.settings, &err) < 0)
		code = fail(EXIT_USAGE, &err);
	else if (settings_set_log(&p.settings), open_parts(&p, &err) < 0)
		code = fail(EXIT_CONFIG, &err);
	else if (open_tpm(&p, &err) < 0)
		code = fail(EXIT_TPM, &err);
	else if (!check_only && open_sockets(&p, &err) < 0)
		code = fail(EXIT_SETUP, &err);
	else if (!check_only && serve(&p, &err) < 0)
		code = fail(EXIT_SETUP, &err);
	close_parts(&p);
	return code;
}

int main(int argc, char **argv)
{
	static const struct tconn_daemon daemon = {
		.name = "tconn-serviced",
		.help = help,
		.config = CONFIG_DEFAULT,
		.usage_code = EXIT_USAGE,
		.setting = "database",
		.value = &database,
		.run = run,
	};

	return tconn_daemon_main(&daemon, argc, argv);
}
