/* GET /, /health, /ready: how this process is. */
#include "gateway/api/operations.h"

#include <cjson/cJSON.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/recording.h"
#include "gateway/manager/tries.h"

void api_get_index(struct call *c)
{
	call_reply_text(
		c, 200,
		STR("Tollgate's manager\n\n"
		    "GET  /health               the process answers\n"
		    "GET  /ready                keys can be checked\n"
		    "POST /api/usage-log        record calls\n"
		    "GET  /api/usage/test-data  the latest rows\n"
		    "GET  /api/openapi.json     all that there is (OpenAPI 3.1)\n"));
}

void api_get_health(struct call *c)
{
	call_reply_json(c, 200, STR("{\"status\":\"ok\"}"));
}

static const char *state_name(enum token_state s)
{
	switch (s) {
	case TOKENS_FRESH:
		return "fresh";
	case TOKENS_STALE:
		return "stale";
	case TOKENS_TOO_STALE:
		return "too_stale";
	case TOKENS_NONE:
		return "none";
	}
	CHECK(!"a token state");
	return "";
}

static void put_seconds(struct sbuf *out, const char *name, int64_t since_us)
{
	if (since_us == 0)
		sbuf_printf(out, "\"%s\":null,", name);
	else
		sbuf_printf(out, "\"%s\":%lld,", name,
			    (long long)((clock_wall_us() - since_us) / 1000000));
}

static void put_recording(struct sbuf *out, struct recording *recording)
{
	struct recording_view v;
	char since[RECORDING_TIME_MAX];
	cJSON *text;
	char *why;

	recording_look(recording, &v);
	sbuf_printf(out, "{\"state\":\"%s\",", v.since_us ? "stands" : "goes_on");
	if (v.since_us != 0) {
		text = cJSON_CreateString(v.why);
		why = cJSON_PrintUnformatted(text);
		CHECK(why != NULL);
		sbuf_printf(out, "\"since\":\"%s\",\"why\":%s,",
			    recording_time(since, v.since_us), why);
		cJSON_free(why);
		cJSON_Delete(text);
	}
	put_seconds(out, "stands_s", v.since_us);
	put_seconds(out, "oldest_waits_s", v.oldest_us);
	sbuf_printf(out, "\"waiting_bytes\":%llu}", (unsigned long long)v.waiting_bytes);
}

void api_get_ready(struct call *c)
{
	struct manager_context *m = call_context(c);
	struct tries_counts tried = tries_count(m->tries);
	uint64_t now = clock_mono_us();
	enum token_state state = token_sync_state(m->tokens, now);
	bool ready = state == TOKENS_FRESH || state == TOKENS_STALE;
	struct sbuf out;

	sbuf_init(&out, 4096);
	sbuf_printf(
		&out,
		"{\"status\":\"%s\",\"tokens\":\"%s\",\"tokens_age_ms\":%lld,\"database\":%s,\"usage_log\":{\"logged\":%llu,\"unknown\":%llu,\"refused\":%llu,\"forbidden\":%llu,\"queue_bytes\":%zu,\"queue_dropped\":%llu},\"sign_in\":{\"failed\":%llu,\"limited\":%llu},\"recording\":",
		ready ? "ready" : "not_ready", state_name(state),
		(long long)token_sync_age_ms(m->tokens, now),
		token_sync_is_connected(m->tokens) ? "true" : "false",
		(unsigned long long)m->logged, (unsigned long long)m->unknown,
		(unsigned long long)m->refused, (unsigned long long)m->forbidden,
		usage_lane_backlog_bytes(m->lane),
		(unsigned long long)usage_lane_dropped(m->lane),
		(unsigned long long)tried.failed, (unsigned long long)tried.limited);
	put_recording(&out, m->recording);
	sbuf_lit(&out, "}");
	call_reply_json(c, ready ? 200 : 503, sbuf_view(&out));
	sbuf_fini(&out);
}
