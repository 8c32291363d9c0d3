/* Variables from files, beside the real environment. */
#include "gateway/settings/env_file.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/settings/settings_file.h"

#define ENV_FILE_MAX 65536 /* bytes */

struct env_entry {
	char *name, *value;
	unsigned reading; /* which call of env_file_read_text it came from */
};

struct env_file {
	struct env_entry *items;
	size_t n;
	unsigned reading;
};

struct line_scan {
	struct env_file *e;
	const char *file;
	unsigned line;
	struct sbuf *report;
	bool ok;
};

struct env_file *env_file_new(void)
{
	return xcalloc(1, sizeof(struct env_file));
}

static void wipe_value(struct env_entry *entry)
{
	if (entry->value != NULL)
		OPENSSL_cleanse(entry->value, strlen(entry->value));
	free(entry->value);
	entry->value = NULL;
}

void env_file_free(struct env_file **e)
{
	struct env_file *old = *e;

	*e = NULL;
	if (old == NULL)
		return;
	for (size_t i = 0; i < old->n; i++) {
		wipe_value(&old->items[i]);
		free(old->items[i].name);
	}
	free(old->items);
	free(old);
}

static struct env_entry *find(const struct env_file *e, struct str name)
{
	for (size_t i = 0; i < e->n; i++)
		if (str_eq(str_of(e->items[i].name), name))
			return &e->items[i];
	return NULL;
}

static void line_error(struct line_scan *s, const char *text)
{
	sbuf_printf(s->report, "%s:%u: error: %s\n", s->file, s->line, text);
	s->ok = false;
}

static bool is_name(struct str s)
{
	if (s.n == 0 || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '_' && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	return true;
}

/* What may follow a closing quote. */
static bool is_rest(struct str rest)
{
	struct str trimmed = str_trim(rest);

	return trimmed.n == 0 || (trimmed.p[0] == '#' && trimmed.p != rest.p);
}

/* One escape of a double-quoted value; '\0' if there is no such. */
static char unescape(char c)
{
	static const char letters[] = "nrt\"\\$", values[] = "\n\r\t\"\\$";
	const char *found = c != '\0' ? strchr(letters, c) : NULL;

	return found != NULL ? values[found - letters] : '\0';
}

/* text begins with a quote; out has room for all of it. False: reported. */
static bool quoted_value(struct line_scan *s, struct str text, char *out)
{
	char quote = text.p[0], c;
	size_t i;

	for (i = 1; i < text.n && text.p[i] != quote; i++) {
		c = text.p[i];
		if (quote == '"' && c == '\\') {
			c = ++i < text.n ? unescape(text.p[i]) : '\0';
			if (c == '\0') {
				line_error(s, "no such escape; write \\\\ for a "
					      "backslash, or use single quotes");
				return false;
			}
		}
		*out++ = c;
	}
	*out = '\0';
	if (i >= text.n)
		line_error(s, "the quote is not closed on its line; close it");
	else if (!is_rest((struct str){text.p + i + 1, text.n - i - 1}))
		line_error(
			s,
			"text after the closing quote; remove it, or start a comment with #");
	else
		return true;
	return false;
}

/* Up to a # that begins the value or stands after white space. */
static void plain_value(struct str text, char *out)
{
	size_t n = 0;

	while (n < text.n && !(text.p[n] == '#' &&
			       (n == 0 || text.p[n - 1] == ' ' || text.p[n - 1] == '\t')))
		n++;
	text = str_trim((struct str){text.p, n});
	if (text.n != 0)
		memcpy(out, text.p, text.n);
	out[text.n] = '\0';
}

/* Takes over value. */
static void store(struct line_scan *s, struct str name, char *value)
{
	struct env_entry *entry = find(s->e, name);

	if (entry == NULL) {
		s->e->items = xrealloc(s->e->items, (s->e->n + 1) * sizeof *entry);
		entry = &s->e->items[s->e->n++];
		*entry = (struct env_entry){.name = xstrndup(name.p, name.n)};
	} else if (entry->reading == s->e->reading) {
		line_error(s,
			   "this variable is set on an earlier line already; remove one");
	}
	wipe_value(entry);
	*entry = (struct env_entry){entry->name, value, s->e->reading};
}

static void read_line(struct line_scan *s, struct str line)
{
	const char *equals;
	struct str name, text;
	char *value;
	bool ok = true;

	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	line = str_trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return;
	if (str_has_prefix(line, STR("export ")))
		line = str_trim((struct str){line.p + 7, line.n - 7});
	equals = memchr(line.p, '=', line.n);
	name = str_trim((struct str){line.p, equals ? (size_t)(equals - line.p) : 0});
	if (!is_name(name)) {
		line_error(s, "no NAME=value; begin a comment with #");
		return;
	}
	text = str_trim((struct str){equals + 1, line.n - (size_t)(equals + 1 - line.p)});
	value = xmalloc(text.n + 1);
	if (text.n != 0 && (text.p[0] == '"' || text.p[0] == '\''))
		ok = quoted_value(s, text, value);
	else
		plain_value(text, value);
	if (ok) {
		store(s, name, value);
		return;
	}
	OPENSSL_cleanse(value, text.n + 1);
	free(value);
}

bool env_file_read_text(struct env_file *e, const char *file, struct str text,
			struct sbuf *report)
{
	struct line_scan s = {e, file, 1, report, true};

	e->reading++;
	if (str_has_prefix(text, STR("\xef\xbb\xbf")))
		text = (struct str){text.p + 3, text.n - 3};
	while (text.n != 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n, skip = end ? n + 1 : n;

		if (memchr(text.p, '\0', n) != NULL)
			line_error(&s,
				   "the line holds a NUL byte; save the file as text");
		else
			read_line(&s, (struct str){text.p, n});
		text = (struct str){text.p + skip, text.n - skip};
		s.line++;
	}
	return s.ok;
}

static bool read_file(struct env_file *e, const char *path, bool may_miss,
		      struct sbuf *report)
{
	const char *why;
	char *text;
	size_t n;
	bool ok;

	if (!settings_file_read(path, ENV_FILE_MAX, &text, &n, &why)) {
		if (errno == ENOENT && may_miss)
			return true;
		sbuf_printf(report, "%s: error: cannot be read: %s; ",
			    settings_file_shown(path), why);
		settings_file_advise(report, path, errno);
		sbuf_lit(report, "\n");
		return false;
	}
	ok = env_file_read_text(e, path, (struct str){text, n}, report);
	OPENSSL_cleanse(text, n);
	free(text);
	return ok;
}

bool env_file_read(struct env_file *e, const char *path, struct sbuf *report)
{
	return read_file(e, path, true, report);
}

static const char *const names_beside[ENV_FILES_BESIDE] = {".env", ".dev.vars"};

char *env_file_beside(const char *config, size_t i)
{
	CHECK(i < ENV_FILES_BESIDE);
	return settings_file_beside(config, names_beside[i]);
}

bool env_files_read_beside(struct env_file *e, const char *config, struct sbuf *report)
{
	bool ok = true;

	for (size_t i = 0; i < ENV_FILES_BESIDE; i++) {
		char *path = env_file_beside(config, i);

		ok = env_file_read(e, path, report) && ok;
		free(path);
	}
	return ok;
}

/* --- --env-file --- */

void env_file_list_add(struct env_file_list *list, const char *name)
{
	if (list->n < ENV_FILE_LIST_MAX)
		list->names[list->n++] = name;
	else
		list->too_many = true;
}

/* What was read last from `path` and is of no use. */
static void warn_of_hidden(const struct env_file *e, const char *path,
			   struct sbuf *report)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct env_entry *entry = &e->items[i];
		const char *real = getenv(entry->name);

		if (entry->reading == e->reading && real != NULL && *real != '\0' &&
		    strcmp(real, entry->value) != 0)
			sbuf_printf(report,
				    "%s: warning: the environment has another %s, which "
				    "wins; unset it there to use this file's\n",
				    path, entry->name);
	}
}

bool env_file_list_read(const struct env_file_list *list, struct env_file *e,
			struct sbuf *report)
{
	bool ok = !list->too_many;

	if (list->too_many)
		sbuf_printf(report,
			    "%s: error: more than %d files of variables; join some\n",
			    list->names[0], ENV_FILE_LIST_MAX);
	for (size_t i = 0; i < list->n; i++) {
		if (read_file(e, list->names[i], false, report))
			warn_of_hidden(e, list->names[i], report);
		else
			ok = false;
	}
	return ok;
}

/* --- files that are not read --- */

/* The folder of the repository that a file is in, without a slash at the end; false:
 * none. */
static bool find_root(const char *file, char out[PATH_MAX])
{
	char git[PATH_MAX + 8];
	char *slash;

	if (realpath(file, out) == NULL)
		return false;
	while ((slash = strrchr(out, '/')) != NULL) {
		*slash = '\0';
		snprintf(git, sizeof git, "%s/.git", out);
		if (access(git, F_OK) == 0)
			return true;
	}
	return false;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static bool is_read(const char *path, const char *config,
		    const struct env_file_list *list)
{
	bool same = false;

	for (size_t i = 0; i < ENV_FILES_BESIDE && !same; i++) {
		char *beside = env_file_beside(config, i);

		same = is_same_file(path, beside);
		free(beside);
	}
	for (size_t i = 0; i < list->n && !same; i++)
		same = is_same_file(path, list->names[i]);
	return same;
}

void env_files_note_unread(const char *config, const struct env_file_list *list,
			   struct sbuf *report)
{
	char folders[2][PATH_MAX] = {"", ""}, path[PATH_MAX + 16];

	if (getcwd(folders[0], PATH_MAX) == NULL)
		folders[0][0] = '\0';
	if (!find_root(config, folders[1]) || is_same_file(folders[0], folders[1]))
		folders[1][0] = '\0';
	for (size_t i = 0; i < 2 * ENV_FILES_BESIDE; i++) {
		const char *folder = folders[i / ENV_FILES_BESIDE];

		snprintf(path, sizeof path, "%s/%s", folder,
			 names_beside[i % ENV_FILES_BESIDE]);
		if (*folder != '\0' && access(path, F_OK) == 0 &&
		    !is_read(path, config, list))
			sbuf_printf(report,
				    "%s: note: is not read, since it is not beside %s; "
				    "give --env-file %s to read it\n",
				    path, config, path);
	}
}

/* --- look-ups --- */

const char *env_file_get(const struct env_file *e, const char *name)
{
	const struct env_entry *entry = find(e, str_of(name));

	return entry != NULL ? entry->value : NULL;
}

const char *env_file_variable(void *ctx, const char *name)
{
	const char *real = getenv(name);

	return real != NULL && *real != '\0' ? real : env_file_get(ctx, name);
}
