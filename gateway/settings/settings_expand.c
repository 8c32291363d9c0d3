/* Strings of the configuration: ${VAR}, ${VAR:-default}, and secrets from files.
 *
 * Only parsed strings are expanded, never the file's text, so a value cannot change the
 * file's structure. "$${" stands for "${"; any other "$" is itself. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings_file.h"
#include "gateway/settings/settings_priv.h"
#include "gateway/settings/suspicion.h"

#define TEXT_MAX 16384       /* bytes of an expanded string */
#define SECRET_FILE_MAX 8192 /* bytes */
#define VARIABLE_MAX SUSPICION_NAME_MAX

struct expansion {
	const struct settings_slot *slot;
	const struct jsonc_node *node;
	struct settings_text *result;
	unsigned flags;
	char *out; /* TEXT_MAX + 1 bytes */
	size_t n;
	struct str before; /* the text in front of the variable at hand */
	const char *after; /* and behind it */
};

void settings_text_fini(struct settings_text *t)
{
	if (t->text != NULL)
		OPENSSL_cleanse(t->text, strlen(t->text));
	free(t->text);
	*t = (struct settings_text){0};
}

const char *slot_shown(const struct jsonc_node *node, const struct settings_text *t)
{
	return t->secret ? node->text : t->text;
}

static bool put(struct expansion *e, struct str s)
{
	if (s.n > TEXT_MAX - e->n) {
		slot_error(e->slot, e->node, "longer than %d bytes; shorten it",
			   TEXT_MAX);
		return false;
	}
	memcpy(e->out + e->n, s.p, s.n);
	e->n += s.n;
	return true;
}

static bool is_variable_name(struct str s)
{
	if (s.n == 0 || s.n >= VARIABLE_MAX || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '_' && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

static const char *variable_value(const struct settings_options *o, const char *name)
{
	const char *value =
		o->variable ? o->variable(o->variable_ctx, name) : getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

static void missing_error(struct expansion *e, const char *name)
{
	const char *example = (e->flags & TEXT_PATH) == 0
				      ? slot_default_example(e->slot, e->before, e->after)
				      : NULL;

	if (example == NULL)
		slot_error(e->slot, e->node,
			   "the variable %s is not set or empty; set it", name);
	else
		slot_error(
			e->slot, e->node,
			"the variable %s is not set or empty; set it, or write ${%s:-%s}",
			name, name, example);
}

/* The variable is unset or empty and there is no default. Always false. */
static bool variable_missing(struct expansion *e, const char *name)
{
	if (e->slot->loader->dry)
		return false;
	if ((e->flags & TEXT_MAY_MISS) == 0) {
		missing_error(e, name);
		return false;
	}
	e->result->missing = true;
	if ((e->flags & TEXT_QUIET) != 0)
		return false;
	slot_warn(e->slot, e->node,
		  "the variable %s is not set or empty, so this is left out; set it to "
		  "call the real upstream",
		  name);
	return false;
}

static void suspect_variable(const struct expansion *e, const char *name,
			     const char *value)
{
	static const struct str bearer = STR("Bearer ");
	const char *why = suspicion_of(value);

	if (why != NULL)
		slot_warn(e->slot, e->node, "the variable %s %s", name, why);
	else if (str_ieq(e->before, bearer) && strlen(value) > bearer.n &&
		 str_ieq((struct str){value, bearer.n}, bearer))
		slot_warn(e->slot, e->node,
			  "the variable %s begins with \"Bearer \", which stands here "
			  "already; remove one",
			  name);
}

/* inside: what stands between "${" and "}". */
static bool expand_variable(struct expansion *e, struct str inside)
{
	const char *mark = memmem(inside.p, inside.n, ":-", 2), *value;
	struct str name = {inside.p, mark ? (size_t)(mark - inside.p) : inside.n};
	char copy[VARIABLE_MAX];

	if (memmem(inside.p, inside.n, "${", 2) != NULL) {
		slot_error(e->slot, e->node,
			   "${...} inside ${...} is not expanded; write one variable, or "
			   "a plain default");
		return false;
	}
	if (!is_variable_name(name)) {
		slot_error(e->slot, e->node,
			   "what stands in ${...} is no variable's name; write ${NAME} "
			   "or ${NAME:-default}, or $${ for a literal ${");
		return false;
	}
	CHECK(str_copy(copy, sizeof copy, name));
	e->result->secret = true;
	value = e->slot->loader->dry ? NULL
				     : variable_value(e->slot->loader->options, copy);
	if (value != NULL) {
		suspect_variable(e, copy, value);
		return put(e, str_of(value));
	}
	if (mark == NULL)
		return variable_missing(e, copy);
	return put(e, (struct str){mark + 2, inside.n - name.n - 2});
}

static bool expand_all(struct expansion *e, const char *text)
{
	const char *p = text, *dollar, *close;
	bool ok = true;

	while ((dollar = strstr(p, "${")) != NULL) {
		bool literal = dollar > p && dollar[-1] == '$';

		if (literal) { /* "$${": drop one dollar, keep the rest */
			if (!put(e, (struct str){p, (size_t)(dollar - 1 - p)}) ||
			    !put(e, STR("${")))
				return false;
			p = dollar + 2;
			continue;
		}
		close = strchr(dollar, '}');
		if (close == NULL) {
			slot_error(e->slot, e->node,
				   "\"${\" is not closed; end it with }, or write $${ "
				   "for a literal ${");
			return false;
		}
		if (!put(e, (struct str){p, (size_t)(dollar - p)}))
			return false;
		e->before = (struct str){text, (size_t)(dollar - text)};
		e->after = close + 1;
		/* Go on after a fault: all unset variables are told at once. */
		ok &= expand_variable(
			e, (struct str){dollar + 2, (size_t)(close - dollar) - 2});
		p = close + 1;
	}
	return put(e, str_of(p)) && ok;
}

/* A variable as shells and other tools write it. True: reported as an error. In a header
 * any text may be meant as it is. */
static bool other_reference(const struct expansion *e)
{
	enum settings_key_type type = e->slot->key->type;
	bool is_header = type == KEY_REQUEST_HEADERS || type == KEY_RESPONSE_HEADERS;
	char name[SUSPICION_NAME_MAX];

	if (suspicion_is_reference(e->node->text, name) && !is_header) {
		slot_error(e->slot, e->node, "%.140s is not expanded; write ${%s}",
			   e->node->text, name);
		return true;
	}
	if (suspicion_has_reference(e->node->text, name) ||
	    (is_header && suspicion_is_reference(e->node->text, name)))
		slot_warn(
			e->slot, e->node,
			"%s is not expanded without braces; write ${%s} if a variable is "
			"meant",
			name, name);
	return false;
}

static bool expand_string(const struct settings_slot *slot, const struct jsonc_node *node,
			  unsigned flags, struct settings_text *out)
{
	struct expansion e = {
		.slot = slot,
		.node = node,
		.result = out,
		.flags = flags,
		.out = xmalloc(TEXT_MAX + 1),
	};
	bool ok = !other_reference(&e) && expand_all(&e, node->text);

	if (ok)
		out->text = xstrndup(e.out, e.n);
	OPENSSL_cleanse(e.out, TEXT_MAX + 1);
	free(e.out);
	return ok;
}

struct secret_file {
	char *path;
	const char *shown; /* in messages: a variable in it may hold the secret itself */
};

/* Cuts one line end; what is left must be a string without NUL. */
static bool file_content(const struct settings_slot *slot, const struct jsonc_node *node,
			 const char *shown, struct settings_text *out, size_t n)
{
	const char *why;

	if (n > 0 && out->text[n - 1] == '\n')
		out->text[--n] = '\0';
	if (n > 0 && out->text[n - 1] == '\r')
		out->text[--n] = '\0';
	if (n == 0)
		slot_error(slot, node, "the file %s is empty; put the secret into it",
			   shown);
	else if (strlen(out->text) != n)
		slot_error(slot, node, "the file %s holds a NUL byte; it must be text",
			   shown);
	else if ((why = suspicion_of(out->text)) != NULL)
		slot_warn(slot, node, "the content of the file %s %s", shown, why);
	return n != 0 && strlen(out->text) == n;
}

static void file_error(const struct settings_slot *slot, const struct jsonc_node *node,
		       const struct secret_file *file, const char *why)
{
	struct sbuf advice;
	int error = errno;

	sbuf_init(&advice, TEXT_MAX);
	if (file->shown == file->path && error != EFBIG)
		settings_file_advise(&advice, file->path, error);
	if (advice.n == 0)
		sbuf_printf(&advice,
			    "it must be a readable text file of at most %d bytes",
			    SECRET_FILE_MAX);
	slot_error(slot, node, "the file %s cannot be used: %s; " STR_FMT, file->shown,
		   why, STR_ARG(sbuf_view(&advice)));
	sbuf_fini(&advice);
}

static bool read_secret(const struct settings_slot *slot, const struct jsonc_node *node,
			const struct secret_file *file, unsigned flags,
			struct settings_text *out)
{
	const char *why;
	size_t n;

	out->secret = true;
	if (slot->loader->dry)
		return false;
	if (settings_file_read(file->path, SECRET_FILE_MAX, &out->text, &n, &why)) {
		if (file_content(slot, node, file->shown, out, n))
			return true;
		settings_text_fini(out);
		return false;
	}
	if (errno == ENOENT && (flags & TEXT_MAY_MISS) != 0) {
		out->missing = true;
		if ((flags & TEXT_QUIET) == 0)
			slot_warn(slot, node,
				  "there is no file %s, so this is left out; make it to "
				  "call the real upstream",
				  file->shown);
		return false;
	}
	file_error(slot, node, file, why);
	return false;
}

/* The path of {"file": "path"}. False: reported, or missing. */
static bool file_path(const struct settings_slot *slot, const struct jsonc_node *name,
		      unsigned flags, struct settings_text *path)
{
	if (!expand_string(slot, name, flags | TEXT_PATH, path))
		return false;
	if (strstr(path->text, "://") == NULL)
		return true;
	slot_error(
		slot, name,
		"\"file\" names a file that holds the value, not the value itself; write "
		"the value without {\"file\": }, or put it into a file");
	return false;
}

/* {"file": "path"}: the path may hold variables, the content is taken as it is. */
static bool expand_file(const struct settings_slot *slot, const struct jsonc_node *node,
			unsigned flags, struct settings_text *out)
{
	const struct jsonc_node *name = jsonc_get(node, "file");
	struct settings_text path = {0};
	struct secret_file file;
	bool ok;

	if (name == NULL || node->n != 1 || name->type != JSONC_STRING) {
		slot_error(slot, node,
			   "an object here must be {\"file\": \"path\"}; or write \"%s\"",
			   slot->key->example);
		return false;
	}
	ok = file_path(slot, name, flags, &path);
	out->missing = path.missing;
	if (ok) {
		file.path = settings_file_beside(slot->loader->file, path.text);
		file.shown = path.secret ? name->text : file.path;
		ok = read_secret(slot, node, &file, flags, out);
		OPENSSL_cleanse(file.path, strlen(file.path));
		free(file.path);
	}
	settings_text_fini(&path);
	return ok;
}

bool slot_text(const struct settings_slot *slot, const struct jsonc_node *node,
	       unsigned flags, struct settings_text *out)
{
	*out = (struct settings_text){0};
	if ((flags & TEXT_FILE) != 0 && node->type == JSONC_OBJECT)
		return expand_file(slot, node, flags, out);
	if (node->type == JSONC_STRING)
		return expand_string(slot, node, flags, out);
	slot_type_error(slot, node, JSONC_STRING,
			(flags & TEXT_FILE) != 0 ? "a string or {\"file\": \"path\"}"
						 : "a string");
	return false;
}
