// SPDX-License-Identifier: Apache-2.0
/*
 * Which keys decided what this machine booted. An event's type is not measured, so none of
 * PCR 7 is passed over for its type, and each must have the digest of the data that it shows;
 * boot-log has replayed them before.
 */
#include <errno.h>
#include <string.h>

#include "appraise_part.h"
#include "digest.h"
#include "pcr.h"
#include "secure_boot.h"

#define PCR_SECURE_BOOT	7
#define SUBJECT_MAX	80
#define REFUSED		1	/* stops a walk: the reason is given */

struct secure_boot {
	const struct tconn_refvals_secure_boot *ref;
	const char *variable;			/* whose entries are looked at */
	const struct tconn_digests *allowed;	/* in it */
	bool seen, on;				/* SecureBoot */
	bool lists[TCONN_EFI_LISTS];
	uint64_t forbidden;			/* bit n: dbx has the n-th that it must have */
	struct tconn_reason *why;
};

static const char *const list_names[TCONN_EFI_LISTS] = {
	[TCONN_EFI_PK] = "PK", [TCONN_EFI_KEK] = "KEK",
	[TCONN_EFI_DB] = "db", [TCONN_EFI_DBX] = "dbx",
};

static int check_allowed(const struct tconn_efi_entry *e, void *arg)
{
	struct secure_boot *s = arg;
	char subject[SUBJECT_MAX];

	if (tconn_digests_have(s->allowed, e->digest))
		return 0;
	tconn_efi_subject(e, subject, sizeof(subject));
	tconn_refuse(s->why, "%s holds %s (sha256 %s), which is not the owner's", s->variable,
		     e->kind == TCONN_EFI_CERTIFICATE ? subject : "a hash",
		     tconn_digest_short(e->digest).text);
	return REFUSED;
}

static int note_forbidden(const struct tconn_efi_entry *e, void *arg)
{
	struct secure_boot *s = arg;

	for (size_t i = 0; i < s->ref->list[TCONN_EFI_DBX]->count; i++) {
		if (tconn_pcr_equal(s->ref->list[TCONN_EFI_DBX]->digest[i], e->digest))
			s->forbidden |= 1ULL << i;
	}
	return 0;
}

static int see_list(struct secure_boot *s, const struct tconn_efi_variable *v, int list)
{
	struct tconn_error err = { "" };
	int error;

	s->lists[list] = true;
	s->variable = list_names[list];
	s->allowed = s->ref->list[list];
	error = tconn_efi_list_walk(v->data, v->len,
				    list == TCONN_EFI_DBX ? note_forbidden : check_allowed, s,
				    &err);
	if (error < 0)
		tconn_refuse(s->why, "%s: %.200s", s->variable, err.text);
	return error ? REFUSED : 0;
}

static int see_variable(struct secure_boot *s, const struct tconn_efi_variable *v)
{
	if (!strcmp(v->name, "SecureBoot")) {
		s->on = v->len == 1 && v->data[0] == 1 && (!s->seen || s->on);
		s->seen = true;
	}
	for (int i = 0; i < TCONN_EFI_LISTS; i++) {
		if (!strcmp(v->name, list_names[i]))
			return see_list(s, v, i);
	}
	return 0;
}

static int see_authority(struct secure_boot *s, const struct tconn_efi_variable *v)
{
	struct tconn_efi_entry e;
	struct tconn_error err = { "" };

	s->variable = "what vouched for the boot image";
	s->allowed = s->ref->list[TCONN_EFI_DB];
	if (!tconn_efi_authority(v->data, v->len, &e, &err))
		return check_allowed(&e, s);
	tconn_refuse(s->why, "%s", err.text);
	return REFUSED;
}

static int see_event(const struct tconn_boot_event *e, size_t index, void *arg)
{
	struct secure_boot *s = arg;
	struct tconn_efi_variable v;
	struct tconn_error err = { "" };
	uint8_t digest[32];

	if (e->pcr != PCR_SECURE_BOOT || tconn_boot_is_remark(e))
		return 0;
	if (e->type != TCONN_EV_EFI_VARIABLE_DRIVER_CONFIG &&
	    e->type != TCONN_EV_EFI_VARIABLE_AUTHORITY) {
		tconn_refuse(s->why, "event %zu: PCR 7 has an event of type %#x", index, e->type);
		return REFUSED;
	}
	tconn_sha256(e->data, e->data_len, digest);
	if (!tconn_pcr_equal(digest, e->digest)) {
		tconn_refuse(s->why, "event %zu: PCR 7 has another digest than that of the variable shown",
			     index);
		return REFUSED;
	}
	if (tconn_efi_variable_read(e->data, e->data_len, &v, &err)) {
		tconn_refuse(s->why, "event %zu: %.200s", index, err.text);
		return REFUSED;
	}
	return e->type == TCONN_EV_EFI_VARIABLE_AUTHORITY ? see_authority(s, &v) :
	       see_variable(s, &v);
}

static bool judge(const struct secure_boot *s, struct tconn_reason *why)
{
	size_t forbidden = s->ref->list[TCONN_EFI_DBX]->count;

	if (!s->seen)
		return tconn_refuse(why, "the firmware log does not speak of Secure Boot");
	if (!s->on)
		return tconn_refuse(why, "Secure Boot is off: whatever is on the disk boots");
	for (int i = 0; i < TCONN_EFI_LISTS; i++) {
		if (!s->lists[i])
			return tconn_refuse(why, "the firmware log does not show %s", list_names[i]);
	}
	if ((size_t)__builtin_popcountll(s->forbidden) != forbidden)
		return tconn_refuse(why, "dbx has %d of the %zu entries that it must have",
				    __builtin_popcountll(s->forbidden), forbidden);
	return tconn_pass(why, "on; PK, KEK and db hold the owner's keys alone, one of which signed");
}

bool tconn_check_secure_boot(struct tconn_appraising *a, struct tconn_reason *why)
{
	const struct tconn_bytes *log = &a->evidence->boot_log;
	struct secure_boot s = { .ref = &a->refvals->secure_boot, .why = why };
	struct tconn_error err = { "" };
	int error;

	if (!s.ref->required)
		return tconn_reserve(why, "not required: an altered kernel is found by its measurement alone");
	error = tconn_boot_walk(log->data, log->len, see_event, &s, &err);
	if (error < 0)
		return tconn_refuse(why, "%.250s", err.text);
	return error ? false : judge(&s, why);
}
