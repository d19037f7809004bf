// SPDX-License-Identifier: Apache-2.0
/*
 * What an event node tells of keys and touches to whoever asks, grab or not.
 *
 *	input_state /dev/input/eventN
 *
 * Prints "key CODE" for each key that is down, "touch SLOT ID" for each finger.
 *
 * Exit codes: 1 the node cannot be opened, 2 usage.
 */
#include <fcntl.h>
#include <linux/input.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define SLOTS	64

static void print_keys(int fd)
{
	unsigned char bits[KEY_CNT / 8] = { 0 };
	unsigned int code;

	if (ioctl(fd, EVIOCGKEY(sizeof(bits)), bits) < 0)
		return;
	for (code = 0; code < KEY_CNT; code++)
		if (bits[code / 8] >> (code % 8) & 1)
			printf("key %u\n", code);
}

static void print_touches(int fd)
{
	struct {
		__u32 code;
		__s32 value[SLOTS];
	} ids;
	int slot;

	memset(&ids, 0xff, sizeof(ids));	/* -1: no finger */
	ids.code = ABS_MT_TRACKING_ID;
	if (ioctl(fd, EVIOCGMTSLOTS(sizeof(ids)), &ids) < 0)
		return;
	for (slot = 0; slot < SLOTS; slot++)
		if (ids.value[slot] >= 0)
			printf("touch %d %d\n", slot, ids.value[slot]);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 2)
		return 2;
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	print_keys(fd);
	print_touches(fd);
	return 0;
}
