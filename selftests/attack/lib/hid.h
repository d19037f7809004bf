/* SPDX-License-Identifier: Apache-2.0 */
/* What a HID boot keyboard tells of itself and of its keys. */
#ifndef ATTACK_HID_H
#define ATTACK_HID_H

#include <stdint.h>

#define HID_REPORT_SIZE		8
#define HID_DESCRIPTOR_SIZE	45

extern const uint8_t hid_descriptor[HID_DESCRIPTOR_SIZE];

/* That key down alone: '0' to '9', '\n' for Enter, 0 for none. */
void hid_report(uint8_t ret_report[HID_REPORT_SIZE], char key);

#endif
