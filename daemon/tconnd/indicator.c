// SPDX-License-Identifier: Apache-2.0
#include "indicator.h"

#include <fcntl.h>
#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"

static const char *const state_names[] = {
	[INDICATOR_ABSENT] = "absent",
	[INDICATOR_REFUSED] = "not armed: the kernel refuses the trigger " INDICATOR_TRIGGER
			      " (is tconn.ko loaded?)",
	[INDICATOR_DARK] = "armed, dark",
	[INDICATOR_LIT] = "armed, lit",
};

static bool read_attribute(const char *led, const char *name, char *buf, size_t size)
{
	char path[320];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", led, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

static bool write_attribute(const char *led, const char *name, const char *value)
{
	char path[320];
	bool ok;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", led, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
	close(fd);
	return ok;
}

/* "none kbd-scrolllock [tconn]": the chosen one is in brackets. */
static bool chosen_trigger(const char *led, char *ret, size_t size)
{
	char text[4096], *from, *to;

	if (!read_attribute(led, "trigger", text, sizeof(text)))
		return false;
	from = strchr(text, '[');
	to = from ? strchr(from, ']') : NULL;
	snprintf(ret, size, "%.*s", to ? (int)(to - from - 1) : 0, to ? from + 1 : "");
	return true;
}

static enum indicator_state look(struct indicator_led *led)
{
	char trigger[64], brightness[32];

	if (!chosen_trigger(led->path, trigger, sizeof(trigger)))
		return INDICATOR_ABSENT;
	if (strcmp(trigger, INDICATOR_TRIGGER) != 0) {
		snprintf(led->before, sizeof(led->before), "%s", trigger);
		if (!write_attribute(led->path, "trigger", INDICATOR_TRIGGER) ||
		    !chosen_trigger(led->path, trigger, sizeof(trigger)) ||
		    strcmp(trigger, INDICATOR_TRIGGER) != 0)
			return INDICATOR_REFUSED;
	}
	if (!read_attribute(led->path, "brightness", brightness, sizeof(brightness)))
		return INDICATOR_ABSENT;
	return atoi(brightness) > 0 ? INDICATOR_LIT : INDICATOR_DARK;
}

static const char *led_name(const struct indicator_led *led)
{
	const char *slash = strrchr(led->path, '/');

	return slash ? slash + 1 : led->path;
}

static void update(struct indicator_led *led)
{
	enum indicator_state state = look(led);

	if (state == led->state)
		return;
	led->state = state;
	tconn_say("indicator %s: %s", led_name(led), state_names[state]);
}

static bool known(const struct indicator *i, const char *path)
{
	for (size_t n = 0; n < i->count; n++)
		if (strcmp(i->led[n].path, path) == 0)
			return true;
	return false;
}

static void forget_absent(struct indicator *i)
{
	size_t kept = 0;

	for (size_t n = 0; n < i->count; n++)
		if (i->led[n].state != INDICATOR_ABSENT)
			i->led[kept++] = i->led[n];
	i->count = kept;
}

static void find(struct indicator *i)
{
	char pattern[256];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s%s", i->pattern[0] == '/' ? "" : "/sys/class/leds/",
		 i->pattern);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t n = 0; n < g.gl_pathc && i->count < INDICATOR_LEDS; n++) {
			struct indicator_led *led = &i->led[i->count];

			if (strlen(g.gl_pathv[n]) >= sizeof(led->path) || known(i, g.gl_pathv[n]))
				continue;
			*led = (struct indicator_led){ .state = INDICATOR_ABSENT };
			strcpy(led->path, g.gl_pathv[n]);
			i->count++;
		}
		globfree(&g);
	}
	if (i->count == 0 && !i->told_absent)
		tconn_say(
			"indicator %s: no such LED; a policy that requires one will refuse sessions",
			i->pattern);
	i->told_absent = i->count == 0;
}

void indicator_watch(struct indicator *i)
{
	if (!i->pattern)
		return;
	find(i);
	for (size_t n = 0; n < i->count; n++)
		update(&i->led[n]);
	forget_absent(i);
}

void indicator_release(struct indicator *i)
{
	for (size_t n = 0; n < i->count; n++) {
		struct indicator_led *led = &i->led[n];

		if (led->state >= INDICATOR_DARK &&
		    write_attribute(led->path, "trigger", led->before[0] ? led->before : "none"))
			tconn_say("indicator %s: given back", led_name(led));
	}
	i->count = 0;
}

struct json_object *indicator_json(const struct indicator *i)
{
	static const char *const words[] = {
		[INDICATOR_ABSENT] = "absent",
		[INDICATOR_REFUSED] = "not-armed",
		[INDICATOR_DARK] = "dark",
		[INDICATOR_LIT] = "lit",
	};
	struct json_object *list = json_object_new_array();

	for (size_t n = 0; n < i->count; n++) {
		struct json_object *led = json_object_new_object();

		tconn_json_add_string(led, "led", led_name(&i->led[n]));
		tconn_json_add_string(led, "state", words[i->led[n].state]);
		if (!list || json_object_array_add(list, led))
			json_object_put(led);
	}
	return list;
}
