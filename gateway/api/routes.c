/* GET /api/routes, GET /api/scopes: of the configuration that is in force. */
#include <cjson/cJSON.h>

#include "common/check.h"
#include "gateway/api/operations.h"
#include "gateway/api/route_facts.h"

static const char *const no_parameters[] = {NULL};

/* There are as many as one file holds: a list without further pages. */
static cJSON *whole(cJSON *items)
{
	cJSON *list = cJSON_CreateObject();

	CHECK(list != NULL && cJSON_AddItemToObject(list, "items", items) &&
	      cJSON_AddNullToObject(list, "next"));
	return list;
}

void api_list_routes(struct call *c)
{
	const struct settings *s = call_context(c)->settings;
	cJSON *list;

	call_query(c, no_parameters);
	if (call_is_faulty(c))
		return;
	list = whole(route_facts_routes(s));
	CHECK(cJSON_AddItemToObject(list, "gateway", route_facts_gateway(s)));
	call_reply_object(c, 200, list);
}

void api_list_scopes(struct call *c)
{
	call_query(c, no_parameters);
	if (!call_is_faulty(c))
		call_reply_object(c, 200,
				  whole(route_facts_scopes(call_context(c)->settings)));
}
