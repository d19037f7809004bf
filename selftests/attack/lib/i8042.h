/* SPDX-License-Identifier: Apache-2.0 */
/* The keyboard controller, without the kernel: by ioperm() or by /dev/port. */
#ifndef ATTACK_I8042_H
#define ATTACK_I8042_H

#include <stdint.h>

#define I8042_LED_ALL 7

/* 0 or a negative errno. */
int i8042_open(void);

/* The byte that the controller holds for the kernel, or held last. */
uint8_t i8042_data(void);

/* Has the controller give that byte to the kernel as if it came from the keyboard. */
void i8042_pretend(uint8_t byte);

/* The keyboard's command 0xed. */
void i8042_set_leds(uint8_t leds);

#endif
