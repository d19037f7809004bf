// SPDX-License-Identifier: Apache-2.0
/* What users of libtconn-label open: a signer, a store of issuers. */
#include "label.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <openssl/x509.h>

#include "identity.h"

int tconn_label_signer_open(const char *tcti, const char *identity_dir,
			    struct tconn_label_signer *ret, struct tconn_error *err)
{
	struct tconn_label_signer s = { 0 };
	uint8_t *certificate;
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s/data.pem", identity_dir) >= (int)sizeof(path))
		return tconn_fail(err, -ENAMETOOLONG, "%.200s: path is too long", identity_dir);
	r = tconn_certificate_load(path, &certificate, &s.certificate_len, err);
	if (r)
		return r;
	s.certificate = certificate;
	r = tconn_tpm_open(tcti, &s.tpm, err);
	if (r)
		free(certificate);
	else
		*ret = s;
	return r;
}

int tconn_label_signer_use_boot_policy(struct tconn_label_signer *signer, const char *path,
				       struct tconn_error *err)
{
	return tconn_tpm_use_boot_policy(signer->tpm, path, err);
}

void tconn_label_signer_close(struct tconn_label_signer *signer)
{
	tconn_tpm_close(signer->tpm);
	free((void *)signer->certificate);
	*signer = (struct tconn_label_signer){ 0 };
}

int tconn_label_trust_load(const char *path, struct x509_store_st **ret, struct tconn_error *err)
{
	return tconn_trust_load(path, ret, err);
}

void tconn_label_trust_free(struct x509_store_st *trust)
{
	X509_STORE_free(trust);
}
