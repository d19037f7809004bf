// SPDX-License-Identifier: Apache-2.0
/* The program tconn-tui as a file and as a process. */
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <kselftest_harness.h>

#include "selftests/tui/compose.h"

#define OUTPUT_MAX 4096

/* What one run of the program left behind. */
struct run {
	int exit;			/* or -1 where a signal ended it */
	uint8_t out[OUTPUT_MAX];
	size_t out_len;
	char err[OUTPUT_MAX];
};

static size_t read_all(int fd, void *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, (char *)buf + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

struct child {
	pid_t pid;
	int in, out, err;
};

static void start(struct __test_metadata *_metadata, char *const argv[], struct child *c)
{
	int in[2], out[2], err[2];

	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(err, O_CLOEXEC));
	c->pid = fork();
	ASSERT_LE(0, c->pid);
	if (c->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		execv(TUI_PROGRAM, argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	*c = (struct child){ c->pid, in[1], out[0], err[0] };
}

static void run(struct __test_metadata *_metadata, char *const argv[], const void *request,
		size_t len, struct run *ret)
{
	struct child c;
	int status;

	signal(SIGPIPE, SIG_IGN);
	start(_metadata, argv, &c);
	/* A request that is refused early may not be read to its end. */
	(void)!write(c.in, request, len);
	close(c.in);
	memset(ret, 0, sizeof(*ret));
	ret->out_len = read_all(c.out, ret->out, sizeof(ret->out));
	read_all(c.err, ret->err, sizeof(ret->err) - 1);
	close(c.out);
	close(c.err);
	ASSERT_EQ(c.pid, waitpid(c.pid, &status, 0));
	ret->exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *const session_argv[] = { TUI_PROGRAM, NULL };
static char *const check_argv[] = { TUI_PROGRAM, "--check", "--size", "800x480", NULL };

static size_t confirm_request(uint8_t request[static COMPOSE_MAX], const char *text,
			      size_t text_len)
{
	uint8_t statement[TCONN_STATEMENT_MAX];
	size_t len = compose_statement(statement, TCONN_KIND_CONFIRM, 0, 0, text, text_len);

	return compose_request(request, 30000, statement, len);
}

/* Parses a reply's header and checks that its lengths add up. */
static void parse_reply(struct __test_metadata *_metadata, const struct run *r,
			struct tconn_tui_reply *ret, char message[static TCONN_TUI_MESSAGE_MAX + 1])
{
	ASSERT_EQ(0, r->exit) TH_LOG("standard error: %s", r->err);
	ASSERT_LE(sizeof(*ret), r->out_len);
	memcpy(ret, r->out, sizeof(*ret));
	EXPECT_EQ(0, memcmp(ret->magic, "TCRP", 4));
	EXPECT_EQ(TCONN_TUI_VERSION, ret->version);
	EXPECT_EQ(0, ret->reserved);
	EXPECT_EQ(0, ret->record_len);
	EXPECT_EQ(0, ret->answer_len);
	ASSERT_EQ(r->out_len, sizeof(*ret) + ret->message_len);
	ASSERT_LE(ret->message_len, TCONN_TUI_MESSAGE_MAX);
	memcpy(message, r->out + sizeof(*ret), ret->message_len);
	message[ret->message_len] = 0;
}

TEST(malformed_request)
{
	uint8_t good[COMPOSE_MAX], bad[COMPOSE_MAX];
	size_t len = confirm_request(good, "Pay?", 4);
	/* Each of these bytes is checked: magic, version, flags, time-out, length, look,
	 * proof, reserved.
	 */
	static const size_t bytes[] = { 0, 3, 4, 6, 11, 14, 15, 80, 84, 85, 86, 87 };
	struct run r;

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		memcpy(bad, good, len);
		bad[bytes[i]] ^= 0x40;
		run(_metadata, session_argv, bad, len, &r);
		EXPECT_EQ(3, r.exit) TH_LOG("byte %zu", bytes[i]);
		EXPECT_EQ(0, r.out_len);
		EXPECT_NE(NULL, strstr(r.err, "tconn-tui: the request"));
	}
}

TEST(truncated_request)
{
	uint8_t good[COMPOSE_MAX];
	size_t len = confirm_request(good, "Pay?", 4);
	static const size_t cuts[] = { 0, 1, 87, 88, 92 };
	struct run r;

	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		run(_metadata, session_argv, good, cuts[i], &r);
		EXPECT_EQ(3, r.exit) TH_LOG("%zu bytes", cuts[i]);
		EXPECT_EQ(0, r.out_len);
	}
	run(_metadata, session_argv, good, len - 1, &r);
	EXPECT_EQ(3, r.exit);
}

TEST(no_module)
{
	char message[TCONN_TUI_MESSAGE_MAX + 1];
	struct tconn_tui_reply reply;
	uint8_t request[COMPOSE_MAX];
	struct run r;

	if (access(TCONN_DEVICE, F_OK) == 0)
		SKIP(return, "this machine has " TCONN_DEVICE);
	run(_metadata, session_argv, request, confirm_request(request, "Pay?", 4), &r);
	parse_reply(_metadata, &r, &reply, message);
	EXPECT_EQ(TCONN_TUI_NO_MODULE, reply.status);
	EXPECT_EQ(ENOENT, reply.error);
	EXPECT_NE(NULL, strstr(message, "load tconn.ko")) TH_LOG("%s", message);
}

/* Too long, not UTF-8, no glyph: three errors, and none of them needs a module. */
TEST(statement_refused)
{
	static char longest[TCONN_TEXT_MAX + 1];
	static const struct {
		const char *text;
		size_t len;
		int error;
		const char *says;
	} bad[] = {
		{ longest, sizeof(longest), TCONN_STATEMENT_TOO_LONG, "too long" },
		{ "\xc0\x80", 2, TCONN_STATEMENT_NOT_UTF8, "not valid UTF-8" },
		{ "a\xe4\xb8\xad", 4, TCONN_STATEMENT_NO_GLYPH, "byte 1" },
		{ "a\xe2\x80\xae", 4, TCONN_STATEMENT_CONTROL, "text-direction" },
		{ "  ", 2, TCONN_STATEMENT_EMPTY, "no text" },
	};
	char message[TCONN_TUI_MESSAGE_MAX + 1];
	struct tconn_tui_reply reply;
	uint8_t request[COMPOSE_MAX];
	struct run r;

	memset(longest, 'a', sizeof(longest));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t len = confirm_request(request, bad[i].text, bad[i].len);

		run(_metadata, session_argv, request, len, &r);
		parse_reply(_metadata, &r, &reply, message);
		EXPECT_EQ(TCONN_TUI_STATEMENT, reply.status);
		EXPECT_EQ(bad[i].error, reply.error);
		EXPECT_NE(NULL, strstr(message, bad[i].says)) TH_LOG("%s", message);
		run(_metadata, check_argv, request, len, &r);
		EXPECT_EQ(3, r.exit);
		EXPECT_NE(NULL, strstr(r.err, tconn_statement_strerror(bad[i].error)));
	}
}

TEST(check_says_yes)
{
	uint8_t request[COMPOSE_MAX];
	struct run r;

	run(_metadata, check_argv, request, confirm_request(request, "Pay?", 4), &r);
	EXPECT_EQ(0, r.exit);
	EXPECT_EQ(0, memcmp(r.out, "the request can be shown on 800x480\n", r.out_len));
}

TEST(usage)
{
	static char *const bad[][4] = {
		{ TUI_PROGRAM, "--nonsense" }, { TUI_PROGRAM, "file" },
		{ TUI_PROGRAM, "--render-png", "x.png" }, { TUI_PROGRAM, "--check", "--size=800" },
		{ TUI_PROGRAM, "--check", "--size=0x0" }, { TUI_PROGRAM, "--pin-entered=13" },
	};
	static char *const good[][3] = { { TUI_PROGRAM, "--help" }, { TUI_PROGRAM, "--version" } };
	struct run r;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		run(_metadata, bad[i], "", 0, &r);
		EXPECT_EQ(2, r.exit) TH_LOG("case %zu", i);
		EXPECT_EQ(0, r.out_len);
		EXPECT_NE(NULL, strstr(r.err, "tconn-tui: ")) TH_LOG("%s", r.err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		run(_metadata, good[i], "", 0, &r);
		EXPECT_EQ(0, r.exit);
		EXPECT_NE(0, r.out_len);
	}
}

TEST(reply_unwritten)
{
	uint8_t request[COMPOSE_MAX];
	size_t len = confirm_request(request, "\xff", 1);
	struct child c;
	int status;

	start(_metadata, session_argv, &c);
	close(c.out);
	ASSERT_EQ((ssize_t)len, write(c.in, request, len));
	ASSERT_EQ(c.pid, waitpid(c.pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(4, WEXITSTATUS(status));
	close(c.in);
	close(c.err);
}

TEST(render_png)
{
	char path[] = "/tmp/tconn-tui-test.XXXXXX";
	char *const argv[] = { TUI_PROGRAM, "--render-png", path, "--size", "800x480", NULL };
	static const uint8_t head[] = {
		0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R',
		0, 0, 800 >> 8, 800 & 255, 0, 0, 480 >> 8, 480 & 255,
	};
	uint8_t request[COMPOSE_MAX], got[sizeof(head)];
	int fd = mkstemp(path);
	struct run r;

	ASSERT_LE(0, fd);
	run(_metadata, argv, request, confirm_request(request, "Pay?", 4), &r);
	EXPECT_EQ(0, r.exit) TH_LOG("%s", r.err);
	EXPECT_EQ(sizeof(got), read_all(fd, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(head, got, sizeof(head)));
	close(fd);
	unlink(path);
}

FIXTURE(elf) {
	uint8_t *bytes;
	size_t len;
	const Elf64_Ehdr *h;
	const Elf64_Phdr *ph;
};

FIXTURE_SETUP(elf)
{
	int fd = open(TUI_PROGRAM, O_RDONLY | O_CLOEXEC);
	struct stat st;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	self->len = (size_t)st.st_size;
	self->bytes = mmap(NULL, self->len, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->bytes);
	close(fd);
	self->h = (const Elf64_Ehdr *)self->bytes;
	self->ph = (const Elf64_Phdr *)(self->bytes + self->h->e_phoff);
}

FIXTURE_TEARDOWN(elf)
{
	munmap(self->bytes, self->len);
}

static const Elf64_Phdr *find(const Elf64_Ehdr *h, const Elf64_Phdr *ph, uint32_t type)
{
	for (int i = 0; i < h->e_phnum; i++)
		if (ph[i].p_type == type)
			return &ph[i];
	return NULL;
}

TEST_F(elf, static_pie)
{
	const Elf64_Phdr *dynamic = find(self->h, self->ph, PT_DYNAMIC);
	const Elf64_Dyn *d;
	bool pie = false;

	EXPECT_EQ(ET_DYN, self->h->e_type);
	EXPECT_EQ(NULL, find(self->h, self->ph, PT_INTERP));
	ASSERT_NE(NULL, dynamic);
	for (d = (const Elf64_Dyn *)(self->bytes + dynamic->p_offset); d->d_tag != DT_NULL; d++) {
		EXPECT_NE(DT_NEEDED, d->d_tag);
		EXPECT_NE(DT_TEXTREL, d->d_tag);
		if (d->d_tag == DT_FLAGS_1)
			pie = d->d_un.d_val & DF_1_PIE;
	}
	EXPECT_TRUE(pie);
}

TEST_F(elf, write_xor_execute)
{
	const Elf64_Phdr *stack = find(self->h, self->ph, PT_GNU_STACK);
	int executable = 0;

	ASSERT_NE(NULL, stack);
	EXPECT_EQ(0, stack->p_flags & PF_X);
	EXPECT_NE(NULL, find(self->h, self->ph, PT_GNU_RELRO));
	for (int i = 0; i < self->h->e_phnum; i++) {
		if (self->ph[i].p_type != PT_LOAD)
			continue;
		EXPECT_NE(PF_W | PF_X, self->ph[i].p_flags & (PF_W | PF_X));
		executable += !!(self->ph[i].p_flags & PF_X);
	}
	EXPECT_EQ(1, executable);
}

/* The same as the module asks of the running process: see app.c. */
TEST(maps)
{
	char path[64], line[512], perms[5];
	int executable = 0;
	struct child c;
	FILE *f;

	if (geteuid() != 0)
		SKIP(return, "reading the maps of a process that cannot be dumped needs root");
	start(_metadata, session_argv, &c);
	/* It waits for its request once it has closed what it inherited. */
	snprintf(path, sizeof(path), "/proc/%d/maps", c.pid);
	usleep(300000);
	f = fopen(path, "re");
	ASSERT_NE(NULL, f);
	while (fgets(line, sizeof(line), f)) {
		ASSERT_EQ(1, sscanf(line, "%*s %4s", perms));
		EXPECT_FALSE(perms[1] == 'w' && perms[2] == 'x') TH_LOG("%s", line);
		if (perms[2] != 'x' || strstr(line, "[vdso]") || strstr(line, "[vsyscall]"))
			continue;
		EXPECT_NE(NULL, strstr(line, "/" TUI_PROGRAM)) TH_LOG("%s", line);
		executable++;
	}
	EXPECT_EQ(1, executable);
	fclose(f);
	kill(c.pid, SIGKILL);
	waitpid(c.pid, NULL, 0);
	close(c.in);
	close(c.out);
	close(c.err);
}

TEST_HARNESS_MAIN
