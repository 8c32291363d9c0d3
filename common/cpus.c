/* How many processors there are for this process: its affinity mask and its quotas. */
#include "common/cpus.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/str.h"

#define CPUS_MAX (1 << 20) /* more than any kernel is built for */
#define LINE_MAX_BYTES 8192

/* --- affinity --- */

/* The kernel refuses a mask that is shorter than its own (sched_getaffinity(2)). */
static unsigned affinity(void)
{
	unsigned found = 0;

	for (int n = CPU_SETSIZE; n <= CPUS_MAX && found == 0; n *= 2) {
		size_t size = CPU_ALLOC_SIZE(n);
		cpu_set_t *set = CPU_ALLOC(n);

		CHECK(set != NULL);
		if (sched_getaffinity(0, size, set) == 0)
			found = (unsigned)CPU_COUNT_S(size, set);
		else if (errno != EINVAL)
			n = CPUS_MAX;
		CPU_FREE(set);
	}
	return found > 0 ? found : 1;
}

/* --- quotas --- */

/* A file system of control groups with the groups' CPU quotas. */
struct hierarchy {
	bool v2;
	char root[PATH_MAX];  /* of its groups, which is mounted at ... */
	char mount[PATH_MAX]; /* ... this folder */
};

static bool has_item(struct str list, struct str item)
{
	struct str one;

	while (str_list_next(&list, &one))
		if (str_eq(one, item))
			return true;
	return false;
}

/* The next word of a line; empty at its end. */
static struct str next_word(struct str *line)
{
	struct str word = str_trim(*line);
	size_t n = 0;

	while (n < word.n && word.p[n] != ' ' && word.p[n] != '\n')
		n++;
	*line = (struct str){word.p + n, word.n - n};
	word.n = n;
	return word;
}

/* "36 35 98:0 /root /mount opts shared:1 - type source super-options" (proc(5)). */
static bool read_mount(const char *line, struct hierarchy *h)
{
	const char *dash = strstr(line, " - ");
	struct str left = str_of(line), right, type;

	if (dash == NULL)
		return false;
	for (int i = 0; i < 3; i++)
		next_word(&left);
	if (!str_copy(h->root, sizeof h->root, next_word(&left)) ||
	    !str_copy(h->mount, sizeof h->mount, next_word(&left)))
		return false;
	right = str_of(dash + 3);
	type = next_word(&right);
	next_word(&right);
	h->v2 = str_eq(type, STR("cgroup2"));
	return h->v2 ||
	       (str_eq(type, STR("cgroup")) && has_item(next_word(&right), STR("cpu")));
}

/* "0::/path" is of version 2, "3:cpu,cpuacct:/path" of version 1 (cgroups(7)). */
static bool read_group(const char *proc, const struct hierarchy *h, char path[PATH_MAX])
{
	char *file = xasprintf("%s/cgroup", proc), line[LINE_MAX_BYTES];
	FILE *f = fopen(file, "re");
	bool found = false;

	free(file);
	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
		const char *names = strchr(line, ':');
		const char *group = names != NULL ? strchr(names + 1, ':') : NULL;

		if (group == NULL)
			continue;
		found = h->v2 ? strncmp(line, "0::", 3) == 0
			      : has_item((struct str){names + 1,
						      (size_t)(group - names) - 1},
					 STR("cpu"));
		found = found &&
			str_copy(path, PATH_MAX,
				 (struct str){group + 1, strcspn(group + 1, "\n")});
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* Up to two numbers from a file; what is none, "max" or -1, is 0. */
static void read_numbers(const char *folder, const char *name, uint64_t *a, uint64_t *b)
{
	char *file = xasprintf("%s/%s", folder, name), line[64] = "";
	FILE *f = fopen(file, "re");
	struct str left;

	*a = *b = 0;
	if (f != NULL && fgets(line, sizeof line, f) != NULL) {
		left = str_of(line);
		if (!str_to_u64(next_word(&left), a))
			*a = 0;
		if (!str_to_u64(next_word(&left), b))
			*b = 0;
	}
	if (f != NULL)
		fclose(f);
	free(file);
}

/* How many CPUs the group in this folder may use, rounded up; 0: as many as there are. */
static unsigned quota_of(const struct hierarchy *h, const char *folder)
{
	uint64_t quota, period, none, n;

	if (h->v2) {
		read_numbers(folder, "cpu.max", &quota, &period);
	} else {
		read_numbers(folder, "cpu.cfs_quota_us", &quota, &none);
		read_numbers(folder, "cpu.cfs_period_us", &period, &none);
	}
	if (quota == 0 || period == 0)
		return 0;
	n = quota / period + (quota % period != 0);
	return n < CPUS_MAX ? (unsigned)n : CPUS_MAX;
}

static unsigned least(unsigned a, unsigned b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The group's folder: below the mount what lies below the mount's root. Where the process
 * is outside of that ("/.."), or the groups are not told apart, the mount itself. */
static char *folder_of(const struct hierarchy *h, const char *group)
{
	size_t n = strcmp(h->root, "/") == 0 ? 0 : strlen(h->root);

	if (strncmp(group, h->root, n) != 0 || (group[n] != '/' && group[n] != '\0') ||
	    strstr(group, "/..") != NULL)
		return xstrdup(h->mount);
	return xasprintf("%s%s", h->mount, strcmp(group + n, "/") == 0 ? "" : group + n);
}

/* Of the process's group and all above it. */
static unsigned quota_in(const char *proc, const struct hierarchy *h)
{
	char group[PATH_MAX], *folder;
	size_t mount = strlen(h->mount);
	unsigned found = 0;

	if (!read_group(proc, h, group))
		return 0;
	folder = folder_of(h, group);
	for (;;) {
		char *slash = strrchr(folder + mount, '/');

		found = least(found, quota_of(h, folder));
		if (slash == NULL)
			break;
		*slash = '\0';
	}
	free(folder);
	return found;
}

unsigned cpus_quota(const char *proc)
{
	char *file = xasprintf("%s/mountinfo", proc), line[LINE_MAX_BYTES];
	FILE *f = fopen(file, "re");
	struct hierarchy h;
	unsigned found = 0;

	free(file);
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (read_mount(line, &h))
			found = least(found, quota_in(proc, &h));
	fclose(f);
	return found;
}

unsigned cpus_usable(void)
{
	return least(affinity(), cpus_quota("/proc/self"));
}
