/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device as a verifier meets it: a software TPM into which three logs are
 * extended, identities from an issuer, reference values. A test builds one,
 * changes what it is about, seals it (extends, quotes, collects) and appraises.
 */
#ifndef TCONN_WORLD_H
#define TCONN_WORLD_H

#include "daemon/lib/appraise.h"
#include "daemon/lib/issuer.h"
#include "kmod/uapi/tconn.h"
#include "log_build.h"
#include "swtpm_fixture.h"

#define WORLD_KERNEL	"kernel image"
#define WORLD_INITRD	"initial ramdisk"
#define WORLD_CMDLINE	"console=ttyS0"
#define WORLD_TCONND	"/usr/sbin/tconnd"
#define WORLD_TUI	"/usr/bin/tconn-tui"

/* Made once in main(), before the tests fork. */
struct world_identity {
	struct swtpm swtpm;
	struct tconn_identity id;
	char dir[SWTPM_PATH_MAX];		/* ak.pem tls.pem data.pem */
	struct tconn_bytes ak_cert, data_cert;
};

struct world_issuer {
	char dir[SWTPM_PATH_MAX];
	struct tconn_issuer *issuer;
};

void world_issuer_start(struct world_issuer *ret);
/* name NULL: a device, whose id is made from its EK. */
void world_identity_start(const struct swtpm_maker *maker, const struct world_issuer *issuer,
			  const char *label, const char *name, struct world_identity *ret);

struct world {
	const struct world_identity *who;
	struct tconn_tpm *tpm;
	struct tconn_error err;
	char dir[SWTPM_PATH_MAX];		/* log files */
	struct log boot, ima, module;
	struct tconn_binding binding;		/* what the verifier expects */
	struct tconn_evidence evidence;
	struct tconn_refvals *refvals;
	struct x509_store_st *trust;
	struct tconn_verdict verdict;
	struct tconn_ima_state *state;		/* or NULL */
	struct tconn_event_boot boot_event;
	struct tconn_record record;
};

/* A device that is in order: restarts the TPM, fills the logs (nothing is
 * extended yet) and reads the reference values.
 */
int world_begin(struct world *w, const struct world_identity *who,
		const struct world_issuer *issuer);
/* A module event into its own log and, as IMA does for critical data, into IMA's. */
void world_module_event(struct world *w, uint32_t type, const void *data, size_t len);
void world_app_event(struct world *w, const char *path, const char *content, bool admitted);
/* Extends the logs into the TPM, quotes and collects. */
int world_seal(struct world *w);
/* Once more: writes the logs as they are now, quotes and collects; extends nothing. */
int world_quote(struct world *w);
/* Replaces the collected log by what w->boot, w->ima and w->module now hold. */
void world_show_logs(struct world *w);
int world_appraise(struct world *w);
void world_end(struct world *w);

/* Reference values as JSON; drop: a line that holds this text is left out. */
void world_refvals_json(char *ret, size_t size, const char *drop);
int world_refvals(struct world *w, const char *drop);

/* The named check, or NULL; and whether it is the first that failed, with reason. */
/* SHA-256 of a text in hex; one of 16 buffers that are used in turn. */
const char *world_hex(const char *content);
const struct tconn_check *world_check(const struct tconn_verdict *v, const char *name);
bool world_first_failure(const struct tconn_verdict *v, const char *name, const char *reason);

#endif
