/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_INPUT_H
#define TCONN_INPUT_H

#include <linux/fs.h>
#include <linux/input-event-codes.h>
#include <linux/types.h>
#include "uapi/tconn.h"

struct device;
struct seq_file;
struct tconn_policy;

/* The securityfs file "attention". */
extern const struct file_operations tconn_attention_fops;

/* Buttons of mice and touch screens: their drivers tell at every movement that they are down. */
static inline bool is_button(unsigned int code)
{
	return code >= BTN_MISC && code < KEY_OK;
}

/*
 * Once, when a policy says which devices count; `policy` is asked from then on, while
 * tconn_policy() does not tell it yet.
 * -ENOMEM, -EINTR: a listed device could not be connected; nothing is registered.
 */
int tconn_input_register(const struct tconn_policy *policy);
void tconn_input_exit(void);

/* Is there a listed device with the key that confirms? */
bool tconn_input_can_confirm(void);
void tconn_input_show(struct seq_file *m);

/*
 * Grabs every listed device. -ENODEV: none has the key that confirms, or one would not open.
 * Nothing reaches the app before tconn_input_listen(). Giving back what was not
 * taken is fine.
 */
int tconn_input_take(void);
void tconn_input_listen(void);
void tconn_input_give(void);
/*
 * Is this key held? What the keyboard's scan codes tell, in a session: false where it
 * sends none for a release.
 */
bool tconn_input_is_down(u16 code);
/* Keys and the last device, as the record wants them; of the last session. */
void tconn_input_report(struct tconn_record *record);

/* The evdev half of the session's fd. */
bool tconn_input_pending(void);
ssize_t tconn_input_read(char __user *buf, size_t len);
long tconn_input_ioctl(unsigned int cmd, unsigned long arg);

/*
 * LEDs of listed input devices: our grab keeps everyone else from them, the
 * LED's own driver (input-leds) included, so they are driven from here.
 * -ENODEV: parent is no listed device.
 */
int tconn_input_set_led(struct device *parent, unsigned int led, bool on);

#endif
