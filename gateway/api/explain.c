/* POST /api/explain: what would become of a request, as far as is known here. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/http.h"
#include "gateway/api/explanation.h"
#include "gateway/api/operations.h"
#include "gateway/token/key.h"

static const char *text_of(const cJSON *fields, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields, name));
}

static void wipe(char *text)
{
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
}

/* They may all hold keys. */
static void wipe_all(cJSON *fields)
{
	cJSON *field;

	wipe(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields, "key")));
	wipe(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fields, "path")));
	cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(fields, "headers"))
		wipe(cJSON_GetStringValue(field));
}

/* NULL: not told. Notes a fault. */
static const struct net_ip *address_of(struct call *c, const cJSON *fields,
				       struct net_ip *ip)
{
	const char *text = text_of(fields, "address");

	if (text == NULL)
		return NULL;
	if (!net_ip_parse(ip, str_of(text)))
		input_fault(call_faults(c), INPUT_POINTER, "#/address",
			    "is no IP address");
	return ip;
}

static void check(struct call *c, const struct explained_request *q)
{
	char where[32];
	size_t length = 0;

	if (q->path[0] != '/' && strcmp(q->path, "*") != 0)
		input_fault(call_faults(c), INPUT_POINTER, "#/path", "begins with /");
	for (size_t i = 0; i < q->n_fields; i++) {
		length += strlen(q->fields[i]);
		snprintf(where, sizeof where, "#/headers/%zu", i);
		if (!explained_is_field(q->fields[i]))
			input_fault(call_faults(c), INPUT_POINTER, where,
				    "is like `Name: value`");
	}
	if (length > EXPLAINED_FIELDS_BYTES)
		input_fault(call_faults(c), INPUT_POINTER, "#/headers",
			    "are longer than %d bytes", EXPLAINED_FIELDS_BYTES);
}

/* NULL: there are faults. */
static cJSON *explain(struct call *c, const cJSON *fields)
{
	struct manager_context *context = call_context(c);
	const char *method = text_of(fields, "method");
	const char *list[EXPLAINED_FIELDS_MAX];
	const cJSON *field;
	struct net_ip ip;
	struct explanation_question q = {
		.settings = context->settings,
		.request = {.method = method != NULL ? method : "GET",
			    .path = text_of(fields, "path"),
			    .key = text_of(fields, "key"),
			    .fields = list},
		.tokens = token_sync_table(context->tokens),
		.state = token_sync_state(context->tokens, clock_mono_us()),
		.resolver = context->resolver,
		.wall_us = call_arrival_us(c),
	};

	cJSON_ArrayForEach(field, cJSON_GetObjectItemCaseSensitive(fields, "headers"))
		list[q.request.n_fields++] = field->valuestring;
	q.peer = address_of(c, fields, &ip);
	check(c, &q.request);
	return call_faults(c)->n == 0 ? explanation_of_request(&q) : NULL;
}

void api_explain_request(struct call *c)
{
	static const char *const methods[] = {"GET",   "HEAD",   "POST",    "PUT",
					      "PATCH", "DELETE", "OPTIONS", NULL};
	static const struct body_field known[] = {
		{"method", BODY_ONE_OF, BODY_OPTIONAL, 0, 0, methods, false},
		{"path", BODY_TEXT, BODY_REQUIRED, 1, EXPLAINED_PATH_MAX, NULL, false},
		{"key", BODY_TEXT, BODY_OPTIONAL, 1, KEY_MAX, NULL, false},
		{"headers", BODY_LINES, BODY_OPTIONAL, 0, EXPLAINED_FIELDS_MAX, NULL,
		 false},
		{"address", BODY_TEXT, BODY_OPTIONAL, 1, NET_ADDR_TEXT_MAX, NULL, false},
	};
	static const char *const no_parameters[] = {NULL};
	cJSON *fields = call_fields(c, known, ARRAY_LEN(known)), *answer = NULL;

	call_query(c, no_parameters);
	if (fields != NULL) {
		answer = explain(c, fields);
		wipe_all(fields);
	}
	if (!call_is_faulty(c))
		call_reply_object(c, 200, answer);
}
