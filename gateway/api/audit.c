/* GET /api/audit: what was changed, by whom. */
#include "gateway/api/operations.h"
#include "gateway/api/people_calls.h"

void api_list_audit(struct call *c)
{
	static const char *const known[] = {
		"target", "target_id", "action",
		"actor",  "user",      "team",
		"from",   "to",        PEOPLE_LIST_PARAMETERS,
	};

	people_call_list(c, PEOPLE_AUDIT, NULL, known);
}
