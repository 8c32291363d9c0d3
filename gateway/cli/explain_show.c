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
