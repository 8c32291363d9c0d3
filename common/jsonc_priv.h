/* The lexical half of common/jsonc: white space, comments, strings, numbers,
 * positions. */
#ifndef COMMON_JSONC_PRIV_H
#define COMMON_JSONC_PRIV_H

#include "common/jsonc.h"

/* What is read: a file that people write, or a request's body. */
enum jsonc_source { JSONC_FILE, JSONC_BODY };

struct jsonc_scan {
	const char *p, *end;
	struct jsonc_pos pos; /* of *p */
	const struct jsonc_sink *sink;
	enum jsonc_source source;
};

/* "file" or "body": for messages. */
const char *jsonc_scan_source(const struct jsonc_scan *s);

/* False (and reported) if the text is not UTF-8 or holds a NUL; a byte order mark is
 * passed over. text must outlive the scan. */
bool jsonc_scan_init(struct jsonc_scan *s, struct str text, enum jsonc_source source,
		     const struct jsonc_sink *sink);
/* Reports; always false, so that callers can return it. */
bool jsonc_scan_fail(struct jsonc_scan *s, struct jsonc_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Reports what stands at the scan's place and what was expected there; always false. */
bool jsonc_scan_unexpected(struct jsonc_scan *s, const char *expected);

/* The same where a value was expected, with what to write instead. */
bool jsonc_scan_no_value(struct jsonc_scan *s);

/* Passes over white space, and over comments where it reads a file. */
bool jsonc_scan_space(struct jsonc_scan *s);
/* Takes the character if it stands here. */
bool jsonc_scan_take(struct jsonc_scan *s, char c);
/* Takes true, false or null if the whole word stands here. */
bool jsonc_scan_word(struct jsonc_scan *s, const char *word);
/* At a quote: decodes the string; *out is the caller's to free. */
bool jsonc_scan_string(struct jsonc_scan *s, char **out);
/* At a digit or minus: *out is the number as written, the caller's to free. */
bool jsonc_scan_number(struct jsonc_scan *s, char **out);

#endif
