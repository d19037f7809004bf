// SPDX-License-Identifier: Apache-2.0
/*
 * What no signature covers: the unprotected header with its proof and entries. An
 * entry that is taken has one encoding. Beside them, the state of a receiver's track.
 */
#include "daemon/lib/label_track.c"

#include "daemon/lib/label_entry.h"

static void try_entry(const uint8_t *data, size_t size)
{
	uint8_t input[TCONN_LABEL_INPUTS_MAX][32], again[TCONN_LABEL_ENTRY_MAX];
	struct tconn_label_entry e;

	if (tconn_label_entry_decode(data, size, &e, NULL))
		return;
	for (size_t i = 0; i < e.input_count; i++)
		memcpy(input[i], e.input + i * TCONN_LABEL_INPUT_SIZE + 2, 32);
	if (tconn_label_entry_encode(&e, (const uint8_t (*)[32])input, again) != size ||
	    memcmp(again, data, size))
		abort();
}

static void try_unprotected(const uint8_t *data, size_t size)
{
	struct tconn_label_unprotected u = { 0 };
	uint8_t leaf[32], root[32];

	if (tconn_label_unprotected_decode(data, size, &u, NULL) || !u.single)
		return;
	tconn_merkle_leaf(TCONN_SHA256, u.entry.data, u.entry.len, leaf);
	tconn_merkle_follow(TCONN_SHA256, leaf, u.index, u.leaves, u.path, u.path_count, root, NULL);
	try_entry(u.entry.data, u.entry.len);
}

static void try_track(const uint8_t *data, size_t size)
{
	struct tconn_bytes again;
	struct tconn_label_track *t;

	if (tconn_label_track_new(&t, NULL))
		return;
	if (!decode(data, size, t, NULL) && !encode(t, &again, NULL))
		tconn_bytes_free(&again);
	tconn_label_track_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_entry(data, size);
	try_unprotected(data, size);
	try_track(data, size);
	return 0;
}
