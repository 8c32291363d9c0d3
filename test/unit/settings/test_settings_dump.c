/* Settings as text: the dump, redaction, what takes a restart; and the key table
 * itself. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/jsonc.h"
#include "gateway/settings/settings.h"
#include "gateway/settings/settings_keys.h"

static struct settings *load(const char *text)
{
	struct settings_options o = {0};
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, 65536);
	s = settings_load_text("t", str_of(text), &o, &report);
	if (s == NULL)
		print_error(STR_FMT, STR_ARG(sbuf_view(&report)));
	assert_non_null(s);
	sbuf_fini(&report);
	return s;
}

static char *dump(const struct settings *s)
{
	struct sbuf out;
	char *text;

	sbuf_init(&out, 1 << 20);
	settings_dump(s, &out);
	text = xstrndup(out.p, out.n);
	sbuf_fini(&out);
	return text;
}

static const char full[] =
	"{\"listen\":\"127.0.0.1:1\",\"workers\":2,\"node\":\"n\",\n"
	"\"database\":\"postgresql://u:hunter2@h:5433/d?sslmode=require\",\n"
	"\"trusted_proxies\":[\"10.0.0.0/8\",\"::1\"],\"state_dir\":\"/s\",\n"
	"\"timeouts\":{\"head_s\":0.25,\"idle_s\":1.001},\n"
	"\"routes\":[{\"name\":\"r\",\"path\":\"/r\",\"upstream\":[\"https://h:8443/v1\",\"https://[::1]/v1\"],\"scope\":\"s\",\"price_per_call\":2.5e-3,\"methods\":[\"POST\"],\n"
	"\"set_headers\":{\"Authorization\":\"Bearer hunter2\",\"X-Tok-Token\":\"hunter2\",\"X-V\":\"${NO_SUCH_VARIABLE:-hunter2}\",\"X-A\":\"q\\\"\\\\ $${x}\"},\n"
	"\"remove_headers\":[\"X-R\"],\"response_headers\":{\"set\":{\"X-S\":\"1\"},\"remove\":[\"Server\"]},\n"
	"\"cors\":{\"origins\":[\"https://app.example\"],\"headers\":[\"X-H\"]},\n"
	"\"on_client_abort\":\"drain\"},\n"
	"{\"name\":\"q\",\"path\":\"/\",\"upstream\":\"http://h\"}]}";

static const char full_dump[] =
	"{\n"
	"  \"listen\": [\"127.0.0.1:1\"],\n"
	"  \"workers\": 2,\n"
	"  \"database\": \"user=u password=*** dbname=d host=h port=5433 sslmode=require\",\n"
	"  \"node\": \"n\",\n"
	"  \"trusted_proxies\": [\"10.0.0.0/8\", \"::1/128\"],\n"
	"  \"trust_cf_connecting_ip\": false,\n"
	"  \"trust_x_real_ip\": false,\n"
	"  \"manager\": { \"listen\": [\"127.0.0.1:8000\", \"[::1]:8000\"], \"hosts\": [], \"cors_origins\": [] },\n"
	"  \"sign_in\": { \"issuers\": [], \"providers\": [], \"rules\": [] },\n"
	"  \"unix_sockets\": { \"mode\": \"0660\" },\n"
	"  \"limits\": { \"head_bytes\": 16384, \"headers\": 100, \"body_bytes\": 0, \"connections\": 20000, \"connections_per_address\": 0 },\n"
	"  \"timeouts\": { \"head_s\": 0.25, \"body_s\": 30, \"connect_s\": 5, \"first_byte_s\": 330, \"idle_s\": 1.001, \"total_s\": 0, \"keep_alive_s\": 75, \"drain_s\": 30 },\n"
	"  \"pools\": { \"idle_connections\": 64, \"idle_s\": 4, \"max_age_s\": 3600, \"max_requests\": 10000 },\n"
	"  \"tokens\": { \"max_stale_s\": 86400, \"poll_s\": 5 },\n"
	"  \"usage\": { \"retention_days\": 0, \"journal_bytes\": 2147483648, \"ring_bytes\": 4194304, \"sync_ms\": 1000, \"ingest\": { \"allow\": [] } },\n"
	"  \"state_dir\": \"/s\",\n"
	"  \"access_log\": true,\n"
	"  \"routes\": [\n"
	"    {\n"
	"      \"name\": \"r\",\n"
	"      \"path\": \"/r\",\n"
	"      \"upstream\": [\"https://h:8443/v1\", \"https://[::1]/v1\"],\n"
	"      \"strip_prefix\": true,\n"
	"      \"scope\": \"s\",\n"
	"      \"price_per_call\": 0.0025,\n"
	"      \"methods\": [\"POST\"],\n"
	"      \"set_headers\": {\"Authorization\": \"***\", \"X-Tok-Token\": \"***\", \"X-V\": \"***\", \"X-A\": \"q\\\"\\\\ $${x}\"},\n"
	"      \"remove_headers\": [\"X-R\"],\n"
	"      \"response_headers\": { \"set\": {\"X-S\": \"1\"}, \"remove\": [\"Server\"] },\n"
	"      \"cors\": { \"origins\": [\"https://app.example\"], \"headers\": [\"X-H\"], \"expose_headers\": [], \"max_age_s\": 600, \"credentials\": false },\n"
	"      \"forward_credentials\": false,\n"
	"      \"forward_client_info\": false,\n"
	"      \"rewrite_location\": true,\n"
	"      \"upgrade_protocols\": [\"websocket\"],\n"
	"      \"on_client_abort\": \"drain\",\n"
	"      \"limits\": { \"body_bytes\": 0 },\n"
	"      \"timeouts\": { \"body_s\": 30, \"connect_s\": 5, \"first_byte_s\": 330, \"idle_s\": 1.001, \"total_s\": 0 },\n"
	"      \"pools\": { \"idle_connections\": 64, \"idle_s\": 4, \"max_age_s\": 3600, \"max_requests\": 10000 }\n"
	"    },\n"
	"    {\n"
	"      \"name\": \"q\",\n"
	"      \"path\": \"/\",\n"
	"      \"upstream\": \"http://h\",\n"
	"      \"strip_prefix\": true,\n"
	"      \"price_per_call\": 0,\n"
	"      \"methods\": [\"GET\", \"HEAD\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"OPTIONS\"],\n"
	"      \"set_headers\": {},\n"
	"      \"remove_headers\": [],\n"
	"      \"response_headers\": { \"set\": {}, \"remove\": [] },\n"
	"      \"forward_credentials\": false,\n"
	"      \"forward_client_info\": true,\n"
	"      \"rewrite_location\": true,\n"
	"      \"upgrade_protocols\": [\"websocket\"],\n"
	"      \"on_client_abort\": \"cancel\",\n"
	"      \"limits\": { \"body_bytes\": 0 },\n"
	"      \"timeouts\": { \"body_s\": 30, \"connect_s\": 5, \"first_byte_s\": 330, \"idle_s\": 1.001, \"total_s\": 0 },\n"
	"      \"pools\": { \"idle_connections\": 64, \"idle_s\": 4, \"max_age_s\": 3600, \"max_requests\": 10000 }\n"
	"    }\n"
	"  ]\n"
	"}\n";

static void test_dump(void **state)
{
	struct settings *s = load(full);
	char *text = dump(s);

	(void)state;
	assert_string_equal(text, full_dump);
	assert_null(strstr(text, "hunter2"));
	free(text);
	settings_unref(&s);
}

static void test_the_ingest_secret_is_hidden(void **state)
{
	struct settings *s = load(
		"{\"database\":\"host=h\",\"routes\":[{\"name\":\"r\",\"path\":\"/\",\"upstream\":\"http://h\"}],\"usage\":{\"ingest\":{\"secret\":\"hunter2-hunter2-hunter2\",\"allow\":[\"10.1.0.0/16\"]}}}");
	char *text = dump(s);

	(void)state;
	assert_string_equal(s->ingest_secret, "hunter2-hunter2-hunter2");
	assert_non_null(strstr(
		text,
		"\"ingest\": { \"secret\": \"***\", \"allow\": [\"10.1.0.0/16\"] } }"));
	assert_null(strstr(text, "hunter2"));
	free(text);
	settings_unref(&s);
}

static void test_dump_reads_back(void **state)
{
	struct settings *s = load(full), *again;
	char *text = dump(s), *twice;

	(void)state;
	again = load(text);
	twice = dump(again);
	assert_string_equal(twice, text);
	assert_string_equal(again->routes[0].set_headers.items[3].value, "q\"\\ ${x}");
	free(text);
	free(twice);
	settings_unref(&s);
	settings_unref(&again);
}

static void test_redact_database(void **state)
{
	static const char *const t[][2] = {
		{"dbname=x", "dbname=x"},
		{"host=h password=hunter2 user=u", "user=u password=*** host=h"},
		{"password='hunter2 '' x' dbname='a b'",
		 "***"}, /* not what libpq reads */
		{"password='hunter2 \\' x' dbname='a b'", "password=*** dbname='a b'"},
		{"dbname='it\\'s \\\\'", "dbname='it\\'s \\\\'"},
		{"postgresql://u:hunter2@h:1/d",
		 "user=u password=*** dbname=d host=h port=1"},
		{"postgresql:///d?password=hunter2&sslpassword=hunter2",
		 "password=*** dbname=d sslpassword=***"},
		{"postgres://u:hunter%32@/d", "user=u password=*** dbname=d"},
		{"postgresql://u:hunter2@[::1", "***"},
		{"hunter2", "***"},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct sbuf out;

		sbuf_init(&out, 4096);
		settings_redact_database(t[i][0], &out);
		sbuf_add(&out, "", 1);
		assert_string_equal(out.p, t[i][1]);
		sbuf_fini(&out);
	}
}

/* format: what follows "routes":[ but for the last brace; %s in it is a route's start. */
static struct settings *load_routes(const char *format, const char *route)
{
	const char *mark = strstr(format, "%s");
	char *text = xasprintf("{\"database\":\"dbname=x\",\"routes\":[%.*s%s%s}",
			       (int)(mark - format), format, route, mark + 2);
	struct settings *s = load(text);

	free(text);
	return s;
}

/* Names only: of secrets too it is told that they changed, not what they are. */
static void test_changes(void **state)
{
	static const struct {
		const char *now, *next; /* routes, and members beside them */
		const char *text;
	} t[] = {
		{"{%s}]", "{%s}]", ""},
		{"{%s}],\"workers\":1", "{%s}],\"workers\":2", ""},
		{"{%s}]", "{%s}],\"limits\":{\"body_bytes\":5,\"headers\":7}",
		 "limits.headers, limits.body_bytes"},
		{"{%s,\"scope\":\"x\"}]", "{%s,\"strip_prefix\":false}]",
		 "route a: strip_prefix, scope"},
		{"{%s}]", "{%s,\"limits\":{\"body_bytes\":5}}]",
		 "route a: limits.body_bytes"},
		{"{%s},{\"name\":\"b\",\"path\":\"/b\",\"upstream\":\"http://h\"}]",
		 "{%s},{\"name\":\"c\",\"path\":\"/b\",\"upstream\":\"http://h\"}]",
		 "route c added; route b removed"},
		{"{%s,\"set_headers\":{\"A\":\"${A}\"}}]",
		 "{%s,\"set_headers\":{\"A\":\"${B}\"}}],\"trusted_proxies\":[]",
		 "trusted_proxies; route a: set_headers"},
		{"{%s,\"set_headers\":{\"A\":\"${A}\"}}]",
		 "{%s,\"set_headers\":{\"A\":\"${A2}\"}}]", ""},
		{"{%s}],\"usage\":{\"ingest\":{\"secret\":\"hunter2hunter2hunter2\"}}",
		 "{%s}],\"usage\":{\"ingest\":{\"secret\":\"hunter3hunter3hunter3\"}}",
		 "usage.ingest.secret"},
		{"{%s}]",
		 "{%s}],\"usage\":{\"ingest\":{\"secret\":\"hunter3hunter3hunter3\"}}",
		 "usage.ingest.secret"},
	};
	static const char a[] =
		"\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"";

	(void)state;
	setenv("A", "one", 1);
	setenv("A2", "one", 1);
	setenv("B", "two", 1);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct settings *now = load_routes(t[i].now, a),
				*next = load_routes(t[i].next, a);
		struct sbuf text;

		sbuf_init(&text, 4096);
		settings_changes(now, next, &text);
		sbuf_add(&text, "", 1);
		assert_string_equal(text.p, t[i].text);
		sbuf_fini(&text);
		settings_unref(&now);
		settings_unref(&next);
	}
}

static void test_restart_keys(void **state)
{
	static const struct {
		const char *now, *next; /* members beside the minimal ones */
		const char *names;
	} t[] = {
		{"", "", ""},
		{"", ",\"timeouts\":{\"head_s\":3},\"trusted_proxies\":[]", ""},
		{"", ",\"listen\":[\"127.0.0.1:8787\",\"[::1]:8787\"]", ""},
		{"", ",\"listen\":[\"127.0.0.1:8787\"]", "listen"},
		{",\"workers\":1,\"access_log\":false", ",\"workers\":2",
		 "workers, access_log"},
		{"", ",\"state_dir\":\"/x\"", "state_dir"},
		{",\"tokens\":{\"poll_s\":1}", ",\"tokens\":{\"poll_s\":1.5}",
		 "tokens.poll_s"},
		{",\"database\":\"password=a\"", ",\"database\":\"password=b\"",
		 "database"},
		{",\"manager\":{\"listen\":\"127.0.0.1:1\"},\"limits\":{\"connections\":5}",
		 "", "manager.listen"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		static const char frame[] =
			"{\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}]%s%s}";
		const char *db =
			strstr(t[i].now, "database") ? "" : ",\"database\":\"dbname=x\"";
		char *a = xasprintf(frame, db, t[i].now),
		     *b = xasprintf(frame, db, t[i].next);
		struct settings *now = load(a), *next = load(b);
		struct sbuf names;

		sbuf_init(&names, 4096);
		settings_restart_keys(now, next, &names);
		sbuf_add(&names, "", 1);
		assert_string_equal(names.p, t[i].names);
		sbuf_fini(&names);
		settings_unref(&now);
		settings_unref(&next);
		free(a);
		free(b);
	}
}

/* --- the table --- */

static size_t group_length(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot ? (size_t)(dot - name) : 0;
}

static void test_table_is_sound(void **state)
{
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct settings_key *k = &keys[i];
		size_t len = strlen(k->doc);

		assert_ptr_equal(settings_key_find(k->name, k->place), k);
		assert_true(len > 0 && k->doc[len - 1] != '.');
		assert_true(k->type < KEY_TYPE_COUNT);
		/* Exactly one of: a default, required, or a state of its own when
		 * absent. */
		assert_int_equal((k->fallback != NULL) +
					 ((k->flags & KEY_REQUIRED) != 0) +
					 ((k->flags & KEY_OPTIONAL) != 0),
				 1);
		if (k->type == KEY_U32 || k->type == KEY_U64 || k->type == KEY_SECONDS) {
			assert_true(k->min < k->max);
			assert_non_null(k->unit);
			assert_int_equal(k->type == KEY_SECONDS,
					 strcmp(k->name + strlen(k->name) - 2, "_s") ==
						 0);
		}
		if ((k->flags & KEY_RESTART) != 0)
			assert_int_equal(k->place, AT_TOP);
	}
}

/* The dump opens a group at its first key and closes it at the first of another one. */
static void check_groups(enum settings_place place)
{
	size_t n, last = SIZE_MAX;
	const struct settings_key *keys = settings_keys(&n);

	for (size_t i = 0; i < n; i++) {
		size_t g = group_length(keys[i].name);

		if ((keys[i].place & place) == 0)
			continue;
		for (size_t j = 0; g != 0 && j < i; j++)
			if ((keys[j].place & place) != 0 &&
			    strncmp(keys[i].name, keys[j].name, g + 1) == 0)
				assert_int_equal(
					strncmp(keys[i].name, keys[last].name, g + 1), 0);
		last = i;
	}
}

static void test_table_groups_stand_together(void **state)
{
	(void)state;
	check_groups(AT_TOP);
	check_groups(IN_ROUTE);
}

static void test_lookups(void **state)
{
	(void)state;
	assert_non_null(settings_key_find("limits.headers", AT_TOP));
	assert_null(settings_key_find("limits.headers", IN_ROUTE));
	assert_non_null(settings_key_find("limits.body_bytes", IN_ROUTE));
	assert_null(settings_key_find("limits", AT_TOP));
	assert_null(settings_key_find("", AT_TOP));
	assert_true(settings_key_is_group("limits", AT_TOP));
	assert_true(settings_key_is_group("limits", IN_ROUTE));
	assert_false(settings_key_is_group("limit", AT_TOP));
	assert_false(settings_key_is_group("set_headers", IN_ROUTE));
	assert_false(settings_key_is_group("listen", AT_TOP));
}

static void test_suggestions(void **state)
{
	static const struct {
		const char *name;
		enum settings_place place;
		const char *meant;
	} t[] = {
		{"listne", AT_TOP, "listen"},
		{"databse", AT_TOP, "database"},
		{"trusted_proxy", AT_TOP, "trusted_proxies"},
		{"timeouts.first_byte", AT_TOP, "timeouts.first_byte_s"},
		{"first_byte_s", IN_ROUTE, "timeouts.first_byte_s"},
		{"limits.idle_s", AT_TOP, "timeouts.idle_s"},
		{"header", IN_ROUTE, NULL},
		{"methds", IN_ROUTE, "methods"},
		{"cors.header", IN_ROUTE, "cors.headers"},
		{"origins", IN_ROUTE, "cors.origins"},
		{"cor", IN_ROUTE, "cors"},
		{"set_header", IN_ROUTE, "set_headers"},
		{"setHeaders", IN_ROUTE, "set_headers"},
		{"upstreams", IN_ROUTE, "upstream"},
		{"pool", IN_ROUTE, "pools"},
		{"qqqqqqq", AT_TOP, NULL},
		{"", AT_TOP, NULL},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		 AT_TOP, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		const char *meant = settings_key_suggest(t[i].name, t[i].place);

		if (t[i].meant == NULL)
			assert_null(meant);
		else
			assert_string_equal(meant, t[i].meant);
	}
}

/* Each key with its default in the shipped file, so that the example cannot fall
 * behind. */
static const struct jsonc_node *find(const struct jsonc_node *object, const char *dotted)
{
	const char *dot = strchr(dotted, '.');
	char group[64];

	if (dot == NULL)
		return jsonc_get(object, dotted);
	snprintf(group, sizeof group, "%.*s", (int)(dot - dotted), dotted);
	return find(jsonc_get(object, group), dot + 1);
}

static void on_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	(void)ctx;
	fail_msg("%u:%u: %s", pos.line, pos.column, text);
}

/* Keys that need a file are shown as comments: // "tls": { "ca_file": ... } */
static bool in_comment(const char *text, const char *dotted)
{
	size_t group = group_length(dotted);
	char *opening = xasprintf("// \"%.*s\": { ", (int)group, dotted);
	char *quoted = xasprintf("\"%s\": ", dotted + group + 1);
	bool found = false;

	for (const char *p = text; group != 0 && !found; p++) {
		const char *key;

		p = strstr(p, opening);
		if (p == NULL)
			break;
		key = strstr(p, quoted);
		found = key != NULL && key < p + strcspn(p, "\n");
	}
	free(opening);
	free(quoted);
	return found;
}

/* Those of issuers and rules: // { "issuer": ... } */
static bool in_line_comment(const char *text, const char *key)
{
	char *quoted = xasprintf("\"%s\"", key);
	bool found = false;

	for (const char *p = text; !found && (p = strstr(p, quoted)) != NULL; p++) {
		const char *line = p;

		while (line > text && line[-1] != '\n')
			line--;
		found = strncmp(line, "  // ", 5) == 0;
	}
	free(quoted);
	return found;
}

static void test_example_has_every_key(void **state)
{
	struct jsonc_sink sink = {on_fault, NULL};
	char *text = xcalloc(1, 65536);
	FILE *f = fopen("config/tollgate.json", "rb");
	struct jsonc_node *root;
	const struct jsonc_node *route;
	size_t n;
	const struct settings_key *keys = settings_keys(&n);

	(void)state;
	assert_non_null(f);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	root = jsonc_parse(str_of(text), &sink);
	route = jsonc_get(root, "routes")->last; /* the one with all keys */
	for (size_t i = 0; i < n; i++) {
		if ((keys[i].place & AT_TOP) != 0 && find(root, keys[i].name) == NULL &&
		    !in_comment(text, keys[i].name))
			fail_msg("config/tollgate.json lacks %s", keys[i].name);
		if ((keys[i].place & IN_ROUTE) != 0 &&
		    find(route, keys[i].name) == NULL && !in_comment(text, keys[i].name))
			fail_msg("config/tollgate.json lacks %s in a route",
				 keys[i].name);
		if ((keys[i].place & (IN_ISSUER | IN_RULE)) != 0 &&
		    !in_line_comment(text, keys[i].name))
			fail_msg("config/tollgate.json lacks %s of sign_in",
				 keys[i].name);
	}
	jsonc_free(&root);
	free(text);
}

static const char *no_variable(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return NULL;
}

/* The example as `tollgate dev` loads it on a machine without a single variable. */
static void test_example_loads_for_dev(void **state)
{
	struct settings_options o = {.env = "dev",
				     .allow_missing_secrets = true,
				     .database_optional = true,
				     .variable = no_variable};
	struct settings *s;
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 65536);
	s = settings_load("config/tollgate.json", &o, &report);
	assert_non_null(s);
	assert_int_equal(s->n_routes, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(s->routes[i].secret_missing,
				 strcmp(s->routes[i].name, "test") != 0);
	assert_null(s->state_dir);
	assert_string_equal(s->node, "dev");
	settings_unref(&s);
	sbuf_fini(&report);
}

/* Leaving a key out gives what the example writes. */
static void test_example_writes_the_defaults(void **state)
{
	static const char *const names[] = {
		"listen", "trusted_proxies", "manager", "limits",     "timeouts",
		"pools",  "tokens",          "usage",   "access_log", "trust_x_real_ip"};
	struct settings_options o = {.allow_missing_secrets = true,
				     .database = "dbname=x",
				     .variable = no_variable};
	struct settings *
		bare = load(
		       "{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}]}"),
	       *example;
	struct sbuf report;
	char *a, *b;

	(void)state;
	sbuf_init(&report, 65536);
	example = settings_load("config/tollgate.json", &o, &report);
	a = dump(bare);
	b = dump(example);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *start = xasprintf("\n  \"%s\": ", names[i]);
		const char *in_a = strstr(a, start), *in_b = strstr(b, start);

		assert_non_null(in_a);
		assert_non_null(in_b);
		assert_memory_equal(in_a + 1, in_b + 1, strcspn(in_a + 1, "\n"));
		free(start);
	}
	free(a);
	free(b);
	settings_unref(&bare);
	settings_unref(&example);
	sbuf_fini(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_the_ingest_secret_is_hidden),
		cmocka_unit_test(test_dump_reads_back),
		cmocka_unit_test(test_redact_database),
		cmocka_unit_test(test_restart_keys),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test(test_table_groups_stand_together),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_suggestions),
		cmocka_unit_test(test_example_has_every_key),
		cmocka_unit_test(test_example_loads_for_dev),
		cmocka_unit_test(test_example_writes_the_defaults),
	};

	return cmocka_run_group_tests_name("settings dump", tests, NULL, NULL);
}
