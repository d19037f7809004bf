// SPDX-License-Identifier: Apache-2.0
#include "metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../lib/file.h"
#include "action.h"

/* What is counted, as of one moment. */
struct numbers {
	unsigned int connections, pending, active;
	unsigned long long turned_away, trusted, refused, items[SERVER_ITEMS], calls, denied, cut;
	long long uptime, identity_end;
	struct action_sums actions;
};

static struct numbers take(struct server *s)
{
	struct numbers n;

	pthread_mutex_lock(&s->lock);
	n = (struct numbers){
		.connections = s->connections, .pending = s->pending, .active = s->active,
		.turned_away = s->turned_away, .trusted = s->attestations[1],
		.refused = s->attestations[0], .uptime = server_now() - s->started,
		.identity_end = s->credentials->end,
		.calls = s->calls[0], .denied = s->calls[1], .cut = s->calls_cut,
	};
	for (int i = 0; i < SERVER_ITEMS; i++)
		n.items[i] = s->items[i];
	pthread_mutex_unlock(&s->lock);
	n.actions = actions_sums(s->actions);
	return n;
}

static void one(FILE *f, const char *name, const char *type, const char *help,
		unsigned long long value)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name, value);
}

static void print(FILE *f, const struct numbers *n)
{
	one(f, "tconn_connections", "gauge", "Devices that are connected and trusted.", n->connections);
	one(f, "tconn_pending", "gauge", "Connections that have not attested yet.", n->pending);
	one(f, "tconn_active", "gauge", "Connected devices that are busy.", n->active);
	one(f, "tconn_turned_away_total", "counter", "Connections closed unheard, beyond the bound.",
	    n->turned_away);
	fprintf(f, "# HELP tconn_attestations_total Evidence of devices that was appraised.\n"
		"# TYPE tconn_attestations_total counter\n"
		"tconn_attestations_total{verdict=\"trusted\"} %llu\n"
		"tconn_attestations_total{verdict=\"refused\"} %llu\n", n->trusted, n->refused);
	fprintf(f, "# HELP tconn_items_total Labelled items of devices.\n"
		"# TYPE tconn_items_total counter\n"
		"tconn_items_total{result=\"kept\"} %llu\n"
		"tconn_items_total{result=\"refused\"} %llu\n"
		"tconn_items_total{result=\"quota\"} %llu\n", n->items[SERVER_ITEM_KEPT],
		n->items[SERVER_ITEM_REFUSED], n->items[SERVER_ITEM_NO_ROOM]);
	fprintf(f, "# HELP tconn_http_calls_total Calls of the operator's listener.\n"
		"# TYPE tconn_http_calls_total counter\n"
		"tconn_http_calls_total{token=\"known\"} %llu\n"
		"tconn_http_calls_total{token=\"unknown\"} %llu\n", n->calls, n->denied);
	one(f, "tconn_http_cut_total", "counter",
	    "Connections of the operator's listener that were too slow.", n->cut);
	fprintf(f, "# HELP tconn_actions_total Events handed to failure actions.\n"
		"# TYPE tconn_actions_total counter\n"
		"tconn_actions_total{result=\"done\"} %llu\n"
		"tconn_actions_total{result=\"failed\"} %llu\n"
		"tconn_actions_total{result=\"dropped\"} %llu\n",
		(unsigned long long)n->actions.done, (unsigned long long)n->actions.failed,
		(unsigned long long)n->actions.dropped);
	one(f, "tconn_uptime_seconds", "gauge", "Since the program started.",
	    (unsigned long long)n->uptime);
	one(f, "tconn_identity_end_timestamp_seconds", "gauge",
	    "When the first certificate of this service ends.", (unsigned long long)n->identity_end);
	one(f, "tconn_written_timestamp_seconds", "gauge", "When these numbers were taken.",
	    (unsigned long long)time(NULL));
}

int metrics_text(struct server *s, struct tconn_bytes *ret, struct tconn_error *err)
{
	const struct numbers n = take(s);
	struct tconn_bytes text = { 0 };
	FILE *f = open_memstream((char **)&text.data, &text.len);

	if (!f)
		return tconn_fail(err, -ENOMEM, "out of memory");
	print(f, &n);
	if (fclose(f)) {
		free(text.data);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	*ret = text;
	return 0;
}

int metrics_write(struct server *s, const char *path, struct tconn_error *err)
{
	struct tconn_bytes text = { 0 };
	int r = metrics_text(s, &text, err);

	if (r == 0)
		r = tconn_file_replace(path, &text, 0644, err);
	free(text.data);
	return r;
}
