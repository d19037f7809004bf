// SPDX-License-Identifier: Apache-2.0
#include "phrase.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/boot_seal.h"
#include "../lib/file.h"
#include "../lib/jsonline.h"
#include "../lib/message.h"
#include "../lib/say.h"
#include "../lib/words.h"
#include "../../tui/protocol.h"
#include "../../tui/render.h"
#include "band.h"
#include "phrase_words.h"

#define PAGE		4096
#define CLIENT_MS	1000	/* for a client to take its answer */

/* No word of it is in here: the text goes into the record, and to whoever reads that. */
#define OFFER	"This device has a new phrase for you: it is in the band above.\n\n" \
		"Confirm, and it is there whenever this device asks you something. Keep it in mind, " \
		"tell nobody, and trust no question without it.\n\n" \
		"Leave this alone, and nothing changes."

struct job {
	enum phrase_job what;
	int fd;			/* -1: nobody asked */
};

/* -- the file */

static int unseal(struct phrase *p, const struct tconn_bytes *file, struct tconn_error *err)
{
	uint8_t words[TCONN_SEAL_MAX];
	size_t words_len = 0;
	int r = tconn_unseal(p->tpm, file->data, file->len, words, &words_len, err);

	if (r < 0)
		return r;
	if (phrase_valid((const char *)words, words_len))
		memcpy(p->in_force, words, words_len);
	else
		r = tconn_fail(err, -EBADMSG, "what was sealed is no phrase");
	OPENSSL_cleanse(words, sizeof(words));
	return r;
}

static int seal(struct phrase *p, const char *words, struct tconn_error *err)
{
	struct tconn_bytes file = { 0 };
	int r = tconn_seal(p->tpm, words, strlen(words), &file, err);

	if (r == 0)
		r = tconn_file_replace(p->path, &file, 0600, err);
	tconn_bytes_free(&file);
	return r;
}

static void say_state(struct phrase *p, const char *word, const char *why)
{
	state_phrase(p->state, "%s%s%s", word, *why ? ": " : "", why);
	tconn_say("phrase: %s%s%s", word, *why ? ": " : "", why);
}

/* A phrase of before the device had a boot policy is sealed to the owner's signed states now: the
 * next update would lose it. Where that fails it stays as it is.
 */
static void seal_anew(struct phrase *p)
{
	struct tconn_error err = { "" };

	if (seal(p, p->in_force, &err))
		tconn_say("phrase: sealed as before: %s", err.text);
	else
		tconn_say("phrase: sealed anew, to the owner's signed boot states");
}

/* At start: what holds. */
static void find(struct phrase *p)
{
	struct tconn_bytes file = { 0 };
	struct tconn_error err = { "" };
	int r = tconn_file_read(p->path, TCONN_SEAL_FILE_MAX, &file, &err);

	p->settled = r != -ENOENT;
	if (r == -ENOENT) {
		say_state(p, "not set up", "");
		return;
	}
	if (r == 0)
		r = unseal(p, &file, &err);
	if (r < 0)
		say_state(p, "cannot be unsealed", err.text);
	else
		say_state(p, "in force", "");
	if (r == 0 && !tconn_seal_is_current(p->tpm, file.data, file.len))
		seal_anew(p);
	tconn_bytes_free(&file);
}

/* -- the thread; the screen is held in what follows */

/* On a small screen the policy's share may end within the phrase, which ends at 27/32 of the
 * picture's band (2.7 of 3.2 em; tui/render.c, draw_phrase()).
 */
static int check_band(const struct tconn_record *r, struct tconn_error *err)
{
	if (r->attested.y * 32 < tconn_render_band(r->width, r->height) * 27)
		return tconn_fail(err, -EOPNOTSUPP,
				  "the policy's band (band-permille) is too low for this screen");
	return 0;
}

static int confirmed(const struct tconn_message *answer, struct tconn_error *err)
{
	struct tconn_record record;

	if (answer->record.len != sizeof(record))
		return tconn_fail(err, -EIO, "%s: %s", tconn_tui_status_name(answer->status),
				  answer->text);
	memcpy(&record, answer->record.data, sizeof(record));
	if (answer->status == TCONN_TUI_DECIDED && record.outcome == TCONN_OUTCOME_CONFIRMED)
		return check_band(&record, err);
	return tconn_fail(err, -ECANCELED, "nobody confirmed it (%s)",
			  tconn_cause_name(record.cause));
}

static int offer(struct phrase *p, int fd, struct tconn_error *err)
{
	struct tconn_message answer = { 0 };
	const char *hidden = band_fault(TCONN_SECURITYFS);
	int r;

	if (hidden)
		return tconn_fail(err, -EOPNOTSUPP, "it would not be shown: %s", hidden);
	r = phrase_make(p->offered, err);
	if (r < 0)
		return r;
	r = notice_show(&p->notice, OFFER, p->offered, PHRASE_MS, fd, &answer, err);
	if (r == -ECANCELED)
		r = tconn_fail(err, -EBUSY, "a question took its place");
	else if (r == -ECONNRESET)
		tconn_fail(err, r, "who asked has gone");
	else if (r == 0)
		r = confirmed(&answer, err);
	tconn_message_free(&answer);
	return r;
}

static int set_up(struct phrase *p, int fd, struct tconn_error *err)
{
	int r = offer(p, fd, err);

	if (r == 0)
		r = seal(p, p->offered, err);
	if (r == 0)
		memcpy(p->in_force, p->offered, PHRASE_SIZE);
	OPENSSL_cleanse(p->offered, PHRASE_SIZE);
	if (r == 0)
		say_state(p, "in force", "");
	return r;
}

static int forget(struct phrase *p, struct tconn_error *err)
{
	if (unlink(p->path) && errno != ENOENT)
		return tconn_fail(err, -errno, "%s: %s", p->path, strerror(errno));
	OPENSSL_cleanse(p->in_force, PHRASE_SIZE);
	say_state(p, "not set up", "");
	return 0;
}

static int do_job(struct phrase *p, const struct job *j, struct tconn_error *err)
{
	int r;

	if (!state_try_screen(p->state))
		return tconn_fail(err, -EBUSY, "a dialog is on the screen");
	r = j->what == PHRASE_FORGET ? forget(p, err) : set_up(p, j->fd, err);
	state_give_screen(p->state);
	return r;
}

static void answer_client(struct phrase *p, int fd, int r, const struct tconn_error *err)
{
	struct json_object *reply;

	if (r < 0) {
		reply = tconn_jsonline_error(r, err);
	} else {
		reply = json_object_new_object();
		tconn_json_add(reply, "ok", json_object_new_boolean(1));
		tconn_json_add_string(reply, "phrase", *p->in_force ? "in force" : "not set up");
	}
	tconn_jsonline_send(fd, reply, CLIENT_MS, NULL);
	json_object_put(reply);
	close(fd);
}

static void work(struct phrase *p, const struct job *j)
{
	struct tconn_error err = { "" };
	int r;

	if (j->what == PHRASE_FIRST && p->settled)
		return;
	r = do_job(p, j, &err);
	if (r < 0)
		tconn_say("phrase: as before: %s", err.text);
	/* Where something else had the screen it is offered again; left alone, not. */
	if (r != -EBUSY)
		p->settled = true;
	if (j->fd >= 0)
		answer_client(p, j->fd, r, &err);
}

static void *phrase_run(void *arg)
{
	struct phrase *p = arg;
	struct pollfd fds[] = {
		{ .fd = p->state->stop_fd, .events = POLLIN },
		{ .fd = p->job[0], .events = POLLIN },
	};
	struct job j;

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents && read(p->job[0], &j, sizeof(j)) == sizeof(j))
			work(p, &j);
	}
	return NULL;
}

/* -- for the others */

static int make_page(struct phrase *p, struct tconn_error *err)
{
	p->in_force = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->in_force == MAP_FAILED) {
		p->in_force = NULL;
		return tconn_fail(err, -errno, "out of memory");
	}
	p->offered = p->in_force + PHRASE_SIZE;
	if (mlock(p->in_force, PAGE) || madvise(p->in_force, PAGE, MADV_DONTDUMP) ||
	    madvise(p->in_force, PAGE, MADV_WIPEONFORK))
		return tconn_fail(err, -errno, "cannot lock memory: %s", strerror(errno));
	return 0;
}

int phrase_open(struct phrase *p, struct state *state, struct tconn_tpm *tpm,
		struct tconn_error *err)
{
	int r;

	*p = (struct phrase){ .state = state, .tpm = tpm, .notice = { .state = state },
			      .job = { -1, -1 } };
	if (snprintf(p->path, sizeof(p->path), "%s/phrase", state->settings->identity) >=
	    (int)sizeof(p->path))
		return tconn_fail(err, -ENAMETOOLONG, "%s: path too long", state->settings->identity);
	r = make_page(p, err);
	if (r == 0 && pipe2(p->job, O_CLOEXEC | O_NONBLOCK))
		r = tconn_fail(err, -errno, "pipe: %s", strerror(errno));
	if (r < 0) {
		phrase_close(p);
		return r;
	}
	find(p);
	state->phrase = p->in_force;
	return 0;
}

int phrase_start(struct phrase *p, struct tconn_error *err)
{
	int r = -pthread_create(&p->thread, NULL, phrase_run, p);

	return r < 0 ? tconn_fail(err, r, "cannot start a thread: %s", strerror(-r)) : 0;
}

bool phrase_wanted(struct phrase *p, enum phrase_job what, int fd)
{
	const struct job j = { what, fd };

	return write(p->job[1], &j, sizeof(j)) == sizeof(j);
}

void phrase_first_use(struct phrase *p)
{
	if (p->state->settings->phrase_ask)
		phrase_wanted(p, PHRASE_FIRST, -1);
}

void phrase_end(struct phrase *p)
{
	pthread_join(p->thread, NULL);
}

void phrase_close(struct phrase *p)
{
	if (p->state)
		p->state->phrase = "";
	if (p->in_force) {
		OPENSSL_cleanse(p->in_force, PAGE);
		munmap(p->in_force, PAGE);
		close(p->job[0]);
		close(p->job[1]);
	}
	p->in_force = p->offered = NULL;
}
