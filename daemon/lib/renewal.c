// SPDX-License-Identifier: Apache-2.0
#include "renewal.h"

#include <errno.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "enrol.h"

#define DAY	86400

static int64_t due(const struct tconn_renewal *r)
{
	return r->end - (int64_t)r->before_days * DAY;
}

/* True when told to stop. Looks at the clock again at times: somebody may set it. */
static bool stopped_within(const struct tconn_renewal *r, int64_t seconds)
{
	struct pollfd p = { .fd = r->stop_fd, .events = POLLIN };
	int n;

	if (seconds > TCONN_RENEWAL_PAUSE_S)
		seconds = TCONN_RENEWAL_PAUSE_S;
	do
		n = poll(&p, 1, seconds > 0 ? (int)seconds * 1000 : 0);
	while (n < 0 && errno == EINTR);
	return n != 0;
}

static int load(const struct tconn_renewal *r, struct tconn_credentials **ret,
		struct tconn_error *err)
{
	X509_STORE *trust = r->trusted ? r->trusted(r->arg) : NULL;
	int e = tconn_credentials_load(r->tpm, r->identity_dir, trust ? trust : r->trust,
				       r->self.role, ret, err);

	X509_STORE_free(trust);
	return e;
}

static int enrol_again(const struct tconn_renewal *r, struct tconn_credentials **ret,
		       struct tconn_error *err)
{
	struct tconn_enrol_options o = {
		.ca_address = r->issuer, .identity_dir = r->identity_dir, .role = r->self.role,
		.renew = true,
		.service_name = r->self.role == TCONN_ROLE_SERVICE ? r->self.name : NULL,
	};
	struct tconn_identity who;
	char ca[4096];
	int e;

	if (snprintf(ca, sizeof(ca), "%s/ca.pem", r->identity_dir) >= (int)sizeof(ca))
		return tconn_fail(err, -ENAMETOOLONG, "%s: path too long", r->identity_dir);
	o.ca_file = ca;
	e = tconn_enrol(r->tpm, &o, &who, err);
	if (e == 0)
		e = load(r, ret, err);
	if (e == 0 && strcmp((*ret)->self.name, r->self.name)) {
		e = tconn_fail(err, -EINVAL, "the issuer gave the identity of %s", (*ret)->self.name);
		tconn_credentials_put(*ret);
	}
	return e;
}

/* Once; how long to wait before the next look. */
static int64_t renew(struct tconn_renewal *r, int64_t *retry)
{
	struct tconn_credentials *fresh = NULL;
	struct tconn_error err = { "" };
	int64_t pause = *retry;
	int e = r->issuer ? enrol_again(r, &fresh, &err) :
		tconn_fail(&err, -ENOENT, "no \"issuer\" in the configuration; it ends in %lld days",
			   (long long)(r->end - time(NULL)) / DAY);

	if (e == 0) {
		*retry = TCONN_RENEWAL_RETRY_S;
		r->end = fresh->end;
		r->renewed(r->arg, fresh);
		return TCONN_RENEWAL_PAUSE_S;
	}
	r->failed(r->arg, &err);
	*retry = pause * 2 < TCONN_RENEWAL_PAUSE_S ? pause * 2 : TCONN_RENEWAL_PAUSE_S;
	return r->issuer ? pause : TCONN_RENEWAL_PAUSE_S;
}

static void *run(void *arg)
{
	struct tconn_renewal *r = arg;
	int64_t retry = TCONN_RENEWAL_RETRY_S, pause = due(r) - time(NULL);

	while (!stopped_within(r, pause)) {
		pause = due(r) - time(NULL);
		if (pause <= 0)
			pause = renew(r, &retry);
	}
	return NULL;
}

int tconn_renewal_start(struct tconn_renewal *r, struct tconn_error *err)
{
	int e;

	r->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (r->stop_fd < 0)
		return tconn_fail(err, -errno, "eventfd: %s", strerror(errno));
	e = pthread_create(&r->thread, NULL, run, r);
	if (e) {
		close(r->stop_fd);
		r->stop_fd = -1;
		return tconn_fail(err, -e, "cannot start a thread: %s", strerror(e));
	}
	return 0;
}

void tconn_renewal_end(struct tconn_renewal *r)
{
	if (r->stop_fd <= 0)
		return;
	eventfd_write(r->stop_fd, 1);
	pthread_join(r->thread, NULL);
	close(r->stop_fd);
	r->stop_fd = -1;
}
