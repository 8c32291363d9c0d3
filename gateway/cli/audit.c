/* `tollgate audit`: what was changed, and by whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"

static const char help[] =
	"usage: tollgate audit [--limit 50]\n\n"
	"Tells the latest changes of tokens, teams and people, newest first: when, by whom (a\n"
	"user, or the database role of a change by hand), what, of which.\n\n"
	"  --limit N        how many, up to 200\n"
	"  --json           with what was before and after, in JSON\n" CLI_DB_HELP "\n"
	"  tollgate audit\n"
	"  tollgate audit --limit 200 --json\n";

static int run_list(struct cli_people *a)
{
	char filter[64];
	const char *const values[] = {filter};
	cJSON *page;
	const cJSON *line;

	snprintf(filter, sizeof filter, "{\"limit\":%d}", a->limit ? (int)a->limit : 50);
	page = cli_people_ask(a, PEOPLE_AUDIT, values, 1);
	if (page == NULL)
		return 1;
	if (a->json) {
		cli_people_print(page);
		return 0;
	}
	printf("%-32s %-20s %-18s %s\n", "AT", "BY", "WHAT", "ID");
	cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(page, "items"))
		printf("%-32s %-20s %-18s %s\n", cli_people_text(line, "at"),
		       cli_people_text(line, "actor"), cli_people_text(line, "action"),
		       cli_people_text(line, "target_id"));
	cJSON_Delete(page);
	return 0;
}

int cli_audit(int argc, char **argv)
{
	static const char *const of_list[] = {"limit", NULL};
	static const struct cli_people_verb verbs[] = {
		{"", 0, 0, of_list, run_list},
	};

	return cli_people_main("tollgate audit", help, verbs, ARRAY_LEN(verbs), argc,
			       argv);
}
