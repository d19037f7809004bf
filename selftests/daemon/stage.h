/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small stage for tests of the daemons: four machines with a software TPM
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
#ifndef TCONN_STAGE_H
#define TCONN_STAGE_H

#include <sys/types.h>

#include "daemon/lib/attest.h"
#include "log_build.h"
#include "swtpm_fixture.h"
#include "test_identity.h"

#define STAGE_SERVICE_NAME	"pay.example"
#define STAGE_PATH		192
#define STAGE_PIN_SINK		"pin.sock"

struct machine {
	const char *name;
	struct swtpm swtpm;
	struct tconn_identity identity;
	char dir[STAGE_PATH];		/* identity of the trusted issuer */
	char foreign[STAGE_PATH];	/* the same keys, certified by the other issuer */
	struct log boot, ima, tconn;	/* as in the files */
};

struct stage {
	char dir[SWTPM_PATH_MAX];
	struct machine service, device, visitor, stranger;
	struct swtpm_maker maker;
	char trust[STAGE_PATH], other_trust[STAGE_PATH];
	char device_reference[STAGE_PATH], service_reference[STAGE_PATH];
	char address[32];		/* HOST:PORT of the service */
	char admin[STAGE_PATH], status[STAGE_PATH];	/* sockets */
};

/* Ends the program with a KTAP bail-out where something is missing. */
void stage_start(struct stage *w);
/* One service more, a node of the same name: a TPM, an identity and logs, NAME.boot and so on. */
void stage_add_service(struct stage *w, struct machine *m, const char *name);
const char *stage_path(const struct stage *w, const char *name);	/* good for 8 calls */
/* 127.0.0.1 and a port that was free a moment ago. */
void stage_free_address(char *ret, size_t size);
void stage_write(const char *path, const void *data, size_t len);
char *stage_read(const char *path);	/* malloc'ed, terminated; "" where there is none */

/* Daemons. config: more keys, as `"key":value,...`, or "". Wait until they are ready. */
pid_t stage_serviced(const struct stage *w, const char *config);
pid_t stage_tconnd(const struct stage *w, const char *config);
/* Runs a program below out/bin; output goes to files in the stage's directory. */
pid_t stage_spawn(const struct stage *w, const char *log, const char *program, ...);
/* Any other program, by its path. */
pid_t stage_spawn_path(const struct stage *w, const char *log, const char *path, ...);
/* Waits, or kills after timeout_ms; exit code, or -signal. */
int stage_wait(pid_t pid, int timeout_ms);
int stage_stop(pid_t pid);		/* SIGTERM, then stage_wait() */
/*
 * Stops tconn-serviced at this program's exit, and says if it did not end cleanly; its log, too,
 * with TCONN_TEST_VERBOSE. Then *other, if there is one. For the test program itself: its tests are
 * children, which leave by exit() as well, and end nothing.
 */
void stage_end_at_exit(const struct stage *w, const pid_t *serviced, const pid_t *other);

/* One JSON line to a socket, one back; ends the program without an answer. */
struct json_object;
struct json_object *stage_call(const char *socket, int timeout_ms, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Raw bytes to a socket, perhaps ending the stream; the reply's "error", or what went wrong. */
const char *stage_says(const char *socket, const void *bytes, size_t len, bool end);
const char *stage_text(struct json_object *obj, const char *key);	/* "" where absent */
bool stage_flag(struct json_object *obj, const char *key);
bool stage_until(bool (*true_at_last)(void *arg), void *arg, int timeout_ms);

#define EXPECT_IN(part, whole) do { \
	const char *whole_ = (whole); \
	EXPECT_NE(NULL, strstr(whole_, part)) TH_LOG("\"%s\" is not in \"%s\"", part, whole_); \
} while (0)

/* A device in the service's books, NULL where there is none; is it connected now? */
struct json_object *stage_device(const struct stage *w, const char *id);
bool stage_connected(const struct stage *w, const char *id);
/* tconnctl at the service, its words up to NULL; exit code. What it printed: stage_read() "ctl.out". */
int stage_ctl(const struct stage *w, ...);

/* A machine played by this program. */
struct player {
	const struct stage *stage;
	const struct machine *machine;
	struct tconn_party party;
	struct ssl_ctx_st *tls;
	struct tconn_channel *channel;
	char boot_log[STAGE_PATH], ima_log[STAGE_PATH], tconn_log[STAGE_PATH];
	struct tconn_error err;
};
/* foreign: with the certificate of the issuer that nobody trusts. */
void player_open(struct player *p, const struct stage *w, const struct machine *m, bool foreign);
void player_close(struct player *p);
/* 0 or negative errno, with err. */
int player_connect(struct player *p);
int player_attest(struct player *p);	/* as a device */
/* The service's last word: the reason of its REFUSAL, or what else came. */
const char *player_refused(struct player *p);
/* Writes what the module would: an event into log file and PCR 13. */
void player_measure(struct player *p, uint32_t type, const void *data, size_t len);

extern const uint8_t stage_app_digest[32], stage_policy_digest[32], stage_boot_id[16];
/* The modules' key pair: X25519, as RFC 7748 has its Alice's (section 6.1). */
extern const uint8_t stage_kernel_private[32], stage_kernel_key[32];

#endif
