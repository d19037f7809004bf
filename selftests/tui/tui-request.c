// SPDX-License-Identifier: Apache-2.0
/*
 * Writes a request to standard output, for trying tconn-tui by hand:
 *	tui-request confirm "Pay 120.00 EUR to ACME Ltd?" | tconn-tui --dev >reply
 *	tui-request pin 4 8 "PIN of card 1234" | tconn-tui --render-png pin.png --size 800x480
 *	tui-request notice "Paid."
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/tui/compose.h"

static int usage(void)
{
	fprintf(stderr, "usage: tui-request confirm|notice TEXT\n"
			"       tui-request pin MIN MAX TEXT\n");
	return 2;
}

int main(int argc, char **argv)
{
	uint8_t statement[TCONN_STATEMENT_MAX], request[COMPOSE_MAX];
	uint16_t kind, pin_min = 0, pin_max = 0;
	const char *text;
	size_t len;

	if (argc == 3 && (!strcmp(argv[1], "confirm") || !strcmp(argv[1], "notice"))) {
		kind = argv[1][0] == 'c' ? TCONN_KIND_CONFIRM : TCONN_KIND_NOTICE;
		text = argv[2];
	} else if (argc == 5 && !strcmp(argv[1], "pin")) {
		kind = TCONN_KIND_PIN;
		pin_min = (uint16_t)atoi(argv[2]);
		pin_max = (uint16_t)atoi(argv[3]);
		text = argv[4];
	} else {
		return usage();
	}
	if (strlen(text) > sizeof(statement) - TCONN_STATEMENT_HEADER)
		return usage();
	len = compose_statement(statement, kind, pin_min, pin_max, text, strlen(text));
	len = compose_request(request, 60000, statement, len);
	return fwrite(request, 1, len, stdout) == len && !fflush(stdout) ? 0 : 1;
}
