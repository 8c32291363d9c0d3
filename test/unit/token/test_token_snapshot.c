/* The key table on disk: round trip, damage of every byte, permissions, replacement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

#include <cmocka.h>

#include "common/check.h"
#include "common/crc32.h"
#include "gateway/token/token_snapshot.h"

static const struct token_snapshot about = {"0123456789abcde", 77, 1700000000000000};

struct fixture {
	char folder[64];
	char path[96];
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	snprintf(f->folder, sizeof f->folder, "/tmp/tollgate-snapshot-XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->path, sizeof f->path, "%s/keys", f->folder);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	if (rmdir(f->folder) != 0) /* nothing else is left behind */
		return -1;
	free(f);
	return 0;
}

static void hash_of(unsigned char hash[KEY_HASH_BYTES], unsigned i)
{
	memset(hash, 0, KEY_HASH_BYTES);
	for (size_t k = 0; k < KEY_HASH_BYTES; k++)
		hash[k] = (unsigned char)(i * 2654435761u >> (k % 4 * 8));
	memcpy(hash + 16, &i, sizeof i);
}

static struct token_table *table_of(unsigned n)
{
	struct token_builder *b = token_builder_new();
	static struct net_cidr ranges[] = {{{4, {10}}, 8}, {{6, {0xfd}}, 8}};
	struct token_row r = {0};

	for (unsigned i = 0; i < n; i++) {
		hash_of(r.hash, i);
		r.view.token_id = INT64_MAX - i;
		r.view.expires_at_us = i % 2 ? INT64_MAX : -5;
		r.view.key_until_us = i;
		r.view.flags = i % 3 ? 0 : TOKEN_REVOKED;
		r.view.flags |= i % 4 ? TOKEN_RANGED : TOKEN_TEAM_DISABLED;
		r.view.ranges = (struct net_cidrs){ranges, i % 4 % 3};
		r.view.scopes = i % 5 ? STR("openai test") : STR("*");
		r.view.team_id = i % 2 ? INT64_MAX - 7 : 0;
		r.view.name = i % 7 ? STR("a name") : STR("");
		token_builder_add(b, &r);
	}
	return token_builder_finish(&b);
}

static void assert_key(const struct token_table *t, unsigned i)
{
	unsigned char hash[KEY_HASH_BYTES];
	struct token_view v;

	hash_of(hash, i);
	assert_true(token_table_find(t, hash, &v));
	assert_true(v.token_id == INT64_MAX - i);
	assert_true(v.expires_at_us == (i % 2 ? INT64_MAX : -5));
	assert_true(v.key_until_us == i);
	assert_true(v.team_id == (i % 2 ? INT64_MAX - 7 : 0));
	assert_int_equal(v.flags & TOKEN_REVOKED, i % 3 ? 0 : TOKEN_REVOKED);
	assert_int_equal(v.flags & TOKEN_TEAM_DISABLED, i % 4 ? 0 : TOKEN_TEAM_DISABLED);
	assert_int_equal(v.ranges.n, i % 4 % 3);
	assert_int_equal(token_allows_address(&v, &(struct net_ip){4, {10, 9}}),
			 i % 4 != 3);
	assert_int_equal(token_allows_address(&v, &(struct net_ip){6, {0xfd, 1}}),
			 i % 4 == 0 || i % 4 == 2);
	assert_false(i % 4 && token_allows_address(&v, &(struct net_ip){4, {11}}));
	assert_int_equal(token_has_scope(&v, STR("other")), i % 5 == 0);
	assert_true(token_has_scope(&v, STR("test")));
	assert_true(str_eq(v.name, i % 7 ? STR("a name") : STR("")));
}

static void write_table(const char *path, unsigned n)
{
	struct token_table *t = table_of(n);

	assert_true(token_snapshot_write(path, t, &about));
	token_table_free(t);
}

static void test_round_trip(void **state)
{
	static const unsigned sizes[] = {0, 1, 3, 1000};
	struct fixture *f = *state;
	struct token_snapshot back;
	const char *why;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct token_table *t;

		write_table(f->path, sizes[i]);
		t = token_snapshot_read(f->path, &back, &why);
		assert_non_null(t);
		assert_int_equal(token_table_count(t), sizes[i]);
		for (unsigned k = 0; k < sizes[i]; k++)
			assert_key(t, k);
		assert_memory_equal(back.instance, about.instance, TOKEN_INSTANCE_BYTES);
		assert_true(back.generation == about.generation);
		assert_true(back.right_at_us == about.right_at_us);
		token_table_free(t);
	}
}

static void test_nobody_else_may_read_it(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	mode_t mask = umask(0);

	write_table(f->path, 1);
	umask(mask);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_what_others_may_write_is_refused(void **state)
{
	struct fixture *f = *state;
	struct token_snapshot back;
	const char *why;

	write_table(f->path, 1);
	assert_int_equal(chmod(f->path, 0620), 0);
	assert_null(token_snapshot_read(f->path, &back, &why));
	assert_non_null(strstr(why, "others may write"));
	assert_int_equal(chmod(f->path, 0602), 0);
	assert_null(token_snapshot_read(f->path, &back, &why));
}

static void test_none(void **state)
{
	struct fixture *f = *state;
	struct token_snapshot back;
	const char *why;

	assert_null(token_snapshot_read(f->path, &back, &why));
	assert_string_equal(why, "there is none");
	assert_false(token_snapshot_touch(f->path, 1));
	assert_false(token_snapshot_write("/nowhere/at/all", NULL, &about));
}

static size_t slurp(const char *path, unsigned char *bytes, size_t room)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	assert_non_null(file);
	n = fread(bytes, 1, room, file);
	fclose(file);
	return n;
}

static void spill(const char *path, const unsigned char *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void assert_damaged(const char *path)
{
	struct token_snapshot back;
	const char *why;

	assert_null(token_snapshot_read(path, &back, &why));
	assert_non_null(strstr(why, "damaged"));
}

static void test_every_damage_is_seen(void **state)
{
	struct fixture *f = *state;
	unsigned char bytes[2048];
	size_t n;

	write_table(f->path, 5);
	n = slurp(f->path, bytes, sizeof bytes);
	assert_true(n > 300 && n < sizeof bytes);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0x20;
		spill(f->path, bytes, n);
		assert_damaged(f->path);
		bytes[i] ^= 0x20;
	}
	for (size_t cut = 0; cut < n; cut++) {
		spill(f->path, bytes, cut);
		assert_damaged(f->path);
	}
	spill(f->path, bytes, n + 1);
	assert_damaged(f->path);
}

static void put_crc(unsigned char *to, const unsigned char *bytes, size_t n)
{
	uint32_t crc = crc32_add(0, bytes, n);

	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(crc >> 8 * i);
}

/* What programs before this one have written: records without teams, before that without
 * ranges, and before that without names. */
static void test_formats_before_are_read(void **state)
{
	struct fixture *f = *state;
	unsigned char bytes[512], other[512];
	struct token_snapshot back;
	struct token_table *t;
	const char *why;
	size_t n, cut;

	write_table(f->path, 1); /* whose key has no name, no ranges and no team */
	n = slurp(f->path, bytes, sizeof bytes) - 8;
	assert_int_equal(bytes[7], 4);
	memmove(bytes + 72 + 66, bytes + 72 + 74, n - 72 - 66);
	for (unsigned char version = 0; version < 6; version++) {
		memcpy(other, bytes, n);
		cut = version < 3 ? 2 : 0; /* what came with ranges */
		memmove(other + 72 + 64, other + 72 + 64 + cut, n - cut - 72 - 64);
		other[7] = version;
		put_crc(other + 48, other + 72, n - cut - 72);
		put_crc(other + 68, other, 68);
		spill(f->path, other, n - cut);
		t = token_snapshot_read(f->path, &back, &why);
		assert_int_equal(t != NULL, version >= 1 && version <= 3);
		if (t != NULL)
			assert_key(t, 0);
		token_table_free(t);
	}
}

static void test_ranges_that_cannot_be_are_damage(void **state)
{
	static const unsigned char bad[][2] = {{0, 8}, {5, 8}, {4, 33}, {6, 129}};
	struct fixture *f = *state;
	unsigned char bytes[1024];
	size_t n;

	write_table(f->path, 2); /* the last bytes are the second's one range */
	n = slurp(f->path, bytes, sizeof bytes);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		bytes[n - 18] = bad[i][0];
		bytes[n - 1] = bad[i][1];
		put_crc(bytes + 48, bytes + 72, n - 72);
		put_crc(bytes + 68, bytes, 68);
		spill(f->path, bytes, n);
		assert_damaged(f->path);
	}
}

static void test_touch_moves_only_the_time(void **state)
{
	struct fixture *f = *state;
	struct token_snapshot back;
	struct token_table *t;
	const char *why;

	write_table(f->path, 3);
	assert_true(token_snapshot_touch(f->path, about.right_at_us + 5));
	t = token_snapshot_read(f->path, &back, &why);
	assert_non_null(t);
	assert_int_equal(token_table_count(t), 3);
	assert_true(back.right_at_us == about.right_at_us + 5);
	assert_true(back.generation == about.generation);
	token_table_free(t);
	spill(f->path, (const unsigned char *)"none of ours", 12);
	assert_false(token_snapshot_touch(f->path, 1));
}

static void test_a_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct token_snapshot back;
	char target[128];
	const char *why;

	snprintf(target, sizeof target, "%s/target", f->folder);
	write_table(target, 1);
	assert_int_equal(symlink(target, f->path), 0);
	assert_null(token_snapshot_read(f->path, &back, &why));
	assert_false(token_snapshot_touch(f->path, 1));
	write_table(f->path, 2); /* replaces the link, not what it points to */
	assert_int_equal(unlink(target), 0);
	token_table_free(token_snapshot_read(f->path, &back, &why));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_formats_before_are_read),
		TEST(test_ranges_that_cannot_be_are_damage),
		TEST(test_nobody_else_may_read_it),
		TEST(test_what_others_may_write_is_refused),
		TEST(test_none),
		TEST(test_every_damage_is_seen),
		TEST(test_touch_moves_only_the_time),
		TEST(test_a_link_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
