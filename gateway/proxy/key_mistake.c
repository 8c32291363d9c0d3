/* What callers get wrong with a good key. */
#include "gateway/proxy/key_mistake.h"

#include <stdio.h>

#include "common/check.h"
#include "gateway/token/key.h"

/* --- what stands there instead of a key --- */

static bool contains(struct str s, const char *part)
{
	return s.n && memmem(s.p, s.n, part, strlen(part)) != NULL;
}

/* n8n's, which is sent as it stands where the field is not in expression mode; and what
 * other tools leave of a template. */
static bool is_expression(struct str s)
{
	return s.p[0] == '=' || contains(s, "{{") || contains(s, "}}") ||
	       contains(s, "${") || contains(s, "$json") || contains(s, "$env");
}

/* Zero-width characters, a no-break space, a soft hyphen, a byte order mark (UTF-8). */
static bool has_invisible(struct str s)
{
	static const char *const marks[] = {
		"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e",
		"\xe2\x80\x8f", "\xe2\x81\xa0", "\xef\xbb\xbf", "\xc2\xa0",
		"\xc2\xad",     "\xe2\x80\xa8", "\xe2\x80\xaf"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (contains(s, marks[i]))
			return true;
	return false;
}

static bool is_quoted(struct str s)
{
	static const char *const quotes[] = {
		"\"",           "'",           "`", "\xe2\x80\x98", "\xe2\x80\x99",
		"\xe2\x80\x9c", "\xe2\x80\x9d"};

	for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
		struct str q = str_of(quotes[i]);

		if (str_has_prefix(s, q) ||
		    (s.n >= q.n && memcmp(s.p + s.n - q.n, q.p, q.n) == 0))
			return true;
	}
	return false;
}

static bool has_other_bytes(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return true;
	return false;
}

static bool begins_with_scheme(struct str s)
{
	struct str bearer = STR("bearer");

	return s.n >= bearer.n && str_ieq((struct str){s.p, bearer.n}, bearer) &&
	       (s.n == bearer.n || s.p[bearer.n] == ' ' || s.p[bearer.n] == ':');
}

static bool has_blank(struct str s)
{
	return memchr(s.p, ' ', s.n) != NULL || memchr(s.p, '\t', s.n) != NULL;
}

/* In the order in which they are told. */
static const struct {
	bool (*is)(struct str s);
	const char *sentence; /* behind "the value in NAME" */
} mistakes[] = {
	{is_expression,
	 "is an expression that was not evaluated: in n8n, switch the field to Expression"},
	{has_invisible,
	 "has an invisible character (a zero-width space, say): type it, or copy the key again"},
	{is_quoted, "stands in quotes: send the key without them"},
	{has_other_bytes, "has a character that no key has: copy the key again"},
};

static bool tell(char out[KEY_MISTAKE_MAX], enum credential_place place,
		 const char *sentence)
{
	snprintf(out, KEY_MISTAKE_MAX, "the value in %s %s", credential_place_name(place),
		 sentence);
	return true;
}

static bool tell_scheme(const struct credential *c, char out[KEY_MISTAKE_MAX])
{
	if (c->place == CREDENTIAL_BEARER)
		return tell(
			out, c->place,
			"has Bearer twice: write it once (n8n's Bearer credential adds it)");
	if (c->place == CREDENTIAL_BARE)
		return tell(out, c->place, "is Bearer without a key behind it");
	return tell(out, c->place, "begins with Bearer: this header takes the key alone");
}

/* What most keys are made of, wrong ones too: nothing to look for. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-')
			return false;
	}
	return !begins_with_scheme(s);
}

bool key_mistake_of(const struct credential *c, char out[KEY_MISTAKE_MAX])
{
	if (str_has_prefix(c->value, STR(KEY_USER_PREFIX)))
		return tell(out, c->place,
			    "is a personal key, for the manager: calls take a token's "
			    "key (" KEY_PREFIX "...)");
	if (credential_may_count(c->place) && is_plain(c->value))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++)
		if (mistakes[i].is(c->value))
			return tell(out, c->place, mistakes[i].sentence);
	if (begins_with_scheme(c->value))
		return tell_scheme(c, out);
	if (c->place == CREDENTIAL_BARE)
		return tell(
			out, c->place,
			"has no scheme: write Authorization: Bearer, a space and the key");
	if (c->place == CREDENTIAL_OTHER && credential_is_ours(c->value))
		return tell(out, c->place,
			    "is a key under another scheme: write Authorization: Bearer");
	if (has_blank(c->value) && c->place != CREDENTIAL_OTHER)
		return tell(out, c->place, "has a blank inside: copy the key again");
	return false;
}

bool key_mistake_of_none(const struct request_head *h, const struct credentials *c,
			 char out[KEY_MISTAKE_MAX])
{
	for (unsigned i = 0; i < c->n; i++)
		if (key_mistake_of(&c->items[i], out))
			return true;
	if (c->n == 0 && request_head_has(h, HTTP_H_X_API_KEY))
		return tell(out, CREDENTIAL_X_API_KEY, "is empty");
	if (c->n == 0 && request_head_has(h, HTTP_H_AUTHORIZATION))
		return tell(out, CREDENTIAL_BEARER, "is empty");
	return false;
}
