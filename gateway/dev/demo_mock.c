/* The mock of paid APIs.
 *
 * Shapes after the public API references of OpenAI, Perplexity and CloudConvert (v2). */
#include "gateway/dev/demo_mock.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/dev/demo_util.h"

#define BODY_MAX (4 * 1024 * 1024)
#define JSON_MAX (256 * 1024)
#define MODEL_MAX 128 /* bytes of a model's name that come back */
#define PATH_SHOWN_MAX 1024
#define EMBEDDING_SIZE 8
#define INPUTS_MAX 256
#define WORD_INTERVAL_US 20000

static const char *const words[] = {"This ",     "is ",   "the ",     "mock ", "of ",
				    "tollgate ", "dev: ", "nothing ", "was ",  "sent ",
				    "to ",       "the ",  "real ",    "API."};

struct mock {
	struct sbuf body;
	struct sbuf model; /* as a JSON string */
	struct sbuf extra; /* fields of the answer that Perplexity adds, or empty */
	int64_t created_s;
	uint64_t prompt_tokens;
	size_t n_sent; /* words streamed so far */
	bool include_usage;
};

static void mock_free(void *data)
{
	struct mock *m = data;

	sbuf_fini(&m->body);
	sbuf_fini(&m->model);
	sbuf_fini(&m->extra);
	free(m);
}

static void mock_head(struct demo_conn *c)
{
	struct mock *m = xcalloc(1, sizeof *m);

	sbuf_init(&m->body, BODY_MAX);
	sbuf_init(&m->model, 8 * MODEL_MAX);
	sbuf_init(&m->extra, 1024);
	m->created_s = clock_wall_us() / 1000000;
	demo_set_data(c, m);
}

static void mock_body(struct demo_conn *c, const char *bytes, size_t n)
{
	struct mock *m = demo_data(c);

	sbuf_add(&m->body, bytes, n);
}

static void reply_json(struct demo_conn *c, int status, struct sbuf *json)
{
	CHECK(!json->overflow);
	demo_reply(c, status, "application/json", sbuf_view(json));
	sbuf_fini(json);
}

/* OpenAI's shape of an error; its SDKs show `message`. */
static void reply_error(struct demo_conn *c, int status, const char *message)
{
	struct sbuf json;

	sbuf_init(&json, 1024);
	sbuf_printf(
		&json,
		"{\"error\": {\"message\": \"%s\", \"type\": \"invalid_request_error\", \"param\": null, \"code\": null}}\n",
		message);
	reply_json(c, status, &json);
}

/* The request's body as a JSON object; NULL: an error was answered. */
static cJSON *body_object(struct demo_conn *c)
{
	struct mock *m = demo_data(c);
	cJSON *body;

	if (demo_head(c)->method != HTTP_POST) {
		reply_error(c, 405, "this call takes POST");
		return NULL;
	}
	if (m->body.overflow) {
		reply_error(c, 413, "the mock takes bodies of 4 MiB at most");
		return NULL;
	}
	body = cJSON_ParseWithLengthOpts(m->body.p ? m->body.p : "", m->body.n, NULL, 0);
	if (cJSON_IsObject(body))
		return body;
	cJSON_Delete(body);
	reply_error(c, 400, "the body is not a JSON object");
	return NULL;
}

/* About four bytes a token, as OpenAI's rule of thumb has it. */
static uint64_t tokens_of(size_t bytes)
{
	return (bytes + 3) / 4;
}

static void remember_model(struct mock *m, const cJSON *body)
{
	const cJSON *model = cJSON_GetObjectItemCaseSensitive(body, "model");
	struct str name = str_of(cJSON_IsString(model) ? model->valuestring : "mock");

	if (name.n > MODEL_MAX)
		name.n = MODEL_MAX;
	demo_json_string(&m->model, name);
	m->prompt_tokens = tokens_of(m->body.n);
	if (str_has_prefix(name, STR("sonar")))
		sbuf_lit(&m->extra, ", \"citations\": [\"https://example.com/mock\"], "
				    "\"search_results\": [{\"title\": \"Mock\", \"url\": "
				    "\"https://example.com/mock\", \"date\": null}]");
}

static void add_usage(struct sbuf *json, const struct mock *m)
{
	sbuf_printf(json,
		    "{\"prompt_tokens\": %" PRIu64 ", \"completion_tokens\": %zu, "
		    "\"total_tokens\": %" PRIu64 "}",
		    m->prompt_tokens, ARRAY_LEN(words),
		    m->prompt_tokens + ARRAY_LEN(words));
}

static void add_text(struct sbuf *json)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		sbuf_printf(json, "%s", words[i]);
}

/* --- chat/completions --- */

static void add_chunk_start(struct sbuf *json, const struct mock *m)
{
	sbuf_printf(json,
		    "data: {\"id\": \"chatcmpl-mock\", \"object\": "
		    "\"chat.completion.chunk\", \"created\": %" PRId64
		    ", \"model\": " STR_FMT ", \"choices\": [",
		    m->created_s, STR_ARG(sbuf_view(&m->model)));
}

static void chat_last(struct sbuf *json, const struct mock *m)
{
	add_chunk_start(json, m);
	sbuf_printf(json,
		    "{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]" STR_FMT
		    "}\n\n",
		    STR_ARG(sbuf_view(&m->extra)));
	if (m->include_usage) {
		add_chunk_start(json, m);
		sbuf_lit(json, "], \"usage\": ");
		add_usage(json, m);
		sbuf_lit(json, "}\n\n");
	}
	sbuf_lit(json, "data: [DONE]\n\n");
}

static void chat_next(struct demo_conn *c)
{
	struct mock *m = demo_data(c);
	bool last = m->n_sent == ARRAY_LEN(words);
	struct sbuf json;

	sbuf_init(&json, JSON_MAX);
	if (last) {
		chat_last(&json, m);
	} else {
		add_chunk_start(&json, m);
		sbuf_printf(
			&json,
			"{\"index\": 0, \"delta\": {%s\"content\": \"%s\"}, \"finish_reason\": null}]}\n\n",
			m->n_sent == 0 ? "\"role\": \"assistant\", " : "",
			words[m->n_sent]);
		m->n_sent++;
	}
	CHECK(!json.overflow);
	demo_reply_data(c, json.p, json.n);
	sbuf_fini(&json);
	if (last)
		demo_reply_end(c);
	else
		demo_timer(c, WORD_INTERVAL_US, chat_next);
}

static void chat_whole(struct demo_conn *c)
{
	const struct mock *m = demo_data(c);
	struct sbuf json;

	sbuf_init(&json, JSON_MAX);
	sbuf_printf(
		&json,
		"{\"id\": \"chatcmpl-mock\", \"object\": \"chat.completion\", "
		"\"created\": %" PRId64 ", \"model\": " STR_FMT
		", \"choices\": [{\"index\": 0, \"message\": {\"role\": \"assistant\", \"content\": \"",
		m->created_s, STR_ARG(sbuf_view(&m->model)));
	add_text(&json);
	sbuf_lit(&json, "\"}, \"finish_reason\": \"stop\"}], \"usage\": ");
	add_usage(&json, m);
	sbuf_printf(&json, STR_FMT "}\n", STR_ARG(sbuf_view(&m->extra)));
	reply_json(c, 200, &json);
}

static void chat_end(struct demo_conn *c)
{
	struct mock *m = demo_data(c);
	cJSON *body = body_object(c);
	const cJSON *options;
	bool stream;

	if (body == NULL)
		return;
	remember_model(m, body);
	stream = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "stream"));
	options = cJSON_GetObjectItemCaseSensitive(body, "stream_options");
	m->include_usage =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(options, "include_usage"));
	cJSON_Delete(body);
	if (!stream) {
		chat_whole(c);
		return;
	}
	demo_reply_start(
		c, 200, DEMO_CHUNKED,
		"Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n");
	chat_next(c);
}

/* --- the other calls --- */

static void completion_end(struct demo_conn *c)
{
	struct mock *m = demo_data(c);
	cJSON *body = body_object(c);
	struct sbuf json;

	if (body == NULL)
		return;
	remember_model(m, body);
	cJSON_Delete(body);
	sbuf_init(&json, JSON_MAX);
	sbuf_printf(&json,
		    "{\"id\": \"cmpl-mock\", \"object\": \"text_completion\", "
		    "\"created\": %" PRId64 ", \"model\": " STR_FMT
		    ", \"choices\": [{\"index\": 0, \"text\": \"",
		    m->created_s, STR_ARG(sbuf_view(&m->model)));
	add_text(&json);
	sbuf_lit(&json,
		 "\", \"logprobs\": null, \"finish_reason\": \"stop\"}], \"usage\": ");
	add_usage(&json, m);
	sbuf_lit(&json, "}\n");
	reply_json(c, 200, &json);
}

static void responses_end(struct demo_conn *c)
{
	struct mock *m = demo_data(c);
	cJSON *body = body_object(c);
	struct sbuf json;

	if (body == NULL)
		return;
	remember_model(m, body);
	cJSON_Delete(body);
	sbuf_init(&json, JSON_MAX);
	sbuf_printf(
		&json,
		"{\"id\": \"resp_mock\", \"object\": \"response\", \"created_at\": %" PRId64
		", \"status\": \"completed\", \"model\": " STR_FMT
		", \"output\": [{\"type\": \"message\", \"id\": \"msg_mock\", "
		"\"status\": \"completed\", \"role\": \"assistant\", "
		"\"content\": [{\"type\": \"output_text\", \"annotations\": [], \"text\": \"",
		m->created_s, STR_ARG(sbuf_view(&m->model)));
	add_text(&json);
	sbuf_printf(&json,
		    "\"}]}], \"usage\": {\"input_tokens\": %" PRIu64
		    ", \"output_tokens\": %zu, \"total_tokens\": %" PRIu64 "}}\n",
		    m->prompt_tokens, ARRAY_LEN(words),
		    m->prompt_tokens + ARRAY_LEN(words));
	reply_json(c, 200, &json);
}

static void add_embedding(struct sbuf *json, int index)
{
	sbuf_printf(json, "%s{\"object\": \"embedding\", \"index\": %d, \"embedding\": [",
		    index ? ", " : "", index);
	for (int i = 0; i < EMBEDDING_SIZE; i++)
		sbuf_printf(json, "%s0.%d", i ? ", " : "", (index + i) % 9 + 1);
	sbuf_lit(json, "]}");
}

static void embeddings_end(struct demo_conn *c)
{
	struct mock *m = demo_data(c);
	cJSON *body = body_object(c);
	const cJSON *input;
	struct sbuf json;
	int n = 1;

	if (body == NULL)
		return;
	remember_model(m, body);
	input = cJSON_GetObjectItemCaseSensitive(body, "input");
	if (cJSON_IsArray(input) && cJSON_IsString(cJSON_GetArrayItem(input, 0)))
		n = cJSON_GetArraySize(input);
	cJSON_Delete(body);
	if (n > INPUTS_MAX) {
		reply_error(c, 400, "the mock takes 256 inputs at most");
		return;
	}
	sbuf_init(&json, JSON_MAX);
	sbuf_lit(&json, "{\"object\": \"list\", \"data\": [");
	for (int i = 0; i < n; i++)
		add_embedding(&json, i);
	sbuf_printf(&json,
		    "], \"model\": " STR_FMT ", \"usage\": {\"prompt_tokens\": %" PRIu64
		    ", \"total_tokens\": %" PRIu64 "}}\n",
		    STR_ARG(sbuf_view(&m->model)), m->prompt_tokens, m->prompt_tokens);
	reply_json(c, 200, &json);
}

static void models_end(struct demo_conn *c)
{
	struct str models =
		STR("{\"object\": \"list\", \"data\": [{\"id\": \"mock\", \"object\": "
		    "\"model\", \"created\": 1700000000, \"owned_by\": "
		    "\"tollgate\"}]}\n");

	demo_reply(c, 200, "application/json", models);
}

static void job_end(struct demo_conn *c)
{
	bool created = demo_head(c)->method == HTTP_POST;
	struct sbuf json;

	sbuf_init(&json, 1024);
	sbuf_printf(&json,
		    "{\"data\": {\"id\": \"00000000-0000-4000-8000-000000000000\", "
		    "\"tag\": null, \"status\": \"%s\", \"created_at\": "
		    "\"2024-01-01T00:00:00+00:00\", \"tasks\": []}}\n",
		    created ? "waiting" : "finished");
	reply_json(c, created ? 201 : 200, &json);
}

static void other_end(struct demo_conn *c)
{
	demo_reply(
		c, 200, "application/json",
		STR("{\"mock\": true, \"message\": \"nothing was sent to the real API\"}\n"));
}

/* "/v1/v1/chat/completions": a base URL with the version before a route that has it
 * already. */
static bool repeats_version(struct str path)
{
	struct str before = {"", 0};

	while (path.n > 1 && path.p[0] == '/') {
		const char *end = memchr(path.p + 1, '/', path.n - 1);
		struct str part = {path.p, end != NULL ? (size_t)(end - path.p) : path.n};

		if (part.n >= 3 && part.p[1] == 'v' && part.p[2] >= '0' &&
		    part.p[2] <= '9' && str_eq(part, before))
			return true;
		before = part;
		path = (struct str){path.p + part.n, path.n - part.n};
	}
	return false;
}

/* What OpenAI answers to a path that it does not have. */
static void invalid_end(struct demo_conn *c)
{
	const struct request_head *h = demo_head(c);
	struct str path = h->path;
	struct sbuf json, message;

	if (path.n > PATH_SHOWN_MAX)
		path.n = PATH_SHOWN_MAX;
	sbuf_init(&message, 2 * PATH_SHOWN_MAX);
	sbuf_printf(&message, "Invalid URL (" STR_FMT " " STR_FMT ")",
		    STR_ARG(h->method_name), STR_ARG(path));
	sbuf_init(&json, JSON_MAX);
	sbuf_lit(&json, "{\"error\": {\"message\": ");
	demo_json_string(&json, sbuf_view(&message));
	sbuf_lit(&json, ", \"type\": \"invalid_request_error\", \"param\": null, "
			"\"code\": null}}\n");
	reply_json(c, 404, &json);
	sbuf_fini(&message);
}

#define MOCK_CALL(name, callback)                                                        \
	{name, sizeof(name) - 1},                                                        \
	{                                                                                \
		.on_head = mock_head, .on_body = mock_body, .on_end = (callback),        \
		.free_data = mock_free                                                   \
	}

static const struct demo_endpoint other = {.on_end = other_end};
static const struct demo_endpoint job = {.on_end = job_end};
static const struct demo_endpoint invalid = {.on_end = invalid_end};

static const struct {
	struct str name;
	struct demo_endpoint endpoint;
} calls[] = {
	{MOCK_CALL("/chat/completions", chat_end)},
	{MOCK_CALL("/completions", completion_end)},
	{MOCK_CALL("/responses", responses_end)},
	{MOCK_CALL("/embeddings", embeddings_end)},
	{{"/models", 7}, {.on_end = models_end}},
};

/* CloudConvert's /v2/jobs, /v2/tasks, /v2/jobs/ID; /v2/import/upload and such are
 * tasks. */
static bool is_job(struct str path)
{
	static const struct str names[] = {{"/jobs", 5},
					   {"/tasks", 6},
					   {"/import", 7},
					   {"/convert", 8},
					   {"/export", 7}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *at = memmem(path.p, path.n, names[i].p, names[i].n);
		size_t end;

		if (at == NULL)
			continue;
		end = (size_t)(at - path.p) + names[i].n;
		if (end == path.n || path.p[end] == '/')
			return true;
	}
	return false;
}

const struct demo_endpoint *demo_mock_route(const struct request_head *h)
{
	if (repeats_version(h->path))
		return &invalid;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (demo_path_is(h->path, calls[i].name, NULL))
			return &calls[i].endpoint;
	return is_job(h->path) ? &job : &other;
}
