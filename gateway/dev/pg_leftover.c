/* A PostgreSQL server that an earlier run left behind.
 *
 * A server and its children work in their data folder (they chdir there), which tells
 * them from any other process that got the number in postmaster.pid. */
#include "gateway/dev/pg_leftover.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/dev/files.h"
#include "gateway/dev/say.h"

#define PROCESSES_MAX 256
#define FAST_US 6000000      /* after SIGINT: sessions end, a checkpoint is written */
#define IMMEDIATE_US 9000000 /* after SIGQUIT to all: no checkpoint */
#define GIVE_UP_US 12000000  /* after SIGKILL */
#define POLL_INTERVAL_US 20000

static bool works_in(const char *pid, const char *data)
{
	char link[64], cwd[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/%.20s/cwd", pid);
	n = readlink(link, cwd, sizeof cwd - 1);
	if (n <= 0)
		return false;
	cwd[n] = '\0';
	return strcmp(cwd, data) == 0;
}

static size_t processes_in(const char *data, pid_t pids[PROCESSES_MAX])
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	size_t n = 0;

	while (proc != NULL && n < PROCESSES_MAX && (entry = readdir(proc)) != NULL) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && pid > 1 && works_in(entry->d_name, data))
			pids[n++] = (pid_t)pid;
	}
	if (proc != NULL)
		closedir(proc);
	return n;
}

static pid_t recorded_postmaster(const char *pid_file)
{
	char line[32];

	return file_read_line(pid_file, line, sizeof line) ? (pid_t)strtol(line, NULL, 10)
							   : 0;
}

static void signal_all(const pid_t *pids, size_t n, int signal_number)
{
	for (size_t i = 0; i < n; i++)
		kill(pids[i], signal_number);
}

/* PostgreSQL manual, 19.5: SIGINT is a fast shutdown, SIGQUIT an immediate one. */
static bool stop_all(const char *data, pid_t postmaster)
{
	uint64_t started_us = clock_mono_us(), passed_us;
	pid_t pids[PROCESSES_MAX];
	size_t n;

	for (size_t i = 0, found = processes_in(data, pids); i < found; i++)
		if (pids[i] == postmaster)
			kill(postmaster, SIGINT);
	while ((n = processes_in(data, pids)) > 0) {
		passed_us = clock_mono_us() - started_us;
		if (passed_us > GIVE_UP_US)
			return false;
		if (passed_us > IMMEDIATE_US)
			signal_all(pids, n, SIGKILL);
		else if (passed_us > FAST_US)
			signal_all(pids, n, SIGQUIT);
		usleep(POLL_INTERVAL_US);
	}
	return true;
}

bool pg_leftover_stop(const char *data)
{
	char *pid_file = path_join(data, "postmaster.pid");
	pid_t pids[PROCESSES_MAX];
	bool ok = true;

	if (processes_in(data, pids) > 0) {
		say("Stopping the PostgreSQL that an earlier run left behind");
		ok = stop_all(data, recorded_postmaster(pid_file));
	}
	if (!ok)
		complain("a PostgreSQL server in %s does not stop", data);
	else if (unlink(pid_file) != 0 && errno != ENOENT && errno != ENOTDIR) {
		complain("cannot remove %s: %s", pid_file, strerror(errno));
		ok = false;
	}
	free(pid_file);
	return ok;
}
