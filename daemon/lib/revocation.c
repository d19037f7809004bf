// SPDX-License-Identifier: Apache-2.0
#include "revocation.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "identity.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int list_index = -1;	/* of a store's application data */

static void make_index(void)
{
	list_index = X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

void tconn_serial_text(const struct x509_st *cert, char ret[TCONN_SERIAL_TEXT])
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL, *from = hex ? hex : "";
	size_t len;

	/* BN_bn2hex() writes whole bytes. */
	while (from[0] == '0' && from[1])
		from++;
	len = strlen(from);
	if (len >= TCONN_SERIAL_TEXT)
		len = 0;
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)tolower((unsigned char)from[i]);
	ret[len] = '\0';
	OPENSSL_free(hex);
	BN_free(n);
}

void tconn_serial_of(const uint8_t *der, size_t len, char ret[TCONN_SERIAL_TEXT])
{
	X509 *cert = tconn_certificate_parse(der, len, NULL);

	ret[0] = '\0';
	if (cert)
		tconn_serial_text(cert, ret);
	X509_free(cert);
}

/* OpenSSL calls it once the chain stands, in place of its own look at CRLs. */
static int check(X509_STORE_CTX *ctx)
{
	const struct tconn_revocation_list *list =
		X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(ctx), list_index);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	char serial[TCONN_SERIAL_TEXT];
	int r;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		tconn_serial_text(sk_X509_value(chain, i), serial);
		r = serial[0] ? list->look(list->arg, serial) : -EBADMSG;
		if (r == 0)
			continue;
		X509_STORE_CTX_set_current_cert(ctx, sk_X509_value(chain, i));
		X509_STORE_CTX_set_error_depth(ctx, i);
		X509_STORE_CTX_set_error(ctx, r > 0 ? X509_V_ERR_CERT_REVOKED :
					 X509_V_ERR_UNABLE_TO_GET_CRL);
		return 0;
	}
	return 1;
}

int tconn_trust_revocation(struct x509_store_st *trust, const struct tconn_revocation_list *list,
			   struct tconn_error *err)
{
	pthread_once(&once, make_index);
	if (list_index < 0 || X509_STORE_set_ex_data(trust, list_index, (void *)list) != 1)
		return tconn_fail(err, -ENOMEM, "out of memory");
	X509_STORE_set_check_revocation(trust, check);
	return 0;
}
