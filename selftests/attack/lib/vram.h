/* SPDX-License-Identifier: Apache-2.0 */
/* The picture in a display device's own memory, as the device scans it out (bochs). */
#ifndef ATTACK_VRAM_H
#define ATTACK_VRAM_H

#include <stdint.h>

/*
 * Paints it in that colour, all over. memory: the first BAR; registers: the third, which
 * says where the picture is, and how large.
 */
void vram_paint(volatile void *memory, const volatile void *registers, uint32_t colour);

#endif
