/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL of the test's own: Debian's postgresql-15 in a temporary directory, as
 * a user without privileges (nobody, where the test runs as root). It goes away with
 * the test.
 */
#ifndef TCONN_TEST_POSTGRES_H
#define TCONN_TEST_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

#define POSTGRES_PATH	64

struct postgres {
	char dir[POSTGRES_PATH];	/* its data in data/, its socket here */
	char url[200];			/* by the socket, as its owner, without a password */
	const char *netns;		/* name of the network namespace it runs in, or NULL */
	const char *address;		/* that it listens at, with TLS; NULL: at none */
	pid_t pid;			/* 0: not running */
};

/* NULL, or why there is none: a test that needs it is skipped with that. */
const char *postgres_missing(void);
/* Once, before the tests and after them. */
void postgres_prepare(void);
void postgres_forget(void);
/* The program ends with a KTAP bail-out where it cannot be made. */
void postgres_make(struct postgres *p);
void postgres_start(struct postgres *p);	/* p->netns and p->address may be set before */
void postgres_stop(struct postgres *p);		/* kill -9, as a machine that fails */
void postgres_free(struct postgres *p);
/* psql by the socket: what it prints (static), each row a line, columns with '|'. */
const char *postgres_ask(const struct postgres *p, const char *sql);

#endif
