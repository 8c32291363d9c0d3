/* Settings: what a message advises, copied into the file, leads to a file that passes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/settings/settings.h"

enum place {
	TOP,   /* "key": value beside the others */
	ROUTE, /* inside a route */
	WHOLE,
};

/* `bad` is the value in the file, `told` what the message has to hold, `good` the value
 * with that (NULL: it is the value). Where key is "a.b", b stands in the object a. */
struct advice {
	enum place place;
	const char *key, *bad, *told, *good;
};

static const struct advice table[] = {
	/* --- listeners --- */
	{TOP, "listen", "8787", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "87870", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "true", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "null", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "{\"host\": \"0.0.0.0\", \"port\": 80}", "\"0.0.0.0:80\"", NULL},
	{TOP, "listen", "{\"port\": 80}", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "[]", "[\"127.0.0.1:8787\"]", NULL},
	{TOP, "listen", "\"\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"8787\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\":8787\"", "\"*:8787\"", NULL},
	{TOP, "listen", "\"localhost\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"localhost:8787\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"gateway.example.com:80\"", "\"127.0.0.1:80\"", NULL},
	{TOP, "listen", "\"http://127.0.0.1:8787\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"http://localhost:8787/\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"https://[::1]/x\"", "\"[::1]:8787\"", NULL},
	{TOP, "listen", "\"127.0.0.1\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"127.0.0.1:http\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"127.0.0.1:99999\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"127.0.0.1:$PORT\"", "\"127.0.0.1:8787\"", NULL},
	{TOP, "listen", "\"0.0.0.0\"", "\"0.0.0.0:8787\"", NULL},
	{TOP, "listen", "\"*\"", "\"*:8787\"", NULL},
	{TOP, "listen", "\"::\"", "\"[::]:8787\"", NULL},
	{TOP, "listen", "\"::1:8787\"", "\"[::1]:8787\"", NULL},
	{TOP, "listen", "\"[127.0.0.1]:80\"", "\"127.0.0.1:80\"", NULL},
	{TOP, "listen", "\"[fe80::1%eth0]:80\"", "\"127.0.0.1:80\"", NULL},
	{TOP, "listen", "\"127.0.0.1:80, [::1]:80\"", "\"127.0.0.1:80\"", NULL},
	{TOP, "listen", "\"/run/x.sock\"", "\"unix:/run/x.sock\"", NULL},
	{TOP, "listen", "\"unix:run/x.sock\"", "\"unix:/run/x.sock\"", NULL},
	{TOP, "listen", "\"unix:\"", "\"unix:/run/tollgate/tollgate.sock\"", NULL},
	{TOP, "listen", "\"$LISTEN\"", "${LISTEN}", "\"${LISTEN}\""},
	{TOP, "manager", "{\"listen\": \"localhost\"}", "\"127.0.0.1:8000\"",
	 "{\"listen\": \"127.0.0.1:8000\"}"},
	{TOP, "manager.listen", "8001", "\"127.0.0.1:8001\"", NULL},
	{TOP, "manager.listen", "\"localhost:8001\"", "\"127.0.0.1:8001\"", NULL},
	{TOP, "manager.listen", "\"nope\"", "\"127.0.0.1:8000\"", NULL},
	/* --- numbers --- */
	{TOP, "workers", "\"four\"", "\"auto\"", NULL},
	{TOP, "workers", "\"4\"", "4", NULL},
	{TOP, "workers", "null", "\"auto\"", NULL},
	{TOP, "workers", "[4]", "\"auto\"", NULL},
	{TOP, "workers", "\"$WORKERS\"", "\"${WORKERS}\"", NULL},
	{TOP, "workers", "\"%WORKERS%\"", "\"${WORKERS}\"", NULL},
	{TOP, "timeouts.head_s", "\"10s\"", "10", NULL},
	{TOP, "timeouts.head_s", "\"500ms\"", "0.5", NULL},
	{TOP, "timeouts.head_s", "\"2 min\"", "120", NULL},
	{TOP, "timeouts.head_s", "\"1h\"", "3600", NULL},
	{TOP, "timeouts.head_s", "\"2h\"", "10", NULL}, /* out of range: the default */
	{TOP, "timeouts.head_s", "\"10\"", "10", NULL},
	{TOP, "timeouts.head_s", "\"10 parsecs\"", "10", NULL},
	{TOP, "timeouts.head_s", "\"\"", "10", NULL},
	{TOP, "timeouts.head_s", "\"ten\"", "10", NULL},
	{TOP, "timeouts.head_s", "true", "10", NULL},
	{TOP, "timeouts.head_s", "null", "10", NULL},
	{TOP, "timeouts.head_s", "[10]", "10", NULL},
	{TOP, "timeouts.head_s", "{}", "10", NULL},
	{TOP, "timeouts.head_s", "\"$(WORKERS)\"", "\"${WORKERS}\"", NULL},
	{TOP, "limits.body_bytes", "\"10MB\"", "10485760", NULL},
	{TOP, "limits.body_bytes", "\"1.5 KiB\"", "1536", NULL},
	{TOP, "limits.body_bytes", "\"1 GB\"", "1073741824", NULL},
	{TOP, "limits.headers", "\"100\"", "100", NULL},
	{TOP, "limits.headers", "\"1k\"", "100", NULL},
	{TOP, "usage.retention_days", "\"2w\"", "14", NULL},
	{TOP, "usage.sync_ms", "\"1s\"", "1000", NULL},
	{ROUTE, "price_per_call", "\"0.01\"", "0.01", NULL},
	{ROUTE, "price_per_call", "\"1 cent\"", "0", NULL},
	{ROUTE, "timeouts.total_s", "\"5m\"", "300", NULL},
	/* --- switches --- */
	{TOP, "access_log", "\"on\"", "true", NULL},
	{TOP, "access_log", "\"/var/log/tollgate.log\"", "false", NULL},
	{TOP, "access_log", "1", "true", NULL},
	{TOP, "access_log", "0", "false", NULL},
	{TOP, "access_log", "null", "false", NULL},
	{TOP, "access_log", "\"$ON\"", "\"${ON}\"", NULL},
	{ROUTE, "strip_prefix", "\"no\"", "false", NULL},
	{ROUTE, "forward_client_info", "\"TRUE\"", "true", NULL},
	/* --- names, paths, folders --- */
	{TOP, "node", "5", "\"5\"", NULL},
	{TOP, "node", "\"a b\"", "\"a-b\"", NULL},
	{TOP, "node", "\"\"", "\"tollgate-1\"", NULL},
	{TOP, "node", "\"na\xc3\xafve\"", "\"na--ve\"", NULL},
	{TOP, "node", "null", "\"tollgate-1\"", NULL},
	{TOP, "node", "[\"a\"]", "\"tollgate-1\"", NULL},
	{TOP, "node", "\"$NODE\"", "${NODE}", "\"${NODE}\""},
	{TOP, "node", "\"{{NODE}}\"", "${NODE}", "\"${NODE}\""},
	{TOP, "node", "\"${UNSET}\"", "${UNSET:-tollgate-1}", "\"${UNSET:-tollgate-1}\""},
	{TOP, "state_dir", "5", "\"5\"", NULL},
	{TOP, "state_dir", "null", "\"/var/lib/tollgate\"", NULL},
	{TOP, "state_dir", "\"${UNSET}\"", "${UNSET:-}", "\"${UNSET:-}\""},
	{ROUTE, "scope", "\"a b\"", "\"a-b\"", NULL},
	{ROUTE, "scope", "true", "\"true\"", NULL},
	{ROUTE, "scope", "[\"a\"]", "\"test\"", NULL},
	{ROUTE, "path", "5", "\"/api/test\"", NULL},
	{ROUTE, "path", "\"\"", "\"/\"", NULL},
	{ROUTE, "path", "\"api\"", "\"/api\"", NULL},
	{ROUTE, "path", "\"/api/\"", "\"/api\"", NULL},
	{ROUTE, "path", "\"/api/*\"", "\"/api\"", NULL},
	{ROUTE, "path", "\"/api?x=1\"", "\"/api\"", NULL},
	{ROUTE, "path", "\"/a//b\"", "\"/a/b\"", NULL},
	{ROUTE, "path", "\"/a/../b/.\"", "\"/b\"", NULL},
	{ROUTE, "path", "\"../..\"", "\"/\"", NULL},
	{ROUTE, "path", "\"/a b\"", "\"/a-b\"", NULL},
	{ROUTE, "path", "\"/a%20b\"", "\"/a-20b\"", NULL},
	{ROUTE, "path", "\"\\\\api\"", "\"/api\"", NULL},
	{ROUTE, "path", "\"https://gateway.example/api/x?y\"", "\"/api/x\"", NULL},
	{ROUTE, "path", "\"https://gateway.example\"", "\"/\"", NULL},
	{ROUTE, "path", "\"$PATH_\"", "${PATH_}", "\"${PATH_}\""},
	{ROUTE, "path", "\"${UNSET}\"", "${UNSET:-/api/test}", "\"${UNSET:-/api/test}\""},
	{ROUTE, "name", "\"\"", "\"test\"", NULL},
	{ROUTE, "name", "7", "\"7\"", NULL},
	/* --- upstreams --- */
	{ROUTE, "upstream", "9001", "\"http://127.0.0.1:9001\"", NULL},
	{ROUTE, "upstream", "true", "\"http://127.0.0.1:9001\"", NULL},
	{ROUTE, "upstream", "{\"url\": \"http://h\"}", "\"http://127.0.0.1:9001\"", NULL},
	{ROUTE, "upstream", "[]", "[\"http://127.0.0.1:9001\"]", NULL},
	{ROUTE, "upstream", "\"api.openai.com/v1\"", "https://api.example/v1",
	 "\"https://api.example/v1\""},
	{ROUTE, "upstream", "\"http://\"", "http://billing.internal:8080/path",
	 "\"http://billing.internal:8080/path\""},
	{ROUTE, "upstream", "\"http://::1:9001\"", "http://[::1]:9001",
	 "\"http://[::1]:9001\""},
	{ROUTE, "upstream", "\"http://[::1\"", "http://[::1]:9001",
	 "\"http://[::1]:9001\""},
	{ROUTE, "upstream", "\"http://[::1]x\"", "http://[::1]:9001",
	 "\"http://[::1]:9001\""},
	{ROUTE, "upstream", "\"http://127.1\"", "http://127.0.0.1:9001",
	 "\"http://127.0.0.1:9001\""},
	{ROUTE, "upstream", "\"http://a b\"", "http://billing.internal:8080",
	 "\"http://billing.internal:8080\""},
	{ROUTE, "upstream", "\"$UPSTREAM\"", "${UPSTREAM}", "\"${UPSTREAM}\""},
	{ROUTE, "upstream", "\"${UNSET}\"", "${UNSET:-http://127.0.0.1:9001}",
	 "\"${UNSET:-http://127.0.0.1:9001}\""},
	{ROUTE, "upstream", "\"http://${UNSET}:80\"", "${UNSET:-default}",
	 "\"http://${UNSET:-default}:80\""},
	{ROUTE, "upstream", "\"http://h:${UNSET}\"", "${UNSET:-8080}",
	 "\"http://h:${UNSET:-8080}\""},
	{ROUTE, "upstream", "\"${UNSET}://h\"", "${UNSET:-https}",
	 "\"${UNSET:-https}://h\""},
	/* --- lists --- */
	{TOP, "trusted_proxies", "\"10.0.0.0/8\"", "[\"10.0.0.0/8\"]", NULL},
	{TOP, "trusted_proxies", "true", "[\"10.0.0.0/8\"]", NULL},
	{TOP, "trusted_proxies", "null", "[\"10.0.0.0/8\"]", NULL},
	{TOP, "trusted_proxies", "[10]", "\"10.0.0.0/8\"", "[\"10.0.0.0/8\"]"},
	{ROUTE, "methods", "\"GET\"", "[\"GET\"]", NULL},
	{ROUTE, "methods", "\"*\"", "[\"GET\"]", NULL},
	{ROUTE, "methods", "5", "[\"GET\"]", NULL},
	{ROUTE, "methods", "[5]", "\"GET\"", "[\"GET\"]"},
	{ROUTE, "remove_headers", "\"X-A\"", "[\"X-A\"]", NULL},
	{ROUTE, "remove_headers", "{}", "[\"X-Name\"]", NULL},
	{ROUTE, "cors.origins", "\"*\"", "[\"*\"]", NULL},
	{ROUTE, "cors.origins", "[\"app.example\"]", "https://app.example",
	 "[\"https://app.example\"]"},
	{ROUTE, "cors.origins", "[\"https://app.example/\"]", "https://app.example",
	 "[\"https://app.example\"]"},
	{ROUTE, "cors.origins", "[true]", "\"https://app.example\"",
	 "[\"https://app.example\"]"},
	/* --- headers, choices --- */
	{ROUTE, "set_headers", "[]", "{\"X-Name\": \"value\"}", NULL},
	{ROUTE, "set_headers", "\"Authorization: Bearer x\"", "{\"X-Name\": \"value\"}",
	 NULL},
	{ROUTE, "set_headers.X-A", "5", "\"5\"", NULL},
	{ROUTE, "set_headers.X-A", "true", "\"true\"", NULL},
	{ROUTE, "set_headers.X-A", "null", "\"value\"", NULL},
	{ROUTE, "set_headers.X-A", "[\"a\"]", "\"value\"", NULL},
	{ROUTE, "set_headers.X-A", "{\"env\": \"X\"}", "\"value\"", NULL},
	{ROUTE, "set_headers.X-A", "\"${UNSET}\"", "${UNSET:-default}",
	 "\"${UNSET:-default}\""},
	{ROUTE, "on_client_abort", "\"ignore\"", "\"cancel\"", NULL},
	{ROUTE, "on_client_abort", "true", "\"cancel\"", NULL},
	{ROUTE, "on_client_abort", "\"${UNSET}\"", "${UNSET:-cancel}",
	 "\"${UNSET:-cancel}\""},
	/* --- variables as numbers --- */
	{TOP, "workers", "\"${UNSET}\"", "${UNSET:-auto}", "\"${UNSET:-auto}\""},
	{TOP, "timeouts.head_s", "\"${UNSET}\"", "${UNSET:-10}", "\"${UNSET:-10}\""},
	{TOP, "access_log", "\"${UNSET}\"", "${UNSET:-true}", "\"${UNSET:-true}\""},
	{TOP, "listen", "\"${UNSET}\"", "${UNSET:-127.0.0.1:8787}",
	 "\"${UNSET:-127.0.0.1:8787}\""},
	{TOP, "listen", "\"${UNSET}:8787\"", "${UNSET:-127.0.0.1}",
	 "\"${UNSET:-127.0.0.1}:8787\""},
	{TOP, "listen", "\"127.0.0.1:${UNSET}\"", "${UNSET:-8787}",
	 "\"127.0.0.1:${UNSET:-8787}\""},
	{TOP, "manager.listen", "\"${UNSET}\"", "${UNSET:-127.0.0.1:8000}",
	 "\"${UNSET:-127.0.0.1:8000}\""},
	{TOP, "trusted_proxies", "[\"${UNSET}\"]", "${UNSET:-10.0.0.0/8}",
	 "[\"${UNSET:-10.0.0.0/8}\"]"},
	{TOP, "trusted_proxies", "[\"10.0.0.0/${UNSET}\"]", "${UNSET:-8}",
	 "[\"10.0.0.0/${UNSET:-8}\"]"},
	{TOP, "usage.ingest", "{\"secret\": \"${UNSET}\"}", "${UNSET:-}",
	 "{\"secret\": \"${UNSET:-}\"}"},
	/* --- groups --- */
	{TOP, "limits", "5", "{}", NULL},
	{TOP, "manager", "\"127.0.0.1:8000\"", "{}", NULL},
	{TOP, "timeouts", "[]", "{}", NULL},
	{TOP, "env", "[]", "{\"dev\": {}}", NULL},
	{TOP, "env", "{\"dev\": 1}", "{}", "{\"dev\": {}}"},
	{ROUTE, "cors", "true", "{\"origins\": [\"https://app.example\"]}", NULL},
/* --- the file --- */
#define ROUTE_EXAMPLE                                                                    \
	"{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": "                   \
	"\"http://127.0.0.1:9001\"}"
#define FILE_EXAMPLE                                                                     \
	"{\"database\": \"postgresql://user:password@host:5432/name\", \"routes\": "     \
	"[" ROUTE_EXAMPLE "]}"
	{WHOLE, NULL, "", FILE_EXAMPLE, NULL},
	{WHOLE, NULL, " \n", FILE_EXAMPLE, NULL},
	{WHOLE, NULL, "// nothing yet\n", FILE_EXAMPLE, NULL},
	{WHOLE, NULL, "\xef\xbb\xbf", FILE_EXAMPLE, NULL},
	{WHOLE, NULL, "[]", FILE_EXAMPLE, NULL},
	{WHOLE, NULL, "null", FILE_EXAMPLE, NULL},
	{WHOLE, NULL, "\"listen\"", FILE_EXAMPLE, NULL},
};

static const char *variable(void *ctx, const char *name)
{
	static const char *const values[][2] = {{"LISTEN", "127.0.0.1:8787"},
						{"PORT", "8787"},
						{"WORKERS", "2"},
						{"ON", "true"},
						{"NODE", "n"},
						{"PATH_", "/p"},
						{"UPSTREAM", "http://h"},
						{"DATABASE_URL", "dbname=x"}};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (strcmp(values[i][0], name) == 0)
			return values[i][1];
	return NULL;
}

/* The file with this value under the key. */
static char *file_with(const struct advice *a, const char *value)
{
	static const char route[] = "\"name\": \"r\", \"path\": \"/r\", \"upstream\": "
				    "\"http://h\"";
	const char *dot = a->key ? strchr(a->key, '.') : NULL;
	char *member, *text, *others;

	if (a->place == WHOLE)
		return xstrdup(value);
	if (dot != NULL)
		member = xasprintf("\"%.*s\": {\"%s\": %s}", (int)(dot - a->key), a->key,
				   dot + 1, value);
	else
		member = xasprintf("\"%s\": %s", a->key, value);
	if (a->place == TOP) {
		text = xasprintf("{\"database\": \"dbname=x\", \"routes\": [{%s}], %s}",
				 route, member);
	} else {
		others = xasprintf(
			"%s%s%s", strcmp(a->key, "name") ? "\"name\": \"r\", " : "",
			strcmp(a->key, "path") ? "\"path\": \"/r\", " : "",
			strcmp(a->key, "upstream") ? "\"upstream\": \"http://h\", " : "");
		text = xasprintf("{\"database\": \"dbname=x\", \"routes\": [{%s%s}]}",
				 others, member);
		free(others);
	}
	free(member);
	return text;
}

static bool passes(const char *text, struct sbuf *report)
{
	struct settings_options options = {.variable = variable};
	struct settings *s;
	bool ok;

	s = settings_load_text("t", str_of(text), &options, report);
	ok = s != NULL;
	settings_unref(&s);
	sbuf_add(report, "", 1);
	return ok;
}

static void check_advice(const struct advice *a)
{
	char *bad = file_with(a, a->bad);
	char *good = file_with(a, a->good != NULL ? a->good : a->told);
	struct sbuf report;

	sbuf_init(&report, 65536);
	if (passes(bad, &report))
		fail_msg("passes: %s", bad);
	if (strstr(report.p, a->told) == NULL)
		fail_msg("%s\n%s is not in: %s", bad, a->told, report.p);
	sbuf_reset(&report);
	if (!passes(good, &report))
		fail_msg("%s\n%s", good, report.p);
	sbuf_fini(&report);
	free(bad);
	free(good);
}

static void test_advice_is_told_and_passes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		check_advice(&table[i]);
}

/* Texts that are no JSON: what the message says, and the text after doing that. */
static void test_syntax(void **state)
{
#define BEFORE "{\"database\": \"dbname=x\", \"routes\": [], "
	static const char *const t[][3] = {
		{BEFORE "\"workers\": 010}", "remove the leading zero",
		 BEFORE "\"workers\": 10}"},
		{BEFORE "\"workers\": +1}", "write 1", BEFORE "\"workers\": 1}"},
		{BEFORE "\"timeouts\": {\"head_s\": .5}}", "write 1 or 0.5",
		 BEFORE "\"timeouts\": {\"head_s\": 0.5}}"},
		{BEFORE "\"timeouts\": {\"head_s\": 10s}}", "write the number alone",
		 BEFORE "\"timeouts\": {\"head_s\": 10}}"},
		{BEFORE "\"workers\": 0x10}", "in decimal digits",
		 BEFORE "\"workers\": 16}"},
		{BEFORE "\"limits\": {\"head_bytes\": 2_000}}", "write the number alone",
		 BEFORE "\"limits\": {\"head_bytes\": 2000}}"},
		{BEFORE "\"limits\": {\"head_bytes\": 2,000}}", "a number without commas",
		 BEFORE "\"limits\": {\"head_bytes\": 2000}}"},
		{BEFORE "\"listen\": 127.0.0.1:8787}", "put a text in double quotes",
		 BEFORE "\"listen\": \"127.0.0.1:8787\"}"},
		{BEFORE "\"listen\": localhost:8787}", "in double quotes",
		 BEFORE "\"listen\": \"127.0.0.1:8787\"}"},
		{BEFORE "\"listen\": '127.0.0.1:8787'}", "in double quotes",
		 BEFORE "\"listen\": \"127.0.0.1:8787\"}"},
		{BEFORE "\"listen\": \xe2\x80\x9c"
			"127.0.0.1:8787\xe2\x80\x9d}",
		 "a value was expected", BEFORE "\"listen\": \"127.0.0.1:8787\"}"},
		{BEFORE "\"listen\": ${LISTEN}}", "a value was expected",
		 BEFORE "\"listen\": \"${LISTEN}\"}"},
		{BEFORE "\"access_log\": True}", "write true",
		 BEFORE "\"access_log\": true}"},
		{BEFORE "\"access_log\": off}", "write false",
		 BEFORE "\"access_log\": false}"},
		{BEFORE "\"node\": undefined}", "leave the key out",
		 BEFORE "\"env\": {}}"},
		{BEFORE "\"node\": None, \"env\": {}}", "leave the key out",
		 BEFORE "\"env\": {}}"},
		{BEFORE "node: \"a\"}", "a key in double quotes",
		 BEFORE "\"node\": \"a\"}"},
		{BEFORE "'node': \"a\"}", "a key in double quotes",
		 BEFORE "\"node\": \"a\"}"},
		{BEFORE "\"node\" = \"a\"}", "':' after the key",
		 BEFORE "\"node\": \"a\"}"},
		{BEFORE "\"node\": \"a\",}", "a comma before '}'; remove it",
		 BEFORE "\"node\": \"a\"}"},
		{BEFORE "\"node\": \"a\" \"env\": {}}", "',' or '}' was expected",
		 BEFORE "\"node\": \"a\", \"env\": {}}"},
		{BEFORE "# x\n\"node\": \"a\"}", "write // or /* */",
		 BEFORE "// x\n\"node\": \"a\"}"},
		{BEFORE "\"node\": \"a}", "end it with \"", BEFORE "\"node\": \"a\"}"},
		{BEFORE "\"state_dir\": \"C:\\x\"}", "write \\\\ for a backslash",
		 BEFORE "\"state_dir\": \"C:\\\\x\"}"},
		{BEFORE "\"node\": \"a\"", "',' or '}' was expected",
		 BEFORE "\"node\": \"a\"}"},
		{BEFORE "\"node\": \"a\"}}", "the file's end was expected",
		 BEFORE "\"node\": \"a\"}"},
		{"\xff\xfe{", "save it as UTF-8", BEFORE "\"env\": {}}"},
		{BEFORE "\"node\": \"\xe9\"}", "save the file as UTF-8",
		 BEFORE "\"node\": \"e\"}"},
		{"{\"database\": \"$DATABASE_URL\", \"routes\": []}",
		 "write ${DATABASE_URL}",
		 "{\"database\": \"${DATABASE_URL}\", \"routes\": []}"},
		{"{\"database\": \"${UNSET}\", \"routes\": []}",
		 "${UNSET:-postgresql://user:password@host:5432/name}",
		 "{\"database\": \"${UNSET:-postgresql://user:password@host:5432/name}\", "
		 "\"routes\": []}"},
		{"{\"database\": \"postgresql://u:${UNSET}@h/d\", \"routes\": []}",
		 "${UNSET:-password}",
		 "{\"database\": \"postgresql://u:${UNSET:-password}@h/d\", \"routes\": []}"},
		{"{\"database\": \"postgresql://u:p@h:${UNSET}/d\", \"routes\": []}",
		 "${UNSET:-5432}",
		 "{\"database\": \"postgresql://u:p@h:${UNSET:-5432}/d\", \"routes\": []}"},
		{"{\"database\": {\"host\": \"h\"}, \"routes\": []}",
		 "write \"postgresql://user:password@host:5432/name\"",
		 "{\"database\": \"postgresql://user:password@host:5432/name\", "
		 "\"routes\": []}"},
		{"{\"database\": true, \"routes\": []}",
		 "write \"postgresql://user:password@host:5432/name\"",
		 "{\"database\": \"postgresql://user:password@host:5432/name\", "
		 "\"routes\": []}"},
		{"{\"database\": \"\", \"routes\": []}",
		 "write postgresql://user:password@host:5432/name",
		 "{\"database\": \"postgresql://user:password@host:5432/name\", "
		 "\"routes\": []}"},
		{"{\"database\": \"dbname=x\", \"routes\": {\"a\": {}}}",
		 "write [" ROUTE_EXAMPLE "]",
		 "{\"database\": \"dbname=x\", \"routes\": [" ROUTE_EXAMPLE "]}"},
		{"{\"database\": \"dbname=x\", \"routes\": [\"a\"]}",
		 "write " ROUTE_EXAMPLE,
		 "{\"database\": \"dbname=x\", \"routes\": [" ROUTE_EXAMPLE "]}"},
	};
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 65536);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		sbuf_reset(&report);
		if (passes(t[i][0], &report))
			fail_msg("passes: %s", t[i][0]);
		if (strstr(report.p, t[i][1]) == NULL)
			fail_msg("%s\n%s is not in: %s", t[i][0], t[i][1], report.p);
		sbuf_reset(&report);
		if (!passes(t[i][2], &report))
			fail_msg("%s\n%s", t[i][2], report.p);
	}
	sbuf_fini(&report);
}

/* What is missing: each message says what to add; added one after the other. */
static void test_from_an_empty_object(void **state)
{
	char *text = xstrdup("{}");
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 65536);
	for (unsigned i = 0; i < 3 && !passes(text, &report); i++) {
		const char *add = strstr(report.p, "add \"");
		char *next;

		assert_non_null(add);
		add += 4;
		next = xasprintf("%.*s%s%.*s}", (int)strlen(text) - 1, text,
				 strlen(text) > 2 ? ", " : "",
				 (int)(strstr(add, " (") - add), add);
		free(text);
		text = next;
		sbuf_reset(&report);
	}
	sbuf_reset(&report);
	if (!passes(text, &report))
		fail_msg("%s\n%s", text, report.p);
	assert_non_null(strstr(text, "\"routes\": [{"));
	free(text);
	sbuf_fini(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advice_is_told_and_passes),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_from_an_empty_object),
	};

	return cmocka_run_group_tests_name("settings advice", tests, NULL, NULL);
}
