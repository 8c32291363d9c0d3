/* Where the manager's endpoints are. */
#include "gateway/manager/endpoint_table.h"

#include "common/check.h"
#include "gateway/manager/endpoints.h"
#include "gateway/manager/ingest_access.h"

static const struct endpoint endpoints[] = {
	{"/", HTTP_GET, CALLERS_ALL, false, serve_index},
	{"/health", HTTP_GET, CALLERS_ALL, false, serve_health},
	{"/ready", HTTP_GET, CALLERS_ALL, false, serve_ready},
	{INGEST_PATH, HTTP_POST, CALLERS_INGEST, true, serve_usage_log},
	{"/api/usage/test-data", HTTP_GET, CALLERS_LOCAL, false, serve_test_data},
};

const struct endpoint *manager_endpoints(size_t *n)
{
	*n = ARRAY_LEN(endpoints);
	return endpoints;
}
