// SPDX-License-Identifier: Apache-2.0
#include "meter.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/jsonline.h"

static int64_t in_ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

int64_t meter_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return in_ns(&t);
}

static bool grow(struct meter *m)
{
	const size_t size = 2 * m->size + 1024;
	uint32_t *us = realloc(m->us, size * sizeof(*us));

	if (!us)
		return false;
	m->us = us;
	m->size = size;
	return true;
}

/* Without memory for more, the times so far stand for all. */
void meter_add(struct meter *m, int64_t ns)
{
	pthread_mutex_lock(&m->lock);
	if (m->count < m->size || grow(m))
		m->us[m->count++] = (uint32_t)(ns / 1000);
	pthread_mutex_unlock(&m->lock);
}

void meter_free(struct meter *m)
{
	free(m->us);
	m->us = NULL;
	m->count = 0;
	m->size = 0;
}

static int compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void add_rank(struct json_object *obj, const char *key, const struct meter *m, unsigned int percent)
{
	const size_t rank = (m->count * percent + 99) / 100;

	if (m->count)
		tconn_json_add(obj, key, json_object_new_double(m->us[rank ? rank - 1 : 0] / 1000.0));
}

struct json_object *meter_json(struct meter *m)
{
	struct json_object *obj = json_object_new_object();

	pthread_mutex_lock(&m->lock);
	if (m->count)
		qsort(m->us, m->count, sizeof(*m->us), compare);
	tconn_json_add(obj, "count", json_object_new_int64((int64_t)m->count));
	add_rank(obj, "p50", m, 50);
	add_rank(obj, "p90", m, 90);
	add_rank(obj, "p99", m, 99);
	add_rank(obj, "max", m, 100);
	pthread_mutex_unlock(&m->lock);
	return obj;
}

static int read_rss(pid_t pid, uint64_t *ret, struct tconn_error *err)
{
	char path[64], line[256];
	unsigned long long kib;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	*ret = 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %llu kB", &kib) == 1)
			*ret = kib;
	fclose(f);
	return *ret ? 0 : tconn_fail(err, -ENODATA, "%s: no VmRSS: is it a process with memory?", path);
}

int usage_of(pid_t pid, struct usage *ret, struct tconn_error *err)
{
	struct timespec t;
	clockid_t clock;
	int r = clock_getcpuclockid(pid, &clock);

	if (!r && clock_gettime(clock, &t))
		r = errno;
	if (r)
		return tconn_fail(err, -r, "process %d: its CPU time cannot be read: %s", pid, strerror(r));
	ret->cpu_ns = in_ns(&t);
	return read_rss(pid, &ret->rss_kib, err);
}
