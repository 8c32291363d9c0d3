/* `tollgate audit`: what was changed, and by whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_people.h"

static int list(struct cli_people *a)
{
	char filter[64];
	const char *const values[] = {NULL, filter};
	cJSON *page;
	const cJSON *line;

	snprintf(filter, sizeof filter, "{\"limit\":%d}",
		 (int)cli_number(a->call, "limit", 50));
	page = cli_people_ask(a, PEOPLE_AUDIT, values, 2);
	if (page == NULL)
		return 1;
	if (cli_has(a->call, "json")) {
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

static int run(const struct cli_call *c)
{
	return cli_people_run(c, list);
}

const struct cli_command *cli_audit(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("limit", CLI_NUMBER, "N", "how many, up to 200 (50)",
			   .least = 1, .most = 200),
		{0},
	};
	static const struct cli_command command = {
		.name = "audit",
		.summary = "tell what was changed, and by whom",
		.text = "Tells the latest changes of tokens, teams and people, newest "
			"first: when, by whom (a user, or the database role of a change "
			"by hand), what, of which. In JSON with what was before and after.",
		.options = options,
		.shares = CLI_TAKES_DATABASE | CLI_TAKES_JSON,
		.examples = {"tollgate audit", "tollgate audit --limit 200 --json"},
		.run = run,
	};

	return &command;
}
