/* Assertions, start-up failures and allocations that cannot fail. */
#include "common/check.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/console.h"

#define LAST_WORDS_MAX 4096    /* bytes; more is cut */
#define LAST_WORDS_MS 500      /* how long they wait for a reader */
#define CALLOC_MAX_CACHED 1024 /* bytes of a piece that the thread's cache keeps */

static void (*_Atomic flush)(void);

void check_set_flush(void (*fn)(void))
{
	atomic_store(&flush, fn);
}

/* Past the log's thread, which may never come to it; but a reader that does not read
 * keeps nobody from ending. */
static void last_words(const char *format, va_list ap)
	__attribute__((format(printf, 1, 0)));

static void last_words(const char *format, va_list ap)
{
	void (*fn)(void) = atomic_load(&flush);
	char text[LAST_WORDS_MAX];
	size_t n = console_put_priority(text, '3');
	int k = vsnprintf(text + n, sizeof text - n - 1, format, ap);

	if (k > 0)
		n += (size_t)k < sizeof text - n - 1 ? (size_t)k : sizeof text - n - 2;
	text[n++] = '\n';
	if (fn != NULL)
		fn();
	if (console_takes(STDERR_FILENO, LAST_WORDS_MS))
		console_write(STDERR_FILENO, text, n);
}

static void say_last(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say_last(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	last_words(format, ap);
	va_end(ap);
}

_Noreturn void check_failed(const char *cond, const char *file, int line)
{
	say_last("tollgate: CHECK failed: %s at %s:%d", cond, file, line);
	abort();
}

_Noreturn void die(const char *format, ...)
{
	char text[LAST_WORDS_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	say_last("tollgate: %s", text);
	exit(1);
}

void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	CHECK(p != NULL);
	return p;
}

void *xcalloc(size_t count, size_t size)
{
	size_t bytes;
	void *p;

	CHECK(!__builtin_mul_overflow(count, size, &bytes));
	if (bytes > CALLOC_MAX_CACHED) {
		p = calloc(1, bytes);
		CHECK(p != NULL);
		return p;
	}
	/* Small pieces: glibc's calloc passes by the thread's cache before 2.41. */
	p = malloc(bytes ? bytes : 1);
	CHECK(p != NULL);
	return memset(p, 0, bytes);
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	CHECK(p != NULL);
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xasprintf(const char *format, ...)
{
	va_list ap;
	char *out = NULL;
	int n;

	va_start(ap, format);
	n = vasprintf(&out, format, ap);
	va_end(ap);
	CHECK(n >= 0);
	return out;
}
