/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the firmware log says of Secure Boot. Events of PCR 7 hold UEFI_VARIABLE_DATA (TCG PC
 * Client Platform Firmware Profile, 3.3.4.8): vendor GUID, length of the name in UTF-16 units
 * and of the content (u64 each, little-endian), name, content. PK, KEK, db and dbx are chains
 * of EFI_SIGNATURE_LIST (UEFI 2.10, 32.4.1). All of it is foreign: lengths first.
 */
#ifndef TCONN_SECURE_BOOT_H
#define TCONN_SECURE_BOOT_H

#include "log.h"

#define TCONN_EFI_NAME_MAX	64	/* UTF-16 units; what is longer is no variable of ours */
#define TCONN_EFI_ENTRIES_MAX	4096	/* in one variable */

#define TCONN_EV_EFI_VARIABLE_DRIVER_CONFIG	0x80000001u
#define TCONN_EV_EFI_VARIABLE_AUTHORITY		0x800000e0u

struct tconn_efi_variable {
	char name[TCONN_EFI_NAME_MAX + 1];	/* ASCII; '?' where it is not */
	const uint8_t *data;			/* borrowed */
	size_t len;
};
/* -EBADMSG: no UEFI_VARIABLE_DATA. */
int tconn_efi_variable_read(const uint8_t *buf, size_t len, struct tconn_efi_variable *ret,
			    struct tconn_error *err);

enum tconn_efi_kind {
	TCONN_EFI_CERTIFICATE,	/* X.509, DER */
	TCONN_EFI_SHA256,	/* of an image */
	TCONN_EFI_OTHER,
};
struct tconn_efi_entry {
	enum tconn_efi_kind kind;
	const uint8_t *data;		/* without the owner's GUID; borrowed */
	size_t len;
	uint8_t digest[32];		/* SHA-256 of a certificate; else the hash itself */
};
/* Called for each entry; non-zero stops the walk and is returned. */
typedef int (*tconn_efi_entry_fn)(const struct tconn_efi_entry *e, void *arg);
/* fn's value, 0, or -EBADMSG. */
int tconn_efi_list_walk(const uint8_t *buf, size_t len, tconn_efi_entry_fn fn, void *arg,
			struct tconn_error *err);
/* A single EFI_SIGNATURE_DATA with a certificate, as an authority event has it. */
int tconn_efi_authority(const uint8_t *buf, size_t len, struct tconn_efi_entry *ret,
			struct tconn_error *err);

/* A certificate's subject for people, "?" where it cannot be read; ret has size bytes. */
void tconn_efi_subject(const struct tconn_efi_entry *e, char *ret, size_t size);

#endif
