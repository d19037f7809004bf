/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates and chains of lately, for tconn_certificate_keep(). A device's certificates are looked
 * at several times in one connection, and again with each attestation, and to parse one costs OpenSSL
 * more than to verify a signature.
 */
#ifndef TCONN_CERTIFICATE_CACHE_H
#define TCONN_CERTIFICATE_CACHE_H

/* From now on, for the whole process. Any thread may check certificates afterwards. */
void tconn_certificate_cache_start(void);

#endif
