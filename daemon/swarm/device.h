/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated device: keys that a TPM should have, and the identity that an issuer gave it. On
 * the disk it is one file, DIR/devices/NUMBER.pem, mode 0600.
 */
#ifndef SWARM_DEVICE_H
#define SWARM_DEVICE_H

#include "../lib/bytes.h"
#include "../lib/appraise.h"
#include "../lib/channel.h"
#include "logs.h"
#include "soft_tpm.h"

#define DEVICES_MAX 65536u

struct device {
	struct soft_tpm tpm;			/* AK and TLS key alone, once loaded */
	struct tconn_bytes ak_cert, tls_cert;	/* DER */
	struct tconn_ima_state service_log;	/* what it holds of the service's log */
	const struct logs *logs;
	struct tconn_channel *channel;		/* NULL: not connected */
};

struct device_papers {
	struct tconn_bytes ak, tls, data;	/* certificates */
};

/* number from 0. */
bool device_exists(const char *dir, unsigned int number);
int device_save(const char *dir, unsigned int number, const struct soft_tpm *tpm,
		const struct device_papers *papers, struct tconn_error *err);
int device_load(const char *dir, unsigned int number, struct device *ret, struct tconn_error *err);
void device_free(struct device *d);

/* tconn_party.collect: evidence of a struct device, from its keys and its swarm's logs. */
int device_collect(void *device, const uint8_t qualifying[32], struct tconn_evidence *ret,
		   struct tconn_error *err);

#endif
