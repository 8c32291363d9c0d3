/* What looks wrong about a value that came from a variable or a file. */
#include "gateway/settings/suspicion.h"

#include <stddef.h>
#include <string.h>

#include "common/check.h"
#include "common/str.h"

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS_ "0123456789_"

static bool begins(struct str s, const char *with)
{
	return str_has_prefix(s, str_of(with));
}

static bool ends(struct str s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p + s.n - n, with, n) == 0;
}

/* At an end of s: any of the texts. */
static bool at_an_end(struct str s, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (begins(s, texts[i]) || ends(s, texts[i]))
			return true;
	return false;
}

/* White space, and what looks like it: U+00A0, U+200B, U+2060. */
static bool is_padded(struct str s)
{
	static const char *const blanks[] = {
		" ", "\t", "\r", "\n", "\xc2\xa0", "\xe2\x80\x8b", "\xe2\x81\xa0"};

	return at_an_end(s, blanks, ARRAY_LEN(blanks));
}

/* Also U+201C, U+201D, U+2018 and U+2019, which word processors make. */
static bool is_quoted(struct str s)
{
	static const char *const quotes[] = {
		"\"",           "'",           "`", "\xe2\x80\x9c", "\xe2\x80\x9d",
		"\xe2\x80\x98", "\xe2\x80\x99"};

	return at_an_end(s, quotes, ARRAY_LEN(quotes));
}

/* "xxx", "sk-***", "....". */
static bool ends_in_filler(struct str s)
{
	char last = s.n != 0 ? s.p[s.n - 1] : '\0';

	return s.n >= 3 && strchr("xX*.", last) != NULL && s.p[s.n - 2] == last &&
	       s.p[s.n - 3] == last;
}

static bool is_placeholder(struct str s)
{
	static const char *const words[] = {
		"undefined", "null",     "none",        "nil",       "nan",
		"todo",      "tbd",      "changeme",    "change-me", "change_me",
		"secret",    "password", "token",       "key",       "apikey",
		"api-key",   "api_key",  "placeholder", "example",   "redacted"};
	static const char *const starts[] = {"your-",   "your_",   "your ",
					     "replace", "YOUR-",   "YOUR_",
					     "YOUR ",   "REPLACE", "[object "};
	static const char *const parts[] = {"...", "\xe2\x80\xa6", "user:password@"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_ieq(s, str_of(words[i])))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (begins(s, starts[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (memmem(s.p, s.n, parts[i], strlen(parts[i])) != NULL)
			return true;
	return ends_in_filler(s) || (begins(s, "<") && ends(s, ">"));
}

const char *suspicion_of(const char *value)
{
	struct str s = str_of(value);
	char name[SUSPICION_NAME_MAX];

	if (s.n == 0)
		return NULL;
	if (begins(s, "\xef\xbb\xbf"))
		return "begins with a byte order mark; save what it comes from without one";
	if (is_padded(s))
		return "begins or ends with a blank or a line break, which count as part of "
		       "it; remove them";
	if (is_quoted(s))
		return "begins or ends with a quote, which counts as part of it; remove the "
		       "quotes";
	if (begins(s, "${") || suspicion_is_reference(value, name))
		return "holds another variable's name, which nothing has expanded; put the "
		       "real value there";
	if (is_placeholder(s))
		return "looks like a placeholder; put the real value there";
	return NULL;
}

static bool take_name(struct str s, char name[SUSPICION_NAME_MAX])
{
	static const char first[] = CAPITALS "abcdefghijklmnopqrstuvwxyz_";
	static const char others[] = CAPITALS "abcdefghijklmnopqrstuvwxyz" DIGITS_;

	s = str_trim(s);
	if (s.n == 0 || s.n >= SUSPICION_NAME_MAX || strchr(first, s.p[0]) == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (strchr(others, s.p[i]) == NULL)
			return false;
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	return true;
}

bool suspicion_is_reference(const char *text, char name[SUSPICION_NAME_MAX])
{
	static const char *const forms[][2] = {
		{"$(", ")"}, {"{{", "}}"}, {"%", "%"}, {"$", ""}};
	struct str s = str_of(text);

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		size_t before = strlen(forms[i][0]), after = strlen(forms[i][1]);

		if (s.n > before + after && begins(s, forms[i][0]) &&
		    ends(s, forms[i][1]))
			return take_name((struct str){s.p + before, s.n - before - after},
					 name);
	}
	return false;
}

bool suspicion_has_reference(const char *text, char name[SUSPICION_NAME_MAX])
{
	for (const char *p = text; (p = strchr(p, '$')) != NULL; p++) {
		size_t n = strspn(p + 1, CAPITALS DIGITS_);

		if (n >= 2 && strchr(CAPITALS, p[1]) != NULL &&
		    (p == text || p[-1] != '$'))
			return take_name((struct str){p + 1, n}, name);
	}
	return false;
}
