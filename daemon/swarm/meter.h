/* SPDX-License-Identifier: Apache-2.0 */
/* Times of many operations, and what a process on this machine used meanwhile. */
#ifndef SWARM_METER_H
#define SWARM_METER_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../lib/error.h"

/* CLOCK_MONOTONIC. */
int64_t meter_now_ns(void);

/* A list of times; good for several threads. */
struct meter {
	pthread_mutex_t lock;	/* protects all below */
	uint32_t *us;
	size_t count, size;
};
#define METER_INIT { .lock = PTHREAD_MUTEX_INITIALIZER }

void meter_add(struct meter *m, int64_t ns);
void meter_free(struct meter *m);

struct json_object;
/* {"count":, "p50":, "p90":, "p99":, "max":} in milliseconds; sorts the list. */
struct json_object *meter_json(struct meter *m);

struct usage {
	int64_t cpu_ns;		/* user and system, of all its threads, also those that ended */
	uint64_t rss_kib;
};
int usage_of(pid_t pid, struct usage *ret, struct tconn_error *err);

#endif
