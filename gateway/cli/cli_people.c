/* What `tollgate user`, `team` and `audit` share. */
#include "gateway/cli/cli_people.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_sync.h"
#include "gateway/token/token_admin.h"

#define ERROR_MAX (64u << 10)

static const struct option options[] = {
	CLI_DB_OPTIONS,
	{"name", required_argument, NULL, 'n'},
	{"role", required_argument, NULL, 'r'},
	{"team", required_argument, NULL, 't'},
	{"email", required_argument, NULL, 'e'},
	{"expires", required_argument, NULL, 'x'},
	{"longest", required_argument, NULL, 'l'},
	{"scope", required_argument, NULL, 's'},
	{"address", required_argument, NULL, 'a'},
	{"limit", required_argument, NULL, 'm'},
	{"service", no_argument, NULL, 'S'},
	{"disable", no_argument, NULL, 'D'},
	{"enable", no_argument, NULL, 'E'},
	{"no-bounds", no_argument, NULL, 'N'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

int cli_people_usage(const struct cli_people *a, const char *why)
{
	fprintf(stderr, "%s: %s; `%s --help` tells more\n", a->command, why, a->command);
	return 2;
}

/* Splits at commas, in place: getopt's strings are ours to change. */
static const char *add_values(const char **list, int *n, char *text)
{
	for (char *save, *s = strtok_r(text, ",", &save); s;
	     s = strtok_r(NULL, ",", &save)) {
		if (*n == CLI_PEOPLE_LIST)
			return "too many values";
		list[(*n)++] = s;
	}
	return NULL;
}

static const char *take_flag(struct cli_people *a, int option)
{
	bool *flag = option == 'S'   ? &a->service
		     : option == 'D' ? &a->disable
		     : option == 'E' ? &a->enable
		     : option == 'N' ? &a->no_bounds
				     : &a->json;

	*flag = true;
	return NULL;
}

static const char *take_limit(struct cli_people *a, const char *value)
{
	uint64_t limit;

	if (!str_to_u64(str_of(value), &limit) || limit == 0 || limit > 200)
		return "--limit takes a number from 1 to 200";
	a->limit = (int64_t)limit;
	return NULL;
}

/* NULL: fine; else what is wrong with this option. */
static const char *take_option(struct cli_people *a, int option, char *value)
{
	if (cli_db_take(&a->db, option, value))
		return NULL;
	switch (option) {
	case 'n':
		a->name = value;
		return NULL;
	case 'r':
		a->role = value;
		return NULL;
	case 'e':
		a->email = value;
		return NULL;
	case 't':
		return add_values(a->teams, &a->n_teams, value);
	case 's':
		return add_values(a->scopes, &a->n_scopes, value);
	case 'a':
		return add_values(a->ranges, &a->n_ranges, value);
	case 'x':
	case 'l':
		return token_lifetime_parse(value, &a->expires_s)
			       ? NULL
			       : "a time is a number and a unit (90s, 15m, 12h, 30d, 2w, "
				 "1y), up to 100 years";
	case 'm':
		return take_limit(a, value);
	default:
		return take_flag(a, option);
	}
}

static bool is_taken(const struct cli_people_verb *v, const char *option)
{
	for (const char *const *o = v->options; *o != NULL; o++)
		if (strcmp(*o, option) == 0)
			return true;
	return false;
}

/* Does the verb take what getopt has found? */
static bool is_fitting(const struct cli_people_verb *v, int option)
{
	if (option >= CLI_DB_FIRST || option == 'j')
		return true;
	for (const struct option *o = options; o->name != NULL; o++)
		if (o->val == option)
			return is_taken(v, o->name);
	return false;
}

/* -1: run; else the exit status. */
static int read_arguments(struct cli_people *a, const struct cli_people_verb *v,
			  const char *help, int argc, char **argv)
{
	const char *why;
	int c;

	while ((c = cli_next_option(argc, argv, options)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c == '?')
			return 2;
		why = is_fitting(v, c) ? take_option(a, c, optarg)
				       : "an option does not go with this";
		if (why != NULL)
			return cli_people_usage(a, why);
	}
	a->n_operands = argc - optind;
	if (a->n_operands < v->min || a->n_operands > v->max)
		return cli_people_usage(a, a->n_operands < v->min ? "a name is missing"
								  : "too many arguments");
	for (int i = 0; i < a->n_operands; i++)
		a->operands[i] = argv[optind + i];
	return -1;
}

int cli_people_main(const char *command, const char *help,
		    const struct cli_people_verb *verbs, size_t n, int argc, char **argv)
{
	struct cli_people a = {.command = command};
	const char *name = argc > 1 ? argv[1] : "";
	int status;

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		fputs(help, stdout);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		bool is_only = *verbs[i].name == '\0';

		if (!is_only && strcmp(name, verbs[i].name) != 0)
			continue;
		status = read_arguments(&a, &verbs[i], help, is_only ? argc : argc - 1,
					is_only ? argv : argv + 1);
		if (status >= 0)
			return status;
		a.session = cli_db_open(&a.db, command);
		if (a.session == NULL)
			return 1;
		status = verbs[i].run(&a);
		pg_sync_close(&a.session);
		return status;
	}
	fputs(help, stderr);
	return 2;
}

/* A refusal of ours is a sentence; anything else PostgreSQL's message as it is. */
static void tell(const struct cli_people *a, const struct sbuf *error)
{
	struct str text = {error->p ? error->p : "", error->n};
	const char *end = memchr(text.p, '\n', text.n);

	if (str_has_prefix(text, STR("TG"))) { /* "TG409 the sentence" */
		text = (struct str){text.p + 6, text.n - 6};
		if (end != NULL)
			text.n = (size_t)(end - text.p);
	}
	fprintf(stderr, "%s: %.*s\n", a->command, (int)text.n, text.p);
}

cJSON *cli_people_ask(struct cli_people *a, enum people_call call,
		      const char *const *values, int n)
{
	struct sbuf error;
	PGresult *r;
	cJSON *json = NULL;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(a->session, people_sql(call), values, n, &error);
	if (r == NULL)
		tell(a, &error);
	else
		json = cJSON_Parse(PQgetvalue(r, 0, 0));
	CHECK(r == NULL || json != NULL);
	PQclear(r);
	sbuf_fini(&error);
	return json;
}

void cli_people_print(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	CHECK(text != NULL);
	puts(text);
	OPENSSL_cleanse(text, strlen(text)); /* it may hold a key */
	free(text);
	cJSON_Delete(json);
}

const char *cli_people_text(const cJSON *json, const char *name)
{
	const char *text =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text != NULL && *text != '\0' ? text : "-";
}

void cli_people_add_list(cJSON *json, const char *name, const char *const *list, int n)
{
	if (n > 0)
		cJSON_AddItemToObject(json, name, cJSON_CreateStringArray(list, n));
}

/* The filter for the page behind `after` (a number, NULL: the first). */
static cJSON *ask_page(struct cli_people *a, enum people_call call, const cJSON *after)
{
	cJSON *filter = cJSON_CreateObject(), *page;
	const char *text;

	cJSON_AddNumberToObject(filter, "limit", 200);
	if (after != NULL)
		cJSON_AddItemToObject(filter, "after", cJSON_Duplicate(after, false));
	text = cJSON_PrintUnformatted(filter);
	CHECK(text != NULL);
	page = cli_people_ask(a, call, &text, 1);
	cJSON_free((void *)text);
	cJSON_Delete(filter);
	return page;
}

cJSON *cli_people_all(struct cli_people *a, enum people_call call)
{
	cJSON *all = cJSON_CreateArray(), *after = NULL, *page, *item;
	bool more = true;

	while (more) {
		page = ask_page(a, call, after);
		cJSON_Delete(after);
		after = NULL;
		if (page == NULL) {
			cJSON_Delete(all);
			return NULL;
		}
		while ((item = cJSON_DetachItemFromArray(
				cJSON_GetObjectItemCaseSensitive(page, "items"), 0)))
			cJSON_AddItemToArray(all, item);
		after = cJSON_DetachItemFromObjectCaseSensitive(page, "next");
		more = cJSON_IsNumber(after);
		cJSON_Delete(page);
	}
	cJSON_Delete(after);
	return all;
}
