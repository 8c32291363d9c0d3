/* How many CPUs a process may use: made-up control groups, large masks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/cpus.h"

/* --- a kernel for this many CPUs, in place of libc's call --- */

static int kernel_cpus, own_cpus;

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	if (size * 8 < (size_t)kernel_cpus) {
		errno = EINVAL;
		return -1;
	}
	memset(set, 0, size);
	for (int i = 0; i < own_cpus; i++)
		CPU_SET_S(kernel_cpus - 1 - i, size, set);
	return 0;
}

static void test_more_cpus_than_a_fixed_mask_has(void **state)
{
	static const struct {
		int kernel, own;
	} cases[] = {{1, 1},       {8, 8},       {1024, 1024}, {1024, 3},
		     {1025, 1025}, {2048, 1500}, {8192, 8192}, {8192, 1}};

	(void)state;
	if (cpus_quota("/proc/self") != 0)
		skip(); /* of the machine that tests */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		kernel_cpus = cases[i].kernel;
		own_cpus = cases[i].own;
		assert_int_equal(cpus_usable(), cases[i].own);
	}
}

/* --- control groups --- */

static char folder[] = "/tmp/tollgate-cpus-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	char *command = xasprintf("rm -rf %s", folder);
	int status = system(command);

	(void)state;
	free(command);
	return status;
}

static void write_file(const char *path, const char *text)
{
	char *full = xasprintf("%s%s", folder, path);
	FILE *f;

	for (char *p = strchr(full + strlen(folder) + 1, '/'); p;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(full);
}

struct groups {
	const char *what;
	const char *root, *type, *super; /* of the mount /cg */
	const char *group;               /* a line of /proc/self/cgroup */
	struct {
		const char *path, *text;
	} files[4];
	unsigned expected;
};

static const struct groups groups[] = {
	{"a container: its group is the root that it sees",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/",
	 {{"/cpu.max", "200000 100000\n"}},
	 2},
	{"no quota", "/", "cgroup2", "rw", "0::/a", {{"/a/cpu.max", "max 100000\n"}}, 0},
	{"rounded up",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/a/cpu.max", "150000 100000\n"}},
	 2},
	{"at least one",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/a/cpu.max", "1000 100000\n"}},
	 1},
	{"another period",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/a/cpu.max", "30000 10000\n"}},
	 3},
	{"the least of all above, as systemd's slices have it",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a.slice/b.service",
	 {{"/a.slice/cpu.max", "300000 100000\n"},
	  {"/a.slice/b.service/cpu.max", "800000 100000\n"}},
	 3},
	{"the inner one",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a.slice/b.service",
	 {{"/a.slice/cpu.max", "900000 100000\n"},
	  {"/a.slice/b.service/cpu.max", "400000 100000\n"}},
	 4},
	{"another group's",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/b/cpu.max", "100000 100000\n"}},
	 0},
	{"no cpu controller",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/a/memory.max", "1\n"}},
	 0},
	{"a mount of a part",
	 "/docker/x",
	 "cgroup2",
	 "rw",
	 "0::/docker/x/y",
	 {{"/y/cpu.max", "500000 100000\n"}, {"/docker/x/y/cpu.max", "100000 100000\n"}},
	 5},
	{"a process outside of its namespace",
	 "/../a",
	 "cgroup2",
	 "rw",
	 "0::/../b",
	 {{"/cpu.max", "600000 100000\n"}},
	 6},
	{"nonsense", "/", "cgroup2", "rw", "0::/a", {{"/a/cpu.max", "x 1\n"}}, 0},
	{"a period of 0",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/a/cpu.max", "100000 0\n"}},
	 0},
	{"empty", "/", "cgroup2", "rw", "0::/a", {{"/a/cpu.max", ""}}, 0},
	{"huge",
	 "/",
	 "cgroup2",
	 "rw",
	 "0::/a",
	 {{"/a/cpu.max", "9000000000000000000 1\n"}},
	 1 << 20},
	{"version 1",
	 "/",
	 "cgroup",
	 "rw,cpu,cpuacct",
	 "4:cpu,cpuacct:/a",
	 {{"/a/cpu.cfs_quota_us", "250000\n"}, {"/a/cpu.cfs_period_us", "100000\n"}},
	 3},
	{"version 1 without a quota",
	 "/",
	 "cgroup",
	 "rw,cpu",
	 "4:cpu:/a",
	 {{"/a/cpu.cfs_quota_us", "-1\n"}, {"/a/cpu.cfs_period_us", "100000\n"}},
	 0},
	{"version 1 of a container",
	 "/docker/x",
	 "cgroup",
	 "rw,cpuacct,cpu",
	 "4:cpuacct,cpu:/docker/x",
	 {{"/cpu.cfs_quota_us", "100000\n"}, {"/cpu.cfs_period_us", "100000\n"}},
	 1},
	{"version 1's other controllers",
	 "/",
	 "cgroup",
	 "rw,cpuset",
	 "4:cpuset:/a",
	 {{"/a/cpu.cfs_quota_us", "100000\n"}, {"/a/cpu.cfs_period_us", "100000\n"}},
	 0},
	{"something else", "/", "tmpfs", "rw,cpu", "0::/", {{"/cpu.max", "1 1\n"}}, 0},
};

static void test_quotas(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		const struct groups *g = &groups[i];
		char *at = xasprintf("/%zu", i), *path, *text;
		char *proc = xasprintf("%s%s/proc", folder, at);

		path = xasprintf("%s/proc/mountinfo", at);
		text = xasprintf(
			"21 1 0:1 / / rw - ext4 /dev/vda rw\n"
			"36 35 0:28 %s %s%s/cg rw,nosuid shared:9 - %s cgroup %s\n",
			g->root, folder, at, g->type, g->super);
		write_file(path, text);
		free(path);
		free(text);
		path = xasprintf("%s/proc/cgroup", at);
		text = xasprintf("9:name=systemd:/init\n%s\n", g->group);
		write_file(path, text);
		free(path);
		free(text);
		for (size_t k = 0; k < ARRAY_LEN(g->files) && g->files[k].path; k++) {
			path = xasprintf("%s/cg%s", at, g->files[k].path);
			write_file(path, g->files[k].text);
			free(path);
		}
		if (cpus_quota(proc) != g->expected)
			fail_msg("%s: %u, not %u", g->what, cpus_quota(proc),
				 g->expected);
		free(proc);
		free(at);
	}
	assert_int_equal(cpus_quota("/nonexistent"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_cpus_than_a_fixed_mask_has),
		cmocka_unit_test(test_quotas),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
