// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the owner of the device allows: a text of at most TCONN_POLICY_MAX
 * bytes and its signature, written once, in one write, to securityfs. Grammar and
 * container stand at the end of uapi/tconn.h. The parser refuses all that it does
 * not know, and sees nothing that was not signed unless in developer mode.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/glob.h>
#include <linux/input.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/verification.h>
#include <crypto/sha2.h>

#include "input.h"
#include "measure.h"
#include "policy.h"

#define PCR_MIN		8
#define PCR_MAX		15
#define WORDS_MAX	4
#define GRACE_MAX_MS	5000
#define BAND_MAX	200	/* thousandths */
#define GESTURE_MIN_MS	100
#define GESTURE_MAX_MS	5000
#define POLICY_SIZE_MAX	(TCONN_POLICY_MAX + TCONN_SIGNATURE_MAX + \
			 sizeof(struct tconn_signature_end))

static bool developer;
module_param(developer, bool, 0444);
MODULE_PARM_DESC(developer, "Accept a policy without signature (measured, and said on the screen)");

/* Serializes writers; readers take the pointer as it is published. */
static DEFINE_MUTEX(policy_lock);
static struct tconn_policy *loaded;

const struct tconn_policy *tconn_policy(void)
{
	/* Pairs with policy_accept(). */
	return smp_load_acquire(&loaded);
}

bool tconn_policy_developer(void)
{
	return developer;
}

bool tconn_policy_lists_app(const struct tconn_policy *p, const u8 *digest)
{
	unsigned int i;

	for (i = 0; i < p->app_count; i++)
		if (!memcmp(p->app[i], digest, TCONN_DIGEST_SIZE))
			return true;
	return false;
}

bool tconn_policy_lists_device(const struct tconn_globs *globs, struct device *dev)
{
	/* Memory that is short for a moment must not make a listed device unlisted. */
	char *path = kobject_get_path(&dev->kobj, GFP_KERNEL | __GFP_NOFAIL);
	bool listed = false;
	unsigned int i;

	if (!path)
		return false;
	/* Userspace makes these (uinput, uhid, uleds): no topology vouches for them. */
	if (strncmp(path, "/devices/virtual/", strlen("/devices/virtual/")))
		for (i = 0; i < globs->count && !listed; i++)
			listed = glob_match(globs->glob[i], path);
	kfree(path);
	return listed;
}

/*
 * One keyword: words[0] is the keyword itself, those that are missing are NULL. Returns
 * NULL or what is wrong.
 */
struct keyword {
	const char *name;
	unsigned int min, max;	/* words */
	bool once;
	const char *(*parse)(struct tconn_policy *p, char **words);
};

static const char *parse_pcr(struct tconn_policy *p, char **words)
{
	if (kstrtou32(words[1], 10, &p->pcr) || p->pcr < PCR_MIN || p->pcr > PCR_MAX)
		return "pcr is a number from 8 to 15";
	return NULL;
}

/* words[1] and words[2] are: sha256 HEX. Else the answer is `wanted`, or what is wrong. */
static const char *parse_digest(u8 *ret, char **words, const char *wanted)
{
	if (strcmp(words[1], "sha256") || strlen(words[2]) != 2 * TCONN_DIGEST_SIZE)
		return wanted;
	if (hex2bin(ret, words[2], TCONN_DIGEST_SIZE))
		return "not a hexadecimal digest";
	return NULL;
}

static const char *parse_app(struct tconn_policy *p, char **words)
{
	const char *wrong;

	if (p->app_count == TCONN_POLICY_APPS)
		return "too many apps";
	wrong = parse_digest(p->app[p->app_count], words,
			     "app wants: sha256 HEX NAME, with 64 hex digits");
	if (!wrong)
		p->app_count++;
	return wrong;
}

static const char *parse_service_ca(struct tconn_policy *p, char **words)
{
	const char *wrong = parse_digest(p->service_ca, words,
					 "service-ca wants: sha256 HEX, with 64 hex digits");

	if (!wrong && !memchr_inv(p->service_ca, 0, TCONN_DIGEST_SIZE))
		wrong = "no certificate has this digest";
	return wrong;
}

static const char *parse_glob(struct tconn_globs *globs, const char *glob)
{
	if (strncmp(glob, "/devices/", strlen("/devices/")))
		return "a device path starts with /devices/";
	if (globs->count == globs->max)
		return "too many lines of this kind";
	globs->glob[globs->count++] = glob;
	return NULL;
}

static const char *parse_display(struct tconn_policy *p, char **words)
{
	return parse_glob(&p->display, words[1]);
}

static const char *parse_input(struct tconn_policy *p, char **words)
{
	return parse_glob(&p->input, words[1]);
}

static const char *parse_indicator(struct tconn_policy *p, char **words)
{
	return parse_glob(&p->indicator, words[1]);
}

static const char *parse_indicator_required(struct tconn_policy *p, char **words)
{
	p->indicator_required = !strcmp(words[1], "yes");
	if (!p->indicator_required && strcmp(words[1], "no"))
		return "indicator-required is yes or no";
	return NULL;
}

static const char *parse_timeout_max(struct tconn_policy *p, char **words)
{
	if (kstrtou32(words[1], 10, &p->timeout_max_ms) ||
	    p->timeout_max_ms < TCONN_TIMEOUT_MIN_MS || p->timeout_max_ms > TCONN_TIMEOUT_MAX_MS)
		return "timeout-max-ms is outside the limits";
	return NULL;
}

static const char *parse_grace(struct tconn_policy *p, char **words)
{
	if (kstrtou32(words[1], 10, &p->grace_ms) || p->grace_ms > GRACE_MAX_MS)
		return "grace-ms is a number from 0 to 5000";
	return NULL;
}

static const char *parse_band(struct tconn_policy *p, char **words)
{
	if (kstrtou32(words[1], 10, &p->band_permille) || p->band_permille > BAND_MAX)
		return "band-permille is a number from 0 to 200";
	return NULL;
}

static bool parse_key(const char *word, u16 *ret_code)
{
#define KEY(name) { #name, name }
	static const struct {
		const char *name;
		u16 code;
	} names[] = {
		KEY(KEY_ENTER), KEY(KEY_ESC), KEY(KEY_OK), KEY(KEY_CANCEL),
		KEY(KEY_SELECT), KEY(KEY_POWER), KEY(KEY_VOLUMEUP), KEY(KEY_VOLUMEDOWN),
	};
#undef KEY
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(word, names[i].name)) {
			*ret_code = names[i].code;
			return true;
		}
	}
	return !kstrtou16(word, 10, ret_code) && *ret_code && *ret_code <= KEY_MAX;
}

static bool parse_way(const char *word, u16 *ret_type)
{
	if (!strcmp(word, "hold"))
		*ret_type = TCONN_GESTURE_HOLD;
	else if (!strcmp(word, "double"))
		*ret_type = TCONN_GESTURE_DOUBLE;
	else
		return false;
	return true;
}

static const char *parse_gesture(struct tconn_gesture *ret, char **words)
{
	struct tconn_gesture g = { .type = TCONN_GESTURE_PRESS };

	if (!parse_key(words[1], &g.code))
		return "not a key";
	if (words[2] && (!words[3] || !parse_way(words[2], &g.type) ||
			 kstrtou32(words[3], 10, &g.ms) || g.ms < GESTURE_MIN_MS ||
			 g.ms > GESTURE_MAX_MS))
		return "a gesture is: hold MS or double MS, 100 to 5000";
	*ret = g;
	return NULL;
}

static const char *parse_confirm(struct tconn_policy *p, char **words)
{
	return parse_gesture(&p->confirm, words);
}

static const char *parse_deny(struct tconn_policy *p, char **words)
{
	return parse_gesture(&p->deny, words);
}

static const char *parse_hotplug(struct tconn_policy *p, char **words)
{
	p->hotplug_ignored = !strcmp(words[1], "ignore");
	if (!p->hotplug_ignored && strcmp(words[1], "abort"))
		return "hotplug is abort or ignore";
	return NULL;
}

static const char *parse_attention(struct tconn_policy *p, char **words)
{
	for (words++; *words; words++)
		if (!parse_key(*words, &p->attention[p->attention_count++]))
			return "not a key";
	return NULL;
}

static const struct keyword keywords[] = {
	{ "pcr",		2, 2, true,  parse_pcr },
	{ "app",		4, 4, false, parse_app },
	{ "display",		2, 2, false, parse_display },
	{ "input",		2, 2, false, parse_input },
	{ "hotplug",		2, 2, true,  parse_hotplug },
	{ "attention-key",	2, 4, true,  parse_attention },
	{ "indicator",		2, 2, false, parse_indicator },
	{ "indicator-required",	2, 2, true,  parse_indicator_required },
	{ "timeout-max-ms",	2, 2, true,  parse_timeout_max },
	{ "confirm",		2, 4, true,  parse_confirm },
	{ "deny",		2, 4, true,  parse_deny },
	{ "grace-ms",		2, 2, true,  parse_grace },
	{ "band-permille",	2, 2, true,  parse_band },
	{ "service-ca",		3, 3, true,  parse_service_ca },
};

/* Cuts a line into words, then NULL; returns how many, WORDS_MAX + 1 if there are more. */
static unsigned int split(char *line, char **words)
{
	unsigned int count = 0;
	char *word;

	line[strcspn(line, "#")] = '\0';
	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (count == WORDS_MAX)
			return WORDS_MAX + 1;
		words[count++] = word;
	}
	memset(words + count, 0, (WORDS_MAX + 1 - count) * sizeof(*words));
	return count;
}

static const char *parse_words(struct tconn_policy *p, char **words, unsigned int count,
			       unsigned long *seen)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (strcmp(words[0], keywords[i].name))
			continue;
		if (count < keywords[i].min || count > keywords[i].max)
			return "wrong number of words";
		if (__test_and_set_bit(i, seen) && keywords[i].once)
			return "given twice";
		return keywords[i].parse(p, words);
	}
	return "unknown keyword";
}

static const char *parse_header(char **words, unsigned int count)
{
	if (count != 2 || strcmp(words[0], "tconn-policy") || strcmp(words[1], "1"))
		return "the first line is: tconn-policy 1";
	return NULL;
}

static const char *check_whole(const struct tconn_policy *p)
{
	if (!p->app_count)
		return "no app is listed";
	if (!p->display.count)
		return "no display is listed";
	if (!p->input.count)
		return "no input is listed";
	if (p->confirm.code == p->deny.code)
		return "one key both confirms and denies";
	return NULL;
}

static int parse_policy(struct tconn_policy *p)
{
	char *rest = p->words, *line, *words[WORDS_MAX + 1];
	unsigned int number = 0, count;
	const char *wrong = NULL;
	bool header = false;
	unsigned long seen = 0;

	while (!wrong && (line = strsep(&rest, "\n"))) {
		number++;
		count = split(line, words);
		if (!count)
			continue;
		if (header)
			wrong = parse_words(p, words, count, &seen);
		else
			wrong = parse_header(words, count);
		header = true;
	}
	if (!wrong)
		wrong = header ? check_whole(p) : "the policy is empty";
	if (!wrong)
		return 0;
	pr_err("policy refused, line %u: %s\n", number, wrong);
	return -EINVAL;
}

static int check_ascii(const char *text, size_t len)
{
	unsigned int line = 1;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '\n') {
			line++;
		} else if (text[i] != '\t' && (!isascii(text[i]) || !isprint(text[i]))) {
			pr_err("policy refused, line %u: not printable ASCII\n", line);
			return -EINVAL;
		}
	}
	return 0;
}

static void policy_free(struct tconn_policy *p)
{
	if (!p)
		return;
	kvfree(p->text);
	kvfree(p->words);
	kfree(p);
}

static struct tconn_policy *policy_new(size_t size)
{
	struct tconn_policy *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->size = size;
	p->pcr = TCONN_PCR_DEFAULT;
	p->timeout_max_ms = TCONN_TIMEOUT_MAX_MS;
	p->grace_ms = TCONN_GRACE_MS;
	p->confirm = (struct tconn_gesture){ .type = TCONN_GESTURE_PRESS, .code = KEY_ENTER };
	p->deny = (struct tconn_gesture){ .type = TCONN_GESTURE_PRESS, .code = KEY_ESC };
	p->indicator_required = true;
	p->display = (struct tconn_globs){ .max = TCONN_POLICY_DISPLAYS, .glob = p->display_glob };
	p->input = (struct tconn_globs){ .max = TCONN_POLICY_INPUTS, .glob = p->input_glob };
	p->indicator = (struct tconn_globs){ .max = TCONN_POLICY_INDICATORS,
					     .glob = p->indicator_glob };
	p->text = kvmalloc(size, GFP_KERNEL);
	p->words = kvmalloc(size + 1, GFP_KERNEL);
	if (p->text && p->words)
		return p;
	policy_free(p);
	return NULL;
}

/* Once published it stays, for readers take no lock: what can fail comes before. */
static int policy_accept(struct tconn_policy *p)
{
	struct tconn_event_policy event = {
		.len = p->len,
		.flags = p->signature_len ? TCONN_POLICY_SIGNED : 0,
	};
	int ret = tconn_input_register(p);

	if (ret) {
		pr_err("policy refused: no input handler (%d)\n", ret);
		return ret;
	}
	/* Pairs with tconn_policy(). */
	smp_store_release(&loaded, p);
	memcpy(event.digest, p->digest, sizeof(event.digest));
	/* Not fatal here: without a TPM it is BIND that refuses, and says so. */
	tconn_measure(TCONN_EVENT_POLICY, &event, sizeof(event));
	pr_info("policy %*phN accepted, %ssigned, %u app(s)\n", TCONN_DIGEST_SIZE, p->digest,
		p->signature_len ? "" : "not ", p->app_count);
	return 0;
}

static int refuse(int error, const char *why)
{
	pr_err("policy refused: %s\n", why);
	return error;
}

/* Says where the text ends. What has no end of a signature has no signature. */
static int find_signature(struct tconn_policy *p)
{
	struct tconn_signature_end end;
	size_t room = p->size - min(p->size, sizeof(end));

	memcpy(&end, p->text + room, p->size - room);
	if (!room || memcmp(end.magic, TCONN_SIGNATURE_MAGIC, sizeof(end.magic))) {
		p->len = p->size;
		return p->len > TCONN_POLICY_MAX ? -EFBIG : 0;
	}
	if (!end.len || end.len > TCONN_SIGNATURE_MAX || end.len >= room)
		return refuse(-EBADMSG, "its signature has no length that can be");
	p->signature_len = end.len;
	p->len = room - end.len;
	return p->len > TCONN_POLICY_MAX ? -EFBIG : 0;
}

/* As strict as for modules: the signature is of the text itself, without signed attributes. */
static int verify(const struct tconn_policy *p, struct key *keyring)
{
	return verify_pkcs7_signature(p->text, p->len, p->text + p->len, p->signature_len, keyring,
				      VERIFYING_MODULE_SIGNATURE, NULL, NULL);
}

/* By a key that was built in or added under such a one, or by the owner's in Secure Boot's db. */
static int check_signature(const struct tconn_policy *p)
{
	int ret;

	if (!p->signature_len)
		return developer ? 0 : refuse(-EKEYREJECTED,
					      "it is not signed, and this is no developer mode");
	ret = verify(p, VERIFY_USE_SECONDARY_KEYRING);
	if (ret == -ENOKEY)
		ret = verify(p, VERIFY_USE_PLATFORM_KEYRING);
	switch (ret) {
	case 0:
		return 0;
	case -ENOKEY:
		return refuse(ret, "it is signed with a key that this kernel does not trust");
	case -EKEYREJECTED:
		return refuse(ret, "its signature is of another text, or has signed attributes");
	default:
		return refuse(-EBADMSG, "its signature is no PKCS#7 that this kernel knows");
	}
}

static int parse_text(struct tconn_policy *p)
{
	int ret = check_ascii(p->text, p->len);

	if (ret)
		return ret;
	memcpy(p->words, p->text, p->len);
	p->words[p->len] = '\0';
	return parse_policy(p);
}

static int policy_load(const char __user *buf, size_t size)
{
	struct tconn_policy *p = policy_new(size);
	int ret;

	if (!p)
		return -ENOMEM;
	ret = copy_from_user(p->text, buf, size) ? -EFAULT : find_signature(p);
	if (!ret)
		ret = check_signature(p);
	if (!ret)
		ret = parse_text(p);
	if (!ret) {
		sha256(p->text, p->len, p->digest);
		ret = policy_accept(p);
	}
	if (ret)
		policy_free(p);
	return ret;
}

/*
 *	-EPERM	a policy is loaded already
 *	-EINVAL	not the grammar (line and reason are in the kernel log), or not in one write
 *	-EFBIG	text over TCONN_POLICY_MAX bytes, or all over what it and a signature may have
 *	-EKEYREJECTED not signed outside developer mode; of another text, or with attributes
 *	-ENOKEY	signed with a key that is on no keyring the kernel trusts
 *	-EBADMSG the signature is none, or has another length than it says
 *	-ENOMEM, -EINTR	a listed input device could not be connected; try again
 */
static ssize_t policy_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	int ret;

	if (*pos || !len)
		return -EINVAL;
	if (len > POLICY_SIZE_MAX)
		return -EFBIG;
	mutex_lock(&policy_lock);
	ret = loaded ? -EPERM : policy_load(buf, len);
	mutex_unlock(&policy_lock);
	if (ret)
		return ret;
	*pos = len;
	return len;
}

static ssize_t policy_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	const struct tconn_policy *p = tconn_policy();

	return p ? simple_read_from_buffer(buf, len, pos, p->text, p->size) : 0;
}

const struct file_operations tconn_policy_fops = {
	.owner = THIS_MODULE,
	.read = policy_read,
	.write = policy_write,
	.llseek = default_llseek,
};

void tconn_policy_exit(void)
{
	policy_free(loaded);
}
