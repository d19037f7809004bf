// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/jsonline.h"
#include "../lib/receipt.h"
#include "../lib/words.h"
#include "ctl.h"

static int ask(const struct ctl *ctl, struct json_object *request, struct json_object **ret)
{
	return call(ctl, ctl->socket ? ctl->socket : SOCKET_SERVICED, request, TCONN_JSONLINE_MS,
		    ret);
}

static void print_list(struct json_object *reply)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(reply, "receipts", &list);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *r = json_object_array_get_idx(list, i);

		print("%s  %-9s  device %s  request %s", member(r, "receipt"), member(r, "outcome"),
		      member(r, "device"), member(r, "request"));
	}
}

static int list(const struct ctl *ctl)
{
	struct json_object *request = json_object_new_object(), *reply;
	int r;

	tconn_json_add_string(request, "do", "receipt-list");
	r = ask(ctl, request, &reply);
	if (r)
		return r;
	if (ctl->json)
		print_json(reply);
	r = reply_code(ctl, reply);
	if (r == CTL_OK && !ctl->json)
		print_list(reply);
	json_object_put(reply);
	return r;
}

static int show(const struct ctl *ctl, const char *number, const char *out)
{
	struct json_object *request = json_object_new_object(), *reply, *receipt;
	int r;

	tconn_json_add_string(request, "do", "receipt-show");
	tconn_json_add(request, "receipt", json_object_new_int64(strtoll(number, NULL, 10)));
	r = ask(ctl, request, &reply);
	if (r)
		return r;
	if (ctl->json)
		print_json(reply);
	r = reply_code(ctl, reply);
	if (r == CTL_OK && !ctl->json && json_object_object_get_ex(reply, "receipt", &receipt))
		print_receipt(receipt);
	if (r == CTL_OK && out)
		r = write_base64(ctl, out, member(reply, "cose"));
	json_object_put(reply);
	return r;
}

static void tell(const struct ctl *ctl, const struct tconn_receipt *receipt)
{
	struct json_object *obj = json_object_new_object();

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add(obj, "receipt", tconn_receipt_json(receipt));
	if (ctl->json) {
		print_json(obj);
	} else {
		struct json_object *r = NULL;

		print("signature: good, by a key certified for service %s", receipt->service);
		if (json_object_object_get_ex(obj, "receipt", &r))
			print_receipt(r);
	}
	json_object_put(obj);
}

/* Without any daemon: the receipt says all, the CA file is the only thing believed. */
static int verify(const struct ctl *ctl, const char *path, const char *trust)
{
	static uint8_t buf[TCONN_MESSAGE_MAX + 1];
	struct tconn_receipt receipt = { 0 };
	struct tconn_error err = { "" };
	X509_STORE *store = NULL;
	size_t len = 0;
	int r = tconn_trust_load(trust, &store, &err);

	if (r == 0)
		r = read_whole(path, buf, sizeof(buf), &len, &err);
	if (r == 0) {
		r = tconn_receipt_verify(buf, len, store, &receipt, &err);
		/* Whatever is wrong with it: it is no receipt that counts. */
		r = r < 0 ? -EKEYREJECTED : 0;
	}
	X509_STORE_free(store);
	if (r < 0)
		return failure(ctl, r, &err);
	tell(ctl, &receipt);
	r = receipt.verdict.trusted ? CTL_OK : CTL_REFUSED;
	tconn_receipt_free(&receipt);
	return r;
}

int command_receipt(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "trust", required_argument, NULL, 't' },
		{ 0 },
	};
	const char *out = NULL, *trust = NULL, *what, *arg;
	int o, left;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'o')
			out = optarg;
		else if (o == 't')
			trust = optarg;
		else
			return usage("bad option of receipt");
	}
	left = argc - optind;
	what = left > 0 ? argv[optind] : "";
	arg = left > 1 ? argv[optind + 1] : NULL;
	if (strcmp(what, "list") == 0 && left == 1 && !out && !trust)
		return list(ctl);
	if (strcmp(what, "show") == 0 && left == 2 && !trust)
		return show(ctl, arg, out);
	if (strcmp(what, "verify") == 0 && left == 2 && trust && !out)
		return verify(ctl, arg, trust);
	return usage(
		"receipt list, receipt show N [--out FILE], or receipt verify FILE --trust CA_FILE");
}
