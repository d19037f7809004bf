/* SPDX-License-Identifier: Apache-2.0 */
/* The capabilities root of the REE is left with. */
#ifndef CONFINE_CAPS_H
#define CONFINE_CAPS_H

#include <stdint.h>

#include "../lib/error.h"

/*
 * Drops everything but keep from all sets. A program that root executes is given what
 * the bounding set allows and no more, so this holds for every process to come;
 * securebits stay as they are, since without CAP_SETPCAP nobody changes them.
 */
int caps_drop(uint64_t keep, struct tconn_error *err);

#endif
