/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libtconn-label: data with a label (ISO/IEC 27071 clauses 5.7, 6.6). Who made
 * an item of data, when, with which sensor or algorithm, in which state of the
 * machine: signed by the TPM-held data key, verifiable from files alone. The
 * format is described in daemon/LABEL.md.
 *
 * A batch of items has one signature, over the root of a Merkle tree; a label is
 * either that of a whole batch or that of one item with its proof, which stands
 * alone. Order of things:
 *	making	 tconn_label_batch_new, _source (once a source), _add (each item),
 *		 _sign, then _encode and/or _item
 *	checking tconn_label_decode, tconn_label_verify, then tconn_label_item and
 *		 tconn_label_check_data for each item; tconn_label_track across labels
 *
 * Functions return 0 or a negative errno and fill err (which may be NULL).
 * Out-parameters stay untouched on failure. The library never logs, keeps no
 * global state and starts no thread; one object is used by one thread at a time.
 *
 * Each kind of bad label has an error of its own (tconn_label_fault names it):
 *	-ENODATA	truncated
 *	-EMSGSIZE	over a limit
 *	-EBADMSG	malformed
 *	-EOPNOTSUPP	a critical header that this version does not know
 *	-EPROTONOSUPPORT another version, algorithm or kind of content
 *	-EKEYREJECTED	signature, proof or certificate is not good
 *	-EKEYEXPIRED	the certificate was not valid then, or nothing proves that it was
 *	-EKEYREVOKED	the certificate was revoked
 *	-EXDEV		another device or service than the expected one
 *	-EUCLEAN	the data is not what was labelled
 *	-EEXIST		duplicate: this very item was seen before
 *	-ESTALE		replayed: of a batch before the newest one seen
 *	-EILSEQ		reordered: not the next item of its source; one before it was seen
 *	-ENOMSG		items before this one are missing
 *	-ERANGE		the TPM's counter or clock went backwards
 */
#ifndef TCONN_LABEL_H
#define TCONN_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"
#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tconn_label_limit {
	TCONN_LABEL_MAX		= 16 << 20,	/* bytes of a label */
	TCONN_LABEL_ITEMS_MAX	= 65536,	/* of a batch */
	TCONN_LABEL_SOURCES_MAX	= 16,		/* of a batch */
	TCONN_LABEL_PARAMETERS_MAX = 16,	/* of a source */
	TCONN_LABEL_INPUTS_MAX	= 64,		/* of an item */
	TCONN_LABEL_DEPTH_MAX	= 8,		/* labels within labels */
	TCONN_LABEL_INLINE_MAX	= 4096,		/* bytes of data within the label */
	TCONN_LABEL_CHAIN_MAX	= 4,		/* certificates */
};

struct tconn_label_parameter {
	char name[32], value[96];
};

/* Where items come from. All text is UTF-8 without control characters. */
struct tconn_label_source {
	char name[64];			/* "camera/front" */
	char content_type[64];		/* "image/png" */
	char algorithm[64];		/* what made the items; "" for a plain sensor */
	char algorithm_version[32];
	char program[128];		/* executable that asked for the label; "": the operator's tool */
	uint8_t program_digest[32];	/* its SHA-256; zero without program */
	size_t parameter_count;		/* of sensor and calibration */
	struct tconn_label_parameter parameter[TCONN_LABEL_PARAMETERS_MAX];
};

/* When a batch was signed, and its place among all that this TPM's owner signed. */
struct tconn_label_clock {
	uint64_t time_us;		/* since 1970, of the first item */
	uint32_t uncertainty_us;	/* as the kernel's clock discipline says */
	bool synchronised;		/* likewise; false: the time is a bare claim */
	uint64_t epoch;			/* TPM NV counter: one step each time a signer starts */
	uint64_t batch;			/* 1, 2, ... within the epoch */
	uint64_t tpm_clock_ms;		/* TPM2_ReadClock: only ever forwards */
	uint32_t reset_count, restart_count;
	bool safe;			/* false: the clock may have lost up to a few seconds */
};

/* What the machine ran. All of it can be found again in the evidence. */
struct tconn_label_environment {
	bool present;
	uint8_t evidence[32];		/* SHA-256 of the evidence (PROTOCOL.md), which holds the quote */
	uint8_t quote[32];		/* SHA-256 of its TPMS_ATTEST */
	uint64_t ima_log, tconn_log;	/* bytes of these logs then: the position in them */
	char kernel[128];
};

struct tconn_label_item {
	uint32_t source;		/* index, see tconn_label_source() */
	uint64_t sequence;		/* 1, 2, ... of this source within the epoch */
	uint64_t time_us;		/* since 1970 */
	uint64_t size;			/* bytes of the data */
	bool inside;			/* the data is in the label */
	const uint8_t *data;		/* then; borrowed */
	uint8_t digest[32];		/* SHA-256 of the data; not computed where it is inside */
	size_t input_count;		/* what it was derived from */
	uint8_t input[TCONN_LABEL_INPUTS_MAX][32];	/* ids of these items */
};

/*
 * Making labels.
 */
struct tconn_label_batch;
struct tconn_tpm;
struct tconn_label_signer {
	struct tconn_tpm *tpm;
	const uint8_t *certificate;	/* of its data key, DER */
	size_t certificate_len;
	bool thumbprint;		/* name the certificate by its hash only (x5t) */
};

/* From an identity directory and its TPM ("device:/dev/tpmrm0"). */
int tconn_label_signer_open(const char *tcti, const char *identity_dir,
			    struct tconn_label_signer *ret, struct tconn_error *err);
/* Where the keys are sealed to boot states: the file of those that the owner signed. NULL: they
 * are not.
 */
int tconn_label_signer_use_boot_policy(struct tconn_label_signer *signer, const char *path,
				       struct tconn_error *err);
void tconn_label_signer_close(struct tconn_label_signer *signer);

struct tconn_label_new {		/* an item to be labelled */
	uint32_t source;
	uint64_t sequence;
	uint64_t time_us;		/* not before the batch's */
	uint64_t size;
	const uint8_t *data;		/* size bytes; NULL: digest is given */
	const uint8_t *digest;		/* SHA-256 */
	bool inside;			/* keep the data in the label */
	size_t input_count;
	const uint8_t (*input)[32];
};

int tconn_label_batch_new(const struct tconn_label_clock *clock,
			  const struct tconn_label_environment *environment,
			  struct tconn_label_batch **ret, struct tconn_error *err);
void tconn_label_batch_free(struct tconn_label_batch *b);	/* accepts NULL */
/* -EMSGSIZE: too many. The same source again gives the same index. */
int tconn_label_batch_source(struct tconn_label_batch *b, const struct tconn_label_source *source,
			     uint32_t *ret, struct tconn_error *err);
int tconn_label_batch_add(struct tconn_label_batch *b, const struct tconn_label_new *item,
			  struct tconn_error *err);
size_t tconn_label_batch_count(const struct tconn_label_batch *b);
/* One TPM signature; nothing can be added afterwards. */
int tconn_label_batch_sign(struct tconn_label_batch *b, const struct tconn_label_signer *signer,
			   struct tconn_error *err);
/* The label of all items, in one; after signing. */
int tconn_label_batch_encode(const struct tconn_label_batch *b, struct tconn_bytes *ret,
			     struct tconn_error *err);
/* The label of one item, standing alone; inputs: the labels of what it was derived
 * from, which it then carries (NULL, 0: without).
 */
int tconn_label_batch_item(struct tconn_label_batch *b, size_t index,
			   const struct tconn_bytes *inputs, size_t input_count,
			   struct tconn_bytes *ret, struct tconn_error *err);

/* The time as the kernel's clock discipline gives it. */
void tconn_label_now(struct tconn_label_clock *ret);
/* The TPM's half of the clock. */
int tconn_label_read_clock(struct tconn_tpm *tpm, struct tconn_label_clock *ret,
			   struct tconn_error *err);
/* One step of the NV counter (made where it is absent): a new epoch. */
int tconn_label_new_epoch(struct tconn_tpm *tpm, uint64_t *ret, struct tconn_error *err);

/* SHA-256 of a file of any length, read in pieces. */
int tconn_label_hash_file(int fd, uint8_t ret[32], uint64_t *ret_size, struct tconn_error *err);

/*
 * Reading labels. Nothing that these say is to be believed before
 * tconn_label_verify() returned 0.
 */
struct tconn_label;
int tconn_label_decode(const void *buf, size_t len, struct tconn_label **ret,
		       struct tconn_error *err);
void tconn_label_free(struct tconn_label *l);			/* accepts NULL */
size_t tconn_label_count(const struct tconn_label *l);		/* items, at least 1 */
int tconn_label_item(const struct tconn_label *l, size_t index, struct tconn_label_item *ret,
		     struct tconn_error *err);
/* NULL where there is no such source. */
const struct tconn_label_source *tconn_label_source(const struct tconn_label *l, uint32_t index);
const struct tconn_label_clock *tconn_label_clock(const struct tconn_label *l);
const struct tconn_label_environment *tconn_label_environment(const struct tconn_label *l);
/* The labels that this one carries of its inputs: borrowed, to be decoded in turn. */
size_t tconn_label_input_count(const struct tconn_label *l);
void tconn_label_input(const struct tconn_label *l, size_t index, const uint8_t **ret,
		       size_t *ret_len);

/* Names the item across labels: SHA-256(SHA-256(Sig_structure) || leaf). */
void tconn_label_id(const struct tconn_label *l, size_t index, uint8_t ret[32]);
/* An RFC 3161 request (DER) for a time-stamp over the signature. */
int tconn_label_stamp_query(const struct tconn_label *l, struct tconn_bytes *ret,
			    struct tconn_error *err);

struct x509_store_st;
/* One or more PEM certificates: issuers of identities, or of time-stamping authorities. */
int tconn_label_trust_load(const char *path, struct x509_store_st **ret, struct tconn_error *err);
void tconn_label_trust_free(struct x509_store_st *trust);	/* accepts NULL */
struct tconn_label_check {
	struct x509_store_st *trust;	/* issuers of identities */
	/* All below may be NULL or 0. */
	const char *who;		/* "urn:tconn:device:ID" or "urn:tconn:service:NAME": it alone */
	const uint8_t *certificate;	/* DER, for labels that name theirs by its hash */
	size_t certificate_len;
	const uint8_t *crl;		/* DER: the issuer's revocation list */
	size_t crl_len;
	const uint8_t *ocsp;		/* DER: an OCSP response about the certificate */
	size_t ocsp_len;
	const uint8_t *timestamp;	/* DER: an RFC 3161 response or token over the signature */
	size_t timestamp_len;
	struct x509_store_st *tsa_trust;	/* issuers of time-stamping authorities */
	uint64_t now;			/* seconds since 1970; 0: the clock */
	bool need_status, need_timestamp;	/* refuse labels without */
	size_t depth;			/* labels around this one; 0 for the outermost */
};
struct tconn_label_report {
	char who[160];			/* the signer's URN */
	uint64_t signed_at;		/* seconds since 1970: proven by the token, else claimed */
	bool time_proven;
	char status[96];		/* of the certificate, in words */
	size_t inputs;			/* labels of inputs that were verified too */
};
/* Certificate, status, time-stamp, signature, each item's proof, and the labels of
 * inputs it carries. What ret says is valid on success only.
 */
int tconn_label_verify(const struct tconn_label *l, const struct tconn_label_check *check,
		       struct tconn_label_report *ret, struct tconn_error *err);
/* Whether these are the item's data. -EUCLEAN if not. */
int tconn_label_check_data(const struct tconn_label_item *item, const void *data, size_t len,
			   struct tconn_error *err);
/* The same with what tconn_label_hash_file() gave. */
int tconn_label_check_digest(const struct tconn_label_item *item, const uint8_t digest[32],
			     uint64_t size, struct tconn_error *err);

/* "truncated", "duplicate", ...; "failed" for what is no fault of a label. */
const char *tconn_label_fault(int code);

/*
 * What came before: for receivers of streams. Per signer and source the newest
 * place, so that a label is accepted once and in order.
 */
struct tconn_label_track;
int tconn_label_track_new(struct tconn_label_track **ret, struct tconn_error *err);
void tconn_label_track_free(struct tconn_label_track *t);	/* accepts NULL */
/* After tconn_label_verify(). Takes all items or, on failure, none; err names the item.
 * -EEXIST, -ESTALE, -EILSEQ, -ENOMSG, -ERANGE as above. allow_gaps: -ENOMSG is not one.
 */
int tconn_label_track_take(struct tconn_label_track *t, const struct tconn_label *l,
			   const struct tconn_label_report *report, bool allow_gaps,
			   struct tconn_error *err);
/* A file of it, written complete or not at all. A file that is absent is an empty track. */
int tconn_label_track_load(const char *path, struct tconn_label_track **ret,
			   struct tconn_error *err);
int tconn_label_track_save(const struct tconn_label_track *t, const char *path,
			   struct tconn_error *err);

#ifdef __cplusplus
}
#endif
#endif
