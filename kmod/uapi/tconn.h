/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * tconn - trusted user interface (TUI) sessions, ISO/IEC 27071:2023 clause 5.8.
 *
 * This header is the single contract between tconn.ko and userspace.
 *
 * A conversation
 *	fd = open("/dev/tconn", O_RDWR | O_CLOEXEC)
 *	TCONN_IOC_VERSION	is this the ABI I was built for?
 *	TCONN_IOC_BIND		the kernel measures the calling executable, admits
 *				it or refuses, and fixes statement, nonce and the
 *				verifier's key. Answers the display mode, the
 *				canvas' size and which gestures count.
 *	mmap(fd, 0)		the canvas; draw the first picture into it
 *	TCONN_IOC_ACTIVATE	screen, then input, then the indicator are taken;
 *				the canvas is shown
 *	read(fd), poll(fd)	struct input_event, as from an evdev node. The
 *				EVIOCG* ioctls of <linux/input.h> work on the
 *				same fd, hence libevdev does. POLLHUP: the
 *				session is over; read() then gives -ECANCELED.
 *	TCONN_IOC_PRESENT	copy damage from the canvas to the screen
 *	TCONN_IOC_DECIDE	if the kernel saw the gesture for it: indicator off,
 *				input back, screen back; the record is authenticated,
 *				measured and returned
 *	close(fd)		gives everything back; in BOUND or ACTIVE it aborts
 *				with TCONN_CAUSE_CLOSED. So does the admitted
 *				process's end, whoever else holds the fd.
 *
 * One fd is one session and one task group: after BIND, ioctls, read and mmap
 * from another mm than the admitted one fail with -EPERM. There is at most one
 * session at a time in the system.
 *
 * All integers are in host order here and little-endian in the log (the only
 * supported machines are little-endian; a build-time check says so). All times
 * are CLOCK_BOOTTIME nanoseconds; 0 is "did not happen". Unknown flags and
 * non-zero reserved fields are refused with -EINVAL.
 *
 * Every errno has its cause beside the command. Common to all commands:
 *	-ENOTTY	unknown command		-EFAULT	bad pointer
 *	-EINVAL	bad size, flag or reserved field
 *	-EPERM	not the admitted process
 *	-EBADFD	not in this state (the state is in TCONN_IOC_STATUS)
 *	-ECANCELED the session was aborted (cause in TCONN_IOC_STATUS)
 */
#ifndef _UAPI_TCONN_H
#define _UAPI_TCONN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TCONN_ABI		3
#define TCONN_DEVICE		"/dev/tconn"
#define TCONN_SECURITYFS	"/sys/kernel/security/tconn"

#define TCONN_DIGEST_SIZE	32	/* SHA-256 everywhere */
#define TCONN_NONCE_SIZE	32
#define TCONN_KEY_SIZE		32	/* X25519, RFC 7748 */
#define TCONN_MAC_SIZE		32	/* HMAC-SHA256 */
#define TCONN_PICTURE_SIZE	32
#define TCONN_ID_SIZE		16
#define TCONN_STATEMENT_MAX	8192	/* bytes, header included */
#define TCONN_POLICY_MAX	65536	/* bytes of text */
#define TCONN_SIGNATURE_MAX	8192	/* bytes */
#define TCONN_PATH_MAX		256	/* bytes, zero-terminated, zero-padded */

/* Limits of a session, in milliseconds; the policy may lower the maximum. */
#define TCONN_TIMEOUT_MIN_MS	1000
#define TCONN_TIMEOUT_MAX_MS	90000	/* below the hung-task watchdog's 120 s */
#define TCONN_GRACE_MS		750

enum tconn_state {
	TCONN_STATE_IDLE	= 0,
	TCONN_STATE_BOUND	= 1,
	TCONN_STATE_ACTIVE	= 2,
	TCONN_STATE_DECIDED	= 3,
	TCONN_STATE_ABORTED	= 4,
};

enum tconn_kind {
	TCONN_KIND_CONFIRM	= 1,	/* confirm or deny a statement */
	TCONN_KIND_PIN		= 2,	/* enter a secret */
	TCONN_KIND_NOTICE	= 3,	/* read and acknowledge */
};

enum tconn_outcome {
	TCONN_OUTCOME_NONE	= 0,
	TCONN_OUTCOME_CONFIRMED	= 1,
	TCONN_OUTCOME_DENIED	= 2,
	TCONN_OUTCOME_ENTERED	= 3,
	TCONN_OUTCOME_ABORTED	= 4,	/* see tconn_record.cause */
};

/*
 * What a person does with a key of a listed input device. It counts only if the
 * kernel saw it in this session.
 *
 * The gesture that confirms counts if all of it came at least grace_ms after the last
 * change of the attested picture (below), and nothing came after it: a further change,
 * or another key, voids it. The one that denies counts at any time, nothing voids it,
 * and once it was seen the session can only be denied; a NOTICE has none.
 */
enum tconn_gesture_type {
	TCONN_GESTURE_NONE	= 0,
	TCONN_GESTURE_PRESS	= 1,	/* the key goes down */
	TCONN_GESTURE_HOLD	= 2,	/* and is still down `ms` later, at DECIDE */
	TCONN_GESTURE_DOUBLE	= 3,	/* and goes down again within `ms` */
};

struct tconn_gesture {
	__u16 type;		/* enum tconn_gesture_type */
	__u16 code;		/* KEY_* of <linux/input-event-codes.h> */
	__u32 ms;		/* of HOLD and DOUBLE, else 0 */
};

struct tconn_rect {
	__u32 x, y, width, height;	/* pixels */
};

/* Why a session ended without a decision. */
enum tconn_cause {
	TCONN_CAUSE_NONE		= 0,
	TCONN_CAUSE_CLOSED		= 1,	/* the app closed its fd or died */
	TCONN_CAUSE_TIMEOUT		= 2,
	TCONN_CAUSE_DISPLAY_LOST	= 3,	/* device unplugged or unbound */
	TCONN_CAUSE_DISPLAY_FAILED	= 4,	/* a commit failed */
	TCONN_CAUSE_INPUT_LOST		= 5,	/* the last listed device that could confirm went */
	TCONN_CAUSE_INPUT_NEW		= 6,	/* a device came during a session */
	TCONN_CAUSE_INDICATOR_LOST	= 7,
	TCONN_CAUSE_SUSPEND		= 8,
	TCONN_CAUSE_APP			= 9,	/* mapping, tracer or policy breach,
						 * looked for at each command and
						 * read(), and five times a second;
						 * or stopped, frozen
						 */
	TCONN_CAUSE_MEASURE		= 10,	/* TPM or log refused the record */
};

/* Why an app, or a BIND, was refused: tconn_event_app.reason. */
enum tconn_refusal {
	TCONN_REFUSAL_NONE		= 0,
	TCONN_REFUSAL_NO_POLICY		= 1,
	TCONN_REFUSAL_NOT_LISTED	= 2,	/* digest is not on the policy */
	TCONN_REFUSAL_MAPPING		= 3,	/* other or W+X executable mapping */
	TCONN_REFUSAL_TRACED		= 4,	/* tracer attached or dumpable */
	TCONN_REFUSAL_NO_TPM		= 5,
	TCONN_REFUSAL_NO_INDICATOR	= 6,
	TCONN_REFUSAL_NO_INPUT		= 7,
	TCONN_REFUSAL_NO_DISPLAY	= 8,
	TCONN_REFUSAL_MEASURE		= 9,	/* digest not obtainable */
	TCONN_REFUSAL_CONFINED		= 10,	/* without CAP_SYS_ADMIN: the REE started it */
};

struct tconn_version {
	__u32 abi;		/* TCONN_ABI */
	__u32 errata;		/* bit mask of fixed errata, none so far */
};

/*
 * The attested picture is what the frame digest covers: the pixels of the rectangle
 * `attested`, but for those of the rectangle `live` in it.
 *
 * attested: the whole screen without a band at its top, which is for what no verifier
 * can draw again (the holder's personal phrase, say). The policy fixes the band's share.
 * live: where a PIN's marks stand, whose number nobody is to learn. The app names it at
 * ACTIVATE, for TCONN_KIND_PIN alone; all zero: there is none.
 *
 * A verifier draws the statement itself, checks that `live` is what its own layout
 * says, and compares digests.
 */

/*
 * BIND: IDLE -> BOUND.
 *	-ENOKEY		no policy loaded
 *	-EACCES		the executable is refused; the log says which digest and why
 *	-EBUSY		another session is open
 *	-ENODEV		display_fd is no DRM primary node, or no output of it that
 *			the policy lists is connected; or no listed input device
 *			that is present has the key that confirms
 *	-ENOLCK		the policy requires an indicator and none is armed
 *	-EHWPOISON	no TPM, or the TPM refused the measurement, or the log is full
 *	-EMSGSIZE	statement empty or over TCONN_STATEMENT_MAX
 *	-ERANGE		timeout outside the limits
 *	-EKEYREJECTED	verifier_key is a point of low order: no secret comes of it
 */
struct tconn_bind {
	__u32 size;		/* in: sizeof(struct tconn_bind) */
	__u32 flags;		/* in: 0 */
	__u32 kind;		/* in: enum tconn_kind */
	__u32 timeout_ms;	/* in: ACTIVE lasts at most this long */
	__s32 display_fd;	/* in: open DRM primary node */
	__u32 statement_len;	/* in: bytes */
	__u64 statement;	/* in: pointer; opaque to the kernel, it hashes it */
	__u8 nonce[TCONN_NONCE_SIZE];	/* in: the service's */
	__u8 verifier_key[TCONN_KEY_SIZE];	/* in: the service's, for this nonce alone */
	__u64 session;		/* out: number since load, from 1 */
	__u64 canvas_size;	/* out: bytes to mmap at offset 0 */
	__u32 width, height;	/* out: pixels */
	__u32 pitch;		/* out: bytes a canvas row */
	__u32 format;		/* out: DRM_FORMAT_XRGB8888 */
	__u32 width_mm, height_mm;	/* out: 0 where the display does not say */
	struct tconn_rect attested;	/* out */
	struct tconn_gesture confirm, deny;	/* out: the policy's */
	__u32 grace_ms;		/* out */
	__u32 policy;		/* out: TCONN_POLICY_*; an app says it where not signed */
	__u8 service_ca[TCONN_DIGEST_SIZE];	/* out: the policy's; zero: it names none */
};

/*
 * ACTIVATE: BOUND -> ACTIVE; takes the rectangle `live`. -EINVAL: there is one, and this
 * is no PIN; -ERANGE: it reaches outside the attested rectangle.
 *
 * PRESENT: in ACTIVE. A zero-sized rectangle is -EINVAL, one that reaches
 * outside the canvas -ERANGE. It is a change of the attested picture unless it lies
 * within `live` or outside `attested`.
 */

/* tconn_record.indicator */
#define TCONN_INDICATOR_PRESENT	(1U << 0)	/* one was armed */
#define TCONN_INDICATOR_LIT	(1U << 1)	/* it was lit during all of ACTIVE */

/*
 * The record of one session, made by the kernel, measured as the data of a
 * TCONN_EVENT_RECORD, 480 bytes, no padding. The MAC says that this kernel made it, to
 * the holder of verifier_key's other half and to nobody else:
 *
 *	shared	= X25519(kernel's private key, verifier_key)
 *		= X25519(verifier's private key, kernel's public key)
 *		  32 bytes as RFC 7748 has them, not all zero
 *	key	= HKDF-SHA256 (RFC 5869), 32 bytes:
 *		  salt	nonce, 32 bytes
 *		  IKM	shared, 32 bytes
 *		  info	"tconn-record-2", 14 bytes without a terminator,
 *			kernel's public key, 32 bytes (tconn_event_boot.kernel_key),
 *			verifier_key, 32 bytes
 *	mac	= HMAC-SHA256(key, the record's first 448 bytes)
 */
struct tconn_record {
	__u8 magic[4];		/* "TCNR" */
	__u16 version;		/* 2 */
	__u16 size;		/* sizeof(struct tconn_record) */
	__u8 boot_id[TCONN_ID_SIZE];	/* as in TCONN_EVENT_BOOT */
	__u64 session;
	__u32 kind;		/* enum tconn_kind */
	__u32 outcome;		/* enum tconn_outcome */
	__u32 cause;		/* enum tconn_cause */
	__u32 indicator;	/* TCONN_INDICATOR_* */
	__u8 statement_digest[TCONN_DIGEST_SIZE];	/* SHA-256(statement) */
	__u8 nonce[TCONN_NONCE_SIZE];
	__u8 verifier_key[TCONN_KEY_SIZE];	/* as BIND had it */
	__u8 frame_digest[TCONN_DIGEST_SIZE];	/* SHA-256 of the attested rectangle's
						 * rows, top to bottom, width * 4 bytes
						 * each, as the scanout has them (B, G,
						 * R, and what the app put behind it),
						 * zeros in place of live pixels, as
						 * ACTIVATE or the last PRESENT left
						 * them; zero if neither
						 */
	__u8 app_digest[TCONN_DIGEST_SIZE];
	__u8 policy_digest[TCONN_DIGEST_SIZE];	/* SHA-256(policy text) */
	__u32 width, height;	/* pixels */
	__u32 format;		/* DRM fourcc */
	__u32 refresh_mhz;	/* millihertz */
	struct tconn_rect attested;
	struct tconn_rect live;	/* zero: none */
	__u32 presents;		/* frames shown, the one of ACTIVATE included */
	__u32 keys;		/* key presses delivered to the app; for a PIN both are 0,
				 * for they would tell its length
				 */
	struct tconn_gesture gesture;	/* that the outcome rests on; none if aborted */
	struct tconn_gesture confirm, deny;	/* as BIND answered them */
	__u16 input_bustype, input_vendor, input_product, input_version;
				/* device of the gesture; if there is none, of the last
				 * key press, else 0
				 */
	__u32 grace_ms;		/* the policy's */
	__u32 reserved0;	/* zero */
	__u64 bound_ns;
	__u64 active_ns;	/* first picture on the screen */
	__u64 lit_ns;		/* indicator on */
	__u64 unlit_ns;		/* indicator off */
	__u64 ended_ns;		/* screen given back */
	__u64 changed_ns;	/* last change of the attested picture, or of the lamp at
				 * ACTIVATE, was complete
				 */
	__u64 gesture_ns;	/* the gesture was complete */
	__u8 picture[TCONN_PICTURE_SIZE];	/* as DECIDE had it; zero if aborted */
	__u8 reserved[24];	/* zero */
	__u8 mac[TCONN_MAC_SIZE];
};

/*
 * DECIDE: ACTIVE -> DECIDED -> IDLE. Outcome CONFIRMED or DENIED for CONFIRM,
 * ENTERED or DENIED for PIN, CONFIRMED for NOTICE; others are -EINVAL. The app only
 * claims it:
 *	-EAGAIN	the kernel saw no gesture for it so far; the session goes on
 *	-EACCES	the person denied; the session goes on
 *
 * picture is the app's word on how it drew (theme, scale, hint...), for a verifier that
 * draws it again; opaque to the kernel. A lie there gives another frame digest.
 */
struct tconn_decide {
	__u32 outcome;		/* in */
	__u32 reserved;		/* in: 0 */
	__u8 picture[TCONN_PICTURE_SIZE];	/* in */
	struct tconn_record record;	/* out */
};

struct tconn_status {
	__u32 state;		/* out: enum tconn_state of this fd's session */
	__u32 cause;		/* out: enum tconn_cause */
	__u32 refusal;		/* out: enum tconn_refusal of the last failed BIND */
	__u32 remaining_ms;	/* out: of the time-out, in ACTIVE */
	struct tconn_record record;	/* out: valid in DECIDED and ABORTED */
};

#define TCONN_IOC_MAGIC		0xB9
#define TCONN_IOC_VERSION	_IOR(TCONN_IOC_MAGIC, 0x10, struct tconn_version)
#define TCONN_IOC_BIND		_IOWR(TCONN_IOC_MAGIC, 0x11, struct tconn_bind)
#define TCONN_IOC_ACTIVATE	_IOW(TCONN_IOC_MAGIC, 0x12, struct tconn_rect)
#define TCONN_IOC_PRESENT	_IOW(TCONN_IOC_MAGIC, 0x13, struct tconn_rect)
#define TCONN_IOC_DECIDE	_IOWR(TCONN_IOC_MAGIC, 0x14, struct tconn_decide)
#define TCONN_IOC_STATUS	_IOR(TCONN_IOC_MAGIC, 0x15, struct tconn_status)

/*
 * The measurement log, TCONN_SECURITYFS "/log": events back to back.
 * digest = SHA-256(type || len || data), type and len as in the header; the PCR
 * named by the policy (default 13, sha256 bank) is extended with it. Other
 * active banks are extended with the digest cut or zero-padded to their size.
 * "/log_ascii" has one line an event: pcr type digest and the fields in words.
 * The same data goes to IMA as critical data, label "tconn", event name
 * "tconn-" + the type's name (boot, policy, app, record).
 *
 * Other files: "/policy" (write once, read back), "/state" (lines "key value"),
 * "/attention" (how often the attention key was pressed since load, a line; each
 * read gives a count not yet read, nor answered by a session that was shown since, or
 * end of file, poll says POLLIN to the first).
 */
struct tconn_event {
	__u32 pcr;
	__u32 type;		/* enum tconn_event_type */
	__u8 digest[TCONN_DIGEST_SIZE];
	__u32 len;		/* of the data that follows */
};

#define TCONN_EVENT_DATA_MAX	4096

enum tconn_event_type {
	TCONN_EVENT_BOOT	= 1,
	TCONN_EVENT_POLICY	= 2,
	TCONN_EVENT_APP		= 3,
	TCONN_EVENT_RECORD	= 4,
};

/* tconn_event_boot.flags */
#define TCONN_BOOT_DEVELOPER	(1U << 0)	/* loaded with developer=1 */

/* At load, first in the log: a log with a second one is nobody's. 116 bytes. */
struct tconn_event_boot {
	__u32 abi;
	__u32 flags;		/* TCONN_BOOT_* */
	char version[32];	/* module version, zero-padded */
	char srcversion[28];	/* modinfo srcversion or build id, zero-padded */
	__u8 boot_id[TCONN_ID_SIZE];	/* random, new at each load */
	__u8 kernel_key[TCONN_KEY_SIZE];	/* X25519, public half; new at each load */
};

/* tconn_event_policy.flags, tconn_bind.policy */
#define TCONN_POLICY_SIGNED	(1U << 0)

/* When a policy is accepted. 40 bytes. */
struct tconn_event_policy {
	__u8 digest[TCONN_DIGEST_SIZE];	/* SHA-256 of the text */
	__u32 len;		/* bytes of the text */
	__u32 flags;		/* TCONN_POLICY_* */
};

/*
 * At each BIND that got as far as a digest: admission of the app, or refusal of
 * it (NOT_LISTED, MAPPING, TRACED, CONFINED). What the machine lacks (indicator, input,
 * display) is no refusal of the app and makes no event; the same refusal twice
 * in a row makes one. 312 bytes.
 */
struct tconn_event_app {
	__u64 session;		/* 0 where refused */
	__u32 admitted;		/* 1 or 0 */
	__u32 reason;		/* enum tconn_refusal */
	__u32 pid;		/* in the initial namespace */
	__u32 reserved;
	__u8 digest[TCONN_DIGEST_SIZE];	/* of the executable, by IMA's file hash */
	char path[TCONN_PATH_MAX];	/* of the executable; a hint, not trusted */
};

/*
 * Policy text, version 1: ASCII lines, '#' starts a comment, unknown keywords
 * refuse the whole policy (with line number in the kernel log).
 *
 *	tconn-policy 1			first line that is no comment
 *	pcr N				8..15, default 13
 *	app sha256 HEX NAME		an executable that may hold a session (1..16)
 *	display GLOB			sysfs device path of a display device, or of one
 *					connector of it (1..4)
 *	input GLOB			sysfs device path of an input device (1..16);
 *					/devices/virtual/ never matches
 *	hotplug abort|ignore		what an input device does to a session when it comes
 *					(abort). Ignored, one that is not listed has no part
 *					in it; a listed one, or the going of the last one with
 *					the key that confirms, always aborts.
 *	attention-key [HELD [HELD]] KEY	brings up the trusted screen while the keys HELD are
 *					down on the same keyboard; the REE never sees it
 *	indicator GLOB			sysfs device path of the LED (0..1)
 *	indicator-required yes|no	default yes
 *	timeout-max-ms N		default TCONN_TIMEOUT_MAX_MS
 *	confirm KEY [GESTURE]		what confirms, and ends a PIN; default KEY_ENTER
 *	deny KEY [GESTURE]		what denies; default KEY_ESC
 *	grace-ms N			0..5000, default TCONN_GRACE_MS: how long a picture
 *					stands before a gesture confirms it
 *	band-permille N			0..200, default 0: the band's height in thousandths
 *					of the screen's shorter side, rounded down
 *	service-ca sha256 HEX		digest of the certificate (DER) that vouches for
 *					services (0..1). The kernel only hands it on: with
 *					it tconn-tui shows no other services' requests
 *
 * KEY is a number, as KEY_* of <linux/input-event-codes.h>, or one of these names:
 * KEY_ENTER (the keypad's is the same) KEY_ESC KEY_OK KEY_CANCEL KEY_SELECT KEY_POWER
 * KEY_VOLUMEUP KEY_VOLUMEDOWN. GESTURE is "hold MS" or "double MS", 100..5000; without one
 * the key's press is enough. Only AT keyboards tell the kernel how long a key is held: no
 * other satisfies "hold".
 *
 * GLOB is matched by the kernel's glob_match() against the path below /sys.
 *
 * The text is signed, unless the module was loaded with developer=1. What is
 * written to "/policy" is the text, directly followed by its signature, directly
 * followed by struct tconn_signature_end. The signature is PKCS#7, DER, detached,
 * without signed attributes, as made by
 *	openssl cms -sign -binary -noattr -outform DER -signer CERT -inkey KEY
 * with a key on the kernel's secondary (hence builtin) or platform keyring; the
 * latter is Secure Boot's db. Digests of a policy are always those of its text.
 */
#define TCONN_SIGNATURE_MAGIC	"TCNSIG1\n"	/* 8 bytes, not terminated */

struct tconn_signature_end {
	__u32 len;		/* of the signature, 1..TCONN_SIGNATURE_MAX */
	__u8 magic[8];		/* TCONN_SIGNATURE_MAGIC */
};

#endif /* _UAPI_TCONN_H */
