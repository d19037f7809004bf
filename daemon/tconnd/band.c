// SPDX-License-Identifier: Apache-2.0
#include "band.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE	64

/* The value of a line "key value" of a file, or what was there; false: there is no such file. */
static bool look_up(const char *directory, const char *file, const char *key, char ret[VALUE])
{
	char path[4096], name[VALUE], value[VALUE], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (getline(&line, &size, f) >= 0)
		if (sscanf(line, "%63s %63s", name, value) == 2 && strcmp(name, key) == 0)
			strcpy(ret, value);
	free(line);
	fclose(f);
	return true;
}

const char *band_fault(const char *directory)
{
	char developer[VALUE] = "yes", permille[VALUE] = "0";

	if (!look_up(directory, "state", "developer", developer))
		return NULL;
	if (strcmp(developer, "no") != 0)
		return "the module is in developer mode";
	look_up(directory, "policy", "band-permille", permille);
	if (strtoul(permille, NULL, 10) < BAND_PERMILLE)
		return "the policy leaves no band for it (band-permille 120)";
	return NULL;
}
