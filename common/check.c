/* Assertions, start-up failures and allocations that cannot fail. */
#include "common/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CALLOC_MAX_CACHED 1024 /* bytes of a piece that the thread's cache keeps */

_Noreturn void check_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "tollgate: CHECK failed: %s at %s:%d\n", cond, file, line);
	abort();
}

_Noreturn void die(const char *format, ...)
{
	va_list ap;

	fputs("tollgate: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
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
