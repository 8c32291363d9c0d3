/* Who may report usage: secrets, listed addresses, local callers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/manager/ingest_access.h"

#define SECRET "0123456789abcdef"
#define OTHER "0123456789abcdeX"

enum { WITH_SECRET = 1, WITH_LIST = 2 };

struct access_case {
	const char *peer, *host, *fields, *path_secret;
	unsigned settings;
	bool taken;
	const char *detail; /* a part of it */
};

#define NOT_SET "a secret was sent, but usage.ingest.secret is not set"
#define WRONG "the secret is not that of usage.ingest.secret"

static const struct access_case cases[] = {
	/* Without any setting: direct callers on this machine. */
	{"127.0.0.1", "localhost:8000", "", NULL, 0, true, ""},
	{"::1", "[::1]:8000", "", NULL, 0, true, ""},
	{"", "127.0.0.1", "", NULL, 0, true, ""}, /* a unix socket */
	{"127.0.0.1", "manager.example", "", NULL, 0, false, "set usage.ingest.secret"},
	{"192.0.2.7", "localhost", "", NULL, 0, false,
	 "or list 192.0.2.7 in usage.ingest.allow"},
	/* Behind a proxy on this machine, whether or not it tells of its client. */
	{"127.0.0.1", "localhost", "X-Forwarded-For: 192.0.2.7\r\n", NULL, 0, false,
	 "or list 192.0.2.7 in usage.ingest.allow"},
	{"127.0.0.1", "localhost", "Via: 1.1 x\r\n", NULL, WITH_LIST, false,
	 "set usage.ingest.secret"},

	/* The secret opens it for everyone. */
	{"192.0.2.7", "m.example", "Tollgate-Ingest-Secret: " SECRET "\r\n", NULL,
	 WITH_SECRET, true, ""},
	{"192.0.2.7", "m.example", "tollgate-ingest-SECRET:" SECRET "\r\n", NULL,
	 WITH_SECRET, true, ""},
	{"192.0.2.7", "m.example", "", SECRET, WITH_SECRET, true, ""},
	{"192.0.2.7", "m.example", "Tollgate-Ingest-Secret: " SECRET "\r\n", SECRET,
	 WITH_SECRET, true, ""},
	{"192.0.2.7", "m.example", "", NULL, WITH_SECRET, false,
	 "send the secret of usage.ingest.secret"},
	/* A wrong one is told, also where none is needed. */
	{"192.0.2.7", "m.example", "", OTHER, WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example", "", "", WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example", "", SECRET "0", WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example", "", SECRET "/", WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example", "Tollgate-Ingest-Secret: " OTHER "\r\n", SECRET,
	 WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example", "Tollgate-Ingest-Secret: " SECRET "\r\n", OTHER,
	 WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example",
	 "Tollgate-Ingest-Secret: " OTHER "\r\nTollgate-Ingest-Secret: " SECRET "\r\n",
	 NULL, WITH_SECRET, false, WRONG},
	{"192.0.2.7", "m.example", "Tollgate-Ingest-Secret:\r\n", NULL, WITH_SECRET,
	 false, WRONG},
	{"127.0.0.1", "localhost", "", OTHER, WITH_SECRET, false, WRONG},
	{"127.0.0.1", "localhost", "", SECRET, 0, false, NOT_SET},
	{"10.1.2.3", "m.example", "", OTHER, WITH_LIST, false, NOT_SET},
	/* A secret takes nothing from the others. */
	{"127.0.0.1", "localhost", "", NULL, WITH_SECRET, true, ""},
	{"10.1.2.3", "m.example", "", NULL, WITH_SECRET | WITH_LIST, true, ""},

	/* The list, for the client's own address. */
	{"10.1.2.3", "m.example", "", NULL, WITH_LIST, true, ""},
	{"::ffff:10.1.2.3", "m.example", "", NULL, WITH_LIST, true, ""},
	{"2001:db8::9", "m.example", "", NULL, WITH_LIST, true, ""},
	{"10.2.2.3", "m.example", "", NULL, WITH_LIST, false,
	 "or list 10.2.2.3 in usage.ingest.allow"},
	{"127.0.0.1", "m.example", "X-Forwarded-For: 10.1.2.3\r\n", NULL, WITH_LIST, true,
	 ""},
	{"127.0.0.1", "m.example", "X-Forwarded-For: 10.1.2.3, 192.0.2.7\r\n", NULL,
	 WITH_LIST, false, "or list 192.0.2.7"},
	/* Only trusted proxies are believed. */
	{"192.0.2.7", "m.example", "X-Forwarded-For: 10.1.2.3\r\n", NULL, WITH_LIST,
	 false, "or list 192.0.2.7"},
	/* Loopback is on the list, but that is everyone behind a silent proxy. */
	{"127.0.0.1", "m.example", "", NULL, WITH_LIST, false, "set usage.ingest.secret"},
	{"127.0.0.1", "m.example", "X-Forwarded-For: 127.0.0.1\r\n", NULL, WITH_LIST,
	 false, "set usage.ingest.secret"},
};

static struct settings *load(unsigned which)
{
	struct settings_options o = {0};
	struct settings *s;
	struct sbuf report;
	char *text = xasprintf(
		"{\"database\":\"host=h\",\"routes\":[],\"usage\":{\"ingest\":{%s%s%s}}}",
		which & WITH_SECRET ? "\"secret\":\"" SECRET "\"" : "",
		which == (WITH_SECRET | WITH_LIST) ? "," : "",
		which & WITH_LIST
			? "\"allow\":[\"10.1.0.0/16\",\"2001:db8::/32\",\"127.0.0.1\"]"
			: "");

	sbuf_init(&report, 65536);
	s = settings_load_text("t", str_of(text), &o, &report);
	assert_non_null(s);
	sbuf_fini(&report);
	free(text);
	return s;
}

static void check_case(const struct access_case *c)
{
	static const struct head_limits limits = {16384, 100};
	struct settings *s = load(c->settings);
	char *bytes = xasprintf("POST /api/usage-log HTTP/1.1\r\nHost: %s\r\n%s\r\n",
				c->host, c->fields);
	char detail[INGEST_ACCESS_DETAIL] = "";
	struct request_head h;
	struct head_refusal why;
	struct net_ip peer = {0};

	if (*c->peer)
		assert_true(net_ip_parse(&peer, str_of(c->peer)));
	assert_true(request_head_parse(&h, bytes, strlen(bytes), &limits, &why));
	assert_int_equal(ingest_access(&h, &peer, str_of(c->path_secret), s, detail),
			 c->taken);
	if (strstr(detail, c->detail) == NULL)
		fail_msg("%s", detail);
	assert_null(strstr(detail, "0123456789"));
	free(bytes);
	settings_unref(&s);
}

static void test_who_is_let_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("case %zu\n", i);
		check_case(&cases[i]);
	}
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *secret; /* NULL: none */
		bool taken;
	} paths[] = {
		{INGEST_PATH, NULL, true},
		{INGEST_PATH "/", "", true},
		{INGEST_PATH "/s", "s", true},
		{INGEST_PATH "/s/", "s/", true},
		{INGEST_PATH "/s/x", "s/x", true},
		/* Callers that add the path to an address with the secret in it. */
		{INGEST_PATH "/s" INGEST_PATH, "s", true},
		{INGEST_PATH "/s/" INGEST_PATH, "s", true},
		{"/s" INGEST_PATH, "s", true},
		{"/s/" INGEST_PATH, "s", true},
		{"/s/t" INGEST_PATH, NULL, false},
		{"/" INGEST_PATH, NULL, true},
		{INGEST_PATH INGEST_PATH, "api/usage-log", true},
		{INGEST_PATH "s", NULL, false},
		{"/s" INGEST_PATH "/", NULL, false},
		{"/s" INGEST_PATH "x", NULL, false},
		{"/api/usage", NULL, false},
		{"/", NULL, false},
		{"", NULL, false},
	};
	struct str secret;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		print_message("%s\n", paths[i].path);
		assert_int_equal(ingest_path(str_of(paths[i].path), &secret),
				 paths[i].taken);
		if (!paths[i].taken)
			continue;
		assert_int_equal(secret.p != NULL, paths[i].secret != NULL);
		if (paths[i].secret)
			assert_true(str_eq(secret, str_of(paths[i].secret)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_is_let_in),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
