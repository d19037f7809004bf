/* SPDX-License-Identifier: Apache-2.0 */
/* tconn-serviced's configuration file; each key is described in tconn-serviced(8). */
#ifndef SERVICED_SETTINGS_H
#define SERVICED_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "../lib/error.h"

struct settings {
	char *listen;			/* HOST:PORT, for devices */
	char *admin_socket;
	char *tcti, *boot_policy;
	char *name;			/* of the service */
	char *identity;			/* directory */
	char *trust;			/* PEM */
	char *device_reference;		/* file or directory */
	char *reference_signers;	/* PEM; NULL: reference values are not signed */
	char *database;
	char *evidence;			/* directory, or "none" */
	char *items;			/* directory for devices' labelled data; NULL: none is asked for */
	char *item_policy;		/* which of it */
	uint32_t items_s;		/* between asking a device for it */
	char *pin_sink;			/* "none", or a program or Unix socket */
	uint32_t pin_attempts;		/* in a row that it did not call right; 0: no limit */
	char *boot_log, *ima_log, *tconn_log;	/* NULL: the standard places */
	uint32_t connections;		/* attested devices at once */
	uint32_t active;		/* of these, busy with something at once */
	uint32_t reattest_s;		/* between attestations of a connected device; 0: never */
	bool attest;			/* this service proves itself to devices */
	bool device_exempt;		/* devices need not */
	uint32_t pending;		/* connections that have not attested yet */
	uint32_t message_ms;		/* deadline of each message */
	char *http_listen;		/* HOST:PORT, for operators; NULL: there is none */
	char *http_certificate, *http_key;	/* PEM, of that listener */
	char *http_tokens;		/* who may call */
	char *log;			/* "text" or "json" */
	char **severities;		/* NAME=SEVERITY, of events and checks; NULL: as they are */
	char *action_severity;		/* from which on failure actions are taken */
	char **action_command;		/* program and arguments; NULL: none is run */
	char *webhook_url;		/* NULL: none is called */
	char *webhook_ca;		/* PEM; NULL: the system's */
	char *webhook_secret;		/* file with the key of its signatures */
	char *webhook_certificate, *webhook_key;	/* PEM, to show there */
	char *metrics_file;		/* NULL: none is written */
	char *issuer;			/* HOST:PORT, to renew the identity at; NULL: nobody does */
	uint32_t renew_before_days;
	uint32_t answer_margin_ms;	/* beyond a request's time-out */
};

int settings_load(const char *path, struct settings *ret, struct tconn_error *err);
/* May what runs with now go on with next? -EINVAL names a key that changes with a restart only. */
int settings_check_change(struct settings *now, struct settings *next, struct tconn_error *err);
/* After that: now has what may change of next, which gets the old. */
void settings_take_change(struct settings *now, struct settings *next);
/* What is said is text or JSON, as they say. */
void settings_set_log(const struct settings *s);
void settings_free(struct settings *s);

#endif
