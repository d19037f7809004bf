// SPDX-License-Identifier: Apache-2.0
/*
 * daemon/lib/channel.c, tls.c and tpm_provider.c: mutual TLS 1.3 with keys in
 * two software TPMs, one thread at each end of a loopback connection.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <kselftest_harness.h>

#include "daemon/lib/channel.h"
#include "daemon/lib/digest.h"
#include "swtpm_fixture.h"
#include "test_identity.h"

#define HANDSHAKES	50

static struct swtpm_maker maker;
static struct swtpm device_swtpm, service_swtpm;
static char dir[SWTPM_PATH_MAX], ca_dir[SWTPM_PATH_MAX + 16], other_ca_dir[SWTPM_PATH_MAX + 16];
static char device_dir[SWTPM_PATH_MAX + 16], service_dir[SWTPM_PATH_MAX + 16];
static char foreign_dir[SWTPM_PATH_MAX + 16];

/* The accepting end, in a thread of its own. */
struct end {
	SSL_CTX *ctx;
	int listener;
	pthread_t thread;
	struct tconn_channel *channel;
	struct tconn_error err;
	int result;
};

static void *accept_end(void *arg)
{
	struct end *end = arg;

	end->result = tconn_channel_accept(end->ctx, accept(end->listener, NULL, NULL), &end->channel,
					   &end->err);
	return NULL;
}

/* ret gets the address to connect to. */
static void start_end(struct end *end, SSL_CTX *ctx, char ret[32])
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	memset(end, 0, sizeof(*end));
	end->ctx = ctx;
	if (tconn_listen("127.0.0.1:0", &end->listener, NULL) ||
	    getsockname(end->listener, (struct sockaddr *)&address, &len))
		abort();
	snprintf(ret, 32, "127.0.0.1:%u", ntohs(address.sin_port));
	pthread_create(&end->thread, NULL, accept_end, end);
}

static void join_end(struct end *end)
{
	pthread_join(end->thread, NULL);
	close(end->listener);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int tcp_connect(const char *address)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1)),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		abort();
	return fd;
}

FIXTURE(channel) {
	struct tconn_error err;
	struct tconn_tpm *device_tpm, *service_tpm;
	X509_STORE *trust, *other_trust;
	SSL_CTX *client, *server;
	struct tconn_channel *c, *s;
};

FIXTURE_SETUP(channel)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ca.pem", ca_dir);
	ASSERT_EQ(0, tconn_trust_load(path, &self->trust, &self->err));
	snprintf(path, sizeof(path), "%s/ca.pem", other_ca_dir);
	ASSERT_EQ(0, tconn_trust_load(path, &self->other_trust, &self->err));
	ASSERT_EQ(0, tconn_tpm_open(device_swtpm.tcti, &self->device_tpm, &self->err));
	ASSERT_EQ(0, tconn_tpm_open(service_swtpm.tcti, &self->service_tpm, &self->err));
	ASSERT_EQ(0, tconn_tls_context(self->device_tpm, device_dir, self->trust, false, &self->client,
				       &self->err)) TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_tls_context(self->service_tpm, service_dir, self->trust, true, &self->server,
				       &self->err)) TH_LOG("%s", self->err.text);
}

FIXTURE_TEARDOWN(channel)
{
	tconn_channel_close(self->c);
	tconn_channel_close(self->s);
	SSL_CTX_free(self->client);
	SSL_CTX_free(self->server);
	tconn_tpm_close(self->device_tpm);
	tconn_tpm_close(self->service_tpm);
	X509_STORE_free(self->trust);
	X509_STORE_free(self->other_trust);
}

static int connect_ends(SSL_CTX *client, SSL_CTX *server, struct tconn_channel **c,
			struct tconn_channel **s, struct tconn_error *err)
{
	char address[32];
	struct end end;
	int r;

	start_end(&end, server, address);
	r = tconn_channel_connect(client, address, c, err);
	join_end(&end);
	*s = end.channel;
	if (!r && end.result) {
		*err = end.err;
		r = end.result;
	}
	return r;
}

/* A client that can send what tconn_channel_send() never would. */
static SSL *raw_connect(SSL_CTX *client, SSL_CTX *server, struct tconn_channel **s)
{
	char address[32];
	struct end end;
	SSL *ssl;

	start_end(&end, server, address);
	ssl = SSL_new(client);
	SSL_set_fd(ssl, tcp_connect(address));
	if (SSL_connect(ssl) != 1)
		abort();
	join_end(&end);
	*s = end.channel;
	return ssl;
}

static void raw_close(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
}

/* What the server says to bytes from a client that then closes. */
static int receive_raw(SSL_CTX *client, SSL_CTX *server, const void *buf, int len, size_t limit,
		       struct tconn_error *err)
{
	struct tconn_bytes got = { 0 };
	struct tconn_channel *s;
	SSL *ssl = raw_connect(client, server, &s);
	int r;

	if (len && SSL_write(ssl, buf, len) != len)
		abort();
	raw_close(ssl);
	r = tconn_channel_receive(s, limit, 5000, &got, err);
	free(got.data);
	tconn_channel_close(s);
	return r;
}

TEST_F(channel, mutual_handshakes_with_keys_in_two_tpms)
{
	int64_t begin = now_ms();

	for (int i = 0; i < HANDSHAKES; i++) {
		struct tconn_bytes got = { 0 };

		ASSERT_EQ(0, connect_ends(self->client, self->server, &self->c, &self->s, &self->err))
			TH_LOG("handshake %d: %s", i, self->err.text);
		ASSERT_EQ(0, tconn_channel_send(self->c, &i, sizeof(i), &self->err));
		ASSERT_EQ(0, tconn_channel_receive(self->s, sizeof(i), 5000, &got, &self->err))
			TH_LOG("%s", self->err.text);
		EXPECT_EQ(sizeof(i), got.len);
		EXPECT_EQ(0, memcmp(got.data, &i, sizeof(i)));
		free(got.data);
		tconn_channel_close(self->c);
		tconn_channel_close(self->s);
		self->c = NULL;
		self->s = NULL;
	}
	TH_LOG("%d mutual handshakes, %lld ms each", HANDSHAKES,
	       (long long)(now_ms() - begin) / HANDSHAKES);
}

TEST_F(channel, messages_of_any_size_arrive_whole)
{
	static const size_t sizes[] = { 1, 16379, 16380, 16381, 65536, 1000000 };
	uint8_t *buf = malloc(1000000);

	for (size_t i = 0; i < 1000000; i++)
		buf[i] = (uint8_t)(i * 31);
	ASSERT_EQ(0, connect_ends(self->client, self->server, &self->c, &self->s, &self->err));
	for (size_t i = 0; i < 6; i++) {
		struct tconn_bytes got = { 0 };

		ASSERT_EQ(0, tconn_channel_send(self->s, buf, sizes[i], &self->err));
		ASSERT_EQ(0, tconn_channel_receive(self->c, sizes[i], 5000, &got, &self->err));
		EXPECT_EQ(sizes[i], got.len);
		EXPECT_EQ(0, memcmp(buf, got.data, got.len));
		free(got.data);
	}
	free(buf);
	EXPECT_FALSE(tconn_channel_pending(self->c));
	EXPECT_EQ(-EMSGSIZE, tconn_channel_send(self->c, "", 0, &self->err));
}

TEST_F(channel, both_ends_derive_the_same_binding)
{
	struct tconn_binding c = { 0 }, s = { 0 }, other = { 0 };
	const uint8_t *leaf;
	uint8_t digest[32];
	size_t len;

	ASSERT_EQ(0, connect_ends(self->client, self->server, &self->c, &self->s, &self->err));
	ASSERT_EQ(0, tconn_channel_binding(self->c, TCONN_ROLE_DEVICE, &c, &self->err))
		TH_LOG("%s", self->err.text);
	ASSERT_EQ(0, tconn_channel_binding(self->s, TCONN_ROLE_DEVICE, &s, &self->err));
	EXPECT_EQ(0, memcmp(&c, &s, sizeof(c)));
	EXPECT_EQ(TCONN_ROLE_DEVICE, c.role);
	ASSERT_EQ(0, tconn_channel_peer(self->s, &leaf, &len));
	tconn_sha256(leaf, len, digest);
	EXPECT_EQ(0, memcmp(digest, c.own_leaf, 32));
	ASSERT_EQ(0, tconn_channel_peer(self->c, &leaf, &len));
	tconn_sha256(leaf, len, digest);
	EXPECT_EQ(0, memcmp(digest, c.peer_leaf, 32));
	/* The other role's: other label, leaves the other way round. */
	ASSERT_EQ(0, tconn_channel_binding(self->c, TCONN_ROLE_SERVICE, &other, &self->err));
	EXPECT_NE(0, memcmp(other.exporter, c.exporter, 32));
	EXPECT_EQ(0, memcmp(other.own_leaf, c.peer_leaf, 32));
	EXPECT_EQ(0, memcmp(other.peer_leaf, c.own_leaf, 32));
	EXPECT_EQ(-EINVAL, tconn_channel_binding(self->c, 'X', &other, &self->err));
}

TEST_F(channel, another_session_has_another_binding)
{
	struct tconn_binding first = { 0 }, second = { 0 };

	ASSERT_EQ(0, connect_ends(self->client, self->server, &self->c, &self->s, &self->err));
	ASSERT_EQ(0, tconn_channel_binding(self->c, TCONN_ROLE_DEVICE, &first, &self->err));
	tconn_channel_close(self->c);
	tconn_channel_close(self->s);
	self->c = NULL;
	self->s = NULL;
	ASSERT_EQ(0, connect_ends(self->client, self->server, &self->c, &self->s, &self->err));
	ASSERT_EQ(0, tconn_channel_binding(self->c, TCONN_ROLE_DEVICE, &second, &self->err));
	EXPECT_NE(0, memcmp(first.exporter, second.exporter, 32));
	EXPECT_EQ(0, memcmp(first.own_leaf, second.own_leaf, 32));
}

TEST_F(channel, service_of_another_issuer_is_refused)
{
	SSL_CTX *foreign;

	ASSERT_EQ(0, tconn_tls_context(self->service_tpm, foreign_dir, self->trust, true, &foreign,
				       &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EKEYREJECTED, connect_ends(self->client, foreign, &self->c, &self->s, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "not trusted")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(NULL, self->c);
	SSL_CTX_free(foreign);
}

TEST_F(channel, device_of_another_issuer_is_refused_and_learns_it)
{
	struct tconn_bytes got = { 0 };
	char address[32];
	SSL_CTX *strict;
	struct end end;

	ASSERT_EQ(0, tconn_tls_context(self->service_tpm, service_dir, self->other_trust, true, &strict,
				       &self->err));
	start_end(&end, strict, address);
	/* A TLS 1.3 client is done before the server has looked at its certificate. */
	ASSERT_EQ(0, tconn_channel_connect(self->client, address, &self->c, &self->err));
	join_end(&end);
	EXPECT_EQ(-EKEYREJECTED, end.result);
	EXPECT_NE(NULL, strstr(end.err.text, "not trusted")) TH_LOG("%s", end.err.text);
	EXPECT_EQ(-EKEYREJECTED, tconn_channel_receive(self->c, 100, 5000, &got, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "does not accept our certificate"))
		TH_LOG("%s", self->err.text);
	SSL_CTX_free(strict);
}

TEST_F(channel, client_without_certificate_is_refused)
{
	struct tconn_bytes got = { 0 };
	char address[32];
	SSL_CTX *anonymous;
	struct end end;

	ASSERT_EQ(0, tconn_tls_context(NULL, NULL, self->trust, false, &anonymous, &self->err));
	start_end(&end, self->server, address);
	ASSERT_EQ(0, tconn_channel_connect(anonymous, address, &self->c, &self->err));
	join_end(&end);
	EXPECT_EQ(-EPROTO, end.result);
	EXPECT_EQ(-EKEYREJECTED, tconn_channel_receive(self->c, 100, 5000, &got, &self->err))
		TH_LOG("%s", self->err.text);
	SSL_CTX_free(anonymous);
}

TEST_F(channel, contexts_without_trust_or_identity_are_refused)
{
	SSL_CTX *ctx = NULL;

	EXPECT_EQ(-EINVAL, tconn_tls_context(self->device_tpm, device_dir, NULL, false, &ctx, &self->err));
	EXPECT_EQ(-EINVAL, tconn_tls_context(NULL, NULL, self->trust, true, &ctx, &self->err));
	EXPECT_EQ(-ENOENT, tconn_tls_context(self->device_tpm, "/nonexistent", self->trust, false, &ctx,
					     &self->err));
	EXPECT_EQ(NULL, ctx);
}

TEST_F(channel, certificate_of_another_tpm_is_refused_at_start)
{
	SSL_CTX *ctx = NULL;

	EXPECT_EQ(-EKEYREJECTED, tconn_tls_context(self->service_tpm, device_dir, self->trust, false,
						   &ctx, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "enrol again")) TH_LOG("%s", self->err.text);
}

TEST_F(channel, tls_1_2_is_refused)
{
	SSL_CTX *old = SSL_CTX_new(TLS_client_method());
	char address[32];
	struct end end;
	SSL *ssl;
	int fd;

	SSL_CTX_set_max_proto_version(old, TLS1_2_VERSION);
	start_end(&end, self->server, address);
	ssl = SSL_new(old);
	fd = tcp_connect(address);
	SSL_set_fd(ssl, fd);
	EXPECT_NE(1, SSL_connect(ssl));
	join_end(&end);
	EXPECT_EQ(-EPROTO, end.result);
	SSL_free(ssl);
	close(fd);
	SSL_CTX_free(old);
}

TEST_F(channel, no_session_can_be_resumed)
{
	SSL *ssl = raw_connect(self->client, self->server, &self->s);
	struct timeval wait = { .tv_usec = 200000 };
	SSL_SESSION *session;
	char waste;

	/* Tickets would come after the handshake: read until nothing comes. */
	setsockopt(SSL_get_fd(ssl), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	EXPECT_GE(0, SSL_read(ssl, &waste, 1));
	session = SSL_get1_session(ssl);
	EXPECT_EQ(0, SSL_SESSION_is_resumable(session));
	SSL_SESSION_free(session);
	raw_close(ssl);
}

TEST_F(channel, frame_limits_hold)
{
	const uint8_t zero[4] = { 0 }, over[8] = { 0, 0, 0, 65 }, huge[4] = { 0xff, 0xff, 0xff, 0xff };
	const uint8_t cut[8] = { 0, 0, 0, 10, 1, 2, 3, 4 }, exact[8] = { 0, 0, 0, 4, 1, 2, 3, 4 };
	SSL_CTX *c = self->client, *s = self->server;

	EXPECT_EQ(0, receive_raw(c, s, exact, 8, 4, &self->err)) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EMSGSIZE, receive_raw(c, s, exact, 8, 3, &self->err));
	EXPECT_EQ(-EMSGSIZE, receive_raw(c, s, over, 8, 64, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "65 bytes, 64")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-EMSGSIZE, receive_raw(c, s, huge, 4, TCONN_EVIDENCE_MAX, &self->err));
	EXPECT_EQ(-EBADMSG, receive_raw(c, s, zero, 4, 64, &self->err));
	EXPECT_EQ(-ECONNRESET, receive_raw(c, s, cut, 8, 64, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "in the middle")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNRESET, receive_raw(c, s, cut, 3, 64, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "header")) TH_LOG("%s", self->err.text);
	EXPECT_EQ(-ECONNRESET, receive_raw(c, s, cut, 0, 64, &self->err));
	EXPECT_EQ(NULL, strstr(self->err.text, "header")) TH_LOG("%s", self->err.text);
}

TEST_F(channel, refusal_reaches_a_peer_that_is_still_sending)
{
	const uint8_t header[4] = { 0, 1, 0, 0 };
	uint8_t body[16384] = { 0 }, got[64] = { 0 };
	struct tconn_bytes none = { 0 };
	SSL *ssl = raw_connect(self->client, self->server, &self->s);

	ASSERT_EQ(4, SSL_write(ssl, header, 4));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ((int)sizeof(body), SSL_write(ssl, body, sizeof(body)));
	EXPECT_EQ(-EMSGSIZE, tconn_channel_receive(self->s, 100, 5000, &none, &self->err));
	ASSERT_EQ(0, tconn_channel_send(self->s, "too long", 8, &self->err));
	tconn_channel_close(self->s);
	self->s = NULL;
	EXPECT_EQ(12, SSL_read(ssl, got, sizeof(got)));
	EXPECT_EQ(0, memcmp(got + 4, "too long", 8));
	raw_close(ssl);
}

TEST_F(channel, silence_times_out)
{
	struct tconn_bytes got = { 0 };
	int64_t begin;

	ASSERT_EQ(0, connect_ends(self->client, self->server, &self->c, &self->s, &self->err));
	begin = now_ms();
	EXPECT_EQ(-ETIMEDOUT, tconn_channel_receive(self->s, 100, 200, &got, &self->err));
	EXPECT_LE(200, now_ms() - begin);
	EXPECT_GT(2000, now_ms() - begin);
}

static void *drip(void *arg)
{
	const uint8_t header[4] = { 0, 0, 0, 100 };
	SSL *ssl = arg;

	SSL_write(ssl, header, 4);
	for (int i = 0; i < 20; i++) {
		SSL_write(ssl, "x", 1);
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	}
	return NULL;
}

TEST_F(channel, dripping_bytes_do_not_prolong_the_deadline)
{
	SSL *ssl = raw_connect(self->client, self->server, &self->s);
	struct tconn_bytes got = { 0 };
	pthread_t thread;
	int64_t begin = now_ms();

	pthread_create(&thread, NULL, drip, ssl);
	EXPECT_EQ(-ETIMEDOUT, tconn_channel_receive(self->s, 100, 300, &got, &self->err));
	EXPECT_GT(900, now_ms() - begin);
	pthread_join(thread, NULL);
	raw_close(ssl);
}

TEST_F_TIMEOUT(channel, stalled_handshake_times_out, 60)
{
	int64_t begin = now_ms();
	char address[32];
	struct end end;
	int fd;

	start_end(&end, self->server, address);
	fd = tcp_connect(address);
	join_end(&end);
	EXPECT_EQ(-ETIMEDOUT, end.result);
	EXPECT_EQ(NULL, end.channel);
	EXPECT_LE(TCONN_HANDSHAKE_MS, now_ms() - begin);
	EXPECT_GT(TCONN_HANDSHAKE_MS + 5000, now_ms() - begin);
	close(fd);
}

TEST_F(channel, addresses_are_checked)
{
	int fd;

	EXPECT_EQ(-EINVAL, tconn_listen("127.0.0.1", &fd, &self->err));
	EXPECT_EQ(-EINVAL, tconn_listen(":1", &fd, &self->err));
	EXPECT_EQ(-EHOSTUNREACH, tconn_listen("127.0.0.1:http", &fd, &self->err));
	EXPECT_EQ(-ECONNREFUSED, tconn_channel_connect(self->client, "127.0.0.1:1", &self->c,
						       &self->err));
}

int main(int argc, char **argv)
{
	struct tconn_issuer *issuer, *other;
	struct tconn_identity identity;

	signal(SIGPIPE, SIG_IGN);
	swtpm_temp_dir(dir);
	snprintf(ca_dir, sizeof(ca_dir), "%s/ca", dir);
	snprintf(other_ca_dir, sizeof(other_ca_dir), "%s/other", dir);
	snprintf(device_dir, sizeof(device_dir), "%s/device", dir);
	snprintf(service_dir, sizeof(service_dir), "%s/service", dir);
	snprintf(foreign_dir, sizeof(foreign_dir), "%s/foreign", dir);
	swtpm_maker_start(&maker);
	swtpm_start(&maker, "device", &device_swtpm);
	swtpm_start(&maker, "service", &service_swtpm);
	issuer = test_issuer(ca_dir, "Test issuer");
	other = test_issuer(other_ca_dir, "Other issuer");
	test_identity(issuer, ca_dir, device_swtpm.tcti, NULL, device_dir, &identity);
	test_identity(issuer, ca_dir, service_swtpm.tcti, "pay.acme.example", service_dir, &identity);
	test_identity(other, other_ca_dir, service_swtpm.tcti, "pay.acme.example", foreign_dir, &identity);
	tconn_issuer_free(issuer);
	tconn_issuer_free(other);
	return test_harness_run(argc, argv);
}
