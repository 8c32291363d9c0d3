/* What is told of routes, and what never is. */
#include "gateway/api/route_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

static const char file[] =
	"{\"database\": \"postgresql://tollgate:hunter2@127.0.0.1/t\", "
	"\"listen\": [\"127.0.0.1:8787\", \"[::1]:8787\", \"unix:/run/t.sock\", "
	"\"127.0.0.1:8788\", \"127.0.0.1:0\"], \"routes\": ["
	"{\"name\": \"openai\", \"path\": \"/api/openai\", \"scope\": \"openai\", "
	"\"upstream\": \"https://api.example.com/v1/hunter2\", \"price_per_call\": 0.0025, "
	"\"methods\": [\"GET\", \"POST\"], \"set_headers\": {\"Authorization\": \"Bearer "
	"hunter2\"}, \"timeouts\": {\"connect_s\": 0.25, \"first_byte_s\": 300}}, "
	"{\"name\": \"open\", \"path\": \"/api/open\", \"upstream\": "
	"\"http://127.0.0.1:9001\"}, "
	"{\"name\": \"images\", \"path\": \"/api/images\", \"scope\": \"openai\", "
	"\"upstream\": [\"http://a.example:1\", \"http://b.example:2\"]}]}";

static int set_up(void **state)
{
	struct sbuf report;

	sbuf_init(&report, 1 << 16);
	*state = settings_load_text("tollgate.json", str_of(file), NULL, &report);
	if (*state == NULL)
		print_error("%s", sbuf_text(&report));
	sbuf_fini(&report);
	return *state == NULL;
}

static int tear_down(void **state)
{
	struct settings *s = *state;

	settings_unref(&s);
	return 0;
}

static char *printed(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	return text;
}

static void test_a_route(void **state)
{
	const struct settings *s = *state;
	char *text = printed(route_facts(route_facts_find(s, "/api/openai")));

	assert_non_null(strstr(
		text,
		"{\"name\":\"openai\",\"path\":\"/api/openai\",\"scope\":\"openai\","
		"\"upstreams\":[\"https://api.example.com\"],\"replaced\":false,"
		"\"strip_prefix\":true,\"methods\":[\"GET\",\"POST\"],\"timeouts\":{"));
	assert_non_null(strstr(text, "\"connect_s\":0.25,\"first_byte_s\":300,"));
	assert_non_null(strstr(text, "\"price_per_call\":0.0025}"));
	free(text);
	assert_null(route_facts_find(s, "/api/openai/"));
	assert_null(route_facts_find(s, "/api"));
	assert_null(route_facts_find(s, ""));
}

static void test_all_routes(void **state)
{
	char *text = printed(route_facts_routes(*state));

	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "\"scope\":null,\"upstreams\":[\"http://127.0.0.1:"
				     "9001\"]"));
	assert_non_null(strstr(text, "[\"http://a.example:1\",\"http://b.example:2\"]"));
	assert_non_null(strstr(text, "\"price_per_call\":null}"));
	free(text);
}

static void test_scopes(void **state)
{
	char *text = printed(route_facts_scopes(*state));

	assert_string_equal(text,
			    "[{\"scope\":\"openai\",\"routes\":[\"openai\",\"images\"]},"
			    "{\"scope\":null,\"routes\":[\"open\"]}]");
	free(text);
}

static void test_where_gateways_listen(void **state)
{
	char *text = printed(route_facts_gateway(*state));

	assert_string_equal(text, "{\"ports\":[8787,8788],\"tls_ports\":[]}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_route),
		cmocka_unit_test(test_all_routes),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_where_gateways_listen),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
