// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the listed program itself, with a request of its own, and reads the PIN from
 * its answer: the trusted screen, the lamp, but the attacker's question.
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

static const struct request request = {
	.head = {
		.magic = "TCRQ",
		.version = TCONN_TUI_VERSION,
		.timeout_ms = 20000,
		.verifier_key = { 9 },	/* any will do */
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
	if (len > sizeof(struct tconn_tui_reply)) {
		attack_note("it says: %.*s", (int)(len - sizeof(struct tconn_tui_reply)),
			    reply + sizeof(struct tconn_tui_reply));
		process_report_digits(reply, len);
	}
	attack_failed("this is all it was told");
}
