// SPDX-License-Identifier: Apache-2.0
/* tconnd - the device's end of a trusted connection; see tconnd(8). */
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/confinement.h"
#include "../lib/daemon_main.h"
#include "../lib/enrolled.h"
#include "../lib/process.h"
#include "../lib/say.h"
#include "../lib/version.h"
#include "attention.h"
#include "phrase.h"
#include "service.h"
#include "watch.h"

#define CONFIG_DEFAULT "/etc/tconn/tconnd.json"

/* Documented in tconnd(8). */
enum { EXIT_OK = 0, EXIT_SETUP = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3, EXIT_TPM = 4 };

static const char help[] =
	"usage: tconnd [--config FILE]\n"
	"Connects this device to its service, attests in both directions, and lets the\n"
	"service ask the person in front of it through the trusted user interface.\n"
	"\n"
	"  --config FILE   configuration, JSON (" CONFIG_DEFAULT "); keys in tconnd(8)\n"
	"  --check         read the configuration and everything it names, then exit\n"
	"  --help, --version\n"
	"\n"
	"Runs in the foreground and logs to standard error. SIGTERM ends it.\n"
	"Exit codes: 0 ended by a signal, 1 start-up failed, 2 usage, 3 configuration,\n"
	"4 no TPM.\n";

struct program {
	struct settings settings;
	struct state state;
	struct tconn_tpm *tpm;
	X509_STORE *trust;
	struct tconn_refset *refset;
	struct service service;
	struct phrase phrase;
};

static int open_parts(struct program *p, struct tconn_error *err)
{
	const struct settings *s = &p->settings;
	struct tconn_credentials *own = NULL;
	int r = tconn_trust_load(s->trust, &p->trust, err);

	if (r == 0)
		r = tconn_refset_load(s->service_reference, NULL, &p->refset, err);
	if (r == 0)	/* without the TPM: --check, and a better message */
		r = tconn_credentials_load(NULL, s->identity, p->trust, TCONN_ROLE_DEVICE, &own, err);
	if (r == 0)
		p->state.self = own->self;
	tconn_credentials_put(own);
	if (r == 0 && strlen(s->service_name) >= sizeof(p->service.expected.name))
		r = tconn_fail(err, -EINVAL, "\"service_name\" is over %zu bytes",
			       sizeof(p->service.expected.name) - 1);
	if (r == 0 && s->items)
		r = s->item_policy ? tconn_intake_policy_load(s->item_policy, &p->service.intake.policy,
							      err) :
			tconn_fail(err, -EINVAL, "\"items\" wants an \"item_policy\"");
	return r;
}

/*
 * A machine with a disk that is not its own, or whose TPM was cleared, will not get any better
 * by trying again: it stays up to say so.
 */
static int open_tpm(struct program *p, struct tconn_error *err)
{
	struct tconn_identity who;
	int r = tconn_tpm_open(p->settings.tcti, &p->tpm, err);

	if (r == 0)
		r = tconn_tpm_use_boot_policy(p->tpm, p->settings.boot_policy, err);
	if (r == 0)
		r = tconn_enrolled(p->tpm, p->settings.identity, p->trust, TCONN_ROLE_DEVICE, &who, err);
	if (r == -EXDEV || r == -ESTALE) {
		snprintf(p->state.unfit, sizeof(p->state.unfit), "%s", err->text);
		return r;
	}
	if (r == 0)
		r = tconn_tpm_try_key(p->tpm, TCONN_KEY_TLS, err);
	if (r == 0)
		r = tconn_credentials_load(p->tpm, p->settings.identity, p->trust, TCONN_ROLE_DEVICE,
					   &p->service.credentials, err);
	return r;
}

static void fill_service(struct program *p)
{
	struct service *v = &p->service;

	v->state = &p->state;
	v->phrase = &p->phrase;
	v->party = (struct tconn_party){
		.tpm = p->tpm,
		.sources = {
			.boot_log = p->settings.boot_log,
			.ima_log = p->settings.ima_log,
			.tconn_log = p->settings.tconn_log,
			.identity_dir = p->settings.identity,
			.confined = TCONN_CONFINED_DIR,
		},
		.trust = p->trust,
		.refset = p->refset,
		.message_ms = p->settings.message_ms,
		.silent = !p->settings.attest,
		.exempt = p->settings.service_exempt,
		.peer_log = &v->service_log,
	};
	v->expected.role = TCONN_ROLE_SERVICE;
	strcpy(v->expected.name, p->settings.service_name);
	v->intake.dir = p->settings.items;
	v->intake.trust = p->trust;
	v->keep = (struct keep){
		.dir = p->settings.receipts,
		.trust = p->trust,
		.device = &p->state.self,
		.service = &v->expected,
	};
}

/* What else may want the screen: a person, by a key or a command. */
static int start_notices(struct program *p, struct attention *attention, struct tconn_error *err)
{
	int r = phrase_start(&p->phrase, err);

	if (r < 0)
		return r;
	r = attention_start(attention, &p->state, err);
	if (r < 0) {
		state_stop(&p->state);
		phrase_end(&p->phrase);
	}
	return r;
}

static void run_service(struct program *p)
{
	tconn_say("tconnd %s: device %s, service %s at %s", TCONN_VERSION, p->state.self.name,
		  p->settings.service_name, p->settings.service);
	tconn_process_notify("READY=1");
	service_run(&p->service);
	tconn_process_notify("STOPPING=1");
}

static void wait_unfit(struct program *p)
{
	tconn_say("tconnd: out of service: %s", p->state.unfit);
	tconn_process_notify("READY=1");
	state_stopped_within(&p->state, -1);
	tconn_process_notify("STOPPING=1");
}

static int serve(struct program *p, struct tconn_error *err)
{
	struct attention attention;
	struct watch watch;
	int r = phrase_open(&p->phrase, &p->state, p->tpm, err);

	if (r == 0)
		r = watch_start(&watch, &p->state, &p->phrase, err);
	if (r < 0)
		return r;
	r = start_notices(p, &attention, err);
	if (r < 0) {
		watch_end(&watch);
		return r;
	}
	fill_service(p);
	if (*p->state.unfit) {
		wait_unfit(p);
	} else {
		r = service_renew_start(&p->service, err);
		if (r == 0)
			run_service(p);
	}
	watch_end(&watch);
	attention_end(&attention);
	phrase_end(&p->phrase);
	service_renew_end(&p->service);
	tconn_say("tconnd: ended");
	return r;
}

static void close_parts(struct program *p)
{
	phrase_close(&p->phrase);
	tconn_credentials_put(p->service.credentials);
	tconn_intake_free(&p->service.intake);
	tconn_tpm_close(p->tpm);
	tconn_refset_free(p->refset);
	X509_STORE_free(p->trust);
	state_free(&p->state);
	settings_free(&p->settings);
}

static int fail(int code, const struct tconn_error *err)
{
	tconn_say("tconnd: %s", err->text);
	return code;
}

static int run(const char *config, bool check_only)
{
	struct program p = { 0 };
	struct tconn_error err = { "" };
	int code = EXIT_OK;

	if (tconn_process_harden(&err) < 0)
		return fail(EXIT_SETUP, &err);
	if (settings_load(config, &p.settings, &err) < 0)
		return fail(EXIT_CONFIG, &err);
	if (state_init(&p.state, &p.settings, &err) < 0)
		code = fail(EXIT_SETUP, &err);
	else if (open_parts(&p, &err) < 0)
		code = fail(EXIT_CONFIG, &err);
	else if (open_tpm(&p, &err) < 0 && (check_only || !*p.state.unfit))
		code = fail(EXIT_TPM, &err);
	else if (!check_only && serve(&p, &err) < 0)
		code = fail(EXIT_SETUP, &err);
	close_parts(&p);
	return code;
}

int main(int argc, char **argv)
{
	static const struct tconn_daemon daemon = {
		.name = "tconnd",
		.help = help,
		.config = CONFIG_DEFAULT,
		.usage_code = EXIT_USAGE,
		.run = run,
	};

	return tconn_daemon_main(&daemon, argc, argv);
}
