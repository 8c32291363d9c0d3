/* The command line of `tollgate dev`. */
#include "gateway/cli/dev_options.h"
#include "gateway/cli/cli_options.h"

#include <stdlib.h>

#include "gateway/dev/dev_database.h"
#include "gateway/dev/say.h"

static bool make_sense(const struct dev_options *o)
{
	if (o->database != NULL && o->fresh) {
		complain("--fresh would not start over with --database: only a private "
			 "PostgreSQL is ever emptied");
		return false;
	}
	if (o->database != NULL && !o->yes && !dev_database_is_local(o->database)) {
		complain("--database is not on this machine, and its tables would be "
			 "created or updated: add --yes if that is meant");
		return false;
	}
	return true;
}

/* False: it complained. */
static bool take_listeners(const struct cli_call *c, const char *option,
			   struct dev_listeners *out)
{
	size_t n;
	const char **list = cli_list(c, option, &n);
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++)
		ok = dev_listeners_add(out, list[i]);
	free(list);
	return ok;
}

bool dev_options_of(struct dev_options *o, const struct cli_call *c)
{
	const char *config = cli_text(c, "config"), *state = cli_text(c, "state");

	*o = (struct dev_options){.config = config ? config : "config/tollgate.json",
				  .state = state ? state : ".tollgate",
				  .fresh = cli_has(c, "fresh"),
				  .live = cli_has(c, "live"),
				  .database = cli_text(c, "database"),
				  .yes = cli_has(c, "yes")};
	cli_env_files_of(c, &o->env_files);
	return take_listeners(c, "listen", &o->listen) &&
	       take_listeners(c, "manager-listen", &o->manager_listen) && make_sense(o);
}
