// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/channel.h"
#include "../lib/frame.h"
#include "../lib/jsonline.h"
#include "../lib/receipt.h"
#include "../lib/words.h"
#include "../../tui/png_file.h"
#include "ctl.h"

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
	struct json_object *request = json_object_new_object();

	tconn_json_add_string(request, "do", "receipt-list");
	return call_and_show(ctl, request, print_list);
}

static int show(const struct ctl *ctl, const char *number, const char *out)
{
	struct json_object *request = json_object_new_object(), *reply, *receipt;
	int r;

	tconn_json_add_string(request, "do", "receipt-show");
	tconn_json_add(request, "receipt", json_object_new_int64(strtoll(number, NULL, 10)));
	r = call_service(ctl, request, &reply);
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

static const char *const seen_words[] = {
	"the screen showed this statement: drawn again, it gives the picture of the record",
	"nothing was decided, so there is no picture",
};

static void tell(const struct ctl *ctl, const struct tconn_receipt *receipt)
{
	const char *seen = seen_words[receipt->record.outcome == TCONN_OUTCOME_ABORTED];
	struct json_object *obj = json_object_new_object(), *r = NULL;

	tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add(obj, "receipt", tconn_receipt_json(receipt));
	tconn_json_add_string(obj, "picture", seen);
	if (ctl->json) {
		print_json(obj);
	} else {
		print("signature: good, by a key certified for service %s", receipt->service);
		print("device's half: good, by a key certified for device %s", receipt->device);
		print("picture: %s", seen);
		if (json_object_object_get_ex(obj, "receipt", &r))
			print_receipt(r);
	}
	json_object_put(obj);
}

/* As of the time that the receipt names: its certificates may have ended since. */
static int load_trust(const char *path, const uint8_t *buf, size_t len, X509_STORE **ret,
		      struct tconn_error *err)
{
	uint64_t time = 0;
	int r = tconn_receipt_time(buf, len, &time, err);

	if (r == 0 && time > UINT32_MAX)
		r = tconn_fail(err, -EKEYREJECTED, "the receipt is of another age");
	if (r == 0)
		r = tconn_trust_load(path, ret, err);
	if (r == 0)
		X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(*ret), (time_t)time);
	return r;
}

static int check_picture(const struct tconn_receipt *r, struct tconn_error *err)
{
	if (r->record.outcome == TCONN_OUTCOME_ABORTED)
		return 0;
	return tconn_frame_check(r->statement.data, r->statement.len, &r->record, err);
}

static int write_picture(const struct tconn_receipt *r, const char *path, struct tconn_error *err)
{
	struct tconn_canvas canvas;
	const char *wrong;
	int error;

	if (r->record.outcome == TCONN_OUTCOME_ABORTED)
		return tconn_fail(err, -ENOENT, "nothing was decided, so there is no picture");
	error = tconn_frame_draw(r->statement.data, r->statement.len, &r->record, &canvas, err);
	if (error)
		return error;
	wrong = tui_png_write(&canvas, path);
	free(canvas.pixels);
	return wrong ? tconn_fail(err, -EIO, "%s: %s", path, wrong) : 0;
}

/* Without any daemon: the receipt says all, the CA file is the only thing believed. */
static int verify(const struct ctl *ctl, const char *path, const char *trust, const char *png)
{
	static uint8_t buf[TCONN_MESSAGE_MAX + 1];
	struct tconn_receipt receipt = { 0 };
	struct tconn_error err = { "" };
	X509_STORE *store = NULL;
	size_t len = 0;
	int r = read_whole(path, buf, sizeof(buf), &len, &err);

	if (r == 0) {
		r = load_trust(trust, buf, len, &store, &err);
		if (r == 0)
			r = tconn_receipt_verify(buf, len, store, &receipt, &err);
		if (r == 0)
			r = check_picture(&receipt, &err);
		/* Whatever is wrong with it: it is no receipt that counts. */
		if (r < 0 && r != -ENOENT && r != -EACCES)
			r = -EKEYREJECTED;
	}
	X509_STORE_free(store);
	if (r == 0 && png)
		r = write_picture(&receipt, png, &err);
	if (r < 0) {
		tconn_receipt_free(&receipt);
		return failure(ctl, r, &err);
	}
	tell(ctl, &receipt);
	r = receipt.verdict.trusted ? CTL_OK : CTL_REFUSED;
	tconn_receipt_free(&receipt);
	return r;
}

int command_receipt(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "png", required_argument, NULL, 'p' },
		{ "trust", required_argument, NULL, 't' },
		{ 0 },
	};
	const char *out = NULL, *png = NULL, *trust = NULL, *what, *arg;
	int o, left;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (o == 'o')
			out = optarg;
		else if (o == 'p')
			png = optarg;
		else if (o == 't')
			trust = optarg;
		else
			return usage("bad option of receipt");
	}
	left = argc - optind;
	what = left > 0 ? argv[optind] : "";
	arg = left > 1 ? argv[optind + 1] : NULL;
	if (strcmp(what, "list") == 0 && left == 1 && !out && !trust && !png)
		return list(ctl);
	if (strcmp(what, "show") == 0 && left == 2 && !trust && !png)
		return show(ctl, arg, out);
	/* A picture is drawn of what was verified, never of mere bytes. */
	if ((strcmp(what, "verify") == 0 || (strcmp(what, "show") == 0 && png)) && left == 2 &&
	    trust && !out)
		return verify(ctl, arg, trust, png);
	return usage("receipt list, receipt show N [--out FILE], or receipt verify|show FILE "
		     "--trust CA_FILE [--png FILE]");
}
