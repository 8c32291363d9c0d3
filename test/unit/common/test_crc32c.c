/* CRC-32C: the published values, by instruction and without. */
#include "common/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check(const void *bytes, size_t n, uint32_t want)
{
	assert_int_equal(crc32c_add(0, bytes, n), want);
	assert_int_equal(crc32c_add_portable(0, bytes, n), want);
}

/* RFC 3720, B.4, and the check value of the catalogues. */
static void test_published_values(void **state)
{
	unsigned char bytes[32];

	(void)state;
	check("123456789", 9, 0xe3069283);
	memset(bytes, 0, sizeof bytes);
	check(bytes, sizeof bytes, 0x8a9136aa);
	memset(bytes, 0xff, sizeof bytes);
	check(bytes, sizeof bytes, 0x62a8ab43);
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)i;
	check(bytes, sizeof bytes, 0x46dd794e);
	check("", 0, 0);
}

static void test_any_length_in_any_pieces(void **state)
{
	unsigned char bytes[100];

	(void)state;
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		uint32_t whole = crc32c_add_portable(0, bytes, n);

		assert_int_equal(crc32c_add(0, bytes, n), whole);
		for (size_t k = 0; k <= n; k++) {
			uint32_t first = crc32c_add(0, bytes, k);

			assert_int_equal(crc32c_add(first, bytes + k, n - k), whole);
			assert_int_equal(crc32c_add_portable(first, bytes + k, n - k),
					 whole);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_values),
		cmocka_unit_test(test_any_length_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
