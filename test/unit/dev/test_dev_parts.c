/* The pure parts of `tollgate dev`: options, listeners, routes, dev.env, which databases
 * are local. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/dev_options.h"
#include "gateway/dev/dev_database.h"
#include "gateway/dev/dev_env.h"
#include "gateway/dev/dev_routes.h"

/* --- quiet: complaints are part of the tests, not of their output --- */

static int saved_stderr = -1, saved_stdout = -1;

static int hush(void **state)
{
	int null = open("/dev/null", O_WRONLY);

	(void)state;
	saved_stderr = dup(STDERR_FILENO);
	saved_stdout = dup(STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
	return 0;
}

static int unhush(void **state)
{
	(void)state;
	fflush(NULL);
	dup2(saved_stderr, STDERR_FILENO);
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stderr);
	close(saved_stdout);
	return 0;
}

/* --- options --- */

static char words[256]; /* what the parsed options point into */

/* The exit status of help or a wrong use; -1: it would run. */
static int parse(struct dev_options *o, const char *line)
{
	struct cli_call c = {.command = cli_dev(), .path = "tollgate dev"};
	char *argv[16], *save = NULL;
	int argc = 0, status;

	snprintf(words, sizeof words, "%s", line);
	for (char *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	status = cli_parse(&c, argc, argv);
	if (status < 0)
		status = dev_options_of(o, &c) ? -1 : 2;
	cli_call_fini(&c);
	return status;
}

static void options_have_defaults(void **state)
{
	struct dev_options o;

	(void)state;
	assert_int_equal(parse(&o, "dev"), -1);
	assert_string_equal(o.config, "config/tollgate.json");
	assert_string_equal(o.state, ".tollgate");
	assert_null(o.database);
	assert_false(o.fresh || o.live || o.yes);
	assert_int_equal(o.listen.n + o.manager_listen.n, 0);
}

static void options_are_taken(void **state)
{
	struct dev_options o;

	(void)state;
	assert_int_equal(parse(&o,
			       "dev --config c.json --state s --fresh --live --listen "
			       "127.0.0.1:1,[::1]:2 --listen 3 --manager-listen=4"),
			 -1);
	assert_string_equal(o.config, "c.json");
	assert_string_equal(o.state, "s");
	assert_true(o.fresh && o.live && !o.yes);
	assert_int_equal(o.listen.n, 4);
	assert_string_equal(o.listen.items[0].text, "127.0.0.1:1");
	assert_string_equal(o.listen.items[1].text, "[::1]:2");
	assert_string_equal(o.listen.items[2].text, "127.0.0.1:3");
	assert_string_equal(o.listen.items[3].text, "[::1]:3");
	assert_int_equal(o.manager_listen.n, 2);
}

static void options_that_are_wrong(void **state)
{
	static const char *const lines[] = {
		"dev --no-such-option",
		"dev stray",
		"dev --config",
		"dev --listen x",
		"dev --listen 65536",
		"dev --listen ,",
		"dev --listen 1,2,3,4,5",
		"dev --database postgresql://localhost/x --fresh",
		"dev --database postgresql://db.example/x",
		"dev --database not=a=conninfo",
	};
	struct dev_options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (parse(&o, lines[i]) != 2)
			fail_msg("%s", lines[i]);
	assert_int_equal(parse(&o, "dev --help"), 0);
	assert_int_equal(parse(&o, "dev --database postgresql://db.example/x --yes"), -1);
	assert_int_equal(parse(&o, "dev --database postgresql://127.0.0.1/x"), -1);
}

/* --- databases --- */

static void databases_on_this_machine(void **state)
{
	static const struct {
		const char *conninfo;
		bool local;
	} rows[] = {
		{"", true},
		{"dbname=x", true},
		{"postgresql:///x", true},
		{"postgresql://u:p@localhost:5433/x", true},
		{"postgresql://127.0.0.1/x", true},
		{"postgresql://127.8.8.8/x", true},
		{"postgresql://[::1]/x", true},
		{"postgresql:///x?host=%2Fvar%2Frun", true},
		{"host=/var/run dbname=x", true},
		{"host=localhost,127.0.0.1", true},
		{"host=db.example hostaddr=127.0.0.1", true},
		{"host=localhost hostaddr=10.0.0.1", false},
		{"host=localhost,db.example", false},
		{"postgresql://localhost.example/x", false},
		{"postgresql://10.0.0.1/x", false},
		{"postgresql://0.0.0.0/x", false},
		{"postgresql://[::]/x", false},
		{"service=production", false},
		{"host=", true},
		{"nonsense", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (dev_database_is_local(rows[i].conninfo) != rows[i].local)
			fail_msg("%s", rows[i].conninfo);
}

static void environment_of_libpq_counts(void **state)
{
	(void)state;
	setenv("PGHOST", "db.example", 1);
	assert_false(dev_database_is_local("dbname=x"));
	assert_true(dev_database_is_local("host=localhost"));
	unsetenv("PGHOST");
	setenv("PGHOSTADDR", "10.0.0.1", 1);
	assert_false(dev_database_is_local("host=localhost"));
	unsetenv("PGHOSTADDR");
	setenv("PGSERVICE", "production", 1);
	assert_false(dev_database_is_local("dbname=x"));
	assert_true(dev_database_is_local("host=localhost"));
	unsetenv("PGSERVICE");
}

/* --- dev.env --- */

static void shell_words(void **state)
{
	static const struct {
		const char *value, *word;
	} rows[] = {
		{"http://127.0.0.1:8787", "http://127.0.0.1:8787"},
		{"postgresql://u:p%20@h:1/d", "postgresql://u:p%20@h:1/d"},
		{"", "''"},
		{"a b", "'a b'"},
		{"a&b?c", "'a&b?c'"},
		{"it's", "'it'\\''s'"},
		{"$(x)`y`", "'$(x)`y`'"},
		{"~x", "'~x'"},
		{"a\nb", "'a\nb'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sbuf out;

		sbuf_init(&out, 256);
		dev_env_quote(&out, rows[i].value);
		sbuf_add(&out, "", 1);
		assert_string_equal(out.p, rows[i].word);
		sbuf_fini(&out);
	}
}

static void env_file_with_and_without_a_key(void **state)
{
	struct dev_env e = {.url = "http://a",
			    .manager_url = "http://b",
			    .key = "ntk_x",
			    .admin_key = "tgu_x",
			    .database = "host=x dbname=y",
			    .config = "/c d/t.json",
			    .demo_url = "http://127.0.0.1:1",
			    .mock_url = "http://127.0.0.1:2",
			    .pid = 42};
	struct sbuf out;

	(void)state;
	sbuf_init(&out, 1024);
	dev_env_format(&out, &e);
	sbuf_add(&out, "", 1);
	assert_string_equal(out.p, "TOLLGATE_URL=http://a\n"
				   "TOLLGATE_MANAGER_URL=http://b\n"
				   "TOLLGATE_KEY=ntk_x\n"
				   "TOLLGATE_ADMIN_KEY=tgu_x\n"
				   "DATABASE_URL='host=x dbname=y'\n"
				   "TOLLGATE_CONFIG='/c d/t.json'\n"
				   "TOLLGATE_DEMO_URL=http://127.0.0.1:1\n"
				   "TOLLGATE_MOCK_URL=http://127.0.0.1:2\n"
				   "TOLLGATE_LIVE=0\n"
				   "TOLLGATE_PID=42\n");
	sbuf_reset(&out);
	e.key = e.admin_key = NULL;
	e.live = true;
	dev_env_format(&out, &e);
	sbuf_add(&out, "", 1);
	assert_null(strstr(out.p, "KEY"));
	assert_non_null(strstr(out.p, "\nTOLLGATE_LIVE=1\n"));
	sbuf_fini(&out);
}

/* --- routes --- */

static struct settings *load(const char *routes, struct dev_routes *d)
{
	char *text = xasprintf("{\"database\": \"host=x\", \"routes\": [%s]}", routes);
	struct settings_options o = {.allow_missing_secrets = true,
				     .override_upstream = dev_routes_override,
				     .override_ctx = d};
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, 65536);
	s = settings_load_text("test.json", str_of(text), &o, &report);
	if (s == NULL)
		fail_msg(STR_FMT, STR_ARG(sbuf_view(&report)));
	sbuf_fini(&report);
	free(text);
	return s;
}

#define ROUTE(path, upstream, more)                                                      \
	"{\"name\": \"r\", \"path\": \"" path "\", \"upstream\": \"" upstream "\"" more  \
	"}"

static struct dev_routes demo_routes(bool live)
{
	return (struct dev_routes){live, "http://127.0.0.1:1111", "http://127.0.0.1:2222",
				   ""};
}

static void where_routes_lead(void **state)
{
	static const struct {
		const char *route;
		enum dev_target target, live;
	} rows[] = {
		{ROUTE("/api/test", "http://127.0.0.1:9001", ""), DEV_DEMO, DEV_DEMO},
		{ROUTE("/api/test", "http://127.0.0.1:9002", ""), DEV_DEMO, DEV_DEMO},
		{ROUTE("/api/test", "http://localhost:9001/base", ""), DEV_DEMO,
		 DEV_DEMO},
		{ROUTE("/api/test", "http://127.0.0.1:9003", ""), DEV_OWN, DEV_OWN},
		{ROUTE("/api/test", "https://svc.example", ""), DEV_DEMO, DEV_OWN},
		{ROUTE("/api/other", "http://127.0.0.1:9001", ""), DEV_OWN, DEV_OWN},
		{"{\"name\": \"test\", \"path\": \"/x\", "
		 "\"upstream\": \"http://127.0.0.1:9001\"}",
		 DEV_DEMO, DEV_DEMO},
		{ROUTE("/api/other", "http://[::1]:1", ""), DEV_OWN, DEV_OWN},
		{ROUTE("/api/openai", "https://api.openai.com/v1", ""), DEV_MOCK,
		 DEV_OWN},
		{ROUTE("/api/other", "http://10.0.0.1", ""), DEV_MOCK, DEV_OWN},
		{ROUTE("/api/openai", "https://api.openai.com/v1",
		       ", \"set_headers\": {\"Authorization\": \"Bearer ${DEV_SET}\"}"),
		 DEV_MOCK, DEV_OWN},
		{ROUTE("/api/openai", "https://api.openai.com/v1",
		       ", \"set_headers\": {\"Authorization\": \"Bearer ${DEV_UNSET}\"}"),
		 DEV_MOCK, DEV_MOCK},
		{ROUTE("/api/own", "http://127.0.0.1:5000",
		       ", \"set_headers\": {\"Authorization\": \"Bearer ${DEV_UNSET}\"}"),
		 DEV_MOCK, DEV_MOCK},
	};

	(void)state;
	setenv("DEV_SET", "secret", 1);
	unsetenv("DEV_UNSET");
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		bool live = i % 2 == 1;
		struct dev_routes d = demo_routes(live);
		struct settings *s = load(rows[i / 2].route, &d);
		enum dev_target want = live ? rows[i / 2].live : rows[i / 2].target;

		if (dev_routes_target(&d, &s->routes[0]) != want)
			fail_msg("%s live %d", rows[i / 2].route, live);
		/* A secret never reaches anybody but its own upstream. */
		if (want != DEV_OWN)
			assert_int_equal(s->routes[0].set_headers.n, 0);
		settings_unref(&s);
	}
}

static void assert_described(const char *route, bool live, const char *wanted)
{
	struct dev_routes d = demo_routes(live);
	struct settings *s = load(route, &d);
	struct sbuf out;

	sbuf_init(&out, 4096);
	dev_routes_describe(&d, &s->routes[0], &out);
	assert_string_equal(sbuf_text(&out), wanted);
	dev_routes_mark(&d, s);
	assert_int_equal(s->routes[0].stand_in != NULL, strstr(wanted, "mock") != NULL);
	sbuf_fini(&out);
	settings_unref(&s);
}

static void routes_are_described(void **state)
{
	static const char openai[] =
		ROUTE("/api/openai", "https://api.openai.com/v1", "");

	(void)state;
	unsetenv("DEV_UNSET");
	assert_described(openai, false,
			 "the mock of https://api.openai.com/v1, --live calls it");
	assert_described(openai, true, "its own upstream, https://api.openai.com/v1");
	assert_described(
		ROUTE("/x", "http://10.0.0.1:81",
		      ", \"set_headers\": {\"Authorization\": \"Bearer ${DEV_UNSET}\"}"),
		true, "the mock of http://10.0.0.1:81, since its secret is unset");
	assert_described(ROUTE("/api/test", "http://127.0.0.1:9001", ""), false,
			 "the demo upstream");
}

static void the_mock_gets_the_base_path(void **state)
{
	struct dev_routes d = demo_routes(false);
	struct settings *s =
		load(ROUTE("/api/openai", "https://api.openai.com/v1", ""), &d);

	(void)state;
	assert_string_equal(s->routes[0].base_path, "/v1");
	assert_string_equal(s->routes[0].endpoints[0].authority, "127.0.0.1:2222");
	settings_unref(&s);
}

static void assert_calls(const char *routes, const char *wanted)
{
	struct dev_routes d = demo_routes(false);
	struct settings *s = load(routes, &d);
	struct sbuf out;

	sbuf_init(&out, 4096);
	dev_routes_curl(&out, s, &d, "http://g", "K");
	sbuf_add(&out, "", 1);
	assert_string_equal(out.p, wanted);
	sbuf_fini(&out);
	settings_unref(&s);
}

#define CALL "curl -H 'X-API-Key: K'"
#define STREAM "curl -N -H 'X-API-Key: K'"
#define JSON                                                                             \
	" -H 'Content-Type: application/json' -d '{\"model\": \"gpt-4o-mini\", "         \
	"\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]"

static void calls_fit_the_routes(void **state)
{
	(void)state;
	assert_calls(ROUTE("/api/test", "http://127.0.0.1:9001",
			   "") ", {\"name\": \"o\", \"path\": \"/api/openai\", "
			       "\"upstream\": \"https://x.example\"}",
		     CALL " http://g/api/test/hello\n" CALL JSON
			  "}' http://g/api/openai/chat/completions\n" STREAM
			  " 'http://g/api/test/stream?events=5&interval_ms=200'\n");
	assert_calls(ROUTE("/ai", "https://x.example", ""),
		     CALL " http://g/ai/hello\n" CALL JSON
			  "}' http://g/ai/chat/completions\n" STREAM JSON
			  ", \"stream\": true}' http://g/ai/chat/completions\n");
	assert_calls(ROUTE("/", "http://127.0.0.1:5000", ""), CALL
		     " http://g/hello\n" CALL JSON "}' http://g/chat/completions\n" STREAM
		     " 'http://g/stream?events=5&interval_ms=200'\n");
}

/* --- listeners --- */

static void free_port_is_one_for_both_families(void **state)
{
	struct dev_listeners l = {.n = 0};
	const char *port;

	(void)state;
	assert_true(dev_listeners_add(&l, "0"));
	assert_int_equal(l.n, 2);
	port = strrchr(l.items[0].text, ':');
	assert_string_not_equal(port, ":0");
	assert_string_equal(port, strrchr(l.items[1].text, ':'));
}

static struct settings_listeners copy_of(const struct dev_listeners *l)
{
	struct settings_listeners to = {0};

	dev_listeners_apply(l, &to);
	return to;
}

static void empty_option_changes_nothing(void **state)
{
	struct dev_listeners none = {.n = 0}, one = {.n = 0};
	struct settings_listeners to;

	(void)state;
	assert_true(dev_listeners_add(&one, "127.0.0.1:1"));
	to = copy_of(&one);
	dev_listeners_apply(&none, &to);
	assert_int_equal(to.n, 1);
	free(to.items);
}

static void ipv6_is_dropped_unless_alone(void **state)
{
	struct dev_listeners l = {.n = 0};
	struct settings_listeners to;

	(void)state;
	assert_true(dev_listeners_add(&l, "[::1]:1,127.0.0.1:1,unix:/tmp/x,[::1]:2"));
	to = copy_of(&l);
	dev_listeners_drop_ipv6(&to);
	assert_int_equal(to.n, 2);
	assert_string_equal(to.items[0].text, "127.0.0.1:1");
	assert_string_equal(to.items[1].text, "unix:/tmp/x");
	free(to.items);
	l.n = 0;
	assert_true(dev_listeners_add(&l, "[::1]:1"));
	to = copy_of(&l);
	dev_listeners_drop_ipv6(&to);
	assert_int_equal(to.n, 1);
	free(to.items);
}

/* Also one that its holder shares by SO_REUSEPORT. */
static void busy_port_is_noticed(void **state)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	socklen_t len = sizeof sa;
	struct dev_listeners l = {.n = 0};
	struct settings_listeners to;
	char text[32];
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	(void)state;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	snprintf(text, sizeof text, "127.0.0.1:%u", (unsigned)ntohs(sa.sin_port));
	assert_true(dev_listeners_add(&l, text));
	to = copy_of(&l);
	assert_false(dev_listeners_are_free(&to, "--listen"));
	close(fd);
	assert_true(dev_listeners_are_free(&to, "--listen"));
	free(to.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_have_defaults),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test_setup_teardown(options_that_are_wrong, hush, unhush),
		cmocka_unit_test(databases_on_this_machine),
		cmocka_unit_test(environment_of_libpq_counts),
		cmocka_unit_test(shell_words),
		cmocka_unit_test(env_file_with_and_without_a_key),
		cmocka_unit_test(where_routes_lead),
		cmocka_unit_test(routes_are_described),
		cmocka_unit_test(the_mock_gets_the_base_path),
		cmocka_unit_test(calls_fit_the_routes),
		cmocka_unit_test(free_port_is_one_for_both_families),
		cmocka_unit_test(empty_option_changes_nothing),
		cmocka_unit_test(ipv6_is_dropped_unless_alone),
		cmocka_unit_test_setup_teardown(busy_port_is_noticed, hush, unhush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
