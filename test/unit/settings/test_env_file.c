/* .env and .dev.vars: lines, quotes, faults, and who wins. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/settings/env_file.h"

static void test_values(void **state)
{
	static const char *const t[][2] = {
		{"A=1", "1"},
		{"A=", ""},
		{"A= ", ""},
		{"  A  =  b c  ", "b c"},
		{"export A=x", "x"},
		{"export   A=x", "x"},
		{"A=x # comment", "x"},
		{"A=x#no comment", "x#no comment"},
		{"A=#", ""},
		{"A=x\t#c", "x"},
		{"A=a=b", "a=b"},
		{"A='a b'", "a b"},
		{"A='a # b' # c", "a # b"},
		{"A=''", ""},
		{"A=\"\"", ""},
		{"A='a\\n$B\"'", "a\\n$B\""},
		{"A=\"a\\n\\r\\t\\\"\\\\\\$b'\"", "a\n\r\t\"\\$b'"},
		{"A=${B}$C", "${B}$C"}, /* nothing is expanded */
		{"A=\"x\"   ", "x"},
		{"A=x\r", "x"},
		{"A='x'\r", "x"},
		{"\xef\xbb\xbf"
		 "A=x",
		 "x"},
		{"# c\n\n \nA=x\n#", "x"},
		{"B=1\nA=x\nC=2", "x"},
		{"A=caf\xc3\xa9", "caf\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct env_file *e = env_file_new();
		struct sbuf report;

		sbuf_init(&report, 4096);
		assert_true(env_file_read_text(e, ".env", str_of(t[i][0]), &report));
		assert_int_equal(report.n, 0);
		assert_non_null(env_file_get(e, "A"));
		assert_string_equal(env_file_get(e, "A"), t[i][1]);
		assert_null(env_file_get(e, "a"));
		assert_null(env_file_get(e, ""));
		env_file_free(&e);
		assert_null(e);
		sbuf_fini(&report);
	}
}

static void test_faults(void **state)
{
	static const char *const t[][2] = {
		{"A", ".env:1: error: no NAME=value; begin a comment with #\n"},
		{"=x", ".env:1: error: no NAME=value; begin a comment with #\n"},
		{"1A=x", ".env:1: error: no NAME=value; begin a comment with #\n"},
		{"A B=x", ".env:1: error: no NAME=value; begin a comment with #\n"},
		{"A-B=x", ".env:1: error: no NAME=value; begin a comment with #\n"},
		{"export", ".env:1: error: no NAME=value; begin a comment with #\n"},
		{"\n\nA: x\nB", ".env:3: error: no NAME=value; begin a comment with #\n"
				".env:4: error: no NAME=value; begin a comment with #\n"},
		{"A='x",
		 ".env:1: error: the quote is not closed on its line; close it\n"},
		{"A=\"x\\\"",
		 ".env:1: error: the quote is not closed on its line; close it\n"},
		{"A=\"x\ny\"",
		 ".env:1: error: the quote is not closed on its line; close it\n"
		 ".env:2: error: no NAME=value; begin a comment with #\n"},
		{"A='x'y",
		 ".env:1: error: text after the closing quote; remove it, or start a "
		 "comment with #\n"},
		{"A='x'#y",
		 ".env:1: error: text after the closing quote; remove it, or start a "
		 "comment with #\n"},
		{"A=\"\\x\"",
		 ".env:1: error: no such escape; write \\\\ for a backslash, or use "
		 "single quotes\n"},
		{"A=\"\\",
		 ".env:1: error: no such escape; write \\\\ for a backslash, or use "
		 "single quotes\n"},
		{"A=1\nB=2\nA=3",
		 ".env:3: error: this variable is set on an earlier line already; remove one\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct env_file *e = env_file_new();
		struct sbuf report;

		sbuf_init(&report, 4096);
		assert_false(env_file_read_text(e, ".env", str_of(t[i][0]), &report));
		assert_true(str_eq(sbuf_view(&report), str_of(t[i][1])));
		env_file_free(&e);
		sbuf_fini(&report);
	}
}

static void test_nul(void **state)
{
	static const char text[] = "A=x\0y\nB=2\n";
	struct env_file *e = env_file_new();
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 4096);
	assert_false(
		env_file_read_text(e, "f", (struct str){text, sizeof text - 1}, &report));
	assert_true(str_eq(
		sbuf_view(&report),
		STR("f:1: error: the line holds a NUL byte; save the file as text\n")));
	assert_null(env_file_get(e, "A"));
	assert_string_equal(env_file_get(e, "B"), "2");
	env_file_free(&e);
	sbuf_fini(&report);
}

static void test_later_files_and_environment_win(void **state)
{
	struct env_file *e = env_file_new();
	struct sbuf report;

	(void)state;
	sbuf_init(&report, 4096);
	assert_true(
		env_file_read_text(e, ".env", STR("TG_A=1\nTG_B=1\nTG_C=1"), &report));
	assert_true(env_file_read_text(e, ".dev.vars", STR("TG_B=2\n"), &report));
	assert_string_equal(env_file_get(e, "TG_A"), "1");
	assert_string_equal(env_file_get(e, "TG_B"), "2");
	setenv("TG_B", "real", 1);
	setenv("TG_C", "", 1);
	assert_string_equal(env_file_variable(e, "TG_A"), "1");
	assert_string_equal(env_file_variable(e, "TG_B"), "real");
	assert_string_equal(env_file_variable(e, "TG_C"), "1"); /* empty is not set */
	assert_null(env_file_variable(e, "TG_D"));
	unsetenv("TG_B");
	unsetenv("TG_C");
	env_file_free(&e);
	env_file_free(&e); /* NULL is fine */
	sbuf_fini(&report);
}

static void test_files(void **state)
{
	char path[] = "/tmp/tollgate-env-XXXXXX";
	struct env_file *e = env_file_new();
	char *big = xmalloc(65537);
	struct sbuf report;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	sbuf_init(&report, 4096);
	assert_int_equal(write(fd, "A=x\n", 4), 4);
	assert_true(env_file_read(e, path, &report));
	assert_string_equal(env_file_get(e, "A"), "x");
	assert_true(env_file_read(e, "/nonexistent/.env", &report));
	assert_int_equal(report.n, 0);
	assert_false(env_file_read(e, "/", &report));
	assert_true(
		str_eq(sbuf_view(&report),
		       STR("/: error: cannot be read: it is a folder; name a file\n")));
	memset(big, '\n', 65537);
	assert_int_equal(pwrite(fd, big, 65536, 0), 65536);
	assert_true(env_file_read(e, path, &report));
	assert_int_equal(pwrite(fd, big, 65537, 0), 65537);
	assert_false(env_file_read(e, path, &report));
	unlink(path);
	close(fd);
	free(big);
	env_file_free(&e);
	sbuf_fini(&report);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_files_beside(void **state)
{
	char folder[] = "/tmp/tollgate-env-XXXXXX";
	struct env_file *e = env_file_new();
	char *config, *paths[ENV_FILES_BESIDE];
	struct sbuf report;

	(void)state;
	assert_non_null(mkdtemp(folder));
	config = xasprintf("%s/tollgate.json", folder);
	sbuf_init(&report, 4096);
	assert_true(env_files_read_beside(e, config, &report)); /* none is there */
	for (size_t i = 0; i < ENV_FILES_BESIDE; i++)
		paths[i] = env_file_beside(config, i);
	assert_string_equal(strrchr(paths[0], '/'), "/.env");
	assert_string_equal(strrchr(paths[1], '/'), "/.dev.vars");
	write_text(paths[0], "A=env\nB=env\n");
	write_text(paths[1], "A=vars\n");
	assert_true(env_files_read_beside(e, config, &report));
	assert_string_equal(env_file_get(e, "A"), "vars");
	assert_string_equal(env_file_get(e, "B"), "env");
	assert_int_equal(report.n, 0);
	/* A fault in the first does not hide one in the second. */
	write_text(paths[0], "nothing\n");
	write_text(paths[1], "\n\nnothing\n");
	assert_false(env_files_read_beside(e, config, &report));
	sbuf_add(&report, "", 1);
	assert_non_null(strstr(report.p, "/.env:1: error: "));
	assert_non_null(strstr(report.p, "/.dev.vars:3: error: "));
	for (size_t i = 0; i < ENV_FILES_BESIDE; i++) {
		unlink(paths[i]);
		free(paths[i]);
	}
	rmdir(folder);
	free(config);
	env_file_free(&e);
	sbuf_fini(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_later_files_and_environment_win),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_files_beside),
	};

	return cmocka_run_group_tests_name("env file", tests, NULL, NULL);
}
