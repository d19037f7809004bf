/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TCONN_INDICATOR_H
#define TCONN_INDICATOR_H

#include <linux/types.h>

struct seq_file;

int tconn_indicator_init(void);
void tconn_indicator_exit(void);

bool tconn_indicator_armed(void);
/* Lights the armed LED and takes it from sysfs. -ENODEV: none is armed; -EIO: it stays dark. */
int tconn_indicator_light(void);
/* Gives it back. False: it was not lit, or was lost meanwhile. */
bool tconn_indicator_dim(void);
void tconn_indicator_show(struct seq_file *m);

#endif
