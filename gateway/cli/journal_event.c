/* An event of a journal as JSON. */
#include "gateway/cli/journal_event.h"

#include <stdio.h>

#include "common/check.h"
#include "gateway/recorder/copy_row.h"

static void add(cJSON *to, const char *name, cJSON *value)
{
	CHECK(value != NULL && cJSON_AddItemToObject(to, name, value));
}

static void add_integer(cJSON *to, const char *name, int64_t value)
{
	char text[24];

	if (value == USAGE_NULL)
		return;
	/* cJSON's numbers are doubles. */
	snprintf(text, sizeof text, "%lld", (long long)value);
	add(to, name, cJSON_CreateRaw(text));
}

void journal_event_add_text(cJSON *to, const char *name, struct str s)
{
	char text[USAGE_RECORD_MAX + 1];

	if (s.p == NULL)
		return;
	/* A file may hold anything. */
	text[usage_text_clean(text, USAGE_RECORD_MAX, s)] = '\0';
	add(to, name, cJSON_CreateString(text));
}

static void add_json(cJSON *to, const char *name, struct str s)
{
	cJSON *value = s.p != NULL ? cJSON_ParseWithLength(s.p, s.n) : NULL;

	if (value != NULL)
		add(to, name, value);
	else
		journal_event_add_text(to, name, s);
}

static void add_hash(cJSON *to, const char *name, const unsigned char hash[32])
{
	char hex[65];

	hex_encode(hex, hash, 32);
	add(to, name, cJSON_CreateString(hex));
}

static void add_time(cJSON *to, const char *name, int64_t us)
{
	char text[USAGE_TIME_TEXT_MAX], iso[USAGE_TIME_TEXT_MAX + 2];

	usage_time_text(text, us);
	snprintf(iso, sizeof iso, "%.10sT%sZ", text, text + 11);
	add(to, name, cJSON_CreateString(iso));
}

#define ADD_I32(name, value) add_integer(line, name, value)
#define ADD_I64(name, value) add_integer(line, name, value)
#define ADD_TEXT(name, value) journal_event_add_text(line, name, value)
#define ADD_JSON(name, value) add_json(line, name, value)
#define ADD_HASH(name, value) add_hash(line, name, value)
#define ADD_TIME(name, value) add_time(line, name, value)
#define ADD_FIELD(number, member, column, kind, width) ADD_##kind(column, e->member);

void journal_event_add(cJSON *line, const struct usage_event *e)
{
	USAGE_FIELDS(ADD_FIELD)
}
