/* Explanations as lines for people. */
#include "gateway/cli/explain_show.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/str.h"
#include "gateway/cli/command.h"

#define TEXT_MAX (64u << 10)

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* NULL: null, or no text. */
static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member(object, name));
}

bool explain_is_good(const cJSON *answer)
{
	const char *outcome = text_of(answer, "outcome");

	CHECK(outcome != NULL);
	return strcmp(outcome, "passes") == 0 || strcmp(outcome, "answered") == 0;
}

static void show_outcome(const cJSON *answer)
{
	static const struct {
		const char *outcome, *words;
	} all[] = {
		{"passes", "it would pass"},
		{"answered", "the gateway would answer it"},
		{"refused", "it would be refused"},
		{"upstream_fails", "it would pass, and its upstream would fail"},
	};
	const char *outcome = text_of(answer, "outcome");
	const char *code = text_of(answer, "code"), *advice = text_of(answer, "advice");

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].outcome, outcome) == 0)
			cli_say(stdout, "%s", all[i].words);
	if (cJSON_IsNumber(member(answer, "status")))
		cli_say(stdout, ": %.0f%s%s",
			cJSON_GetNumberValue(member(answer, "status")),
			code != NULL ? " " : "", code != NULL ? code : "");
	cli_say(stdout, "\n%s\n", text_of(answer, "text"));
	if (advice != NULL)
		cli_say(stdout, "what to do: %s\n", advice);
}

static void show_steps(const cJSON *answer)
{
	const cJSON *step;

	putchar('\n');
	cJSON_ArrayForEach(step, member(answer, "steps"))
		cli_say(stdout, "%-8s %-9s %s\n", text_of(step, "result"),
			text_of(step, "step"), text_of(step, "text"));
}

static void show_names(const char *what, const cJSON *list)
{
	struct sbuf text;
	const cJSON *name;

	if (cJSON_GetArraySize(list) == 0)
		return;
	sbuf_init(&text, TEXT_MAX);
	cJSON_ArrayForEach(name, list)
		sbuf_printf(&text, "%s%s", text.n > 0 ? ", " : "", name->valuestring);
	cli_say(stdout, "%s: %s\n", what, text.overflow ? "many" : sbuf_text(&text));
	sbuf_fini(&text);
}

static void show_timeouts(const cJSON *route)
{
	const cJSON *limit;
	struct sbuf text;

	sbuf_init(&text, TEXT_MAX);
	cJSON_ArrayForEach(limit, member(route, "timeouts")) if (limit->valuedouble > 0)
		sbuf_printf(&text, "%s%s %g", text.n > 0 ? ", " : "", limit->string,
			    limit->valuedouble);
	if (text.n > 0)
		cli_say(stdout, "time limits: %s\n", sbuf_text(&text));
	sbuf_fini(&text);
}

static void show_upstreams(const cJSON *answer)
{
	const cJSON *upstream, *address;

	cJSON_ArrayForEach(upstream, member(answer, "upstreams"))
	{
		cli_say(stdout, "upstream: %s", text_of(upstream, "url"));
		cJSON_ArrayForEach(address, member(upstream, "addresses"))
			cli_say(stdout, " %s%s", text_of(address, "address"),
				cJSON_IsTrue(member(address, "fails")) ? " (fails)" : "");
		putchar('\n');
	}
}

void explain_show_request(const cJSON *answer)
{
	const cJSON *route = member(answer, "route"),
		    *headers = member(answer, "headers");
	const char *nearest = text_of(answer, "nearest_route");

	show_outcome(answer);
	if (nearest != NULL)
		cli_say(stdout, "the nearest route is at %s\n", nearest);
	show_steps(answer);
	if (!cJSON_IsObject(route))
		return;
	putchar('\n');
	show_upstreams(answer);
	show_timeouts(route);
	show_names("methods", member(route, "methods"));
	show_names("headers added", member(headers, "added"));
	show_names("headers changed", member(headers, "changed"));
	show_names("headers removed", member(headers, "removed"));
	if (cJSON_IsTrue(member(headers, "secret_missing")))
		cli_say(stdout, "a secret of set_headers is not set here: headers that "
				"need it are not among these\n");
}

/* --- a call that was --- */

static void show_number(const cJSON *row, const char *name, const char *title)
{
	const cJSON *item = member(row, name);

	if (cJSON_IsNumber(item))
		cli_say(stdout, "%-17s %.0f\n", title, item->valuedouble);
}

static void show_text(const cJSON *row, const char *name, const char *title)
{
	const char *text = text_of(row, name);

	if (text != NULL)
		cli_say(stdout, "%-17s %s\n", title, text);
}

static void show_facts(const cJSON *row)
{
	show_text(row, "used_at", "at");
	show_text(row, "request_method", "method");
	show_text(row, "route_path", "route");
	show_number(row, "response_status", "status");
	show_number(row, "upstream_status", "upstream's status");
	show_text(row, "outcome", "outcome");
	show_text(row, "error_message", "error");
	show_number(row, "token_id", "token");
	show_text(row, "token_name", "name");
	show_text(row, "ip_address", "from");
	show_text(row, "user_agent", "user agent");
	show_number(row, "bytes_in", "bytes in");
	show_number(row, "bytes_out", "bytes out");
	show_text(row, "node", "node");
}

static void show_split(const cJSON *row, const cJSON *time)
{
	const cJSON *total = member(row, "total_ms");

	if (!cJSON_IsObject(time))
		return;
	cli_say(stdout, "%-17s %.0f ms: gateway %.0f, upstream %.0f, slow caller %.0f\n",
		"time", total->valuedouble, member(time, "gateway_ms")->valuedouble,
		member(time, "upstream_ms")->valuedouble,
		member(time, "client_ms")->valuedouble);
}

void explain_show_call(const cJSON *row)
{
	static const struct {
		const char *fault, *words;
	} all[] = {
		{"gateway", "the gateway's fault"},
		{"upstream", "the upstream's fault"},
		{"client", "the caller's fault"},
	};
	const cJSON *e = member(row, "explanation");
	const char *fault = text_of(e, "fault"), *code = text_of(e, "code");
	const char *advice = text_of(e, "advice");

	cli_say(stdout, "%s%s%s\n", code != NULL ? code : "", code != NULL ? ": " : "",
		text_of(e, "text"));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].fault, fault) == 0)
			cli_say(stdout, "%s\n", all[i].words);
	if (advice != NULL)
		cli_say(stdout, "what to do: %s\n", advice);
	putchar('\n');
	show_facts(row);
	show_split(row, member(e, "time"));
}
