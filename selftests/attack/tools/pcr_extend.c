// SPDX-License-Identifier: Apache-2.0
/* pcr_extend PCR HEX: what a userspace trusted half would do with its records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tpm.h"

int main(int argc, char **argv)
{
	uint8_t digest[TPM_DIGEST_SIZE];
	int i, ret;

	if (argc != 3 || strlen(argv[2]) != 2 * TPM_DIGEST_SIZE)
		return 2;
	for (i = 0; i < TPM_DIGEST_SIZE; i++)
		if (sscanf(argv[2] + 2 * i, "%2hhx", &digest[i]) != 1)
			return 2;
	ret = tpm_extend((unsigned int)atoi(argv[1]), digest);
	if (ret)
		fprintf(stderr, "pcr_extend: error %d\n", ret);
	return ret ? 1 : 0;
}
