/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM's EK and its certificate, looked at before anything is issued. */
#ifndef TCONN_CA_CHECK_H
#define TCONN_CA_CHECK_H

#include "../lib/error.h"

/* ek: a file with a TPMT_PUBLIC, or a TPM2B_PUBLIC as tpm2-tools write it. certificate: what the
 * TPM's NV holds. ret gets the id that a device with this TPM has. Fails where an enrolment would.
 */
int check_papers(const char *makers, const char *ek, const char *certificate, char ret[65],
		 struct tconn_error *err);

#endif
