/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_MEASURE_H
#define TCONN_MEASURE_H

#include <linux/fs.h>
#include <linux/types.h>
#include "uapi/tconn.h"

#define TCONN_PCR_DEFAULT	13

extern const struct file_operations tconn_log_fops, tconn_log_ascii_fops;

int tconn_measure_init(void);
void tconn_measure_boot(void);
void tconn_measure_exit(void);

/*
 * Log, PCR, IMA. Sleeps, and may take a second on a hardware TPM: never with
 * the screen or the keys taken. -EHWPOISON: no TPM, it refused (from then on it
 * always refuses, for log and PCR no longer agree), or the log is full.
 */
int tconn_measure(enum tconn_event_type type, const void *data, u32 len);
bool tconn_measure_has_tpm(void);
/* Room for the two events of one session. */
bool tconn_measure_has_room(void);
size_t tconn_measure_log_size(void);
const u8 *tconn_measure_boot_id(void);

#endif
