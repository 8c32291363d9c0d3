/* Assertions that stay on in release, start-up failures, and allocations that cannot
 * fail.
 *
 * CHECK() is for a programmer's error only: it prints the place and aborts. A peer's or
 * the environment's fault never goes through here. */
#ifndef COMMON_CHECK_H
#define COMMON_CHECK_H

#include <stddef.h>
#include <stdlib.h>

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))

/* Objects that travel through callbacks as void * carry a magic number first; OBJ_CHECK
 * at the top of the callback catches a stale or foreign pointer. */
#define OBJ_CHECK(obj, number) CHECK((obj) != NULL && (obj)->magic == (number))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* fn writes what waits to be logged, for half a second at most: called before the last
 * words of check_failed and die. Main thread, while it is the only one. */
void check_set_flush(void (*fn)(void));

_Noreturn void check_failed(const char *cond, const char *file, int line);

/* Prints "tollgate: <message>" on stderr and exits 1. Start-up only. Any thread. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For small objects of fixed size: abort when memory is gone. Sizes that a peer chooses
 * are capped before they come here. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
