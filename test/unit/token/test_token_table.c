/* The token table: look-ups, scopes, changes, growth, and readers on other threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "common/check.h"
#include "common/epoch.h"
#include "gateway/token/token_table.h"

static void hash_of(unsigned char hash[KEY_HASH_BYTES], int64_t id, int key)
{
	char text[64];
	unsigned n;

	snprintf(text, sizeof text, "%lld/%d", (long long)id, key);
	assert_int_equal(EVP_Digest(text, strlen(text), hash, &n, EVP_sha256(), NULL), 1);
}

static struct token_row row_of(int64_t id, int key, struct str scopes)
{
	struct token_row r = {.view = {.token_id = id,
				       .expires_at_us = id * 10,
				       .key_until_us = INT64_MAX,
				       .scopes = scopes}};

	hash_of(r.hash, id, key);
	return r;
}

static struct token_table *table_of(int64_t from, int64_t to)
{
	struct token_builder *b = token_builder_new();
	struct token_row r;
	char scopes[64];

	for (int64_t id = from; id < to; id++) {
		snprintf(scopes, sizeof scopes, "common s%lld", (long long)id % 100);
		r = row_of(id, 0, str_of(scopes));
		token_builder_add(b, &r);
	}
	return token_builder_finish(&b);
}

static bool find(const struct token_table *t, int64_t id, int key, struct token_view *v);

/* Kept beside the scopes, cut where it is long, never inside a character. */
static void test_names(void **state)
{
	static const struct {
		struct str name;
		size_t kept;
	} rows[] = {
		{{NULL, 0}, 0},
		{STR("n8n: invoices"), 13},
		{STR("0123456789012345678901234567890123456789012345678901234567890123"),
		 64},
		{STR("0123456789012345678901234567890123456789012345678901234567890123x"),
		 64},
		{STR("012345678901234567890123456789012345678901234567890123456789012"
		     "\xc3\xbc"),
		 63},
		{STR("01234567890123456789012345678901234567890123456789012345678901"
		     "\xc3\xbcx"),
		 64},
	};
	struct token_builder *b = token_builder_new();
	struct token_view v;
	struct token_table *t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token_row r = row_of((int64_t)i, 0, STR("x y"));

		r.view.name = rows[i].name;
		token_builder_add(b, &r);
	}
	t = token_builder_finish(&b);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(find(t, (int64_t)i, 0, &v));
		assert_true(str_eq(v.name, (struct str){rows[i].name.p, rows[i].kept}));
		assert_true(str_eq(v.scopes, STR("x y")));
	}
	token_table_free(t);
}

static void assert_ranges(struct str text, size_t n, const char *inside,
			  const char *outside)
{
	struct token_builder *b = token_builder_new();
	struct token_row r = row_of(1, 0, STR("x"));
	struct token_change change = {NULL, 0, &r, 1};
	struct token_table *t;
	struct token_view v;
	struct net_ip ip;
	void *garbage;

	r.ranges_text = text;
	r.view.name = STR("odd");
	token_builder_add(b, &r);
	t = token_builder_finish(&b);
	r = row_of(2, 0, STR("y"));
	t = token_table_change(t, &change, &garbage); /* the first one is copied */
	token_garbage_free(garbage);
	assert_true(find(t, 2, 0, &v));
	assert_true(token_allows_address(&v, &(struct net_ip){0}));
	assert_true(find(t, 1, 0, &v));
	assert_int_equal(v.ranges.n, n);
	assert_true(str_eq(v.name, STR("odd")));
	assert_false(token_allows_address(&v, &(struct net_ip){0}));
	if (inside) {
		assert_true(net_ip_parse(&ip, str_of(inside)));
		assert_true(token_allows_address(&v, &ip));
	}
	assert_true(net_ip_parse(&ip, str_of(outside)));
	assert_false(token_allows_address(&v, &ip));
	token_table_free(t);
}

static void test_address_ranges(void **state)
{
	struct sbuf many;

	(void)state;
	assert_ranges(STR(""), 0, NULL, "127.0.0.1");
	assert_ranges(STR("10.0.0.0/8"), 1, "10.1.1.1", "11.0.0.0");
	assert_ranges(STR("10.0.0.0/8 2001:db8::/32"), 2, "2001:db8::1", "::1");
	assert_ranges(STR("::ffff:10.0.0.0/104"), 1, "10.1.1.1", "11.0.0.0");
	assert_ranges(STR("10.0.0.0/8"), 1, "::ffff:10.1.1.1", "::10.1.1.1");
	assert_ranges(STR("0.0.0.0/0"), 1, "1.2.3.4", "::1");
	assert_ranges(STR("::/0"), 1, "::1", "1.2.3.4");
	assert_ranges(STR("x 192.0.2.7/32  10/8"), 1, "192.0.2.7", "10.0.0.1");
	sbuf_init(&many, 1 << 20);
	for (unsigned i = 0; i < TOKEN_RANGES_MAX; i++)
		sbuf_printf(&many, "%s10.%u.%u.0/24", i ? " " : "", i / 256, i % 256);
	assert_ranges(sbuf_view(&many), TOKEN_RANGES_MAX, "10.3.231.5", "10.4.0.0");
	sbuf_printf(&many, " 10.4.0.0/24");
	assert_ranges(sbuf_view(&many), 0, NULL, "10.0.0.1");
	sbuf_fini(&many);
}

static bool find(const struct token_table *t, int64_t id, int key, struct token_view *v)
{
	unsigned char hash[KEY_HASH_BYTES];

	hash_of(hash, id, key);
	return token_table_find(t, hash, v);
}

static void test_nothing_is_found_in_nothing(void **state)
{
	struct token_builder *b = token_builder_new();
	struct token_table *t = token_builder_finish(&b);
	struct token_view v;

	(void)state;
	assert_null(b);
	assert_false(find(NULL, 1, 0, &v));
	assert_int_equal(token_table_count(NULL), 0);
	assert_false(find(t, 1, 0, &v));
	assert_int_equal(token_table_count(t), 0);
	token_table_free(t);
	token_table_free(NULL);
	token_garbage_free(NULL);
	token_builder_free(&b);
}

static void test_each_of_many_is_found(void **state)
{
	static const int64_t sizes[] = {1, 2, 255, 256, 257, 513, 20000};
	struct token_view v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct token_table *t = table_of(1, sizes[i] + 1);

		assert_int_equal(token_table_count(t), sizes[i]);
		for (int64_t id = 1; id <= sizes[i]; id++) {
			char mine[32];

			assert_true(find(t, id, 0, &v));
			assert_int_equal(v.token_id, id);
			assert_int_equal(v.expires_at_us, id * 10);
			snprintf(mine, sizeof mine, "s%lld", (long long)id % 100);
			assert_true(token_has_scope(&v, str_of(mine)));
			assert_false(find(t, id, 1, &v));
		}
		assert_false(find(t, 0, 0, &v));
		token_table_free(t);
	}
}

static void test_the_later_row_of_one_hash_counts(void **state)
{
	struct token_builder *b = token_builder_new();
	struct token_row r = row_of(1, 0, STR("first"));
	struct token_table *t;
	struct token_view v;

	(void)state;
	token_builder_add(b, &r);
	r.view.token_id = 2;
	r.view.scopes = STR("second");
	token_builder_add(b, &r);
	t = token_builder_finish(&b);
	assert_int_equal(token_table_count(t), 1);
	assert_true(find(t, 1, 0, &v));
	assert_int_equal(v.token_id, 2);
	assert_true(str_eq(v.scopes, STR("second")));
	token_table_free(t);
}

static void test_scopes(void **state)
{
	static char fits[TOKEN_SCOPES_MAX + 2], over[TOKEN_SCOPES_MAX + 2];
	const struct {
		struct str in, out;
		bool all;
	} rows[] = {
		{STR(""), STR(""), false},
		{{NULL, 0}, STR(""), false},
		{STR("openai"), STR("openai"), false},
		{STR("a b"), STR("a b"), false},
		{STR("  a,, b\t\n;c  "), STR("a b ;c"), false},
		{STR("a b *"), STR("a b *"), true},
		{STR("*"), STR("*"), true},
		{STR("**"), STR("**"), false},
		{STR("a*"), STR("a*"), false},
		{{fits, TOKEN_SCOPES_MAX}, {fits, TOKEN_SCOPES_MAX}, false},
		/* Too many: none counts, not even a star among them. */
		{{over, TOKEN_SCOPES_MAX + 1}, STR(""), false},
	};

	(void)state;
	memset(fits, 'x', TOKEN_SCOPES_MAX);
	memset(over, 'x', TOKEN_SCOPES_MAX + 1);
	memcpy(over, "* ", 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token_builder *b = token_builder_new();
		struct token_row r = row_of(1, 0, rows[i].in);
		struct token_table *t;
		struct token_view v;

		r.view.flags =
			TOKEN_REVOKED | TOKEN_ALL_SCOPES; /* the second is not taken */
		token_builder_add(b, &r);
		t = token_builder_finish(&b);
		assert_true(find(t, 1, 0, &v));
		assert_true(str_eq(v.scopes, rows[i].out));
		assert_int_equal(v.flags,
				 TOKEN_REVOKED | (rows[i].all ? TOKEN_ALL_SCOPES : 0));
		token_table_free(t);
	}
}

static void test_has_scope(void **state)
{
	const struct {
		struct str scopes;
		uint32_t flags;
		struct str scope;
		bool has;
	} rows[] = {
		{STR("openai"), 0, STR("openai"), true},
		{STR("openai"), 0, STR("open"), false},
		{STR("openai"), 0, STR("openai2"), false},
		{STR("openai"), 0, STR("OpenAI"), false},
		{STR("a bc d"), 0, STR("a"), true},
		{STR("a bc d"), 0, STR("bc"), true},
		{STR("a bc d"), 0, STR("d"), true},
		{STR("a bc d"), 0, STR("b"), false},
		{STR("a bc d"), 0, STR("c"), false},
		{STR("a bc d"), 0, STR("bc d"), false},
		{STR("a bc d"), 0, STR(""), false},
		{STR(""), 0, STR("a"), false},
		{{NULL, 0}, 0, STR("a"), false},
		{STR("*"), 0, STR("a"), false}, /* the flag decides */
		{STR("*"), TOKEN_ALL_SCOPES, STR("a"), true},
		{STR(""), TOKEN_ALL_SCOPES, STR("a"), true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct token_view v = {.flags = rows[i].flags, .scopes = rows[i].scopes};

		assert_int_equal(token_has_scope(&v, rows[i].scope), rows[i].has);
	}
}

static struct token_table *change(struct token_table *t, const struct token_change *c)
{
	void *garbage;
	struct token_table *next = token_table_change(t, c, &garbage);

	token_garbage_free(garbage);
	return next;
}

static void test_a_change_touches_only_its_tokens(void **state)
{
	const int64_t ids[] = {7, 500, 999999};
	const struct token_row rows[] = {
		row_of(7, 0, STR("new")),
		row_of(7, 1, STR("new")),
		row_of(999999, 0, STR("made")),
	};
	const struct token_change c = {ids, ARRAY_LEN(ids), rows, ARRAY_LEN(rows)};
	struct token_table *t = change(table_of(1, 3001), &c);
	struct token_view v;

	(void)state;
	assert_int_equal(token_table_count(t),
			 3000 + 1); /* -500, +7's second key, +999999 */
	assert_true(find(t, 7, 0, &v) && token_has_scope(&v, STR("new")));
	assert_false(token_has_scope(&v, STR("common")));
	assert_true(find(t, 7, 1, &v));
	assert_int_equal(v.token_id, 7);
	assert_false(find(t, 500, 0, &v));
	assert_true(find(t, 999999, 0, &v));
	for (int64_t id = 1; id <= 3000; id++)
		assert_int_equal(find(t, id, 0, &v), id != 500);
	token_table_free(t);
}

static void test_the_old_table_reads_on_until_its_garbage_goes(void **state)
{
	const int64_t ids[] = {1};
	const struct token_change c = {ids, 1, NULL, 0};
	struct token_table *old = table_of(1, 1001), *now;
	struct token_view v;
	void *garbage;

	(void)state;
	now = token_table_change(old, &c, &garbage);
	assert_true(find(old, 1, 0, &v));
	assert_true(token_has_scope(&v, STR("common")));
	assert_false(find(now, 1, 0, &v));
	token_garbage_free(garbage);
	assert_true(find(now, 2, 0, &v));
	token_table_free(now);
}

static void test_all_can_go_and_come_back(void **state)
{
	int64_t ids[300];
	struct token_row rows[300];
	struct token_change gone = {ids, ARRAY_LEN(ids), NULL, 0};
	struct token_change back = {ids, ARRAY_LEN(ids), rows, ARRAY_LEN(rows)};
	struct token_table *t = table_of(1, 301);
	struct token_view v;

	(void)state;
	for (int i = 0; i < 300; i++) {
		ids[i] = i + 1;
		rows[i] = row_of(i + 1, 0, STR("back"));
	}
	t = change(t, &gone);
	assert_int_equal(token_table_count(t), 0);
	assert_false(find(t, 1, 0, &v));
	t = change(t, &back);
	assert_int_equal(token_table_count(t), 300);
	assert_true(find(t, 300, 0, &v) && token_has_scope(&v, STR("back")));
	token_table_free(t);
}

/* One by one from nothing: the array is made anew now and then, and loses nothing. */
static void test_growth(void **state)
{
	struct token_table *t = table_of(0, 0);
	struct token_view v;

	(void)state;
	for (int64_t id = 1; id <= 3000; id++) {
		struct token_row r = row_of(id, 0, STR("a"));
		struct token_change c = {&id, 1, &r, 1};

		t = change(t, &c);
	}
	assert_int_equal(token_table_count(t), 3000);
	for (int64_t id = 1; id <= 3000; id++)
		assert_true(find(t, id, 0, &v));
	token_table_free(t);
}

struct sum {
	size_t n, stop_at;
	int64_t ids;
};

static bool add_up(void *ctx, const struct token_row *row)
{
	struct sum *s = ctx;
	unsigned char hash[KEY_HASH_BYTES];

	hash_of(hash, row->view.token_id, 0);
	assert_memory_equal(hash, row->hash, sizeof hash);
	s->ids += row->view.token_id;
	return ++s->n != s->stop_at;
}

static void test_each(void **state)
{
	struct token_table *t = table_of(1, 1001);
	struct sum all = {0}, some = {.stop_at = 10};

	(void)state;
	assert_true(token_table_each(t, add_up, &all));
	assert_int_equal(all.n, 1000);
	assert_int_equal(all.ids, 1000 * 1001 / 2);
	assert_false(token_table_each(t, add_up, &some));
	assert_int_equal(some.n, 10);
	assert_true(token_table_each(NULL, add_up, &all));
	token_table_free(t);
}

/* Readers look up a token whose two values always belong together, while it changes. */

#define READERS 3
#define CHANGES 400

struct shared {
	struct epoch_domain *epochs;
	struct token_table *_Atomic table;
	_Atomic bool stop;
	_Atomic unsigned reading;
};

static void *read_on(void *arg)
{
	struct shared *s = arg;
	int fd = eventfd(0, EFD_NONBLOCK);
	struct epoch_reader *r = epoch_reader_add(s->epochs, fd);
	uintptr_t faults = 0;
	struct token_view v;
	unsigned char hash[KEY_HASH_BYTES];

	hash_of(hash, 42, 0);
	atomic_fetch_add(&s->reading, 1);
	while (!atomic_load(&s->stop)) {
		const struct token_table *t = atomic_load(&s->table);
		char want[32];

		if (!token_table_find(t, hash, &v)) {
			faults++;
		} else {
			snprintf(want, sizeof want, "v%lld", (long long)v.expires_at_us);
			faults += !token_has_scope(&v, str_of(want));
		}
		epoch_quiesce(r);
	}
	epoch_reader_remove(&r);
	close(fd);
	return (void *)faults;
}

static struct token_row version(int64_t n)
{
	static char scopes[32];
	struct token_row r;

	snprintf(scopes, sizeof scopes, "v%lld", (long long)n);
	r = row_of(42, 0, str_of(scopes));
	r.view.expires_at_us = n;
	return r;
}

static void test_readers_see_whole_states(void **state)
{
	const int64_t id = 42;
	struct shared s = {.epochs = epoch_domain_new()};
	struct token_row row = version(0);
	struct token_change c = {&id, 1, &row, 1};
	pthread_t threads[READERS];
	void *faults, *garbage;

	(void)state;
	atomic_store(&s.table, change(table_of(1, 2001), &c));
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &s), 0);
	while (atomic_load(&s.reading) < READERS)
		usleep(100);
	for (int64_t n = 1; n <= CHANGES; n++) {
		struct token_table *old = atomic_load(&s.table);

		row = version(n);
		atomic_store(&s.table, token_table_change(old, &c, &garbage));
		epoch_retire(s.epochs, garbage, token_garbage_free);
		epoch_reclaim(s.epochs);
	}
	atomic_store(&s.stop, true);
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], &faults), 0);
		assert_null(faults);
	}
	assert_int_equal(epoch_reclaim(s.epochs), 0);
	token_table_free(atomic_load(&s.table));
	epoch_domain_free(s.epochs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_address_ranges),
		cmocka_unit_test(test_nothing_is_found_in_nothing),
		cmocka_unit_test(test_each_of_many_is_found),
		cmocka_unit_test(test_the_later_row_of_one_hash_counts),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_has_scope),
		cmocka_unit_test(test_a_change_touches_only_its_tokens),
		cmocka_unit_test(test_the_old_table_reads_on_until_its_garbage_goes),
		cmocka_unit_test(test_all_can_go_and_come_back),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_readers_see_whole_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
