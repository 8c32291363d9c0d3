/* Which file of the pages a request gets. */
#include "gateway/pages/page_choice.h"

#include <string.h>

#include "common/check.h"
#include "gateway/http/accepted.h"

#define ASSETS "/assets/"

static bool is_reading(const struct request_head *h)
{
	return h->method == HTTP_GET || h->method == HTTP_HEAD;
}

/* Browsers name HTML where a person goes somewhere; scripts and curl take anything. */
static bool is_browser(const struct request_head *h)
{
	return is_reading(h) &&
	       accepted_item(h, STR("accept"), STR("text/html")) == ACCEPTED_YES;
}

/* --- paths --- */

static bool is_page_of(struct str pattern, struct str path)
{
	const char *value = memchr(pattern.p, '{', pattern.n);
	size_t n = value != NULL ? (size_t)(value - pattern.p) : pattern.n;

	if (!str_has_prefix(path, (struct str){pattern.p, n}))
		return false;
	path = (struct str){path.p + n, path.n - n};
	if (value == NULL)
		return path.n == 0;
	return path.n > 0 && memchr(path.p, '/', path.n) == NULL;
}

static bool is_page(struct str path)
{
	static const char *const pages[] = {
#define PAGE(path) path,
#include "gateway/pages/pages.def"
#undef PAGE
	};

	if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		if (is_page_of(str_of(pages[i]), path))
			return true;
	return false;
}

static const struct page_file *find_asset(const struct page_files *files, struct str path)
{
	for (size_t i = 0; i < files->n_assets; i++)
		if (str_eq(path, str_of(files->assets[i].path)))
			return &files->assets[i];
	return NULL;
}

/* --- which form of a file --- */

static const struct {
	const char *coding, *suffix;
} codings[PAGE_FORMS] = {
	[PAGE_PLAIN] = {NULL, ""},
	[PAGE_GZIP] = {"gzip", "-gz"},
	[PAGE_BROTLI] = {"br", "-br"},
};

const char *page_form_coding(enum page_form form)
{
	return codings[form].coding;
}

const char *page_form_suffix(enum page_form form)
{
	return codings[form].suffix;
}

/* Who says nothing of encodings may not know any. */
static bool takes(const struct request_head *h, enum page_form form)
{
	struct str field = STR("accept-encoding");
	enum accepted a = accepted_item(h, field, str_of(codings[form].coding));

	return a == ACCEPTED_YES || (a == ACCEPTED_UNNAMED &&
				     accepted_item(h, field, STR("*")) == ACCEPTED_YES);
}

/* The smallest that the client takes. */
static enum page_form choose_form(const struct request_head *h,
				  const struct page_file *file)
{
	static const enum page_form by_size[] = {PAGE_BROTLI, PAGE_GZIP};

	for (size_t i = 0; i < ARRAY_LEN(by_size); i++)
		if (file->forms[by_size[i]].n > 0 && takes(h, by_size[i]))
			return by_size[i];
	return PAGE_PLAIN;
}

static bool take(struct str *s, struct str prefix)
{
	if (!str_has_prefix(*s, prefix))
		return false;
	*s = (struct str){s->p + prefix.n, s->n - prefix.n};
	return true;
}

/* By the weak comparison of RFC 9110 13.1.2: a proxy between may have weakened it. */
static bool is_tag_of(const struct page_choice *c, struct str tag)
{
	take(&tag, STR("W/"));
	return take(&tag, STR("\"")) && take(&tag, str_of(c->file->tag)) &&
	       take(&tag, str_of(page_form_suffix(c->form))) && str_eq(tag, STR("\""));
}

static bool is_known(const struct request_head *h, const struct page_choice *c)
{
	for (unsigned i = 0; i < h->n_fields; i++) {
		struct str list = h->fields[i].value, tag;

		if (!str_ieq(h->fields[i].name, STR("if-none-match")))
			continue;
		while (str_list_next(&list, &tag))
			if (str_eq(tag, STR("*")) || is_tag_of(c, tag))
				return true;
	}
	return false;
}

static struct page_choice choose_file(const struct request_head *h,
				      const struct page_file *file, bool is_asset)
{
	return (struct page_choice){PAGE_FILE, file, choose_form(h, file), is_asset};
}

/* --- choosing --- */

struct page_choice page_choose(const struct page_files *files,
			       const struct request_head *h)
{
	bool is_asset = str_has_prefix(h->path, STR(ASSETS));
	const struct page_file *file = files->index;
	struct page_choice c;

	if (str_eq(h->path, STR("/")))
		return (struct page_choice){.verdict = is_browser(h) ? PAGE_HOME
								     : PAGE_NONE};
	if (!is_asset && !is_page(h->path))
		return (struct page_choice){.verdict = PAGE_NONE};
	if (is_asset)
		file = find_asset(files, h->path);
	if (file == NULL)
		return (struct page_choice){.verdict = PAGE_GONE};
	if (!is_reading(h))
		return (struct page_choice){.verdict = PAGE_METHOD};
	c = choose_file(h, file, is_asset);
	if (!files->are_absent && is_known(h, &c))
		c.verdict = PAGE_SAME;
	return c;
}

struct page_choice page_choose_unknown(const struct page_files *files,
				       const struct request_head *h)
{
	if (!is_browser(h) || str_eq(h->path, STR("/api")) ||
	    str_has_prefix(h->path, STR("/api/")))
		return (struct page_choice){.verdict = PAGE_NONE};
	return choose_file(h, files->index, false);
}
