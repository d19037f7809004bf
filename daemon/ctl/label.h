/* SPDX-License-Identifier: Apache-2.0 */
/* tconnctl label: what its parts share. */
#ifndef TCONNCTL_LABEL_H
#define TCONNCTL_LABEL_H

#include "ctl.h"
#include "../lib/label.h"

int label_sign(const struct ctl *ctl, int argc, char **argv);
int label_verify(const struct ctl *ctl, int argc, char **argv);
int label_seal(const struct ctl *ctl, int argc, char **argv);
int label_verify_seal(const struct ctl *ctl, int argc, char **argv);

int label_load(const char *path, struct tconn_label **ret, struct tconn_error *err);
/* One item in words, or as JSON. */
void label_print_item(const struct tconn_label *l, size_t index, int indent);
struct json_object *label_item_json(const struct tconn_label *l, size_t index);
/* "2026-01-02T03:04:05.678901Z" */
#define LABEL_TIME_TEXT 32
const char *label_time_text(uint64_t us, char ret[LABEL_TIME_TEXT]);
/* Says what is wrong with a label; its exit code. */
int label_refused(const struct ctl *ctl, int code, const struct tconn_error *err);

#endif
