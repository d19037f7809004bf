// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_API_COMPAT 10101	/* the old SHA-256 API alone: EVP would make it 5 MB */
#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "event.h"
#include "tpm.h"

#define FORGED "/tmp/log"

/* Of all dialogs of the matrix (record.py). */
static const __u8 verifier_key[TCONN_KEY_SIZE] = {
	0x8f, 0x40, 0xc5, 0xad, 0xb6, 0x8f, 0x25, 0x62, 0x4a, 0xe5, 0xb2, 0x14,
	0xea, 0x76, 0x7a, 0x6e, 0xc9, 0x4d, 0x82, 0x9d, 0x3d, 0x7b, 0x5e, 0x1a,
	0xd1, 0xba, 0x6f, 0x3e, 0x21, 0x38, 0x28, 0x5f,
};

void event_digest(struct event *e)
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, &e->type, sizeof(e->type));
	SHA256_Update(&ctx, &e->len, sizeof(e->len));
	SHA256_Update(&ctx, &e->record, e->len);
	SHA256_Final(e->digest, &ctx);
}

void event_forge(struct event *ret)
{
	*ret = (struct event){
		.pcr = EVENT_PCR,
		.type = TCONN_EVENT_RECORD,
		.len = sizeof(ret->record),
		.record = {
			.magic = "TCNR",
			.version = 2,
			.size = sizeof(ret->record),
			.session = 1000,
			.kind = TCONN_KIND_CONFIRM,
			.outcome = TCONN_OUTCOME_CONFIRMED,
			.indicator = TCONN_INDICATOR_PRESENT | TCONN_INDICATOR_LIT,
			.presents = 1,
			.keys = 1,
			.gesture = { .type = TCONN_GESTURE_PRESS, .code = KEY_ENTER },
			.confirm = { .type = TCONN_GESTURE_PRESS, .code = KEY_ENTER },
		},
	};
	memcpy(ret->record.verifier_key, verifier_key, sizeof(verifier_key));
	event_digest(ret);
}

void event_forge_boot(struct event *ret, const __u8 *kernel_key)
{
	*ret = (struct event){
		.pcr = EVENT_PCR,
		.type = TCONN_EVENT_BOOT,
		.len = sizeof(ret->boot),
		.boot = { .abi = TCONN_ABI, .version = "0.1.0" },
	};
	memcpy(ret->boot.kernel_key, kernel_key, sizeof(ret->boot.kernel_key));
	event_digest(ret);
}

static int copy(int from, int to)
{
	char buf[4096];
	ssize_t got;

	while ((got = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)got) != got)
			return -1;
	return got < 0 ? -1 : 0;
}

static size_t size_of(const struct event *e)
{
	return offsetof(struct event, record) + e->len;
}

static int append(int fd, const struct event *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (write(fd, &events[i], size_of(&events[i])) != (ssize_t)size_of(&events[i]))
			return -1;
	return 0;
}

static int mount_longer(int log, const struct event *events, size_t count)
{
	int forged = open(FORGED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret = forged < 0 || copy(log, forged) || append(forged, events, count);

	if (forged >= 0)
		close(forged);
	return ret || mount(FORGED, EVENT_KERNEL_LOG, NULL, MS_BIND, NULL) ? -1 : 0;
}

static int show(const struct event *events, size_t count)
{
	int fd = open(EVENT_KERNEL_LOG, O_RDONLY | O_CLOEXEC), ret;

	if (fd >= 0) {
		ret = mount_longer(fd, events, count);
	} else {
		fd = open(EVENT_USERSPACE_LOG, O_WRONLY | O_APPEND | O_CLOEXEC);
		ret = fd < 0 ? -1 : append(fd, events, count);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

const char *event_add(const struct event *events, size_t count)
{
	if (show(events, count))
		return strerror(errno);
	for (size_t i = 0; i < count; i++)
		if (tpm_extend(EVENT_PCR, events[i].digest))
			return "the PCR cannot be extended";
	return NULL;
}
