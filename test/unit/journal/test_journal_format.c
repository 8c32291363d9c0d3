/* The journal's bytes: what is whole is taken, nothing else is. */
#include "gateway/journal/journal_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 45
#define RECORD (JOURNAL_RECORD_HEAD + 48)
#define MAX 4096

static const unsigned char group[JOURNAL_GROUP_BYTES] = "0123456789abcdef";

struct record {
	_Alignas(16) unsigned char bytes[RECORD];
};

static struct record sealed(uint32_t seed, uint64_t position)
{
	struct record r;

	for (size_t i = 0; i < sizeof r.bytes; i++)
		r.bytes[i] = (unsigned char)(i * 7 + 1);
	journal_record_seal((struct journal_record_head *)r.bytes, seed, BYTES, position);
	return r;
}

static bool valid(const struct record *r, uint64_t left, uint32_t seed, uint64_t position)
{
	return journal_record_valid(r->bytes, left, seed, position, MAX);
}

static void test_a_record_belongs_to_its_place(void **state)
{
	uint32_t seed = journal_lane_seed(group, 3);
	struct record r = sealed(seed, 4096);
	unsigned char other[JOURNAL_GROUP_BYTES];

	(void)state;
	assert_int_equal(journal_record_bytes(BYTES), RECORD);
	assert_int_equal(journal_record_bytes(0), JOURNAL_RECORD_HEAD);
	assert_true(valid(&r, RECORD, seed, 4096));
	assert_true(valid(&r, 1 << 20, seed, 4096));
	/* An earlier turn of the ring, another lane, another process. */
	assert_false(valid(&r, RECORD, seed, 4096 + 65536));
	assert_false(valid(&r, RECORD, journal_lane_seed(group, 4), 4096));
	memcpy(other, group, sizeof other);
	other[15] ^= 1;
	assert_false(valid(&r, RECORD, journal_lane_seed(other, 3), 4096));
	/* Whose position says one thing and whose CRC another. */
	((struct journal_record_head *)r.bytes)->position = 8192;
	assert_false(valid(&r, RECORD, seed, 8192));
}

static void test_bounds(void **state)
{
	struct record r = sealed(7, 0);

	(void)state;
	for (uint64_t left = 0; left < RECORD; left++)
		assert_false(valid(&r, left, 7, 0));
	assert_false(journal_record_valid(r.bytes, RECORD, 7, 0, BYTES - 1));
	assert_true(journal_record_valid(r.bytes, RECORD, 7, 0, BYTES));
	for (int i = 0; i < 3; i++) {
		static const uint32_t lengths[] = {MAX + 1, INT32_MAX, UINT32_MAX - 1};

		((struct journal_record_head *)r.bytes)->length = lengths[i];
		assert_false(valid(&r, 1 << 20, 7, 0));
	}
}

static void test_torn_at_every_byte(void **state)
{
	struct record whole = sealed(7, 64), before = sealed(7, 64 - 65536);

	(void)state;
	for (size_t k = 0; k < JOURNAL_RECORD_HEAD + BYTES; k++) {
		struct record torn = whole;

		/* The rest is what stood there in the turn before, then zeros, then
		 * ones. */
		memcpy(torn.bytes + k, before.bytes + k, RECORD - k);
		assert_int_equal(valid(&torn, RECORD, 7, 64),
				 memcmp(torn.bytes, whole.bytes, RECORD) == 0);
		memset(torn.bytes + k, 0, RECORD - k);
		assert_int_equal(valid(&torn, RECORD, 7, 64),
				 memcmp(torn.bytes, whole.bytes,
					JOURNAL_RECORD_HEAD + BYTES) == 0);
		memset(torn.bytes + k, 0xff, RECORD - k);
		assert_false(valid(&torn, RECORD, 7, 64));
		torn = whole;
		memset(torn.bytes, 0, k + 1);
		assert_false(valid(&torn, RECORD, 7, 64));
	}
}

static void test_every_flipped_bit_is_found(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 8 * (JOURNAL_RECORD_HEAD + BYTES); bit++) {
		struct record r = sealed(7, 64);

		r.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
		assert_false(valid(&r, RECORD, 7, 64));
	}
}

static void test_padding(void **state)
{
	struct record r = sealed(7, 0);

	(void)state;
	journal_record_seal((struct journal_record_head *)r.bytes, 7, JOURNAL_PADDING,
			    160);
	assert_true(valid(&r, JOURNAL_RECORD_HEAD, 7, 160));
	assert_false(valid(&r, JOURNAL_RECORD_HEAD, 8, 160));
	assert_false(valid(&r, JOURNAL_RECORD_HEAD, 7, 176));
}

static void test_zeros_are_no_record(void **state)
{
	struct record r;

	(void)state;
	memset(&r, 0, sizeof r);
	for (uint32_t lane = 0; lane < 1000; lane++)
		assert_false(valid(&r, RECORD, journal_lane_seed(group, lane), 0));
}

static struct journal_file_head file_head(void)
{
	struct journal_file_head h = {.kind = JOURNAL_RING_FILE, .ring_bytes = 65536};

	memcpy(h.group, group, sizeof h.group);
	journal_file_head_seal(&h);
	return h;
}

static void test_file_heads(void **state)
{
	struct journal_file_head h = file_head();

	(void)state;
	assert_null(journal_file_head_fault(&h, JOURNAL_RING_FILE));
	assert_non_null(journal_file_head_fault(&h, JOURNAL_LOG_FILE));
	for (size_t i = 0; i < offsetof(struct journal_file_head, crc) + 4; i++) {
		h = file_head();
		((unsigned char *)&h)[i] ^= 0x10;
		assert_non_null(journal_file_head_fault(&h, JOURNAL_RING_FILE));
	}
}

static uint32_t with_crc_of(struct journal_file_head *h)
{
	uint32_t version = h->version;

	journal_file_head_seal(h);
	h->version = version;
	return h->crc;
}

static void test_versions_and_sizes(void **state)
{
	static const uint32_t sizes[] = {0, 1, 65535, 65537, 98304, 1u << 27, UINT32_MAX};
	struct journal_file_head h = file_head();

	(void)state;
	h.version = JOURNAL_VERSION + 1;
	with_crc_of(&h);
	assert_string_equal(
		journal_file_head_fault(&h, JOURNAL_RING_FILE),
		"written by another release, in a format that this one cannot read");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		h = file_head();
		h.ring_bytes = sizes[i];
		journal_file_head_seal(&h);
		assert_non_null(journal_file_head_fault(&h, JOURNAL_RING_FILE));
	}
	h = file_head();
	h.node_length = JOURNAL_NODE_MAX + 1;
	journal_file_head_seal(&h);
	assert_non_null(journal_file_head_fault(&h, JOURNAL_RING_FILE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_record_belongs_to_its_place),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_torn_at_every_byte),
		cmocka_unit_test(test_every_flipped_bit_is_found),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_zeros_are_no_record),
		cmocka_unit_test(test_file_heads),
		cmocka_unit_test(test_versions_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
