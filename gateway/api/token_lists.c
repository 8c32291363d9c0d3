/* Tokens as people look for them: lists, by a key, from where they are used. */
#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "gateway/api/list_link.h"
#include "gateway/api/operations.h"
#include "gateway/api/token_call.h"
#include "gateway/manager/exports.h"
#include "gateway/people/list_columns.h"
#include "gateway/token/key_text.h"

#define PAGE_MAX 200
#define DAYS_MAX 36500

static void check_number(struct call *c, const struct query *q, const char *name,
			 uint64_t max)
{
	const char *text = query_get(q, name);
	uint64_t n;

	if (text != NULL && (!str_to_u64(str_of(text), &n) || n < 1 || n > max))
		input_fault(call_faults(c), INPUT_PARAMETER, name,
			    "takes a whole number from 1 to %llu",
			    (unsigned long long)max);
}

/* Each value that the parameter has is one of words, which NULL ends. */
static void check_words(struct call *c, const struct query *q, const char *name,
			const char *const *words)
{
	const char *values[QUERY_PARAMETERS_MAX];
	size_t n = query_all(q, name, values);

	for (size_t i = 0; i < n; i++) {
		size_t w = 0;

		while (words[w] != NULL && strcmp(words[w], values[i]) != 0)
			w++;
		if (words[w] == NULL)
			input_fault(call_faults(c), INPUT_PARAMETER, name,
				    "does not know '%s'; it begins its list with '%s', "
				    "docs/keys.md has all",
				    values[i], words[0]);
	}
}

static void check_list(struct call *c, const struct query *q)
{
	static const char *const states[] = {"active",  "team_disabled", "disabled",
					     "expired", "revoked",       "deleted",
					     NULL};
	static const char *const sorts[] = {
		"name",         "-name",         "created_at",
		"-created_at",  "expires_at",    "-expires_at",
		"last_used_at", "-last_used_at", NULL};
	static const char *const ranks[] = {"calls", "errors", NULL};
	const char *text = query_get(q, "q");

	list_check_lengths(q, call_faults(c));
	check_words(c, q, "state", states);
	check_words(c, q, "sort", sorts);
	check_words(c, q, "by", ranks);
	check_number(c, q, "limit", PAGE_MAX);
	check_number(c, q, "unused_days", DAYS_MAX);
	check_number(c, q, "expires_days", DAYS_MAX);
	if (query_get(q, "by") != NULL && query_get(q, "sort") != NULL)
		input_fault(call_faults(c), INPUT_PARAMETER, "by",
			    "is an order of its own: leave sort out");
	if (text != NULL && key_in_text(str_of(text), (struct str){0}))
		input_fault(call_faults(c), INPUT_PARAMETER, "q",
			    "is a key, and URLs are logged: POST /api/lookup finds it");
}

static void add_values(cJSON *filter, const struct query *q, const char *name)
{
	const char *values[QUERY_PARAMETERS_MAX];
	size_t n = query_all(q, name, values);
	cJSON *list = n > 0 ? cJSON_AddArrayToObject(filter, name) : NULL;

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(values[i]));
}

static void add_link(struct call *c, cJSON *filter, const struct query *q)
{
	struct sbuf link;

	sbuf_init(&link, LIST_LINK_MAX);
	list_link_put(&link, call_head(c)->path, q);
	CHECK(!link.overflow);
	cJSON_AddStringToObject(filter, "link", sbuf_text(&link));
	sbuf_fini(&link);
}

/* Without a link for an export, which asks for the next page itself. */
static char *list_filter(struct call *c, const struct query *q, bool is_export)
{
	static const char *const single[] = {"q",  "unused_days", "expires_days", "sort",
					     "by", "limit",       "after"};
	cJSON *filter = cJSON_CreateObject();

	if (is_export)
		cJSON_AddStringToObject(filter, "limit", EXPORT_LIST_ROWS);
	else
		add_link(c, filter, q);
	add_values(filter, q, "team");
	add_values(filter, q, "scope");
	add_values(filter, q, "state");
	for (size_t i = 0; i < ARRAY_LEN(single); i++)
		if (query_get(q, single[i]) != NULL)
			cJSON_AddStringToObject(filter, single[i],
						query_get(q, single[i]));
	return json_text_take(filter);
}

void api_list_tokens(struct call *c)
{
	static const char *const known[] = {
		"q",    "team*", "scope*", "state*", "unused_days",     "expires_days",
		"sort", "by",    "limit",  "after",  EXPORT_PARAMETERS, NULL};
	const struct query *q = call_query(c, known);
	bool is_export = export_is_wanted(c, q);
	char *filter;

	check_list(c, q);
	if (call_is_faulty(c))
		return;
	filter = list_filter(c, q, is_export);
	if (is_export)
		export_begin(c,
			     &(struct export_plan){
				     .name = list_name(LIST_TOKENS),
				     .columns = list_columns(LIST_TOKENS),
				     .sql = token_sql(TOKEN_LIST),
				     .values = {call_actor(c), filter},
				     .n_values = 2,
				     .paging = EXPORT_BY_FILTER,
				     .place = 1,
			     },
			     q);
	else
		token_call_ask(c, TOKEN_LIST,
			       (struct call_question){.pool = DB_QUESTIONS,
						      .values = {filter},
						      .n_values = 1});
	cJSON_free(filter);
}

void api_list_token_addresses(struct call *c)
{
	token_call_ask(c, TOKEN_ADDRESSES,
		       (struct call_question){.pool = DB_QUESTIONS,
					      .values = {token_call_id(c)},
					      .n_values = 1});
}

/* --- by key --- */

/* The hash that is asked for; the key is wiped. Notes faults. */
static void read_secret(struct call *c, cJSON *fields, char hash[KEY_HASH_HEX + 1])
{
	cJSON *key = cJSON_GetObjectItemCaseSensitive(fields, "key");
	cJSON *brought = cJSON_GetObjectItemCaseSensitive(fields, "token_hash");
	unsigned char bytes[KEY_HASH_BYTES];

	if ((key == NULL) == (brought == NULL)) {
		input_fault(call_faults(c), INPUT_POINTER, "",
			    "takes either key, or token_hash");
		return;
	}
	if (key != NULL) {
		token_hash_hex(str_of(key->valuestring), hash);
		OPENSSL_cleanse(key->valuestring, strlen(key->valuestring));
		return;
	}
	if (!hex_decode(bytes, sizeof bytes, str_of(brought->valuestring))) {
		input_fault(call_faults(c), INPUT_POINTER, "#/token_hash",
			    "must be the key's SHA-256: %d hex digits", KEY_HASH_HEX);
		return;
	}
	hex_encode(hash, bytes, sizeof bytes);
}

void api_look_up_token(struct call *c)
{
	static const struct body_field known[] = {
		{"key", BODY_TEXT, BODY_OPTIONAL, 1, KEY_MAX, NULL, false},
		{"token_hash", BODY_TEXT, BODY_OPTIONAL, KEY_HASH_HEX, KEY_HASH_HEX, NULL,
		 false},
	};
	cJSON *fields = call_fields(c, known, ARRAY_LEN(known));
	char hash[KEY_HASH_HEX + 1];

	if (fields != NULL)
		read_secret(c, fields, hash);
	if (call_is_faulty(c))
		return;
	token_call_ask(c, TOKEN_BY_HASH,
		       (struct call_question){
			       .pool = DB_QUESTIONS, .values = {hash}, .n_values = 1});
}
