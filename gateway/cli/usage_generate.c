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

struct arguments {
	struct cli_db db;
	struct generate_load load; /* calls 0: the sample */
	bool remove, yes;
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
static int make(const struct cli_call *c, const struct arguments *a, struct pg_sync *db)
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
		cli_fail(c, STR_FMT, STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	free(paths);
	settings_unref(&s);
	return ok ? 0 : 1;
}

/* A number with k, M or G behind it. False: not given, or *status is 2, and it said what
 * is wrong. */
static bool take_size(const struct cli_call *c, const char *option, int64_t least,
		      int64_t most, int64_t *out, int *status)
{
	const char *text = cli_text(c, option);
	long long value;
	char *end;

	if (text == NULL || *status != 0)
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	for (const char *unit = "kMG";
	     *end != '\0' && *unit != '\0' && value < INT64_MAX / 1000; unit++) {
		value *= 1000;
		if (*unit == *end && end[1] == '\0')
			end++;
	}
	if (errno != 0 || end == text || *end != '\0' || value < least || value > most) {
		*status = cli_usage_error(c, "--%s must be %lld to %lld", option,
					  (long long)least, (long long)most);
		return false;
	}
	*out = value;
	return true;
}

static bool take_unsigned(const struct cli_call *c, const char *option, int64_t least,
			  int64_t most, unsigned *out, int *status)
{
	int64_t value;

	if (!take_size(c, option, least, most, &value, status))
		return false;
	*out = (unsigned)value;
	return true;
}

/* 0, or the exit status. */
static int take(struct arguments *a, const struct cli_call *c)
{
	struct generate_load *load = &a->load;
	int64_t seed = 1;
	int status = 0;
	bool sized = take_size(c, "calls", 1, WORKLOAD_CALLS_MAX, &load->calls, &status);

	sized |= take_unsigned(c, "days", 1, WORKLOAD_DAYS_MAX, &load->days, &status);
	sized |= take_unsigned(c, "tokens", 1, WORKLOAD_TOKENS_MAX, &load->tokens,
			       &status);
	sized |= take_unsigned(c, "routes", 1, WORKLOAD_ROUTES_MAX, &load->routes,
			       &status);
	load->raw_days = load->days;
	sized |= take_unsigned(c, "raw-days", 0, WORKLOAD_DAYS_MAX, &load->raw_days,
			       &status);
	sized |= take_size(c, "seed", 0, INT64_MAX, &seed, &status);
	load->seed = (uint64_t)seed;
	if (status != 0)
		return status;
	if (load->calls > load->days * GENERATE_DAY_CALLS_MAX)
		return cli_usage_error(
			c, "--calls must be at most %lld a day, %lld with --days %u",
			(long long)GENERATE_DAY_CALLS_MAX,
			(long long)(load->days * GENERATE_DAY_CALLS_MAX), load->days);
	if (sized && a->remove)
		return cli_usage_error(c, "--remove takes no sizes");
	return sized && load->calls == 0 ? cli_usage_error(c, "a load needs --calls") : 0;
}

static int run(const struct cli_call *c)
{
	struct arguments a = {.db = cli_db_of(c),
			      .load = {.days = 30, .tokens = 50, .routes = 5},
			      .remove = cli_has(c, "remove"),
			      .yes = cli_has(c, "yes")};
	int status = take(&a, c);
	struct pg_sync *db;

	if (status != 0)
		return status;
	a.db.named_only = true; /* never a real one by accident */
	db = cli_db_open(&a.db, c->path);
	if (db == NULL)
		return 1;
	status = make(c, &a, db);
	pg_sync_close(&db);
	return status;
}

const struct cli_command *cli_usage_generate(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("calls", CLI_TEXT, "N", "how many calls: 100000, 10k, 100M"),
		CLI_OPTION("days", CLI_TEXT, "D", "over so many days until now (30)"),
		CLI_OPTION("tokens", CLI_TEXT, "T",
			   "of so many tokens, made for it (50)"),
		CLI_OPTION("routes", CLI_TEXT, "R",
			   "on so many routes, made where there are fewer (5)"),
		CLI_OPTION(
			"raw-days", CLI_TEXT, "K",
			"write rows of the last K days only, statistics of all (all days)"),
		CLI_OPTION("seed", CLI_TEXT, "S", "another load (1)"),
		CLI_OPTION("remove", CLI_FLAG, NULL, "take away what was made up"),
		CLI_OPTION(
			"yes", CLI_FLAG, NULL,
			"do not ask, also where calls were recorded that nobody made up"),
		{0},
	};
	static const struct cli_command command = {
		.name = "generate",
		.summary =
			"make up calls, to look at pages or to measure; --remove takes "
			"them away",
		.text = "Makes up 100 calls of the tokens and routes that there are, one "
			"an hour back from now, to see what pages show. With --calls it "
			"makes a load to measure with: working hours, very unequal "
			"tokens, error bursts, the same for the same seed. All of it is "
			"marked; --remove takes away everything that was made up: rows, "
			"statistics and tokens.\n\n"
			"It takes a login as for `tollgate migrate`, and never the "
			"service's database because nothing was said.",
		.options = options,
		.shares = CLI_TAKES_DATABASE,
		.examples = {"tollgate usage generate --config tollgate.json",
			     "tollgate usage generate --calls 1M --days 90"},
		.run = run,
	};

	return &command;
}
