/* Which addresses of PostgreSQL are taken, and that the advice of each refusal works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "common/check.h"
#include "common/pg_conninfo.h"
#include "common/pg_where.h"

static void test_accepted(void **state)
{
	static const char *const t[] = {
		"postgres://u:p@h:5432/d",
		"postgresql://u:p@h1:1,h2:2,[::1]:3/d?target_session_attrs=any",
		"postgresql:///d?host=/run/x&user=u&password=p",
		"postgresql://u@/d?host=/run/postgresql",
		"postgresql://u:p@h",
		"postgresql://",
		/* special characters that libpq takes for the password's */
		"postgresql://u:p:q?r#s&t=u[v]w@h/d",
		"postgresql://:p@h/d",
		/* encoded: meant as they are */
		"postgresql://me%40corp:p%40%2F%3A@h/my%40db",
		"postgresql://u:p@h/a%26b%3Dc",
		"postgresql://u:p@h/%70assword",
		"postgresql://u:p@%40abstract/d",
		"postgresql:///d?host=%2Frun%2Fa%40b",
		"postgresql://u:p@h/d?options=-c%20password_encryption%3Dmd5",
		"postgresql://u:p@h/d?sslpassword=a&sslmode=require",
		"host=a,b port=1,2 user=u password='a b'",
		"host=h",
		"dbname=d password='it\\'s' user=u",
		"password=a@b:c/d?e&f=g host=h dbname=d",
		"password='' host=h",
		"password = 'x' host = h",
		"password=a\\ b host=h",
		"host=/run/postgresql dbname=d options='-c password_encryption=md5'",
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (!pg_conninfo_check(t[i], &why))
			fail_msg("%s: %s", t[i], why);
}

struct refusal {
	const char *given, *says, *advised;
};

/* The secret is S3cr3t...; advised is what the message says to write. */
static const struct refusal refusals[] = {
	{NULL, "no database", "host=h"},
	{"", "no database", "host=h"},
	{"S3cr3t", "neither a postgresql:// URL nor", "password=S3cr3t"},
	{"'postgresql://u:S3cr3t@h/d'", "neither", "postgresql://u:S3cr3t@h/d"},
	{" postgresql://u:S3cr3t@h/d", "neither", "postgresql://u:S3cr3t@h/d"},
	{"Postgresql://u:S3cr3t@h/d", "neither", "postgresql://u:S3cr3t@h/d"},
	{"postgresql:/u:S3cr3t@h/d", "neither", "postgresql://u:S3cr3t@h/d"},
	{"postgresql://u:S3%cr3t@h/d", "percent-encoded", "postgresql://u:S3%25cr3t@h/d"},
	{"postgresql://u:p@h/d?S3cr3t=1", "percent-encoded", "postgresql://u:p@h/d"},
	{"postgresql://u:S3cr3t@[h/d", "percent-encoded", "postgresql://u:S3cr3t@h/d"},
	{"password=S3cr3t Tail host=h", "percent-encoded",
	 "password='S3cr3t Tail' host=h"},
	{"port=S3cr3t", "port is not a number", "port=1"},
	{"postgres://u:S3cr/3t@h/d", "/ as %2F", "postgres://u:S3cr%2F3t@h/d"},
	{"postgresql://u:S3cr3t%40Tail%40h/d", "port is not a number",
	 "postgresql://u:S3cr3t%40Tail@h/d"},

	{"postgresql://u:S3cr3t@Tail@127.0.0.1/db", "as %40",
	 "postgresql://u:S3cr3t%40Tail@127.0.0.1/db"},
	{"postgresql://u:S3cr3t@@h/db", "as %40", "postgresql://u:S3cr3t%40@h/db"},
	{"postgresql://u:@S3cr3t@h/db", "as %40", "postgresql://u:%40S3cr3t@h/db"},
	{"postgresql://me@corp:S3cr3t@h/db", "as %40",
	 "postgresql://me%40corp:S3cr3t@h/db"},
	{"postgresql://u:12/S3cr3t@h/db", "as %40", "postgresql://u:12%2FS3cr3t@h/db"},
	{"postgresql://u:/S3cr3t@h/db", "as %40", "postgresql://u:%2FS3cr3t@h/db"},
	{"postgresql://u:1234/5678?user=S3cr3t@h/db", "as %40",
	 "postgresql://u:1234%2F5678%3Fuser=S3cr3t@h/db"},
	{"postgresql://u:S3cr?3t@Tail@h/db", "as %40",
	 "postgresql://u:S3cr?3t%40Tail@h/db"},
	{"postgresql://u:S3cr3t@Tail?options=x@h/db", "as %40",
	 "postgresql://u:S3cr3t%40Tail%3Foptions=x@h/db"},
	{"postgresql://u:S3cr3t@h/my@db", "as %40", "postgresql://u:S3cr3t@h/my%40db"},
	{"postgresql://u:S3cr3t@h/d?user=a@b", "as %40", "postgresql://u:S3cr3t@h/d"},

	{"postgresql://u:S3cr 3t@h/db", "as %20", "postgresql://u:S3cr%203t@h/db"},
	{"postgresql://u:p@h/db password:S3cr3t", "as %20", "postgresql://u:p@h/db"},
	{"postgresql://u:S3cr3t@h/db ", "remove it", "postgresql://u:S3cr3t@h/db"},
	{"postgresql://u:S3cr3t@h/db\n", "remove it", "postgresql://u:S3cr3t@h/db"},

	{"postgresql://u@h/db&password=S3cr3t", "begin with ?",
	 "postgresql://u@h/db?password=S3cr3t"},
	{"postgresql://u@h/db&PassWord:S3cr3t", "begin with ?",
	 "postgresql://u@h/db?password=S3cr3t"},
	{"postgresql://u@h/db;password=S3cr3t", "begin with ?",
	 "postgresql://u@h/db?password=S3cr3t"},
	{"postgresql://u@h/db%26password%3DS3cr3t", "begin with ?",
	 "postgresql://u@h/db?password=S3cr3t"},
	{"postgresql://u@h/db&pwd", "begin with ?", "postgresql://u@h/db%26pwd"},
	{"postgresql://u@h/db/password/S3cr3t", "begin with ?",
	 "postgresql://u@h/db?password=S3cr3t"},
	{"postgresql:///u%3AS3cr3t%40h%2Fdb", "percent-encoded",
	 "postgresql://u:S3cr3t@h/db"},
	{"postgresql://u%3AS3cr3t%40h%2Fdb", "and nothing else",
	 "postgresql://u:S3cr3t@h/db"},
	{"postgresql://u:p@h,S3cr3t%40h2/d", "and nothing else",
	 "postgresql://u:p@h,h2/d"},
	{"postgresql:///d?hostaddr=S3cr3t%40h", "and nothing else",
	 "postgresql:///d?hostaddr=::1"},
	{"postgresql://u%3AS3cr3t@h/db", "plain colon", "postgresql://u:S3cr3t@h/db"},
	{"postgresql:///db?user=u:S3cr3t", "plain colon",
	 "postgresql:///db?user=u&password=S3cr3t"},
	{"user=u:S3cr3t host=h", "password=...", "user=u password=S3cr3t host=h"},

	{"postgresql://u@h/db?sslmode=require;password=S3cr3t", "percent-encoded",
	 "postgresql://u@h/db?sslmode=require&password=S3cr3t"},
	{"postgresql://u@h/db?sslmode=require;password%3DS3cr3t",
	 "separate parameters with &",
	 "postgresql://u@h/db?sslmode=require&password=S3cr3t"},
	{"host=h application_name='x Password = S3cr3t'", "inside another",
	 "host=h application_name='x' password = S3cr3t"},

	{"postgresql://u:S3cr3t@h/db?password=Tail", "a keyword twice",
	 "postgresql://u:S3cr3t@h/db"},
	{"postgresql://u:S3cr3t@h/db?p%61ssword=Tail", "a keyword twice",
	 "postgresql://u:S3cr3t@h/db"},
	{"postgresql://S3cr3t@h/db?user=u", "a keyword twice", "postgresql://u@h/db"},
	{"postgresql://u:p@S3cr3t/db?host=h", "a keyword twice", "postgresql://u:p@h/db"},
	{"postgresql://u:p@h:1234/db?port=5432", "a keyword twice",
	 "postgresql://u:p@h:5432/db"},
	{"postgresql://u:p@h/S3cr3t?dbname=db", "a keyword twice",
	 "postgresql://u:p@h/db"},
	{"postgresql://u:p@h/d?sslmode=require&ssl=true", "a keyword twice",
	 "postgresql://u:p@h/d?sslmode=require"},
	{"postgresql://u@h/d?password=S3cr3t&password=Tail", "a keyword twice",
	 "postgresql://u@h/d?password=S3cr3t%26password%3DTail"},
	{"host=S3cr3t password=p host=h", "a keyword twice", "password=p host=h"},
	{"password = S3cr3t password= 'Tail'", "a keyword twice",
	 "password='S3cr3t password= Tail'"},
	{"password='S3cr'host=3t", "no blank between", "password='S3cr\\'host=3t'"},

	{"host=S3cr3t@h user=u", "as a URL", "postgresql://u@h"},
	{"host=@S3cr3t user=u", "as a URL", "postgresql://u@%40S3cr3t"},
	{"hostaddr=S3cr3t@::1", "as a URL", "hostaddr=::1"},
	{"user=me@corp host=h", "as a URL", "postgresql://me%40corp@h"},
	{"dbname=postgresql://u:S3cr3t@h/d host=x", "is percent-encoded",
	 "postgresql://u:S3cr3t@h/d"},
	{"dbname='d password=S3cr3t'", "\"password=\" inside",
	 "dbname='d' password=S3cr3t"},
	{"dbname=my@db", "is percent-encoded", "postgresql:///my%40db"},
	{"dbname=a&b", "is percent-encoded", "postgresql:///a%26b"},
	{"dbname=a=b", "is percent-encoded", "postgresql:///a%3Db"},
	{"dbname=Passwords", "is percent-encoded", "postgresql:///%50asswords"},
};

static void test_refused(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *r = &refusals[i];

		why = NULL;
		if (pg_conninfo_check(r->given, &why))
			fail_msg("accepted: %s", r->given);
		assert_non_null(why);
		if (strstr(why, r->says) == NULL)
			fail_msg("%s: %s", r->given, why);
		assert_null(strstr(why, "S3cr"));
		assert_null(strstr(why, "Tail"));
		if (r->advised != NULL && !pg_conninfo_check(r->advised, &why))
			fail_msg("%s: %s", r->advised, why);
	}
}

/* A password with every character that is special somewhere, encoded as advised. */
static void test_encoded_password_arrives(void **state)
{
	PQconninfoOption *all = PQconninfoParse(
		"postgresql://u:a%40b%2Fc%3Ad%3Fe%26f%3Dg%23h%25i%20j@h/d", NULL);

	(void)state;
	assert_non_null(all);
	for (PQconninfoOption *o = all; o->keyword != NULL; o++)
		if (strcmp(o->keyword, "password") == 0)
			assert_string_equal(o->val, "a@b/c:d?e&f=g#h%i j");
	PQconninfoFree(all);
}

static void test_where(void **state)
{
	static const char *const t[][2] = {
		{"postgresql://u:S3cr3t@db.example:5433/tollgate",
		 "db.example:5433/tollgate"},
		{"postgresql://u:S3cr3t@a:1,b:2/d?sslpassword=S3cr3t", "a:1,b:2/d"},
		{"host=a,b port=5432 dbname=d password=S3cr3t", "a:5432,b:5432/d"},
		{"host=/run/postgresql dbname=d", "/run/postgresql/d"},
		{"hostaddr=10.0.0.1 user=u", "10.0.0.1"},
		{"host=h hostaddr=10.0.0.1", "h"},
		{"dbname=d", "its default socket/d"},
		{"host='a b\nc'", "a?b?c"},
		{"postgresql://u:S3cr3t@Tail@127.0.0.1/db", "***"},
		{"S3cr3t", "***"},
	};
	struct sbuf out;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		sbuf_init(&out, 4096);
		pg_where(t[i][0], &out);
		sbuf_add(&out, "", 1);
		assert_string_equal(out.p, t[i][1]);
		sbuf_fini(&out);
	}
	setenv("PGHOST", "from.example", 1);
	setenv("PGPORT", "7", 1);
	sbuf_init(&out, 4096);
	pg_where("dbname=d", &out);
	sbuf_add(&out, "", 1);
	assert_string_equal(out.p, "from.example:7/d");
	sbuf_fini(&out);
	unsetenv("PGHOST");
	unsetenv("PGPORT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_encoded_password_arrives),
		cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests_name("pg_conninfo", tests, NULL, NULL);
}
