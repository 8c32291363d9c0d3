/* A JSON body's fields. */
#include "gateway/manager/body.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/jsonc.h"
#include "common/utf8.h"

#define POINTER_MAX 256
#define ELEMENT_MAX 100 /* characters of a text in an array */

struct reader {
	const struct body_field *fields;
	size_t n;
	struct input_faults *faults;
	cJSON *out;
};

__attribute__((format(printf, 3, 4))) static void
fault(struct reader *r, const char *name, const char *format, ...)
{
	char pointer[POINTER_MAX], text[400];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	snprintf(pointer, sizeof pointer, *name != '\0' ? "#/%s" : "%s", name);
	input_fault(r->faults, INPUT_POINTER, pointer, "%s", text);
}

static void on_syntax(void *ctx, struct jsonc_pos pos, const char *text)
{
	struct reader *r = ctx;

	fault(r, "", "line %u, column %u: %s", pos.line, pos.column, text);
}

/* --- one value --- */

/* Characters of a text; *is_plain: none of them is a control character. */
static int64_t count_characters(const char *text, bool several_lines, bool *is_plain)
{
	const unsigned char *p = (const unsigned char *)text;
	int64_t n = 0;

	*is_plain = true;
	for (size_t left = strlen(text); left > 0; n++) {
		size_t length = utf8_length(p, left);
		bool is_space = *p == '\n' || *p == '\t' || *p == '\r';

		CHECK(length > 0);
		if (*p < ' ' ? !(several_lines && is_space) : *p == 0x7f)
			*is_plain = false;
		/* The C1 set, U+0080 to U+009F. */
		if (length == 2 && p[0] == 0xc2 && p[1] < 0xa0)
			*is_plain = false;
		p += length;
		left -= length;
	}
	return n;
}

static bool text_is_right(struct reader *r, const struct body_field *f, const char *where,
			  const char *text, int64_t min, int64_t max)
{
	bool is_plain;
	int64_t n = count_characters(text, f->several_lines, &is_plain);

	if (!is_plain)
		fault(r, where, "holds a control character; leave it out");
	else if (n < min || n > max)
		fault(r, where,
		      "has %" PRId64 " characters; it may have %" PRId64 " to %" PRId64,
		      n, min, max);
	else
		return true;
	return false;
}

static bool integer_is_right(struct reader *r, const struct body_field *f,
			     const char *text)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (*end != '\0' || errno != 0 || v < f->min || v > f->max) {
		fault(r, f->name, "is a whole number from %" PRId64 " to %" PRId64,
		      f->min, f->max);
		return false;
	}
	return true;
}

/* A digit for each 0 of the form, and its own characters in between. */
static bool has_form(const char *text, const char *form)
{
	for (; *form != '\0'; form++, text++)
		if (*form == '0' ? !isdigit((unsigned char)*text) : *text != *form)
			return false;
	return true;
}

/* RFC 3339 5.6; which days and hours there are is for the database to say. */
static bool is_time(const char *text)
{
	const char *form = "0000-00-00T00:00:00";

	if (strlen(text) > 40 || !has_form(text, form))
		return false;
	text += strlen(form);
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return false;
		while (isdigit((unsigned char)*text))
			text++;
	}
	if (strcmp(text, "Z") == 0)
		return true;
	return (*text == '+' || *text == '-') && has_form(text + 1, "00:00") &&
	       strlen(text) == 6;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static void tell_words(struct reader *r, const struct body_field *f)
{
	struct sbuf list;

	sbuf_init(&list, 1024);
	for (const char *const *w = f->words; *w != NULL; w++)
		sbuf_printf(&list, "%s\"%s\"", w == f->words ? "" : ", ", *w);
	fault(r, f->name, "is one of %s", sbuf_text(&list));
	sbuf_fini(&list);
}

static bool texts_are_right(struct reader *r, const struct body_field *f,
			    const struct jsonc_node *v)
{
	size_t i = 0, n = r->faults->n;
	char where[POINTER_MAX];

	if ((int64_t)v->n < f->min || (int64_t)v->n > f->max) {
		fault(r, f->name, "has %zu elements; it may have %" PRId64 " to %" PRId64,
		      v->n, f->min, f->max);
		return false;
	}
	for (const struct jsonc_node *e = v->first; e != NULL; e = e->next, i++) {
		snprintf(where, sizeof where, "%s/%zu", f->name, i);
		if (e->type != JSONC_STRING)
			fault(r, where, "is a text");
		else
			text_is_right(r, f, where, e->text, 1,
				      f->type == BODY_LINES ? BODY_LINE_MAX
							    : ELEMENT_MAX);
	}
	return r->faults->n == n;
}

static enum jsonc_type type_of(enum body_type type)
{
	switch (type) {
	case BODY_TEXT:
	case BODY_TIME:
	case BODY_ONE_OF:
		return JSONC_STRING;
	case BODY_INTEGER:
		return JSONC_NUMBER;
	case BODY_BOOL:
		return JSONC_BOOL;
	case BODY_TEXTS:
	case BODY_LINES:
		return JSONC_ARRAY;
	}
	CHECK(!"a type");
	return JSONC_NULL;
}

static bool is_right(struct reader *r, const struct body_field *f,
		     const struct jsonc_node *v)
{
	switch (f->type) {
	case BODY_TEXT:
		return text_is_right(r, f, f->name, v->text, f->min, f->max);
	case BODY_INTEGER:
		return integer_is_right(r, f, v->text);
	case BODY_TEXTS:
	case BODY_LINES:
		return texts_are_right(r, f, v);
	case BODY_TIME:
		if (is_time(v->text))
			return true;
		fault(r, f->name, "is a time like 2026-11-29T12:00:00Z");
		return false;
	case BODY_ONE_OF:
		if (is_one_of(v->text, f->words))
			return true;
		tell_words(r, f);
		return false;
	case BODY_BOOL:
		return true;
	}
	return false;
}

/* --- what is taken --- */

static cJSON *texts_of(const struct jsonc_node *v)
{
	cJSON *array = cJSON_CreateArray();

	for (const struct jsonc_node *e = v->first; e != NULL; e = e->next)
		CHECK(cJSON_AddItemToArray(array, cJSON_CreateString(e->text)));
	return array;
}

static cJSON *value_of(const struct jsonc_node *v)
{
	switch (v->type) {
	case JSONC_NULL:
		return cJSON_CreateNull();
	case JSONC_BOOL:
		return cJSON_CreateBool(v->boolean);
	case JSONC_NUMBER:
		return cJSON_CreateRaw(v->text);
	case JSONC_STRING:
		return cJSON_CreateString(v->text);
	case JSONC_ARRAY:
		return texts_of(v);
	case JSONC_OBJECT:
		break;
	}
	CHECK(!"a value of a field");
	return NULL;
}

static void read_field(struct reader *r, const struct body_field *f,
		       const struct jsonc_node *v)
{
	if (v->type == JSONC_NULL && f->presence != BODY_NULLABLE) {
		fault(r, f->name, "must not be null; %s",
		      f->presence == BODY_REQUIRED ? "give a value" : "leave it out");
		return;
	}
	if (v->type != JSONC_NULL && v->type != type_of(f->type)) {
		fault(r, f->name, "is %s, but must be %s", jsonc_type_name(v->type),
		      jsonc_type_name(type_of(f->type)));
		return;
	}
	if (v->type == JSONC_NULL || is_right(r, f, v))
		CHECK(cJSON_AddItemToObject(r->out, f->name, value_of(v)));
}

static const struct body_field *find_field(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->fields[i].name, name) == 0)
			return &r->fields[i];
	return NULL;
}

static void tell_unknown(struct reader *r, const char *name)
{
	char shown[65];
	struct sbuf list;

	snprintf(shown, sizeof shown, "%s", name);
	sbuf_init(&list, 4096);
	for (size_t i = 0; i < r->n; i++)
		sbuf_printf(&list, "%s%s", i > 0 ? ", " : "", r->fields[i].name);
	fault(r, shown, "there is no such field; there are %s", sbuf_text(&list));
	sbuf_fini(&list);
}

static void read_members(struct reader *r, const struct jsonc_node *body)
{
	for (const struct jsonc_node *v = body->first; v != NULL; v = v->next) {
		const struct body_field *f = find_field(r, v->key);

		if (f == NULL)
			tell_unknown(r, v->key);
		else
			read_field(r, f, v);
	}
}

static void look_for_missing(struct reader *r, const struct jsonc_node *body)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->fields[i].presence == BODY_REQUIRED &&
		    jsonc_get(body, r->fields[i].name) == NULL)
			fault(r, r->fields[i].name, "is missing");
}

struct cJSON *body_read(struct str text, const struct body_field *fields, size_t n,
			struct input_faults *faults)
{
	struct reader r = {fields, n, faults, cJSON_CreateObject()};
	const struct jsonc_sink sink = {on_syntax, &r};
	struct jsonc_node *body = jsonc_parse_body(text.n > 0 ? text : STR("{}"), &sink);

	CHECK(r.out != NULL);
	if (body != NULL && body->type != JSONC_OBJECT)
		fault(&r, "", "the body must be an object");
	else if (body != NULL) {
		read_members(&r, body);
		look_for_missing(&r, body);
	}
	jsonc_free(&body);
	return r.out;
}
