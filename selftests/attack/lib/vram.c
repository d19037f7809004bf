// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "vram.h"

/* Registers of 16 bits each, from here on. */
#define DISPI		0x500
#define YRES		2
#define VIRT_WIDTH	6
#define X_OFFSET	8
#define Y_OFFSET	9

static uint16_t get(const volatile void *registers, unsigned int index)
{
	const volatile uint8_t *base = registers;

	return *(const volatile uint16_t *)(base + DISPI + 2 * index);
}

void vram_paint(volatile void *memory, const volatile void *registers, uint32_t colour)
{
	size_t width = get(registers, VIRT_WIDTH);
	size_t start = get(registers, Y_OFFSET) * width + get(registers, X_OFFSET);
	volatile uint32_t *pixels = memory;
	size_t i;

	for (i = 0; i < get(registers, YRES) * width; i++)
		pixels[start + i] = colour;
}
