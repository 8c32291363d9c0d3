/* `tollgate journal hand-over` and `discard`: what becomes of groups that belong to
 * another database. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "common/pg_value.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_db.h"
#include "gateway/cli/cli_options.h"
#include "gateway/journal/inspect.h"

#define ERROR_MAX (64u << 10)
#define TRIES 10
#define TRY_AGAIN_US 100000

/* What is done with each group. False: it said why. */
struct action {
	const char *command;
	bool (*run)(const struct action *a, int directory, const char *name);
	unsigned char instance[JOURNAL_INSTANCE_BYTES];
};

static bool fail(const struct action *a, const char *name, const char *why)
{
	fprintf(stderr, "%s: group %s: %s\n", a->command, name, why);
	return false;
}

static void print_sum(const char *name, const char *done, struct inspect_sum sum)
{
	printf("group %s: %llu events %s", name, (unsigned long long)sum.events, done);
	if (sum.gaps > 0)
		printf("; its counters tell of %llu that had been dropped before",
		       (unsigned long long)sum.gaps);
	printf("\n");
}

/* --- hand-over --- */

static bool hand_over(const struct action *a, int directory, const char *name)
{
	const char *why;
	bool in_use, ok;
	struct usage_group *g = usage_group_look(directory, name, &in_use, &why);

	if (g == NULL)
		return fail(a, name, why);
	if (g->has_instance && memcmp(g->instance, a->instance, sizeof g->instance) == 0)
		return usage_group_close(&g), fail(a, name, "it is this database's");
	ok = usage_group_note_instance(g, a->instance);
	if (ok)
		print_sum(name, "are handed over to this database", usage_group_sum(g));
	else
		fail(a, name, strerror(errno));
	usage_group_close(&g);
	return ok;
}

static bool read_instance(struct pg_sync *db, unsigned char out[JOURNAL_INSTANCE_BYTES],
			  struct sbuf *error)
{
	PGresult *r = pg_sync_query(
		db,
		"SELECT replace(instance::text, '-', '') FROM public.token_generation",
		NULL, 0, error);
	bool ok = r != NULL && PQntuples(r) == 1 &&
		  hex_decode(out, JOURNAL_INSTANCE_BYTES, pg_value_text(r, 0, 0));

	if (r != NULL && !ok)
		sbuf_lit(error, "token_generation has not its one row");
	PQclear(r);
	return ok;
}

static bool find_database(const struct cli_db *options, struct action *a)
{
	struct pg_sync *db = cli_db_open(options, a->command);
	struct sbuf error;
	bool ok;

	if (db == NULL)
		return false;
	sbuf_init(&error, ERROR_MAX);
	ok = read_instance(db, a->instance, &error);
	if (!ok)
		fprintf(stderr, "%s: " STR_FMT "\n", a->command,
			STR_ARG(sbuf_view(&error)));
	sbuf_fini(&error);
	pg_sync_close(&db);
	return ok;
}

/* --- discard --- */

/* A gateway looks at it for a moment every few seconds. */
static enum group_state adopt(int directory, const char *name, struct usage_group **g,
			      const char **why)
{
	enum group_state state = usage_group_adopt(directory, name, g, why);

	for (int i = 0; i < TRIES && state == GROUP_IN_USE; i++) {
		usleep(TRY_AGAIN_US);
		state = usage_group_adopt(directory, name, g, why);
	}
	return state;
}

static bool discard(const struct action *a, int directory, const char *name)
{
	struct usage_group *g = NULL;
	struct inspect_sum sum;
	const char *why;
	bool ok;

	switch (adopt(directory, name, &g, &why)) {
	case GROUP_ADOPTED:
		break;
	case GROUP_IN_USE:
		return fail(a, name, "a gateway uses it, or there is no such group");
	case GROUP_UNREADABLE:
		return fail(a, name, why);
	}
	sum = usage_group_sum(g);
	ok = usage_group_remove(g);
	if (ok)
		print_sum(name, "are discarded", sum);
	usage_group_close(&g);
	return ok;
}

/* --- commands --- */

static int run_each(const struct cli_call *c, const struct action *a)
{
	const char *folder = c->operands[0];
	int directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = directory >= 0;

	if (!ok)
		return cli_fail(c, "cannot read %s: %s", folder, strerror(errno));
	for (int i = 1; i < c->n_operands; i++)
		if (journal_is_group(c->operands[i]))
			ok = a->run(a, directory, c->operands[i]) && ok;
		else
			ok = fail(a, c->operands[i], "a group's name has 32 hex digits");
	close(directory);
	return ok ? 0 : 1;
}

static int run_hand_over(const struct cli_call *c)
{
	struct action a = {.command = c->path, .run = hand_over};
	struct cli_db db = cli_db_of(c);

	return find_database(&db, &a) ? run_each(c, &a) : 1;
}

static int run_discard(const struct cli_call *c)
{
	struct action a = {.command = c->path, .run = discard};

	return run_each(c, &a);
}

const struct cli_command *cli_journal_hand_over(void)
{
	static const struct cli_command command = {
		.name = "hand-over",
		.summary = "give groups that belong to another database to this one",
		.arguments = "DIR GROUP...",
		.least = 2,
		.most = -1,
		.text = "Gives lane groups of the usage journal in DIR, which belong to "
			"another database, to this one: the next gateway that works on "
			"DIR with it, or one that runs, stores them. An event counts for "
			"the token that has its key's hash in this database, or for none. "
			"Says how many events that are.",
		.shares = CLI_TAKES_DATABASE,
		.examples = {"tollgate journal hand-over /var/lib/tollgate/usage "
			     "00112233445566778899aabbccddeeff",
			     "tollgate journal hand-over usage "
			     "00112233445566778899aabbccddeeff --config tollgate.json"},
		.run = run_hand_over,
	};

	return &command;
}

const struct cli_command *cli_journal_discard(void)
{
	static const struct cli_command command = {
		.name = "discard",
		.summary = "remove groups with all that waits in them",
		.arguments = "DIR GROUP...",
		.least = 2,
		.most = -1,
		.text = "Removes lane groups of the usage journal in DIR with all that "
			"waits in them, and says how many events that were. A group that "
			"a gateway uses stays.",
		.examples = {"tollgate journal discard /var/lib/tollgate/usage "
			     "00112233445566778899aabbccddeeff",
			     "tollgate journal discard usage "
			     "00112233445566778899aabbccddeeff"},
		.run = run_discard,
	};

	return &command;
}
