/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a signer's items is kept already, by rule of the policy: found in its folder once,
 * then kept count of. What others have taken away since shows when there seems to be no room.
 */
#ifndef TCONN_INTAKE_QUOTA_H
#define TCONN_INTAKE_QUOTA_H

#include "intake.h"

/* Whether the folder of that signer has room for one more item of rule, of so many bytes with its
 * label. -EDQUOT: it has not.
 */
int tconn_intake_room(struct tconn_intake *in, const struct tconn_identity *from,
		      const char *folder, const struct tconn_intake_rule *rule, uint64_t bytes,
		      struct tconn_error *err);
/* It was kept. */
void tconn_intake_kept(struct tconn_intake *in, const struct tconn_identity *from,
		       const struct tconn_intake_rule *rule, uint64_t bytes);

#endif
