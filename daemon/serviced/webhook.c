// SPDX-License-Identifier: Apache-2.0
#include "webhook.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "../lib/digest.h"
#include "../lib/file.h"
#include "settings.h"

#define REPLY_MAX	65536	/* bytes of an answer that is read and dropped */

struct webhook {
	const struct settings *settings;
	struct tconn_bytes secret;	/* len 0: none */
	CURL *curl;
	size_t heard;			/* bytes of this answer */
};

static int load_secret(const char *path, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct stat st;
	int r;

	if (stat(path, &st))
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		return tconn_fail(err, -EPERM, "%s: others may read it: chmod go= it", path);
	r = tconn_file_read(path, WEBHOOK_SECRET_MAX, ret, err);
	while (r == 0 && ret->len && ret->data[ret->len - 1] == '\n')
		ret->len--;
	if (r == 0 && ret->len < WEBHOOK_SECRET_MIN)
		r = tconn_fail(err, -EINVAL, "%s: fewer than %d bytes", path, WEBHOOK_SECRET_MIN);
	return r;
}

static int check(const struct settings *s, struct tconn_error *err)
{
	if (strncasecmp(s->webhook_url, "https://", 8))
		return tconn_fail(err, -EINVAL, "\"webhook_url\" must begin with https://");
	if (!s->webhook_certificate != !s->webhook_key)
		return tconn_fail(err, -EINVAL, "\"webhook_certificate\" and \"webhook_key\" go "
				  "together");
	if (!s->webhook_secret && !s->webhook_key)
		return tconn_fail(err, -EINVAL, "\"webhook_url\" wants a \"webhook_secret\" or a "
				  "\"webhook_certificate\": who gets it must know whom it is from");
	return 0;
}

int webhook_open(const struct settings *s, struct webhook **ret, struct tconn_error *err)
{
	struct webhook *w;
	int r = check(s, err);

	if (r < 0)
		return r;
	w = calloc(1, sizeof(*w));
	if (!w)
		return tconn_fail(err, -ENOMEM, "out of memory");
	w->settings = s;
	if (s->webhook_secret)
		r = load_secret(s->webhook_secret, &w->secret, err);
	if (r == 0) {
		w->curl = curl_easy_init();
		r = w->curl ? 0 : tconn_fail(err, -ENOMEM, "no libcurl");
	}
	if (r == 0)
		*ret = w;
	else
		webhook_close(w);
	return r;
}

void webhook_close(struct webhook *w)
{
	if (!w)
		return;
	curl_easy_cleanup(w->curl);
	tconn_bytes_free(&w->secret);
	free(w);
}

/* The answer's body is of no interest, and not of any length. */
static size_t drop(char *data, size_t size, size_t count, void *arg)
{
	struct webhook *w = arg;

	(void)data;
	w->heard += size * count;
	return w->heard > REPLY_MAX ? 0 : size * count;
}

static int is_stopped(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return *(const _Atomic _Bool *)arg;
}

static void add(struct curl_slist **list, const char *text)
{
	struct curl_slist *more = curl_slist_append(*list, text);

	if (more)
		*list = more;
}

/* Over "TIME.BODY": an old one that is sent again has an old time. */
static bool sign(const struct webhook *w, const char *when, const char *body, char ret[65])
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	char *text = NULL;
	int n = asprintf(&text, "%s.%s", when, body);
	bool ok = n > 0 && HMAC(EVP_sha256(), w->secret.data, (int)w->secret.len,
				(const unsigned char *)text, (size_t)n, mac, &len) && len == 32;

	if (ok)
		tconn_hex(mac, 32, ret);
	if (n > 0)
		free(text);
	return ok;
}

static struct curl_slist *headers(const struct webhook *w, const struct action_event *e)
{
	struct curl_slist *list = NULL;
	char line[160], when[32], hex[65];

	snprintf(when, sizeof(when), "%lld", (long long)time(NULL));
	add(&list, "Content-Type: application/json");
	add(&list, "Expect:");
	snprintf(line, sizeof(line), "X-Tconn-Event: %s", e->id);
	add(&list, line);
	snprintf(line, sizeof(line), "X-Tconn-Time: %s", when);
	add(&list, line);
	if (w->secret.len && sign(w, when, e->json, hex)) {
		snprintf(line, sizeof(line), "X-Tconn-Signature: sha256=%s", hex);
		add(&list, line);
	}
	return list;
}

static void prepare(struct webhook *w, const struct action_event *e, const _Atomic _Bool *stop,
		    struct curl_slist *list)
{
	const struct settings *s = w->settings;
	CURL *c = w->curl;

	curl_easy_reset(c);
	w->heard = 0;
	curl_easy_setopt(c, CURLOPT_URL, s->webhook_url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)ACTION_MS / 2);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)ACTION_MS);
	curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)strlen(e->json));
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, e->json);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, w);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, is_stopped);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, stop);
	if (s->webhook_ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->webhook_ca);
	if (s->webhook_key) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, s->webhook_certificate);
		curl_easy_setopt(c, CURLOPT_SSLKEY, s->webhook_key);
	}
}

int webhook_send(struct webhook *w, const struct action_event *e, const _Atomic _Bool *stop,
		 struct tconn_error *err)
{
	struct curl_slist *list = headers(w, e);
	long status = 0;
	CURLcode code;

	prepare(w, e, stop, list);
	code = curl_easy_perform(w->curl);
	curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(list);
	if (code != CURLE_OK)
		return tconn_fail(err, -EIO, "%s", curl_easy_strerror(code));
	if (status < 200 || status > 299)
		return tconn_fail(err, -EIO, "answered with %ld", status);
	return 0;
}
