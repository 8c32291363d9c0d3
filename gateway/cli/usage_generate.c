/* `tollgate usage generate`: makes up usage, and takes it away again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/settings/settings.h"
#include "gateway/generate/generate.h"
#include "gateway/generate/workload.h"

#define ERROR_MAX (64u << 10)

static const char help[] =
	"usage: tollgate usage generate [options]\n"
	"       tollgate usage generate --calls N [--days D] [--tokens T] [--routes R] ...\n"
	"       tollgate usage generate --remove [options]\n\n"
	"Makes up 100 calls of the tokens and routes that there are, one an hour back from now,\n"
	"to see what pages show. With --calls it makes a load to measure with: working hours, very\n"
	"unequal tokens, error bursts, the same for the same seed. All of it is marked; --remove\n"
	"takes away everything that was made up: rows, statistics and tokens.\n\n"
	"  --calls N        how many calls: 100000, 10k, 100M\n"
	"  --days D         over so many days until now (30)\n"
	"  --tokens T       of so many tokens, made for it (50)\n"
	"  --routes R       on so many routes, made where there are fewer (5)\n"
	"  --raw-days K     write rows of the last K days only, statistics of all (all days)\n"
	"  --seed S         another load (1)\n"
	"  --remove         take away what was made up\n"
	"  --yes            do not ask, also where calls were recorded that nobody made up\n\n"
	"It takes a login as for `tollgate migrate`.\n\n" CLI_DB_HELP;

struct arguments {
	struct cli_db db;
	struct generate_load load; /* calls 0: the sample */
	bool remove, yes, sized, raw_days_given;
};

/* The older system's routes. */
static const char *const known_paths[] = {"/api/openai", "/api/perplexity",
					  "/api/cloudconvert"};

static void print_line(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
	fflush(stdout);
}

static bool agrees(void)
{
	char answer[16];

	printf("Calls were recorded here that nobody made up; made-up ones will stand "
	       "among them, in lists\nand statistics, until they are taken away with "
	       "--remove. Go on? [y/N] ");
	fflush(stdout);
	return fgets(answer, sizeof answer, stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* Made-up usage among what is real is seldom meant. */
static bool is_meant(const struct arguments *a, const struct generate_options *o)
{
	bool real;

	if (a->remove || a->yes)
		return true;
	if (!usage_generate_finds_real(o->db, &real, o->error))
		return false;
	if (!real || (isatty(STDIN_FILENO) && agrees()))
		return true;
	sbuf_lit(
		o->error,
		"nothing was made up: calls were recorded here that nobody made up. With "
		"--yes made-up ones stand among them, until they are taken away with "
		"--remove");
	return false;
}

static bool generate(const struct arguments *a, struct generate_options *o)
{
	if (!is_meant(a, o))
		return false;
	if (a->remove)
		return usage_generate_remove(o);
	if (a->load.calls > 0)
		return usage_generate_load(o, &a->load);
	return usage_generate_sample(o);
}

/* Faults of the file were told when its database was read. */
static int run(const struct arguments *a, struct pg_sync *db)
{
	struct settings *s = cli_db_settings(&a->db);
	bool routes = s != NULL && s->n_routes > 0;
	size_t n = routes ? s->n_routes : ARRAY_LEN(known_paths);
	const char **paths = xcalloc(n, sizeof *paths);
	struct sbuf error;
	struct generate_options o = {
		.db = db,
		.paths = paths,
		.n_paths = n,
		.report = print_line,
		.error = &error,
	};
	bool ok;

	for (size_t i = 0; i < n; i++)
		paths[i] = routes ? s->routes[i].path : known_paths[i];
	sbuf_init(&error, ERROR_MAX);
	ok = generate(a, &o);
	if (!ok)
		fprintf(stderr, "tollgate usage generate: " STR_FMT "\n",
			STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	free(paths);
	settings_unref(&s);
	return ok ? 0 : 1;
}

/* A number with k, M or G behind it; of the load's fields. */
static bool take_number(struct arguments *a, int c, const char *text)
{
	static const struct limit {
		int option;
		const char *name;
		int64_t least, most;
	} limits[] = {
		{'n', "calls", 1, WORKLOAD_CALLS_MAX},
		{'y', "days", 1, WORKLOAD_DAYS_MAX},
		{'t', "tokens", 1, WORKLOAD_TOKENS_MAX},
		{'r', "routes", 1, WORKLOAD_ROUTES_MAX},
		{'k', "raw-days", 0, WORKLOAD_DAYS_MAX},
		{'s', "seed", 0, INT64_MAX},
	};
	const struct limit *l = limits;
	long long value;
	char *end;

	while (l->option != c)
		l++;
	errno = 0;
	value = strtoll(text, &end, 10);
	for (const char *unit = "kMG";
	     *end != '\0' && *unit != '\0' && value < INT64_MAX / 1000; unit++) {
		value *= 1000;
		if (*unit == *end && end[1] == '\0')
			end++;
	}
	if (errno != 0 || end == text || *end != '\0' || value < l->least ||
	    value > l->most) {
		fprintf(stderr, "tollgate usage generate: --%s must be %lld to %lld\n",
			l->name, (long long)l->least, (long long)l->most);
		return false;
	}
	if (c == 'n')
		a->load.calls = value;
	else if (c == 's')
		a->load.seed = (uint64_t)value;
	else
		*(c == 'y'   ? &a->load.days
		  : c == 't' ? &a->load.tokens
		  : c == 'r' ? &a->load.routes
			     : &a->load.raw_days) = (unsigned)value;
	a->raw_days_given |= c == 'k';
	return true;
}

static bool take_option(struct arguments *a, int c, const char *value)
{
	if (cli_db_take(&a->db, c, value))
		return true;
	switch (c) {
	case 'x':
		a->remove = true;
		return true;
	case 'Y':
		a->yes = true;
		return true;
	case '?':
		return false;
	default:
		a->sized = true;
		return take_number(a, c, value);
	}
}

/* 0 on success; else the exit status plus one. */
static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_DB_OPTIONS,
		{"calls", required_argument, NULL, 'n'},
		{"days", required_argument, NULL, 'y'},
		{"tokens", required_argument, NULL, 't'},
		{"routes", required_argument, NULL, 'r'},
		{"raw-days", required_argument, NULL, 'k'},
		{"seed", required_argument, NULL, 's'},
		{"remove", no_argument, NULL, 'x'},
		{"yes", no_argument, NULL, 'Y'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = cli_next_option(argc, argv, options)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (!take_option(a, c, optarg))
			return 3;
	}
	if (!a->raw_days_given)
		a->load.raw_days = a->load.days;
	if (a->load.calls > a->load.days * GENERATE_DAY_CALLS_MAX) {
		fprintf(stderr,
			"tollgate usage generate: --calls must be at most %lld a day, "
			"%lld with --days %u\n",
			(long long)GENERATE_DAY_CALLS_MAX,
			(long long)(a->load.days * GENERATE_DAY_CALLS_MAX), a->load.days);
		return 3;
	}
	if (optind == argc && (!a->sized || (a->load.calls > 0 && !a->remove)))
		return 0;
	if (optind == argc)
		fputs(a->remove ? "tollgate usage generate: --remove takes no sizes\n"
				: "tollgate usage generate: a load needs --calls\n",
		      stderr);
	else
		fputs(help, stderr);
	return 3;
}

int cli_usage_generate(int argc, char **argv)
{
	struct arguments a = {
		.db = {.named_only = true}, /* never a real one by accident */
		.load = {.days = 30, .tokens = 50, .routes = 5, .seed = 1}};
	int status = parse(&a, argc, argv);
	struct pg_sync *db;

	if (status != 0)
		return status - 1;
	db = cli_db_open(&a.db, "tollgate usage generate");
	if (db == NULL)
		return 1;
	status = run(&a, db);
	pg_sync_close(&db);
	return status;
}
