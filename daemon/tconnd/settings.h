/* SPDX-License-Identifier: Apache-2.0 */
/* tconnd's configuration file; each key is described in tconnd(8). */
#ifndef TCONND_SETTINGS_H
#define TCONND_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include "../lib/error.h"

struct settings {
	char *tcti, *boot_policy;
	char *service;			/* HOST:PORT */
	char *service_name;
	char *identity;			/* directory */
	char *trust;			/* PEM */
	char *service_reference;	/* file or directory */
	char *tui;
	char **tui_args;
	char *indicator;		/* LED name or glob; NULL: none to arm */
	char *status_socket;
	char *receipts;			/* directory */
	char *items;			/* directory for labelled data of the service; NULL: none is taken */
	char *item_policy;		/* which of it */
	char *outbox;			/* directory with labelled data for the service; NULL: none */
	char *boot_log, *ima_log, *tconn_log;	/* NULL: the standard places */
	char *module_state;
	bool attest;			/* this device proves itself when it connects */
	bool service_exempt;		/* the service need not */
	bool phrase_ask;		/* offer a first phrase, where there is none */
	uint32_t retry_min_ms, retry_max_ms;
	uint32_t message_ms;
	char *issuer;			/* HOST:PORT, to renew the identity at; NULL: nobody does */
	uint32_t renew_before_days;
};

int settings_load(const char *path, struct settings *ret, struct tconn_error *err);
void settings_free(struct settings *s);

#endif
