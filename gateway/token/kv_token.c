/* An entry of a key-value store as a token. */
#include "gateway/token/kv_token.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/jsonc.h"

#define FIELD_MAX 64           /* bytes of a field's name that count */
#define MILLISECONDS_FROM 1e11 /* a number from there on is no time in seconds */
#define YEAR_10000_S 253402300800.0

/* Only the first fault is kept. */
static void fault(struct kv_token *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fault(struct kv_token *t, const char *format, ...)
{
	va_list ap;

	if (t->fault[0] != '\0')
		return;
	va_start(ap, format);
	vsnprintf(t->fault, sizeof t->fault, format, ap);
	va_end(ap);
}

/* --- JSON --- */

static void on_json_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	struct kv_token *t = ctx;

	fault(t, "its JSON, column %u: %s", pos.column, text);
}

static struct jsonc_node *parse(struct kv_token *t, struct str text)
{
	struct jsonc_sink sink = {on_json_fault, t};
	struct jsonc_node *node = jsonc_parse_body(text, &sink);

	if (t->fault[0] != '\0')
		jsonc_free(&node);
	return node;
}

static const struct jsonc_node *member(const struct jsonc_node *o, const char *name)
{
	const struct jsonc_node *found = jsonc_get(o, name);

	return found != NULL && found->type != JSONC_NULL ? found : NULL;
}

/* --- the key --- */

static void read_hash(struct kv_token *t, struct str key, struct str prefix)
{
	unsigned char bytes[KEY_HASH_BYTES];

	if (!str_has_prefix(key, prefix)) {
		fault(t, "its key does not begin with '" STR_FMT "'", STR_ARG(prefix));
		return;
	}
	key.p += prefix.n;
	key.n -= prefix.n;
	if (hex_decode(bytes, sizeof bytes, key))
		hex_encode(t->hash, bytes, sizeof bytes);
	else if (str_has_prefix(key, STR(KEY_PREFIX)))
		fault(t,
		      "a key itself stands here, not its SHA-256: give it to `tollgate "
		      "token import`, and keep it out of files");
	else
		fault(t,
		      "its key is not a SHA-256 in hex (64 digits): what stands before "
		      "the hash in the store is told by --prefix; entries of other kinds "
		      "are left out with --skip-bad");
}

/* --- fields --- */

enum field {
	FIELD_NAME,
	FIELD_DESCRIPTION,
	FIELD_SCOPES,
	FIELD_RANGES,
	FIELD_EXPIRES,
	FIELD_ON,    /* false: disabled */
	FIELD_OFF,   /* true, or when */
	FIELD_ENDED, /* true, or when */
	FIELD_STATUS,
	FIELD_PASSED, /* known, and of no use here */
	FIELD_UNKNOWN,
};

static enum field field_of(const char *name)
{
	static const struct {
		const char *name;
		enum field field;
	} rows[] = {
		{"name", FIELD_NAME},
		{"label", FIELD_NAME},
		{"description", FIELD_DESCRIPTION},
		{"note", FIELD_DESCRIPTION},
		{"scopes", FIELD_SCOPES},
		{"scope", FIELD_SCOPES},
		{"addressranges", FIELD_RANGES},
		{"allowedips", FIELD_RANGES},
		{"expiresat", FIELD_EXPIRES},
		{"expires", FIELD_EXPIRES},
		{"expiry", FIELD_EXPIRES},
		{"expiration", FIELD_EXPIRES},
		{"active", FIELD_ON},
		{"isactive", FIELD_ON},
		{"enabled", FIELD_ON},
		{"isenabled", FIELD_ON},
		{"disabled", FIELD_OFF},
		{"isdisabled", FIELD_OFF},
		{"disabledat", FIELD_OFF},
		{"revoked", FIELD_ENDED},
		{"isrevoked", FIELD_ENDED},
		{"revokedat", FIELD_ENDED},
		{"deleted", FIELD_ENDED},
		{"isdeleted", FIELD_ENDED},
		{"deletedat", FIELD_ENDED},
		{"status", FIELD_STATUS},
		{"state", FIELD_STATUS},
		{"id", FIELD_PASSED},
		{"tokenid", FIELD_PASSED},
		{"tokenhash", FIELD_PASSED},
		{"hash", FIELD_PASSED},
		{"createdat", FIELD_PASSED},
		{"createdby", FIELD_PASSED},
		{"updatedat", FIELD_PASSED},
		{"lastused", FIELD_PASSED},
		{"lastusedat", FIELD_PASSED},
	};
	char plain[FIELD_MAX];
	size_t n = 0;

	for (; *name != '\0' && n + 1 < sizeof plain; name++)
		if (*name != '_' && *name != '-')
			plain[n++] = (char)tolower((unsigned char)*name);
	plain[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, plain) == 0)
			return rows[i].field;
	return FIELD_UNKNOWN;
}

static void read_text(struct kv_token *t, const char *as, const struct jsonc_node *f)
{
	if (f->type == JSONC_STRING)
		cJSON_AddStringToObject(t->spec, as, f->text);
	else
		fault(t, "%s is %s: a string in double quotes is meant", f->key,
		      jsonc_type_name(f->type));
}

/* "a, b c" */
static void split(cJSON *list, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ", \t");

		if (n > 0) {
			char *part = xstrndup(text, n);

			cJSON_AddItemToArray(list, cJSON_CreateString(part));
			free(part);
		}
		text += n + (text[n] != '\0');
	}
}

static void read_list(struct kv_token *t, const char *as, const struct jsonc_node *f)
{
	cJSON *list = cJSON_AddArrayToObject(t->spec, as);

	CHECK(list != NULL);
	if (f->type == JSONC_STRING) {
		split(list, f->text);
		return;
	}
	for (const struct jsonc_node *c = f->first; c != NULL; c = c->next) {
		if (c->type != JSONC_STRING)
			break;
		cJSON_AddItemToArray(list, cJSON_CreateString(c->text));
	}
	if (f->type != JSONC_ARRAY || cJSON_GetArraySize(list) != (int)f->n)
		fault(t, "%s is not an array of strings", f->key);
}

/* No ranges at all are anywhere to some, and nowhere here. */
static void read_ranges(struct kv_token *t, const struct jsonc_node *f)
{
	read_list(t, "address_ranges", f);
	if (f->type == JSONC_ARRAY && f->n == 0)
		fault(t, "%s is empty: leave it out where the key is used from anywhere",
		      f->key);
}

static void read_expiry(struct kv_token *t, const struct jsonc_node *f)
{
	char text[40];
	double s = f->number >= MILLISECONDS_FROM ? f->number / 1000 : f->number;
	time_t at = s >= 0 && s < YEAR_10000_S ? (time_t)s : 0;
	struct tm tm;

	if (f->type == JSONC_STRING) {
		cJSON_DeleteItemFromObjectCaseSensitive(t->spec, "expires_at");
		cJSON_AddStringToObject(t->spec, "expires_at", f->text);
		return;
	}
	if (f->type != JSONC_NUMBER || s < 0 || s >= YEAR_10000_S) {
		fault(t,
		      "%s is no time: 2027-01-31T12:00:00Z, or seconds or milliseconds "
		      "since 1970",
		      f->key);
		return;
	}
	gmtime_r(&at, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	cJSON_DeleteItemFromObjectCaseSensitive(t->spec, "expires_at");
	cJSON_AddStringToObject(t->spec, "expires_at", text);
}

/* true, 1 or a time; what is anything else is no guess of ours. */
static bool is_set(struct kv_token *t, const struct jsonc_node *f)
{
	size_t n = strlen(f->key);
	bool is_time = n > 2 && tolower((unsigned char)f->key[n - 2]) == 'a' &&
		       tolower((unsigned char)f->key[n - 1]) == 't';

	if (f->type == JSONC_BOOL)
		return f->boolean;
	if (is_time && (f->type == JSONC_STRING || f->type == JSONC_NUMBER))
		return true;
	if (f->type == JSONC_NUMBER && (f->number == 0 || f->number == 1))
		return f->number == 1;
	fault(t, "%s is neither true nor false", f->key);
	return false;
}

static void disable(struct kv_token *t, bool is_off)
{
	if (is_off && !cJSON_HasObjectItem(t->spec, "disabled"))
		cJSON_AddTrueToObject(t->spec, "disabled");
}

static void read_status(struct kv_token *t, const struct jsonc_node *f)
{
	const char *word = f->type == JSONC_STRING ? f->text : "";

	if (strcmp(word, "revoked") == 0 || strcmp(word, "deleted") == 0)
		t->is_ended = true;
	else if (strcmp(word, "disabled") == 0 || strcmp(word, "inactive") == 0)
		disable(t, true);
	else if (strcmp(word, "active") != 0 && strcmp(word, "enabled") != 0)
		fault(t,
		      "%s is none of active, enabled, disabled, inactive, revoked and "
		      "deleted",
		      f->key);
}

static void count_ignored(cJSON *ignored, const char *name)
{
	char shown[FIELD_MAX];
	cJSON *n;

	snprintf(shown, sizeof shown, "%s", name);
	n = cJSON_GetObjectItemCaseSensitive(ignored, shown);
	if (n != NULL)
		cJSON_SetNumberValue(n, n->valuedouble + 1);
	else if (cJSON_GetArraySize(ignored) < KV_IGNORED_MAX)
		cJSON_AddNumberToObject(ignored, shown, 1);
}

static void read_field(struct kv_token *t, const struct jsonc_node *f, cJSON *ignored)
{
	switch (field_of(f->key)) {
	case FIELD_NAME:
		read_text(t, "name", f);
		break;
	case FIELD_DESCRIPTION:
		read_text(t, "description", f);
		break;
	case FIELD_SCOPES:
		read_list(t, "scopes", f);
		break;
	case FIELD_RANGES:
		read_ranges(t, f);
		break;
	case FIELD_EXPIRES:
		read_expiry(t, f);
		break;
	case FIELD_ON:
		disable(t, !is_set(t, f));
		break;
	case FIELD_OFF:
		disable(t, is_set(t, f));
		break;
	case FIELD_ENDED:
		t->is_ended = is_set(t, f) || t->is_ended;
		break;
	case FIELD_STATUS:
		read_status(t, f);
		break;
	case FIELD_PASSED:
		break;
	case FIELD_UNKNOWN:
		count_ignored(ignored, f->key);
		break;
	}
}

static void read_fields(struct kv_token *t, const struct jsonc_node *fields,
			cJSON *ignored)
{
	if (fields->type != JSONC_OBJECT) {
		fault(t, "its value is %s, not an object with name and scopes",
		      jsonc_type_name(fields->type));
		return;
	}
	for (const struct jsonc_node *f = fields->first; f != NULL; f = f->next)
		if (f->type != JSONC_NULL)
			read_field(t, f, ignored);
	if (!cJSON_HasObjectItem(t->spec, "name"))
		fault(t, "name is missing: give it one");
	if (!cJSON_HasObjectItem(t->spec, "scopes"))
		fault(t,
		      "scopes is missing: [] for a key that calls only routes which ask "
		      "for none");
}

/* What was put is text, whose JSON is the token. */
static void read_value(struct kv_token *t, const struct jsonc_node *value, cJSON *ignored)
{
	struct jsonc_node *inner;

	if (value->type != JSONC_STRING) {
		read_fields(t, value, ignored);
		return;
	}
	inner = parse(t, str_of(value->text));
	if (inner != NULL)
		read_fields(t, inner, ignored);
	jsonc_free(&inner);
}

/* --- entries --- */

/* {"key", "value", "expiration"}, or {"token_hash", "name", ...} */
static void read_pair(struct kv_token *t, const struct jsonc_node *pair,
		      struct str prefix, cJSON *ignored)
{
	const struct jsonc_node *hash = member(pair, "token_hash"),
				*value = member(pair, "value"),
				*until = member(pair, "expiration"),
				*base64 = member(pair, "base64");
	const struct jsonc_node *key = hash != NULL ? hash : member(pair, "key");

	if (key == NULL)
		key = member(pair, "name");
	if (key == NULL || key->type != JSONC_STRING)
		fault(t, "it has no key: {\"key\": HASH, \"value\": {...}} is meant");
	else
		read_hash(t, str_of(key->text), hash != NULL ? STR("") : prefix);
	if (hash != NULL) {
		read_fields(t, pair, ignored);
		return;
	}
	if (value == NULL)
		fault(t, "it has no value: `wrangler kv key list` lists keys alone, "
			 "`wrangler kv bulk get` has the values");
	else if (base64 != NULL && base64->type == JSONC_BOOL && base64->boolean)
		fault(t, "its value is in base64: give it as text");
	else
		read_value(t, value, ignored);
	if (member(pair, "expiration_ttl") != NULL)
		fault(t, "expiration_ttl does not say from when on: give expiration, in "
			 "seconds since 1970");
	if (until != NULL)
		read_expiry(t, until);
}

/* A key that stands outside of its value: of {"hash": {...}}, or before a tab. */
static void read_key(struct kv_token *t, const struct kv_entry *e, struct str prefix)
{
	struct jsonc_node *key;

	if (e->is_line) {
		read_hash(t, e->key, prefix);
		return;
	}
	key = parse(t, e->key);
	if (key != NULL)
		read_hash(t, str_of(key->text), prefix);
	jsonc_free(&key);
}

/* `wrangler kv bulk get` has {"hash": {"value": "...", "metadata": ...}}. */
static void read_member(struct kv_token *t, const struct jsonc_node *value,
			cJSON *ignored)
{
	const struct jsonc_node *inner = member(value, "value"),
				*until = member(value, "expiration");

	if (value->type == JSONC_NULL) {
		fault(t, "it has no value: the store had none under this key");
	} else if (inner == NULL || member(value, "name") != NULL) {
		read_value(t, value, ignored);
	} else {
		read_value(t, inner, ignored);
		if (until != NULL)
			read_expiry(t, until);
	}
}

void kv_token_read(struct kv_token *t, const struct kv_entry *e, struct str prefix,
		   cJSON *ignored)
{
	struct jsonc_node *json;

	*t = (struct kv_token){.line = e->line, .spec = cJSON_CreateObject()};
	CHECK(t->spec != NULL);
	if (e->key.n > 0 || e->is_line)
		read_key(t, e, prefix);
	json = parse(t, e->json);
	if (json != NULL && e->key.n == 0 && !e->is_line)
		read_pair(t, json, prefix, ignored);
	else if (json != NULL)
		read_member(t, json, ignored);
	jsonc_free(&json);
	if (t->fault[0] != '\0' || t->is_ended) {
		cJSON_Delete(t->spec);
		t->spec = NULL;
	} else {
		cJSON_AddStringToObject(t->spec, "token_hash", t->hash);
	}
}

void kv_token_fini(struct kv_token *t)
{
	cJSON_Delete(t->spec);
	t->spec = NULL;
}
