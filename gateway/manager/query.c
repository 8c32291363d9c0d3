/* Parameters of a query. */
#include "gateway/manager/query.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/utf8.h"

#define NAME_SHOWN_MAX 64

/* Takes what stands before the next `separator`; false when nothing is left. */
static bool take_part(struct str *rest, char separator, struct str *part)
{
	const char *end;

	if (rest->p == NULL)
		return false;
	end = memchr(rest->p, separator, rest->n);
	*part = *rest;
	if (end == NULL) {
		*rest = (struct str){0};
		return true;
	}
	part->n = (size_t)(end - rest->p);
	*rest = (struct str){end + 1, rest->n - part->n - 1};
	return true;
}

char *query_decode(struct str text, bool is_form, const char **why)
{
	char *out = xcalloc(1, text.n + 1);
	size_t n = 0;

	*why = NULL;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '%') {
			if (text.n - i < 3 ||
			    !hex_decode(&c, 1, (struct str){text.p + i + 1, 2}))
				*why = "holds a % that is not followed by two hex digits; "
				       "write %25 for the sign itself";
			i += 2;
		} else if (c == '+' && is_form) {
			c = ' ';
		}
		if (c < ' ' || c == 0x7f)
			*why = "holds a control character; leave it out";
		if (*why != NULL)
			break;
		out[n++] = (char)c;
	}
	for (size_t i = 0, length; *why == NULL && i < n; i += length) {
		length = utf8_length((unsigned char *)out + i, n - i);
		if (length == 0)
			*why = "is no valid UTF-8; percent-encode UTF-8";
	}
	if (*why == NULL)
		return out;
	free(out);
	return NULL;
}

static bool is_repeatable(const char *known)
{
	return known[strlen(known) - 1] == '*';
}

/* Of a known name, without the *. */
static int name_length(const char *known)
{
	return (int)strlen(known) - (is_repeatable(known) ? 1 : 0);
}

static bool is_named(const char *known, const char *name)
{
	return str_eq((struct str){known, (size_t)name_length(known)}, str_of(name));
}

static const char *find_known(const char *name, const char *const *known)
{
	for (; *known != NULL; known++)
		if (is_named(*known, name))
			return *known;
	return NULL;
}

static bool takes_others(const char *const *known)
{
	for (; *known != NULL; known++)
		if (strcmp(*known, QUERY_OTHERS) == 0)
			return true;
	return false;
}

static void tell_unknown(struct input_faults *faults, const char *name,
			 const char *const *known)
{
	struct sbuf names;

	sbuf_init(&names, 4096);
	for (size_t i = 0; known[i] != NULL; i++)
		sbuf_printf(&names, "%s%.*s", i > 0 ? ", " : "", name_length(known[i]),
			    known[i]);
	if (names.n == 0)
		input_fault(faults, INPUT_PARAMETER, name,
			    "there are no parameters here; leave it out");
	else
		input_fault(faults, INPUT_PARAMETER, name,
			    "there is no such parameter; there are %s",
			    sbuf_text(&names));
	sbuf_fini(&names);
}

static bool has(const struct query *q, const char *known)
{
	for (size_t i = 0; i < q->n; i++)
		if (q->items[i].name == known)
			return true;
	return false;
}

static void add(struct query *q, const char *known, struct str text,
		struct input_faults *faults)
{
	const char *why;
	char *value, name[NAME_SHOWN_MAX + 1];

	snprintf(name, sizeof name, "%.*s", name_length(known), known);
	if (!is_repeatable(known) && has(q, known)) {
		input_fault(faults, INPUT_PARAMETER, name,
			    "is there twice; give it once");
		return;
	}
	if (q->n == QUERY_PARAMETERS_MAX) {
		input_fault(faults, INPUT_PARAMETER, name,
			    "the query has more than %d parameters; leave some out",
			    QUERY_PARAMETERS_MAX);
		return;
	}
	value = query_decode(text, true, &why);
	if (value == NULL) {
		input_fault(faults, INPUT_PARAMETER, name, "%s", why);
		return;
	}
	q->items[q->n++] = (struct query_item){known, value};
}

static void read_part(struct query *q, struct str part, const char *const *known,
		      struct input_faults *faults)
{
	const char *found, *why;
	struct str name;
	char *decoded, shown[NAME_SHOWN_MAX + 1];

	take_part(&part, '=', &name);
	decoded = query_decode(name, true, &why);
	if (decoded == NULL) {
		snprintf(shown, sizeof shown, STR_FMT, STR_ARG(name));
		input_fault(faults, INPUT_PARAMETER, shown, "its name %s", why);
		return;
	}
	found = find_known(decoded, known);
	if (found == NULL && takes_others(known)) {
		free(decoded);
		return;
	}
	if (found == NULL) {
		snprintf(shown, sizeof shown, "%s", decoded);
		tell_unknown(faults, shown, known);
	} else {
		add(q, found, part, faults);
	}
	free(decoded);
}

void query_read(struct query *q, struct str text, const char *const *known,
		struct input_faults *faults)
{
	struct str part;

	q->n = 0;
	if (text.n == 0)
		return;
	while (take_part(&text, '&', &part))
		if (part.n > 0)
			read_part(q, part, known, faults);
}

void query_fini(struct query *q)
{
	for (size_t i = 0; i < q->n; i++)
		free(q->items[i].value);
	q->n = 0;
}

const char *query_get(const struct query *q, const char *name)
{
	for (size_t i = 0; i < q->n; i++)
		if (is_named(q->items[i].name, name))
			return q->items[i].value;
	return NULL;
}

size_t query_all(const struct query *q, const char *name,
		 const char *values[QUERY_PARAMETERS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < q->n; i++)
		if (is_named(q->items[i].name, name))
			values[n++] = q->items[i].value;
	return n;
}
