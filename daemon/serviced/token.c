// SPDX-License-Identifier: Apache-2.0
#include "token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "../lib/digest.h"
#include "../lib/file.h"

#define SCHEME "Bearer "

static bool is_name(const char *s, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return len >= 1 && len < TOKEN_NAME && strspn(s, allowed) >= len;
}

static bool is_role(const char *s, size_t len, enum route_role *ret)
{
	if (len == 4 && memcmp(s, "read", 4) == 0)
		*ret = ROUTE_READ;
	else if (len == 7 && memcmp(s, "operate", 7) == 0)
		*ret = ROUTE_OPERATE;
	else
		return false;
	return true;
}

/* line: len characters and a terminator. */
static bool parse_line(const char *line, size_t len, struct token *ret)
{
	const char *role = memchr(line, ' ', len);
	const char *hash = role ? memchr(role + 1, ' ', len - (size_t)(role + 1 - line)) : NULL;

	if (!hash || !is_name(line, (size_t)(role - line)))
		return false;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, line, (size_t)(role - line));
	return is_role(role + 1, (size_t)(hash - role - 1), &ret->role) &&
	       tconn_unhex(hash + 1, len - (size_t)(hash + 1 - line), ret->hash, 32);
}

static bool is_there(const struct tokens *list, const struct token *t)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->token[i].name, t->name) == 0 ||
		    memcmp(list->token[i].hash, t->hash, 32) == 0)
			return true;
	return false;
}

static int take_line(const char *text, size_t len, unsigned int number, struct tokens *list,
		     struct tconn_error *err)
{
	char line[TOKEN_NAME + 80];
	struct token t;

	if (!len || text[0] == '#')
		return 0;
	if (len >= sizeof(line))
		return tconn_fail(err, -EINVAL, "line %u: too long", number);
	memcpy(line, text, len);
	line[len] = '\0';
	if (!parse_line(line, len, &t))
		return tconn_fail(err, -EINVAL, "line %u: not \"NAME read|operate SHA-256\"",
				  number);
	if (is_there(list, &t))
		return tconn_fail(err, -EINVAL, "line %u: this name or token is there already",
				  number);
	if (list->count == TOKEN_COUNT)
		return tconn_fail(err, -E2BIG, "over %d tokens", TOKEN_COUNT);
	list->token[list->count++] = t;
	return 0;
}

int token_parse(const char *text, size_t len, struct tokens *ret, struct tconn_error *err)
{
	struct tokens list = { 0 };
	int r = 0;

	for (unsigned int number = 1; r == 0 && len; number++) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) : len;

		r = take_line(text, line, number, &list, err);
		line += end != NULL;
		text += line;
		len -= line;
	}
	if (r == 0 && !list.count)
		r = tconn_fail(err, -EINVAL, "no token in it: nobody could call");
	if (r == 0)
		*ret = list;
	return r;
}

int token_load(const char *path, struct tokens *ret, struct tconn_error *err)
{
	struct tconn_bytes file = { 0 };
	struct stat st;
	int r;

	if (stat(path, &st))
		return tconn_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_mode & 022)
		return tconn_fail(err, -EPERM, "%s: others may write to it: chmod go-w", path);
	r = tconn_file_read(path, TOKEN_FILE_MAX, &file, err);
	if (r < 0)
		return r;
	r = token_parse((const char *)file.data, file.len, ret, err);
	tconn_bytes_free(&file);
	return r < 0 ? tconn_fail_in(err, r, path) : 0;
}

const struct token *token_find(const struct tokens *list, const char *header)
{
	const struct token *found = NULL;
	uint8_t hash[32];
	size_t len;

	if (!header || strncasecmp(header, SCHEME, strlen(SCHEME)))
		return NULL;
	header += strlen(SCHEME);
	len = strnlen(header, TOKEN_LEN_MAX + 1);
	if (len < TOKEN_LEN_MIN || len > TOKEN_LEN_MAX)
		return NULL;
	tconn_sha256(header, len, hash);
	/* All of them, also after a match. */
	for (size_t i = 0; i < list->count; i++)
		if (CRYPTO_memcmp(hash, list->token[i].hash, 32) == 0)
			found = &list->token[i];
	OPENSSL_cleanse(hash, sizeof(hash));
	return found;
}
