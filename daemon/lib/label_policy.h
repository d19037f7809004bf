/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may have which labels: tconn-labeld's policy, JSON,
 *  { "tconn-label-policy": 1,
 *    "clients": [ { "executable": "/usr/sbin/thermometer",
 *		     "digest": ["HEX", ...],		SHA-256 of the executable
 *		     "uid": 105,			optional
 *		     "cgroup": "/system.slice/thermometer.service",	optional
 *		     "sources": ["thermometer/1", "probe/..."],	"/..." at the end: any below
 *		     "content_types": ["text/plain"],	optional: any
 *		     "items_per_second": 10, "burst": 20 } ] }
 * What is not on it gets nothing. Unknown keys are refused by name.
 */
#ifndef TCONN_LABEL_POLICY_H
#define TCONN_LABEL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "error.h"
#include "policy_json.h"

#define TCONN_LABEL_CLIENTS_MAX	64

struct tconn_label_client {
	char executable[128];
	size_t digest_count;
	uint8_t digest[TCONN_POLICY_LIST_MAX][32];
	bool has_uid;
	uint32_t uid;
	char cgroup[256];			/* "": any */
	size_t source_count, type_count;
	char source[TCONN_POLICY_LIST_MAX][64];
	char type[TCONN_POLICY_LIST_MAX][64];
	uint32_t per_second, burst;
};

struct tconn_label_policy {
	size_t count;
	struct tconn_label_client client[TCONN_LABEL_CLIENTS_MAX];
};

struct tconn_label_peer {			/* as the kernel says */
	int pid;
	uint32_t uid;
	char executable[128], cgroup[256];
	uint8_t digest[32];
};

int tconn_label_policy_parse(const char *json, size_t len, struct tconn_label_policy *ret,
			     struct tconn_error *err);
int tconn_label_policy_load(const char *path, struct tconn_label_policy *ret,
			    struct tconn_error *err);
/* -EACCES says what about the peer is not as listed. */
int tconn_label_policy_find(const struct tconn_label_policy *p, const struct tconn_label_peer *peer,
			    size_t *ret, struct tconn_error *err);
int tconn_label_policy_allows(const struct tconn_label_client *c, const char *source,
			      const char *content_type, struct tconn_error *err);

#endif
