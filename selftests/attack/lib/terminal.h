/* SPDX-License-Identifier: Apache-2.0 */
/* The console's terminals, and the LEDs they may drive. */
#ifndef ATTACK_TERMINAL_H
#define ATTACK_TERMINAL_H

#define TERMINAL_LEDS 7	/* all of them */

/* One that can be opened; an fd or a negative errno. */
int terminal_open(void);

/* KDSETLED; 0 or a negative errno. */
int terminal_set_leds(int fd, unsigned int leds);

#endif
