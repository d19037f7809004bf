/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a phrase: four of 256, each chosen by the kernel's random bytes, 32 bits in
 * all. Whoever guesses has to guess right at the first try, in a picture of their own before
 * the very person who knows the phrase; so that is plenty, and four words can be kept in
 * mind. They are made, not chosen by the person: what people choose is guessed, and the
 * trusted screen takes digits only.
 */
#ifndef TCONND_PHRASE_WORDS_H
#define TCONND_PHRASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "../lib/error.h"

#define PHRASE_WORDS	4
#define PHRASE_SIZE	32	/* four words of 7 letters, spaces, NUL; the band takes more */

int phrase_make(char ret[PHRASE_SIZE], struct tconn_error *err);
/* Of this form; which words they are is not looked at, so that the list may change. */
bool phrase_valid(const char *text, size_t len);

#endif
