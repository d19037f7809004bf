/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmarks inside a guest share: the clock and how times are printed. */
#ifndef TCONN_BENCH_TIMES_H
#define TCONN_BENCH_TIMES_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define ROUNDS_MAX 200

/* The clock of the module's records. */
static inline uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* "NAME": [t, t, ...] and then end. */
static inline void bench_print_times(const char *name, const uint64_t *ns, unsigned int count,
				     const char *end)
{
	printf("\"%s\": [", name);
	for (unsigned int i = 0; i < count; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)ns[i]);
	printf("]%s", end);
}

#endif
