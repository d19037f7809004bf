// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a request to standard output, for trying tconn-tui by hand:
 *	tui-request confirm "Pay 120.00 EUR to ACME Ltd?" | tconn-tui --dev >reply
 *	tui-request -l de -d Betrag="120,00 EUR" confirm "Zahlen?" | tconn-tui --dev >reply
 *	tui-request pin 4 8 "PIN of card 1234" | tconn-tui --render-png pin.png --size 800x480
 *	tui-request -s 2 -t 1 -p "blue owl" notice "Paid."
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "selftests/tui/compose.h"

static int usage(void)
{
	fprintf(stderr, "usage: tui-request [OPTIONS] confirm|notice TEXT\n"
			"       tui-request [OPTIONS] pin MIN MAX TEXT\n"
			"\n"
			"  -l TAG        locale\n"
			"  -d KEY=VALUE  a detail\n"
			"  -s N, -t N    scale and theme, numbers of tui/look.h\n"
			"  -p PHRASE     personal phrase\n");
	return 2;
}

static bool add_detail(const char *arg, struct tconn_statement *s, uint8_t *details)
{
	const char *equal = strchr(arg, '=');
	struct tconn_detail d;

	if (!equal)
		return false;
	d = (struct tconn_detail){
		.key = arg, .key_len = (uint32_t)(equal - arg),
		.value = equal + 1, .value_len = (uint32_t)strlen(equal + 1),
	};
	s->details = details;
	s->n_details++;
	return tconn_statement_put_detail(&d, details, TCONN_STATEMENT_MAX, &s->details_len);
}

static bool parse_question(int argc, char **argv, struct tconn_statement *s)
{
	if (argc == 2 && (!strcmp(argv[0], "confirm") || !strcmp(argv[0], "notice"))) {
		s->kind = argv[0][0] == 'c' ? TCONN_KIND_CONFIRM : TCONN_KIND_NOTICE;
		s->text = argv[1];
	} else if (argc == 4 && !strcmp(argv[0], "pin")) {
		s->kind = TCONN_KIND_PIN;
		s->pin_min = (uint16_t)atoi(argv[1]);
		s->pin_max = (uint16_t)atoi(argv[2]);
		s->text = argv[3];
	} else {
		return false;
	}
	s->text_len = (uint32_t)strlen(s->text);
	return true;
}

int main(int argc, char **argv)
{
	uint8_t statement[TCONN_STATEMENT_MAX], request[COMPOSE_MAX], details[TCONN_STATEMENT_MAX];
	struct tconn_statement s = { 0 };
	struct tconn_look look = { 0 };
	const char *phrase = "";
	size_t len;
	int o, n;

	while ((o = getopt(argc, argv, "+l:d:s:t:p:")) != -1) {
		switch (o) {
		case 'l':
			strncpy(s.locale, optarg, sizeof(s.locale) - 1);
			break;
		case 'd':
			if (!add_detail(optarg, &s, details))
				return usage();
			break;
		case 's':
			look.scale = (enum tconn_scale)atoi(optarg);
			break;
		case 't':
			look.theme = (enum tconn_theme)atoi(optarg);
			break;
		case 'p':
			phrase = optarg;
			break;
		default:
			return usage();
		}
	}
	if (!parse_question(argc - optind, argv + optind, &s) || strlen(phrase) > TCONN_PHRASE_MAX)
		return usage();
	n = tconn_statement_encode(&s, statement, sizeof(statement));
	if (n < 0) {
		fprintf(stderr, "tui-request: %s\n", tconn_statement_strerror(n));
		return 1;
	}
	len = compose_request(request, 60000, statement, (size_t)n);
	len = compose_look(request, len, look, phrase);
	return fwrite(request, 1, len, stdout) == len && !fflush(stdout) ? 0 : 1;
}
