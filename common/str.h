/* Strings with a length, and a growing buffer with a mandatory cap.
 *
 * A struct str never owns its bytes and is not NUL-terminated. */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *s)
{
	return (struct str){s, s ? strlen(s) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* p is one of its places, not just equal to what stands there. */
static inline bool str_has_place(struct str s, const char *p)
{
	return (uintptr_t)p - (uintptr_t)s.p < s.n;
}

/* ASCII case-insensitive (never the locale's). */
bool str_ieq(struct str a, struct str b);
bool str_has_prefix(struct str s, struct str prefix);
/* Cuts spaces and tabs (OWS of RFC 9110 5.6.3) on both ends. */
struct str str_trim(struct str s);
/* Digits only, no sign, no overflow; false otherwise. */
bool str_to_u64(struct str s, uint64_t *out);
/* Copies s as a C string into out, of `room` bytes. False, and *out is empty, where it
 * does not fit or holds a NUL. */
bool str_copy(char *out, size_t room, struct str s);
/* Takes the next element of a comma-separated list (RFC 9110 5.6.1), trimmed; empty ones
 * are skipped. False when the list is used up. */
bool str_list_next(struct str *list, struct str *item);

/* Lower-case hex; out has 2 * n + 1 bytes. */
void hex_encode(char *out, const void *bytes, size_t n);
/* False unless text is exactly 2 * n hex digits (either case). */
bool hex_decode(void *out, size_t n, struct str text);

/* A growing byte buffer. Appending past cap sets `overflow` and appends nothing; so a
 * caller checks once at the end. Start from {.cap = N}. sbuf_fini frees. */
struct sbuf {
	char *p;
	size_t n, room, cap;
	bool overflow;
};

void sbuf_init(struct sbuf *b, size_t cap);
void sbuf_fini(struct sbuf *b);
static inline void sbuf_reset(struct sbuf *b)
{
	b->n = 0;
	b->overflow = false;
}
/* Makes room for n more bytes; NULL (and overflow) past cap. Write, then add to b->n. */
char *sbuf_reserve(struct sbuf *b, size_t n);
void sbuf_add(struct sbuf *b, const void *bytes, size_t n);
static inline void sbuf_str(struct sbuf *b, struct str s)
{
	sbuf_add(b, s.p, s.n);
}
#define sbuf_lit(b, literal) sbuf_add((b), (literal), sizeof(literal) - 1)
void sbuf_u64(struct sbuf *b, uint64_t v);
void sbuf_printf(struct sbuf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sbuf_vprintf(struct sbuf *b, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));
/* The bytes as a C string, until the next append; its NUL is not counted. Nothing may
 * have overflowed. */
const char *sbuf_text(struct sbuf *b);
static inline struct str sbuf_view(const struct sbuf *b)
{
	return (struct str){b->p, b->n};
}

#endif
