/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation with one device, from handshake to close. Both return true
 * where the connection was parked, and d is then another's; false where it is over.
 */
#ifndef SERVICED_DEVICE_H
#define SERVICED_DEVICE_H

#include "server.h"

/* Handshake, attestation, and what there is to do then. Takes fd in all cases. */
bool device_begin(struct device *d, int fd);
/* Out of the lobby: the device spoke, a question waits, or it is due. */
bool device_resume(struct device *d);

/* Once it has attested: nothing it showed was revoked meanwhile, and its AK is the one that it
 * had; from then on labels are compared with what it showed. Where it is exempt there is none to look at. -EKEYREVOKED, -EACCES, -EIO.
 */
int device_check_ak(struct device *d, struct tconn_error *err);

/* It attests once more, now. Where it does not pass, the connection is over. */
int device_attest_again(struct device *d, struct tconn_error *err);

/* What is of interest later: who came in, who was refused, who had to leave. */
void device_audit(struct device *d, const char *what, const char *detail);

/* Which check of v failed first, for the event when the connection ends. */
void device_note_failed(struct device *d, const struct tconn_verdict *v);

#endif
