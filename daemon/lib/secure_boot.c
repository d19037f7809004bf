// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "log_cursor.h"
#include "secure_boot.h"

#define GUID	16

static const uint8_t guid_x509[GUID] = {	/* a5c059a1-94e4-4aa7-87b5-ab155c2bf072 */
	0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
	0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
};

static const uint8_t guid_sha256[GUID] = {	/* c1c41626-504c-4092-aca9-41f936934328 */
	0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
	0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28,
};

static bool take_u64(struct tconn_cursor *c, uint64_t *ret)
{
	const uint8_t *p;

	if (!tconn_cursor_take(c, sizeof(*ret), &p))
		return false;
	memcpy(ret, p, sizeof(*ret));
	*ret = le64toh(*ret);
	return true;
}

int tconn_efi_variable_read(const uint8_t *buf, size_t len, struct tconn_efi_variable *ret,
			    struct tconn_error *err)
{
	struct tconn_cursor c = tconn_cursor_at(buf, len);
	struct tconn_efi_variable v = { 0 };
	const uint8_t *guid, *name;
	uint64_t units, size;

	if (!tconn_cursor_take(&c, GUID, &guid) || !take_u64(&c, &units) || !take_u64(&c, &size))
		return tconn_fail(err, -EBADMSG, "a variable's event ends within its header");
	if (units > TCONN_EFI_NAME_MAX)
		return tconn_fail(err, -EBADMSG, "a variable's name is too long");
	if (!tconn_cursor_take(&c, 2 * units, &name) || size != tconn_cursor_left(&c) ||
	    !tconn_cursor_take(&c, size, &v.data))
		return tconn_fail(err, -EBADMSG, "a variable's lengths are not its event's");
	v.len = size;
	for (size_t i = 0; i < units; i++)
		v.name[i] = !name[2 * i + 1] && name[2 * i] > 0x20 && name[2 * i] < 0x7f ?
			    (char)name[2 * i] : '?';
	*ret = v;
	return 0;
}

static struct tconn_efi_entry entry_of(const uint8_t *type, const uint8_t *data, size_t len)
{
	struct tconn_efi_entry e = { TCONN_EFI_OTHER, data, len, { 0 } };

	if (!memcmp(type, guid_x509, GUID)) {
		e.kind = TCONN_EFI_CERTIFICATE;
	} else if (!memcmp(type, guid_sha256, GUID) && len == 32) {
		e.kind = TCONN_EFI_SHA256;
		memcpy(e.digest, data, 32);
		return e;
	}
	tconn_sha256(data, len, e.digest);
	return e;
}

/* One list: type, its size, size of a header that is empty in all known types, size of each. */
static int walk_list(struct tconn_cursor *c, size_t *entries, tconn_efi_entry_fn fn, void *arg,
		     struct tconn_error *err)
{
	const size_t start = tconn_cursor_offset(c);
	const uint8_t *type, *p;
	uint32_t size, header, each;
	int error = 0;

	if (!tconn_cursor_take(c, GUID, &type) || !tconn_cursor_u32(c, &size) ||
	    !tconn_cursor_u32(c, &header) || !tconn_cursor_u32(c, &each))
		return tconn_fail(err, -EBADMSG, "a signature list ends within its header");
	if (each < GUID || !tconn_cursor_take(c, header, &p) ||
	    size < tconn_cursor_offset(c) - start ||
	    size - (tconn_cursor_offset(c) - start) > tconn_cursor_left(c))
		return tconn_fail(err, -EBADMSG, "a signature list's sizes do not fit");
	size -= (uint32_t)(tconn_cursor_offset(c) - start);
	if (size % each)
		return tconn_fail(err, -EBADMSG, "a signature list ends within an entry");
	for (; !error && size; size -= each) {
		struct tconn_efi_entry e;

		if (++*entries > TCONN_EFI_ENTRIES_MAX || !tconn_cursor_take(c, each, &p))
			return tconn_fail(err, -EBADMSG, "a variable has over %d signatures",
					  TCONN_EFI_ENTRIES_MAX);
		e = entry_of(type, p + GUID, each - GUID);
		error = fn(&e, arg);
	}
	return error;
}

int tconn_efi_list_walk(const uint8_t *buf, size_t len, tconn_efi_entry_fn fn, void *arg,
			struct tconn_error *err)
{
	struct tconn_cursor c = tconn_cursor_at(buf, len);
	size_t entries = 0;
	int error = 0;

	while (!error && tconn_cursor_left(&c))
		error = walk_list(&c, &entries, fn, arg, err);
	return error;
}

int tconn_efi_authority(const uint8_t *buf, size_t len, struct tconn_efi_entry *ret,
			struct tconn_error *err)
{
	if (len <= GUID)
		return tconn_fail(err, -EBADMSG, "an authority's event has no certificate");
	*ret = entry_of(guid_x509, buf + GUID, len - GUID);
	return 0;
}

void tconn_efi_subject(const struct tconn_efi_entry *e, char *ret, size_t size)
{
	const uint8_t *p = e->data;
	X509 *cert = e->kind == TCONN_EFI_CERTIFICATE ? d2i_X509(NULL, &p, (long)e->len) : NULL;

	snprintf(ret, size, "?");
	if (cert)
		X509_NAME_oneline(X509_get_subject_name(cert), ret, (int)size);
	X509_free(cert);
}
