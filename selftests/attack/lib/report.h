/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an attack tells the runner (selftests/attack/run.py), line by line.
 */
#ifndef ATTACK_REPORT_H
#define ATTACK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* First: standard output line by line, SIGTERM as a request to finish. */
void attack_init(void);

/* It attacks now. */
void attack_ready(void);

/* SIGTERM came. It interrupts whatever call is waiting (EINTR). */
bool attack_stopping(void);

/* Waits that long, or until SIGTERM; true if that came. */
bool attack_wait(unsigned int ms);

/* Findings. */
void attack_digits(const char *digits);
void attack_picture(void);	/* the pixels that follow are of another picture */
void attack_pixel(unsigned int x, unsigned int y, uint32_t rgb);
__attribute__((format(printf, 1, 2))) void attack_note(const char *format, ...);

/* The last line, then the end of the program. */
__attribute__((format(printf, 1, 2), noreturn)) void attack_succeeded(const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void attack_failed(const char *format, ...);
__attribute__((format(printf, 1, 2), noreturn)) void attack_unavailable(const char *format, ...);

/*
 * For attacks that the runner judges by what it sees: waits for SIGTERM, then
 * says that all was done as planned.
 */
__attribute__((noreturn)) void attack_done(void);

#endif
