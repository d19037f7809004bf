// SPDX-License-Identifier: Apache-2.0
/*
 * Nodes that share the database: which are alive, which device is at which, and
 * errands: what one node has another one ask its device. Times are the database's.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "../lib/cbor_util.h"
#include "question.h"
#include "store_part.h"

bool store_is_shared(const struct store *s)
{
	return s->shared;
}

int store_beat(struct store *s, const char *node, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "INSERT INTO nodes (name, beat) VALUES ($1, unixepoch())"
			  " ON CONFLICT (name) DO UPDATE SET beat = unixepoch()");
	tconn_query_text(&q, node);
	return tconn_query_run(&q, s->db, err);
}

/* -- which device is where */

struct present {
	const char *node;
	const struct store_device *device;
	size_t count;
};

static int write_present(struct tconn_transaction *t, void *arg, struct tconn_error *err)
{
	const struct present *p = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->count; i++) {
		_cleanup_query_ struct tconn_query q = { 0 };

		if (p->device[i].here)
			tconn_query_begin(&q, "INSERT INTO presence (device, node) VALUES ($1, $2)"
					  " ON CONFLICT (device) DO UPDATE SET node = $2");
		else
			tconn_query_begin(&q, "DELETE FROM presence WHERE device = $1 AND node = $2");
		tconn_query_text(&q, p->device[i].id);
		tconn_query_text(&q, p->node);
		r = tconn_query_run_in(&q, t, err);
	}
	return r;
}

int store_present(struct store *s, const char *node, const struct store_device *device, size_t count,
		  struct tconn_error *err)
{
	struct present p = { .node = node, .device = device, .count = count };

	return count ? tconn_database_transact(s->db, write_present, &p, err) : 0;
}

int store_whereabouts(struct store *s, const char *id, char ret_node[STORE_NODE_NAME],
		      struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT node FROM presence JOIN nodes ON nodes.name = presence.node"
			  " WHERE device = $1 AND " STORE_NODE_ALIVE);
	tconn_query_text(&q, id);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0 || !tconn_query_next(&q))
		return r;
	snprintf(ret_node, STORE_NODE_NAME, "%s", tconn_query_get_text(&q, 0));
	return 1;
}

static int run_with_node(struct store *s, struct tconn_query *q, const char *node,
			 struct tconn_error *err)
{
	if (node)
		tconn_query_text(q, node);
	return tconn_query_run(q, s->db, err);
}

int store_end_node(struct store *s, const char *node, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query devices = { 0 }, self = { 0 };
	int r;

	tconn_query_begin(&devices, "DELETE FROM presence WHERE node = $1");
	tconn_query_begin(&self, "DELETE FROM nodes WHERE name = $1");
	r = run_with_node(s, &devices, node, err);
	return r < 0 ? r : run_with_node(s, &self, node, err);
}

int store_tidy(struct store *s, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query errands = { 0 }, devices = { 0 }, nodes = { 0 };
	int r;

	tconn_query_begin(&errands, "DELETE FROM errands WHERE time < unixepoch() - 3600");
	tconn_query_begin(&devices, "DELETE FROM presence WHERE node NOT IN (SELECT name FROM nodes)");
	tconn_query_begin(&nodes, "DELETE FROM nodes WHERE beat < unixepoch() - 3600");
	r = run_with_node(s, &errands, NULL, err);
	if (r == 0)
		r = run_with_node(s, &nodes, NULL, err);
	return r < 0 ? r : run_with_node(s, &devices, NULL, err);
}

/* -- errands */

int store_add_errand(struct store *s, const char *node, const struct question *q, uint64_t *ret_number,
		     struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query add = { 0 };
	int r;

	tconn_query_begin(&add, "INSERT INTO errands (node, device, time, attest, kind, timeout_ms,"
			  " statement, label, item, taken)"
			  " VALUES ($1, $2, unixepoch(), $3, $4, $5, $6, $7, $8, 0) RETURNING number");
	tconn_query_once(&add);
	tconn_query_text(&add, node);
	tconn_query_text(&add, q->device);
	tconn_query_integer(&add, q->attest);
	tconn_query_integer(&add, q->kind);
	tconn_query_integer(&add, q->timeout_ms);
	tconn_query_blob(&add, q->statement, q->statement_len);
	tconn_query_blob(&add, q->label.data, q->label.len);
	tconn_query_blob(&add, q->item.data, q->item.len);
	r = tconn_query_run(&add, s->db, err);
	if (r < 0)
		return r;
	tconn_query_next(&add);
	*ret_number = (uint64_t)tconn_query_get_integer(&add, 0);
	return 0;
}

static int copy_blob(const struct tconn_query *row, unsigned int column, struct tconn_bytes *ret,
		     struct tconn_error *err)
{
	size_t len;
	const uint8_t *data = tconn_query_get_blob(row, column, &len);

	return len ? tconn_bytes_copy(ret, data, len, err) : 0;
}

/* Another node's word, and the database's: checked as an operator's is. */
static int read_errand(const struct tconn_query *row, struct question *ret, struct tconn_error *err)
{
	const char *device = tconn_query_get_text(row, 1);
	size_t len;
	const uint8_t *statement = tconn_query_get_blob(row, 5, &len);
	int r;

	if (strlen(device) >= sizeof(ret->device) || len > sizeof(ret->statement))
		return tconn_fail(err, -EPROTO, "an errand is too long");
	strcpy(ret->device, device);
	ret->attest = tconn_query_get_integer(row, 2) != 0;
	ret->kind = (uint16_t)tconn_query_get_integer(row, 3);
	ret->timeout_ms = (uint32_t)tconn_query_get_integer(row, 4);
	if (len)
		memcpy(ret->statement, statement, len);
	ret->statement_len = len;
	r = copy_blob(row, 6, &ret->label, err);
	return r < 0 ? r : copy_blob(row, 7, &ret->item, err);
}

int store_take_errand(struct store *s, const char *node, struct question *ret, uint64_t *ret_number,
		      struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "UPDATE errands SET taken = 1 WHERE taken = 0 AND number ="
			  " (SELECT min(number) FROM errands WHERE node = $1 AND taken = 0)"
			  " RETURNING number, device, attest, kind, timeout_ms, statement, label, item");
	tconn_query_once(&q);
	tconn_query_text(&q, node);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0 || !tconn_query_next(&q))
		return r;
	*ret_number = (uint64_t)tconn_query_get_integer(&q, 0);
	r = read_errand(&q, ret, err);
	return r < 0 ? r : 1;
}

int store_answer_errand(struct store *s, uint64_t number, int code, const char *why, const char *reply,
			struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };

	tconn_query_begin(&q, "UPDATE errands SET code = $2, why = $3, reply = $4 WHERE number = $1");
	tconn_query_integer(&q, (int64_t)number);
	tconn_query_integer(&q, code);
	tconn_query_text(&q, why);
	tconn_query_text(&q, reply);
	return tconn_query_run(&q, s->db, err);
}

int store_hear_errand(struct store *s, uint64_t number, struct store_answer *ret, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "SELECT taken, code, why, reply, CASE WHEN " STORE_NODE_ALIVE " THEN 1 ELSE 0 END"
			  " FROM errands LEFT JOIN nodes ON nodes.name = errands.node WHERE number = $1");
	tconn_query_integer(&q, (int64_t)number);
	r = tconn_query_run(&q, s->db, err);
	if (r < 0)
		return r;
	if (!tconn_query_next(&q))
		return tconn_fail(err, -EIO, "the errand to another node is gone");
	*ret = (struct store_answer){
		.taken = tconn_query_get_integer(&q, 0) != 0,
		.answered = !tconn_query_is_null(&q, 1),
		.code = (int)tconn_query_get_integer(&q, 1),
		.alive = tconn_query_get_integer(&q, 4) != 0,
	};
	snprintf(ret->why.text, sizeof(ret->why.text), "%s", tconn_query_get_text(&q, 2));
	if (ret->answered)
		ret->reply = json_tokener_parse(tconn_query_get_text(&q, 3));
	return 0;
}

int store_end_errand(struct store *s, uint64_t number, bool if_not_taken, struct tconn_error *err)
{
	_cleanup_query_ struct tconn_query q = { 0 };
	int r;

	tconn_query_begin(&q, "DELETE FROM errands WHERE number = $1 AND ($2 = 0 OR taken = 0)");
	tconn_query_integer(&q, (int64_t)number);
	tconn_query_integer(&q, if_not_taken);
	r = tconn_query_run(&q, s->db, err);
	return r < 0 ? r : q.changes > 0;
}
