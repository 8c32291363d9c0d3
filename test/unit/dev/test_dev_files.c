/* Private files, folders, and the pure parts of finding a place for PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/dev/files.h"
#include "gateway/dev/pg_find.h"
#include "gateway/dev/pg_place.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/tollgate-unit-XXXXXX");
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void socket_paths_are_short_enough(void **state)
{
	(void)state;
	/* "/sock/.s.PGSQL.65535" is 20 bytes long: a base of 87 just fits. */
	for (size_t n = 2; n < 300; n++) {
		char base[301] = "/", out[PG_SOCKET_PATH_MAX + 1], whole[400];

		memset(base + 1, 'x', n - 1);
		pg_socket_dir(out, base);
		snprintf(whole, sizeof whole, "%s/.s.PGSQL.65535", out);
		assert_true(strlen(whole) <= PG_SOCKET_PATH_MAX);
		if (n <= 87)
			assert_memory_equal(out, base, n);
		else
			assert_memory_equal(out, "/tmp/tollgate-", 14);
	}
}

static void socket_paths_that_need_quoting_are_avoided(void **state)
{
	static const char *const bases[] = {"/a b", "/a,b", "/a\"b",
					    "/a'b", "/a%b", "/caf\xc3\xa9"};
	char out[PG_SOCKET_PATH_MAX + 1], other[PG_SOCKET_PATH_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		pg_socket_dir(out, bases[i]);
		assert_memory_equal(out, "/tmp/tollgate-", 14);
	}
	pg_socket_dir(other, bases[0]);
	assert_string_not_equal(out, other);
	pg_socket_dir(out, "/home/a_b-c.d/X9");
	assert_string_equal(out, "/home/a_b-c.d/X9/sock");
}

static void hash_of_a_path(void **state)
{
	char hash[17];

	(void)state;
	pg_path_hash(hash, "abc");
	assert_string_equal(hash, "ba7816bf8f01cfea"); /* FIPS 180-4's example */
}

static void versions(void **state)
{
	static const struct {
		const char *text;
		int major;
	} rows[] = {
		{"postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n", 15},
		{"postgres (PostgreSQL) 17beta1\n", 17},
		{"postgres (PostgreSQL) 9.6.24\n", 9},
		{"initdb (PostgreSQL) 13\n", 13},
		{"postgres (PostgreSQL) x\n", 0},
		{"postgres (PostgreSQL) ", 0},
		{"postgres (PostgreSQL) 123456789", 0},
		{"mysqld 8.0", 0},
		{"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (pg_version_parse(rows[i].text) != rows[i].major)
			fail_msg("%s", rows[i].text);
}

static void private_file_is_written_whole_and_private(void **state)
{
	char *path = path_join(folder, "f"), line[16];
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(
			file_write_private(path, i ? STR("two\n") : STR("one\nmore\n")));
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_true(file_read_line(path, line, sizeof line));
		assert_string_equal(line, i ? "two" : "one");
	}
	umask(mask);
	assert_int_equal(unlink(path), 0);
	free(path);
}

static void link_is_replaced_not_followed(void **state)
{
	char *path = path_join(folder, "f"), *target = path_join(folder, "target");
	struct stat st;

	(void)state;
	assert_true(file_write_private(target, STR("kept")));
	assert_int_equal(symlink(target, path), 0);
	assert_true(file_write_private(path, STR("new")));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 4);
	unlink(path);
	unlink(target);
	free(path);
	free(target);
}

static void unwritable_folder(void **state)
{
	(void)state;
	assert_false(file_write_private("/nonexistent/f", STR("x")));
	assert_int_equal(errno, ENOENT);
}

static void first_lines(void **state)
{
	static const struct {
		struct str content;
		bool ok;
	} rows[] = {
		{{"1234567\n", 8}, true},   {{"1234567", 7}, true},
		{{"12345678\n", 9}, false}, {{"", 0}, false},
		{{"\nsecond\n", 8}, false}, {{"a\0b\n", 4}, false},
	};
	char *path = path_join(folder, "f"), line[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(file_write_private(path, rows[i].content));
		assert_int_equal(file_read_line(path, line, sizeof line), rows[i].ok);
	}
	unlink(path);
	assert_false(file_read_line(path, line, sizeof line));
	free(path);
}

static void file_beyond_the_cap(void **state)
{
	char *path = path_join(folder, "f");
	struct sbuf out;

	(void)state;
	assert_true(file_write_private(path, STR("123456789")));
	sbuf_init(&out, 8);
	assert_false(file_read(path, &out));
	assert_int_equal(errno, EFBIG);
	sbuf_fini(&out);
	unlink(path);
	free(path);
}

static void folders_are_made_with_their_parents(void **state)
{
	char *top = path_join(folder, "a"), *deep = path_join(top, "b"),
	     *file = path_join(deep, "f");

	(void)state;
	assert_true(make_folders(deep, 0700));
	assert_true(make_folders(deep, 0700));
	assert_true(file_write_private(file, STR("x")));
	assert_false(make_folders(file, 0700));
	unlink(file);
	assert_int_equal(rmdir(deep), 0);
	assert_int_equal(rmdir(top), 0);
	free(top);
	free(deep);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_paths_are_short_enough),
		cmocka_unit_test(socket_paths_that_need_quoting_are_avoided),
		cmocka_unit_test(hash_of_a_path),
		cmocka_unit_test(versions),
		cmocka_unit_test(private_file_is_written_whole_and_private),
		cmocka_unit_test(link_is_replaced_not_followed),
		cmocka_unit_test(unwritable_folder),
		cmocka_unit_test(first_lines),
		cmocka_unit_test(file_beyond_the_cap),
		cmocka_unit_test(folders_are_made_with_their_parents),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
