/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence as files that other people's tools read:
 *	ak.pem		public key
 *	quote.msg	TPMS_ATTEST		quote.sig	TPMT_SIGNATURE
 *	quote.pcrs	values of PCR 0-14, as tpm2_quote writes them ("serialized")
 *	qualification	the quote's qualifyingData, hex
 *	boot.log	firmware event log	ima.log		IMA's binary log
 *	tconn.log	the module's log	pcrs.txt	PCR values as evmctl reads them
 *
 *	tpm2_checkquote -u ak.pem -m quote.msg -s quote.sig -g sha256 -f quote.pcrs \
 *		-q "$(cat qualification)"
 *	tpm2_eventlog boot.log
 *	evmctl ima_measurement --pcrs sha256,pcrs.txt ima.log
 */
#ifndef TCONN_EVIDENCE_FILES_H
#define TCONN_EVIDENCE_FILES_H

#include "evidence.h"

/* Evidence as tconn-serviced keeps it: path is NAME.cbor; where that leaves out the beginning
 * of the IMA log, it is taken from NAME.ima. -EBADMSG where the two do not fit.
 */
int tconn_evidence_load(const char *path, struct tconn_evidence *ret, struct tconn_error *err);
/* dir is made where it is not there; files in it are replaced. */
int tconn_evidence_export(const struct tconn_evidence *e, const char *dir,
			  struct tconn_error *err);

#endif
