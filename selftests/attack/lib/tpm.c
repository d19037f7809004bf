// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tpm.h"

#define TPM2_ST_SESSIONS	0x8002
#define TPM2_CC_PCR_EXTEND	0x00000182
#define TPM2_RS_PW		0x40000009
#define TPM2_ALG_SHA256		0x000b

/* TPM2_PCR_Extend with an empty password, one digest; big-endian. */
struct extend_command {
	uint16_t tag;
	uint32_t size, code, pcr;
	uint32_t auth_size, session;
	uint16_t nonce_size;
	uint8_t attributes;
	uint16_t password_size;
	uint32_t digests;
	uint16_t algorithm;
	uint8_t digest[TPM_DIGEST_SIZE];
} __attribute__((packed));

static int open_tpm(void)
{
	int fd = open("/dev/tpmrm0", O_RDWR | O_CLOEXEC);

	return fd < 0 ? open("/dev/tpm0", O_RDWR | O_CLOEXEC) : fd;
}

static int transmit(int fd, const struct extend_command *command)
{
	uint8_t answer[4096];
	uint32_t code;
	ssize_t got;

	if (write(fd, command, sizeof(*command)) != sizeof(*command))
		return -errno;
	got = read(fd, answer, sizeof(answer));
	if (got < 10)
		return got < 0 ? -errno : -EIO;
	memcpy(&code, answer + 6, sizeof(code));
	return (int)ntohl(code);
}

int tpm_extend(unsigned int pcr, const uint8_t digest[TPM_DIGEST_SIZE])
{
	struct extend_command command = {
		.tag = htons(TPM2_ST_SESSIONS),
		.size = htonl(sizeof(command)),
		.code = htonl(TPM2_CC_PCR_EXTEND),
		.pcr = htonl(pcr),
		.auth_size = htonl(9),
		.session = htonl(TPM2_RS_PW),
		.digests = htonl(1),
		.algorithm = htons(TPM2_ALG_SHA256),
	};
	int fd = open_tpm(), ret;

	if (fd < 0)
		return -errno;
	memcpy(command.digest, digest, sizeof(command.digest));
	ret = transmit(fd, &command);
	close(fd);
	return ret;
}
