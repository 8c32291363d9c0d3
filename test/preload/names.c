/* Loaded before libc by LD_PRELOAD: names that a test makes up, and threads that it
 * forbids.
 *
 * TOLLGATE_TEST_NAMES is a file that may change at any time, a line for each name:
 * `NAME ADDRESS...`; `NAME` alone does not exist; `NAME hang` is not answered as long as
 * the line says so. All others are looked up as ever. Each look-up adds the name to
 * FILE.calls. While TOLLGATE_TEST_NO_THREADS is a file that exists, no thread can be
 * made. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 10

static int (*real_getaddrinfo)(const char *, const char *, const struct addrinfo *,
			       struct addrinfo **);
static int (*real_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static const char *names, *no_threads;

__attribute__((constructor)) static void set_up(void)
{
	*(void **)&real_getaddrinfo = dlsym(RTLD_NEXT, "getaddrinfo");
	*(void **)&real_create = dlsym(RTLD_NEXT, "pthread_create");
	names = getenv("TOLLGATE_TEST_NAMES");
	no_threads = getenv("TOLLGATE_TEST_NO_THREADS");
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
		   void *(*fn)(void *), void *restrict arg)
{
	if (no_threads != NULL && access(no_threads, F_OK) == 0)
		return EAGAIN;
	return real_create(thread, attr, fn, arg);
}

/* The rest of the name's line, cut at its end; 0: the file has none. */
static int find(const char *name, char line[512])
{
	FILE *f = fopen(names, "re");
	size_t n = strlen(name);
	int found = 0;

	while (f != NULL && !found && fgets(line, 512, f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == 0);
	}
	if (f != NULL)
		fclose(f);
	if (found)
		memmove(line, line + n, strlen(line + n) + 1);
	return found;
}

static void note_call(const char *name)
{
	char path[4096], line[512];
	int fd, n;

	snprintf(path, sizeof path, "%s.calls", names);
	n = snprintf(line, sizeof line, "%s\n", name);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

/* One after the other by the real one, which knows how to fill an addrinfo that
 * freeaddrinfo takes. */
static int answer(char *line, const char *service, const struct addrinfo *hints,
		  struct addrinfo **found)
{
	struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST}, **end = found;
	char *rest = NULL;

	*found = NULL;
	if (hints != NULL) {
		numeric.ai_family = hints->ai_family;
		numeric.ai_socktype = hints->ai_socktype;
	}
	for (char *word = strtok_r(line, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		if (real_getaddrinfo(word, service, &numeric, end) != 0)
			continue;
		while (*end != NULL)
			end = &(*end)->ai_next;
	}
	return *found ? 0 : EAI_NONAME;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	char line[512];

	if (names == NULL || name == NULL ||
	    (hints != NULL && hints->ai_flags & AI_NUMERICHOST) || !find(name, line))
		return real_getaddrinfo(name, service, hints, found);
	note_call(name);
	while (strcmp(line, " hang") == 0) {
		poll(NULL, 0, LOOK_MS);
		if (!find(name, line))
			return EAI_AGAIN;
	}
	return answer(line, service, hints, found);
}
