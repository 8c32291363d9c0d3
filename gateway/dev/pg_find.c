/* Finding PostgreSQL's programs. */
#include "gateway/dev/pg_find.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/child.h"

int pg_version_parse(const char *text)
{
	const char *at = strstr(text, "(PostgreSQL) ");
	long major;

	if (at == NULL)
		return 0;
	major = strtol(at + strlen("(PostgreSQL) "), NULL, 10);
	return major > 0 && major < 1000 ? (int)major : 0;
}

static bool has_program(const char *bin, const char *name)
{
	char path[320];

	return (size_t)snprintf(path, sizeof path, "%s/%s", bin, name) < sizeof path &&
	       access(path, X_OK) == 0;
}

static int version_of(const char *bin)
{
	char path[320];
	const char *const argv[] = {path, "--version", NULL};
	struct child_options o = {.argv = argv, .parent_death_signal = SIGKILL};
	struct sbuf out;
	int major = 0;

	sbuf_init(&out, 4096);
	snprintf(path, sizeof path, "%s/postgres", bin);
	if (child_run(&o, &out) == 0 && !out.overflow)
		major = pg_version_parse(sbuf_text(&out));
	sbuf_fini(&out);
	return major;
}

static void consider(struct pg_programs *best, const char *bin, int wanted)
{
	int major;

	if (strlen(bin) >= sizeof best->bin || !has_program(bin, "initdb") ||
	    !has_program(bin, "postgres"))
		return;
	major = version_of(bin);
	if (major < PG_OLDEST || major <= best->major || (wanted != 0 && major != wanted))
		return;
	best->major = major;
	memcpy(best->bin, bin, strlen(bin) + 1);
}

static void consider_path(struct pg_programs *best, int wanted)
{
	const char *path = getenv("PATH");
	char *copy = xstrdup(path != NULL ? path : ""), *save = NULL;

	for (char *dir = strtok_r(copy, ":", &save); dir != NULL;
	     dir = strtok_r(NULL, ":", &save))
		if (dir[0] == '/')
			consider(best, dir, wanted);
	free(copy);
}

bool pg_find(struct pg_programs *out, int major)
{
	static const char *const patterns[] = {"/usr/lib/postgresql/*/bin",
					       "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
					       "/usr/libexec/postgresql*"};
	glob_t found;

	*out = (struct pg_programs){0};
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		if (glob(patterns[i], 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			consider(out, found.gl_pathv[k], major);
		globfree(&found);
	}
	consider_path(out, major);
	return out->major != 0;
}
