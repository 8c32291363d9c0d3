/* GET /api/routes, GET /api/scopes: of the configuration that is in force. */
#include <cjson/cJSON.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/route_facts.h"

static const char *const no_parameters[] = {NULL};

/* There are as many as one file holds: a list without further pages. */
static void answer(struct call *c, cJSON *items)
{
	cJSON *list = cJSON_CreateObject();

	CHECK(list != NULL && cJSON_AddItemToObject(list, "items", items) &&
	      cJSON_AddNullToObject(list, "next"));
	call_reply_object(c, 200, list);
}

void api_list_routes(struct call *c)
{
	call_query(c, no_parameters);
	if (!call_is_faulty(c))
		answer(c, route_facts_routes(call_context(c)->settings));
}

void api_list_scopes(struct call *c)
{
	call_query(c, no_parameters);
	if (!call_is_faulty(c))
		answer(c, route_facts_scopes(call_context(c)->settings));
}
