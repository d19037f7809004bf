/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for tests of the daemons: four machines with a software TPM
 * each, an issuer and a second one nobody trusts, measurement logs that were
 * really extended into the TPMs, reference values that fit them, and the daemons
 * themselves. Everything is below one directory that goes away at the end.
 *
 *	service	runs tconn-serviced (or this program in its place)
 *	device	runs tconnd (or this program in its place); enrolled
 *	visitor	a device that this program plays; enrolled
 *	stranger a device that this program plays; has an identity, is not enrolled
 *
 * A TPM has one client at a time: whoever plays a machine must have closed it
 * before its daemon is started.
 */
#ifndef TCONN_WORLD_H
#define TCONN_WORLD_H

#include <sys/types.h>

#include "daemon/lib/attest.h"
#include "log_build.h"
#include "swtpm_fixture.h"
#include "test_identity.h"

#define WORLD_SERVICE_NAME	"pay.example"
#define WORLD_PATH		192
#define WORLD_PIN_SINK		"pin.sock"

struct machine {
	const char *name;
	struct swtpm swtpm;
	struct tconn_identity identity;
	char dir[WORLD_PATH];		/* identity of the trusted issuer */
	char foreign[WORLD_PATH];	/* the same keys, certified by the other issuer */
	struct log boot, ima, tconn;	/* as in the files */
};

struct world {
	char dir[SWTPM_PATH_MAX];
	struct machine service, device, visitor, stranger;
	struct swtpm_maker maker;
	char trust[WORLD_PATH], other_trust[WORLD_PATH];
	char device_reference[WORLD_PATH], service_reference[WORLD_PATH];
	char address[32];		/* HOST:PORT of the service */
	char admin[WORLD_PATH], status[WORLD_PATH];	/* sockets */
};

/* Ends the program with a KTAP bail-out where something is missing. */
void world_start(struct world *w);
const char *world_path(const struct world *w, const char *name);	/* good for 8 calls */
void world_write(const char *path, const void *data, size_t len);
char *world_read(const char *path);	/* malloc'ed, terminated; "" where there is none */

/* Daemons. config: more keys, as `"key":value,...`, or "". Wait until they are ready. */
pid_t world_serviced(const struct world *w, const char *config);
pid_t world_tconnd(const struct world *w, const char *config);
/* Runs a program below out/bin; output goes to files in the world's directory. */
pid_t world_spawn(const struct world *w, const char *log, const char *program, ...);
/* Waits, or kills after timeout_ms; exit code, or -signal. */
int world_wait(pid_t pid, int timeout_ms);
int world_stop(pid_t pid);		/* SIGTERM, then world_wait() */

/* One JSON line to a socket, one back; ends the program without an answer. */
struct json_object;
struct json_object *world_call(const char *socket, int timeout_ms, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool world_until(bool (*true_at_last)(void *arg), void *arg, int timeout_ms);

/* A machine played by this program. */
struct player {
	const struct world *world;
	const struct machine *machine;
	struct tconn_party party;
	struct ssl_ctx_st *tls;
	struct tconn_channel *channel;
	char boot_log[WORLD_PATH], ima_log[WORLD_PATH], tconn_log[WORLD_PATH];
	struct tconn_error err;
};
/* foreign: with the certificate of the issuer that nobody trusts. */
void player_open(struct player *p, const struct world *w, const struct machine *m, bool foreign);
void player_close(struct player *p);
/* 0 or negative errno, with err. */
int player_connect(struct player *p);
int player_attest(struct player *p);	/* as a device */
/* Writes what the module would: an event into log file and PCR 13. */
void player_measure(struct player *p, uint32_t type, const void *data, size_t len);

extern const uint8_t world_app_digest[32], world_policy_digest[32], world_boot_id[16];

#endif
