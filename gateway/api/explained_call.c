/* What a row of the usage log says of a call. */
#include "gateway/api/explained_call.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/http/advice.h"
#include "gateway/http/problem.h"
#include "gateway/journal/outcome.h"

#define TEXT_MAX 512

static const char *text_of(const cJSON *row, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));
}

/* -1: null. */
static double number_of(const cJSON *row, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);

	return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static void put(cJSON *object, const char *name, cJSON *item)
{
	CHECK(item != NULL && cJSON_AddItemToObject(object, name, item));
}

static cJSON *text_or_null(const char *text)
{
	return text != NULL ? cJSON_CreateString(text) : cJSON_CreateNull();
}

/* Outcomes of several codes, of which a row's status says which; others have a code of
 * their name, or none. Strangers and keys that do not count make no rows. */
static const struct advice *advice_of_outcome(const char *outcome, int status)
{
	static const struct {
		const char *outcome;
		int status;
		const char *code;
	} all[] = {
		{"http_request_denied", 403, "scope_missing"},
		{"http_request_denied", 404, "no_route"},
		{"http_request_denied", 405, "method_not_allowed"},
		{"http_request_error", 408, "request_timeout"},
		{"http_request_error", 413, "body_too_large"},
		{"proxy_loop_detected", 502, "proxy_loop"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].status == status && strcmp(all[i].outcome, outcome) == 0)
			return advice_of(all[i].code);
	return advice_of(outcome);
}

static const char *code_of(const struct advice *advice)
{
	for (unsigned id = 0; advice != NULL && id < PROBLEM_COUNT; id++)
		if (strcmp(problem_code((enum problem_id)id), advice->name) == 0)
			return advice->name;
	return NULL;
}

static const char *fault_word(enum usage_fault fault)
{
	switch (fault) {
	case USAGE_FAULT_NONE:
		return "none";
	case USAGE_FAULT_OURS:
		return "gateway";
	case USAGE_FAULT_UPSTREAM:
		return "upstream";
	case USAGE_FAULT_CLIENT:
		return "client";
	}
	return "none";
}

static void put_end(cJSON *out, const char *text, enum usage_fault fault,
		    const struct advice *advice)
{
	bool is_fine = fault == USAGE_FAULT_NONE;

	put(out, "text", cJSON_CreateString(text));
	put(out, "fault", cJSON_CreateString(fault_word(fault)));
	put(out, "code", text_or_null(code_of(advice)));
	put(out, "advice", text_or_null(advice && !is_fine ? advice->todo : NULL));
}

/* The upstream's own answer, or a row that others have written. */
static void tell_answered(cJSON *out, int status)
{
	const struct advice *advice = status >= 400 ? advice_of_status(status) : NULL;
	char text[TEXT_MAX];

	if (advice == NULL) {
		put_end(out, advice_of("complete")->meaning, USAGE_FAULT_NONE, NULL);
		return;
	}
	snprintf(text, sizeof text, "the upstream answered %d %s: %s", status,
		 http_reason(status), advice->meaning);
	put_end(out, text, USAGE_FAULT_UPSTREAM, advice);
}

static void tell_end(cJSON *out, const cJSON *row)
{
	const char *outcome = text_of(row, "outcome");
	int status = (int)number_of(row, "response_status");
	const struct advice *advice;

	if (outcome == NULL || strcmp(outcome, "complete") == 0) {
		tell_answered(out, status);
		return;
	}
	advice = advice_of_outcome(outcome, status);
	put_end(out, advice != NULL ? advice->meaning : outcome,
		usage_outcome_fault(str_of(outcome)), advice);
}

static void put_ms(cJSON *time, const char *name, double ms)
{
	put(time, name, cJSON_CreateNumber(ms > 0 ? ms : 0));
}

/* It ended before an upstream was asked. */
static bool is_ours_alone(const char *outcome)
{
	static const char *const all[] = {"http_request_denied", "http_request_error",
					  "proxy_internal_error", "proxy_loop_detected"};

	for (size_t i = 0; outcome != NULL && i < ARRAY_LEN(all); i++)
		if (strcmp(all[i], outcome) == 0)
			return true;
	return false;
}

/* Ours is what comes before the request goes out and between the upstream's head and the
 * first byte to the caller. Where no head came, the wait was for the upstream. */
static void put_time(cJSON *out, const cJSON *row)
{
	double total = number_of(row, "total_ms"),
	       head = number_of(row, "response_time_ms");
	double first = number_of(row, "ttfb_ms"), wait = number_of(row, "client_wait_ms");
	double ours, client = wait > 0 ? wait : 0;
	cJSON *time;

	if (total < 0) {
		put(out, "time", cJSON_CreateNull());
		return;
	}
	if (head >= 0 && first >= head)
		ours = first - head;
	else
		ours = head < 0 && is_ours_alone(text_of(row, "outcome")) ? total : 0;
	if (ours + client > total)
		client = total > ours ? total - ours : 0;
	time = cJSON_CreateObject();
	put_ms(time, "gateway_ms", ours);
	put_ms(time, "upstream_ms", total - ours - client);
	put_ms(time, "client_ms", client);
	put(out, "time", time);
}

cJSON *explained_call(const cJSON *row)
{
	cJSON *out = cJSON_CreateObject();

	CHECK(out != NULL);
	tell_end(out, row);
	put_time(out, row);
	return out;
}
