// SPDX-License-Identifier: Apache-2.0
/*
 * How a software TPM with an EK certificate is made (swtpm 0.7, tried), here
 * and for a guest. Three files in a private directory DIR, nothing in /etc or
 * /var, no daemon, root not needed:
 *
 *	DIR/setup.conf
 *		create_certs_tool = /usr/bin/swtpm_localca
 *		create_certs_tool_config = DIR/localca.conf
 *		create_certs_tool_options = DIR/localca.options
 *		active_pcr_banks = sha256
 *	DIR/localca.conf
 *		statedir = DIR/ca
 *		signingkey = DIR/ca/signkey.pem
 *		issuercert = DIR/ca/issuercert.pem
 *		certserial = DIR/ca/certserial
 *	DIR/localca.options
 *		--platform-manufacturer tconn
 *		--platform-version 1
 *		--platform-model test
 *
 *	mkdir DIR/ca DIR/NAME
 *	swtpm_setup --tpm2 --tpmstate DIR/NAME --config DIR/setup.conf \
 *		--create-ek-cert --lock-nvram --pcr-banks sha256 --logfile DIR/NAME.log
 *
 * The first run makes the root and the issuer in DIR/ca; later runs with the
 * same DIR use them, so all TPMs of one DIR have one maker. The EK issuer store
 * for `tconn-ca serve --ek-trust` is these two certificates, in one PEM file or
 * as the only *.pem files of a directory (DIR/ca itself has keys in it too):
 *	DIR/ca/swtpm-localca-rootca-cert.pem	self-signed root
 *	DIR/ca/issuercert.pem			issuer of the EK certificates
 * The state in DIR/NAME has the RSA EK at 0x81010001 (template L-1) and its
 * certificate at NV 0x01c00002.
 *
 * Here, a socket to which libtss2's swtpm TCTI connects ("swtpm:path=DIR/NAME.sock";
 * the control socket must be the same path with ".ctrl"):
 *	swtpm socket --tpm2 --tpmstate dir=DIR/NAME --server type=unixio,path=DIR/NAME.sock \
 *		--ctrl type=unixio,path=DIR/NAME.sock.ctrl --flags not-need-init,startup-clear
 *
 * For QEMU (the firmware or the kernel does the start-up; data goes over the
 * control channel, so there is no --server):
 *	swtpm socket --tpm2 --tpmstate dir=DIR/NAME --ctrl type=unixio,path=DIR/NAME.sock \
 *		--flags not-need-init --terminate
 *	qemu ... -chardev socket,id=tpm,path=DIR/NAME.sock -tpmdev emulator,id=tpm0,chardev=tpm \
 *		-device tpm-tis,tpmdev=tpm0
 */
#include "swtpm_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES	8
#define MAX_DIRS	8
#define START_MS	10000
#define PATH_SIZE	(SWTPM_PATH_MAX + 64)

static pid_t process[MAX_PROCESSES];
static size_t processes;
static char dirs[MAX_DIRS][SWTPM_PATH_MAX];
static size_t dir_count;
static pid_t owner;

__attribute__((format(printf, 1, 2), noreturn))
static void bail_out(const char *fmt, ...)
{
	va_list args;

	printf("Bail out! swtpm fixture: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void clean_up(void)
{
	if (getpid() != owner)
		return;
	for (size_t i = 0; i < processes; i++) {
		kill(process[i], SIGTERM);
		waitpid(process[i], NULL, 0);
	}
	for (size_t i = 0; i < dir_count; i++)
		nftw(dirs[i], remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void swtpm_temp_dir(char ret[SWTPM_PATH_MAX])
{
	char *dir = dirs[dir_count];

	if (!owner) {
		owner = getpid();
		atexit(clean_up);
	}
	if (dir_count == MAX_DIRS)
		bail_out("too many directories");
	snprintf(dir, SWTPM_PATH_MAX, "/tmp/tconn-test-XXXXXX");
	if (!mkdtemp(dir))
		bail_out("%s: %s", dir, strerror(errno));
	dir_count++;
	snprintf(ret, SWTPM_PATH_MAX, "%s", dir);
}

__attribute__((format(printf, 3, 4)))
static void write_file(const char *dir, const char *name, const char *fmt, ...)
{
	char path[PATH_SIZE];
	va_list args;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	va_start(args, fmt);
	vfprintf(f, fmt, args);
	va_end(args);
	if (fclose(f))
		bail_out("%s: %s", path, strerror(errno));
}

static void make_dir(const char *dir, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (mkdir(path, 0700))
		bail_out("%s: %s", path, strerror(errno));
}

void swtpm_maker_start(struct swtpm_maker *maker)
{
	const char *d = maker->dir;

	swtpm_temp_dir(maker->dir);
	make_dir(d, "ca");
	write_file(d, "setup.conf",
		   "create_certs_tool = /usr/bin/swtpm_localca\n"
		   "create_certs_tool_config = %s/localca.conf\n"
		   "create_certs_tool_options = %s/localca.options\n"
		   "active_pcr_banks = sha256\n", d, d);
	write_file(d, "localca.conf",
		   "statedir = %s/ca\nsigningkey = %s/ca/signkey.pem\n"
		   "issuercert = %s/ca/issuercert.pem\ncertserial = %s/ca/certserial\n", d, d, d, d);
	write_file(d, "localca.options",
		   "--platform-manufacturer tconn\n--platform-version 1\n--platform-model test\n");
	snprintf(maker->ek_trust, sizeof(maker->ek_trust), "%s/issuers.pem", d);
}

static pid_t spawn(char *const argv[])
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		bail_out("fork: %s", strerror(errno));
	if (pid)
		return pid;
	/* A test program that is killed takes its TPMs along. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDOUT_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

static void manufacture(const char *dir, const char *name, const char *rsa_bits)
{
	char state[PATH_SIZE], config[PATH_SIZE], log[PATH_SIZE];
	char *argv[] = {
		"swtpm_setup", "--tpm2", "--tpmstate", state, "--config", config, "--create-ek-cert",
		"--lock-nvram", "--pcr-banks", "sha256", "--rsa-keysize", (char *)rsa_bits,
		"--logfile", log, NULL
	};
	int status;

	snprintf(state, sizeof(state), "%s/%s", dir, name);
	snprintf(config, sizeof(config), "%s/setup.conf", dir);
	snprintf(log, sizeof(log), "%s/%s.log", dir, name);
	if (waitpid(spawn(argv), &status, 0) < 0 || status)
		bail_out("swtpm_setup ended with status %#x; is swtpm-tools installed?", status);
}

static void append_file(FILE *to, const char *dir, const char *name)
{
	char path[PATH_SIZE], buf[8192];
	FILE *from;
	size_t n;

	snprintf(path, sizeof(path), "%s/ca/%s", dir, name);
	from = fopen(path, "re");
	if (!from)
		bail_out("%s: %s", path, strerror(errno));
	n = fread(buf, 1, sizeof(buf), from);
	fwrite(buf, 1, n, to);
	fclose(from);
}

static void bundle_issuers(const struct swtpm_maker *maker)
{
	FILE *f = fopen(maker->ek_trust, "we");

	if (!f)
		bail_out("%s: %s", maker->ek_trust, strerror(errno));
	append_file(f, maker->dir, "swtpm-localca-rootca-cert.pem");
	append_file(f, maker->dir, "issuercert.pem");
	if (fclose(f))
		bail_out("%s: %s", maker->ek_trust, strerror(errno));
}

static int can_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int good;

	if (strlen(path) >= sizeof(address.sun_path))
		bail_out("%s: too long for a socket's name", path);
	memcpy(address.sun_path, path, strlen(path));
	good = !connect(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
	return good;
}

static void wait_for(const char *path)
{
	for (int waited = 0; waited < START_MS; waited += 20) {
		if (can_connect(path))
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	bail_out("%s: nobody listens after %d ms", path, START_MS);
}

void swtpm_start(const struct swtpm_maker *maker, const char *name, struct swtpm *ret)
{
	swtpm_start_with(maker, name, "2048", ret);
}

void swtpm_start_with(const struct swtpm_maker *maker, const char *name, const char *rsa_bits,
		      struct swtpm *ret)
{
	char state[PATH_SIZE + 8], server[PATH_SIZE + 32], ctrl[PATH_SIZE + 32], log[PATH_SIZE + 32];
	char path[PATH_SIZE];
	char *argv[] = {
		"swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--ctrl", ctrl,
		"--log", log, "--flags", "not-need-init,startup-clear", NULL
	};

	if (processes == MAX_PROCESSES)
		bail_out("too many TPMs");
	make_dir(maker->dir, name);
	manufacture(maker->dir, name, rsa_bits);
	bundle_issuers(maker);
	snprintf(state, sizeof(state), "dir=%s/%s", maker->dir, name);
	snprintf(server, sizeof(server), "type=unixio,path=%s/%s.sock", maker->dir, name);
	snprintf(ctrl, sizeof(ctrl), "type=unixio,path=%s/%s.sock.ctrl", maker->dir, name);
	snprintf(log, sizeof(log), "file=%s/%s.swtpm.log", maker->dir, name);
	process[processes++] = spawn(argv);
	/* The last of its sockets. It takes one client at a time, and we are gone at once. */
	snprintf(path, sizeof(path), "%s/%s.sock", maker->dir, name);
	wait_for(path);
	snprintf(ret->tcti, sizeof(ret->tcti), "swtpm:path=%s/%s.sock", maker->dir, name);
}
