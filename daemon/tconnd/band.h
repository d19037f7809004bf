/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there a place on the trusted screen for the holder's phrase? In developer mode the band
 * has a warning in it instead. And where the policy leaves no band out of what is attested
 * (band-permille, 0 by default), the phrase would be under the frame digest that a service
 * gets: no service could draw that picture again, and whoever has the digest could try phrases.
 */
#ifndef TCONND_BAND_H
#define TCONND_BAND_H

/* The phrase ends 2.65 em below the top, and an em is 1/24 of the screen's shorter side. */
#define BAND_PERMILLE	120

/* directory: the module's in securityfs. NULL, or why there is none; NULL as well where there is no
 * module, for then there is no trusted screen either.
 */
const char *band_fault(const char *directory);

#endif
