/* Calls as `tollgate tail` prints them. */
#include "gateway/cli/tail_show.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gateway/cli/clean.h"
#include "gateway/journal/outcome.h"

#define TEXT_MAX ((size_t)64 * 1024)
#define ROUTE_COLUMNS 26
#define TOKEN_COLUMNS 20

static const char *text_of(const cJSON *row, const char *name)
{
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));

	return text != NULL ? text : "-";
}

static void put_padded(struct sbuf *line, const char *text, size_t columns)
{
	struct sbuf clean;
	struct str s;
	size_t width;

	sbuf_init(&clean, TEXT_MAX);
	clean_text(&clean, str_of(text));
	s = sbuf_view(&clean);
	s.n = clean_cut(s, columns);
	width = clean_width(s);
	sbuf_str(line, s);
	while (width++ <= columns)
		sbuf_lit(line, " ");
	sbuf_fini(&clean);
}

static void put_ms(struct sbuf *line, const cJSON *row)
{
	const cJSON *ms = cJSON_GetObjectItemCaseSensitive(row, "total_ms");

	if (!cJSON_IsNumber(ms))
		ms = cJSON_GetObjectItemCaseSensitive(row, "response_time_ms");
	if (cJSON_IsNumber(ms))
		sbuf_printf(line, "%7.0f ms ", ms->valuedouble);
	else
		sbuf_lit(line, "      -    ");
}

static const char *fault_of(const char *outcome)
{
	switch (usage_outcome_fault(str_of(outcome))) {
	case USAGE_FAULT_OURS:
		return " (ours)";
	case USAGE_FAULT_UPSTREAM:
		return " (the upstream's)";
	case USAGE_FAULT_CLIENT:
		return " (the client's)";
	case USAGE_FAULT_NONE:
		break;
	}
	return "";
}

/* "client_abort" as "client abort (the client's)". */
static void put_outcome(struct sbuf *line, const cJSON *row)
{
	const char *outcome = text_of(row, "outcome");
	struct sbuf words;

	sbuf_init(&words, TEXT_MAX);
	clean_text(&words, str_of(outcome));
	for (size_t i = 0; i < words.n; i++)
		if (words.p[i] == '_')
			words.p[i] = ' ';
	sbuf_str(line, sbuf_view(&words));
	sbuf_fini(&words);
	sbuf_str(line, str_of(fault_of(outcome)));
}

static const char *colour_of(double status)
{
	return status >= 500 ? "\x1b[31m" : status >= 400 ? "\x1b[33m" : "\x1b[32m";
}

static void print_line(const struct tail_show *show, const cJSON *row)
{
	double status = cJSON_GetNumberValue(
		cJSON_GetObjectItemCaseSensitive(row, "response_status"));
	const char *at = text_of(row, "used_at");
	struct sbuf line;
	struct str s;

	sbuf_init(&line, TEXT_MAX);
	/* A manager's own, but nobody has looked at what it says. */
	clean_text(&line, strlen(at) > 18 ? (struct str){at + 11, 8} : STR("-"));
	printf(STR_FMT " ", STR_ARG(sbuf_view(&line)));
	if (show->screen.has_colours)
		printf("%s%3.0f\x1b[0m ", colour_of(status), status);
	else
		printf("%3.0f ", status);
	sbuf_reset(&line);
	put_padded(&line, text_of(row, "request_method"), 6);
	put_ms(&line, row);
	put_padded(&line, text_of(row, "route_path"), ROUTE_COLUMNS);
	put_padded(&line, text_of(row, "token_name"), TOKEN_COLUMNS);
	put_outcome(&line, row);
	s = sbuf_view(&line);
	if (show->screen.columns > 14)
		s.n = clean_cut(s, show->screen.columns - 13);
	printf(STR_FMT "\n", STR_ARG(s));
	sbuf_fini(&line);
}

void tail_show_row(const struct tail_show *show, const char *json)
{
	cJSON *row = show->is_json ? NULL : cJSON_Parse(json);

	if (show->is_json)
		screen_print_json_text(json);
	else if (row != NULL)
		print_line(show, row);
	cJSON_Delete(row);
	fflush(stdout);
}

void tail_show_notice(const char *format, ...)
{
	struct sbuf text, clean;
	va_list ap;

	sbuf_init(&text, TEXT_MAX);
	sbuf_init(&clean, 4 * TEXT_MAX);
	va_start(ap, format);
	sbuf_vprintf(&text, format, ap);
	va_end(ap);
	clean_text(&clean, sbuf_view(&text));
	fflush(stdout);
	fprintf(stderr, "tollgate tail: " STR_FMT "\n", STR_ARG(sbuf_view(&clean)));
	sbuf_fini(&clean);
	sbuf_fini(&text);
}
