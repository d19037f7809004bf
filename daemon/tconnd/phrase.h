/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holder's personal phrase: in the band of every dialog, so that a picture without it is
 * not this device's trusted screen. It is made here (phrase_words.h), shown once in the band
 * of a notice, and in force once a person confirmed that notice with the physical key; then
 * it lies sealed to the boot state, or to those that the owner signed (lib/boot_seal.h), in
 * the identity's directory, and in this process's memory. It goes to the TUI's standard input
 * and nowhere else: not to a log, a socket, a statement or the network, and no digest of it is
 * taken.
 *
 * A thread of its own does what takes long: it shows the notice, seals, and answers on the
 * socket of who asked. Whether the TUI was answered by a person is the module's word in its
 * record; who could forge that here could as well unseal the phrase.
 *
 *	not set up --new, confirmed--> in force --forget--> not set up
 *	in force --next start, with a boot policy for the first time--> in force, sealed anew
 *	cannot be unsealed (at start) --new, confirmed--> in force
 * Where the trusted screen has no place for it (band.h) it is neither offered nor shown.
 * Where it cannot be unsealed nothing is offered unasked: a device that comes up with another
 * phrase by itself is what a person should be wary of.
 */
#ifndef TCONND_PHRASE_H
#define TCONND_PHRASE_H

#include "notice.h"

#define PHRASE_MS	60000	/* to read the words, and keep them in mind */

struct tconn_tpm;

enum phrase_job {
	PHRASE_FIRST,		/* offered by tconnd itself: not again if it is left alone */
	PHRASE_NEW,
	PHRASE_FORGET,
};

struct phrase {
	struct state *state;
	struct tconn_tpm *tpm;
	struct notice notice;
	char path[4096];
	char *in_force;			/* PHRASE_SIZE bytes, "" for none; of a page that is locked
					 * and in no core file or child
					 */
	char *offered;			/* as many, of the same page */
	int job[2];			/* a pipe of struct job */
	bool settled;			/* there was one at start, or the first was offered */
	pthread_t thread;
};

/* Unseals what is there; a phrase that cannot be unsealed is no failure, but is said. */
int phrase_open(struct phrase *p, struct state *state, struct tconn_tpm *tpm,
		struct tconn_error *err);
int phrase_start(struct phrase *p, struct tconn_error *err);
/* A client of the status socket wants it. The answer is the thread's, which closes fd. False:
 * too many wait, and fd is still the caller's.
 */
bool phrase_wanted(struct phrase *p, enum phrase_job what, int fd);
/* Trusted by the service: where settings say so, and there is no phrase, offers one. */
void phrase_first_use(struct phrase *p);
/* After state_stop(): ends the thread. */
void phrase_end(struct phrase *p);
/* Wipes it. Accepts one that was never opened. */
void phrase_close(struct phrase *p);

#endif
