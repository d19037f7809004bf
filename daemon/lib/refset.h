/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of reference values: one file for each image version that is accepted.
 * Evidence is trusted if it satisfies one of them in full; mixing entries of two
 * versions is not enough. An empty set trusts nothing.
 *
 * Where the owner's signers are given, files are signed (signed.h), *.cose, and no others are
 * taken. One of them may withdraw versions: what satisfies only such a version is refused with
 * a check "image-version" that says so, also where its file stays or comes back.
 */
#ifndef TCONN_REFSET_H
#define TCONN_REFSET_H

#include "appraise.h"

#define TCONN_REFSET_MAX 32	/* files */

struct tconn_refset;
/* path: a file, or a directory whose *.json files (with signers: *.cose) are all taken, by name.
 * signers: PEM file with the certificates of who may sign; NULL: unsigned.
 */
int tconn_refset_load(const char *path, const char *signers, struct tconn_refset **ret,
		      struct tconn_error *err);
void tconn_refset_free(struct tconn_refset *set);	/* accepts NULL */

/* File number index, in the order of their names; false where there are no more. */
struct tconn_refset_entry {
	const char *name, *kernel;	/* of the image version; borrowed */
	uint8_t digest[32];		/* SHA-256 of the JSON */
	bool is_signed, withdrawn;
};
bool tconn_refset_entry(const struct tconn_refset *set, size_t index,
			struct tconn_refset_entry *ret);

/* As tconn_appraise() with a->refvals filled in by this function. The verdict is
 * that of the first file that trusts, else of the file with the most passes.
 */
int tconn_refset_appraise(const struct tconn_refset *set, const struct tconn_appraisal *a,
			  struct tconn_verdict *ret);

#endif
