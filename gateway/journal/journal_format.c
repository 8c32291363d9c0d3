/* The usage journal's bytes. */
#include "gateway/journal/journal_format.h"

#include <string.h>

#include "common/check.h"
#include "common/crc32c.h"

static const char magic[8] = {'t', 'o', 'l', 'l', 'g', 'a', 't', 'e'};

_Static_assert(sizeof(struct journal_file_head) <= JOURNAL_FILE_HEAD, "a head fits");
_Static_assert(sizeof(struct journal_record_head) == JOURNAL_RECORD_HEAD, "no holes");

static uint32_t head_crc(const struct journal_file_head *h)
{
	return crc32c_add(0, h, offsetof(struct journal_file_head, crc));
}

void journal_file_head_seal(struct journal_file_head *h)
{
	memcpy(h->magic, magic, sizeof h->magic);
	h->version = JOURNAL_VERSION;
	h->crc = head_crc(h);
}

static bool is_lap_size(uint32_t n)
{
	return n >= JOURNAL_LAP_MIN && n <= JOURNAL_LAP_MAX && (n & (n - 1)) == 0;
}

const char *journal_file_head_fault(const struct journal_file_head *h,
				    enum journal_file_kind kind)
{
	if (memcmp(h->magic, magic, sizeof magic) != 0)
		return "not a file of the usage journal";
	if (h->version < JOURNAL_VERSION_OLDEST || h->version > JOURNAL_VERSION)
		return "written by another release, in a format that this one cannot read";
	if (h->crc != head_crc(h))
		return "its head is damaged";
	if (h->kind != (uint32_t)kind)
		return "a file of the usage journal, but of another kind";
	if (!is_lap_size(h->ring_bytes) || h->node_length > JOURNAL_NODE_MAX)
		return "its head makes no sense";
	return NULL;
}

uint32_t journal_lane_seed(const unsigned char group[JOURNAL_GROUP_BYTES], uint32_t lane)
{
	return crc32c_add(crc32c_add(0, group, JOURNAL_GROUP_BYTES), &lane, sizeof lane);
}

static uint32_t record_crc(const struct journal_record_head *h, uint32_t seed)
{
	const unsigned char *from = (const unsigned char *)h + sizeof h->crc;
	size_t n = h->length == JOURNAL_PADDING ? 0 : h->length;

	return crc32c_add(seed, from, sizeof *h - sizeof h->crc + n);
}

void journal_record_seal(struct journal_record_head *h, uint32_t seed, uint32_t length,
			 uint64_t position)
{
	h->length = length;
	h->position = position;
	h->crc = record_crc(h, seed);
}

bool journal_record_valid(const unsigned char *p, uint64_t left, uint32_t seed,
			  uint64_t position, uint32_t max)
{
	const struct journal_record_head *h = (const struct journal_record_head *)p;

	if (left < JOURNAL_RECORD_HEAD || h->position != position)
		return false;
	if (h->length != JOURNAL_PADDING &&
	    (h->length > max || journal_record_bytes(h->length) > left))
		return false;
	return h->crc == record_crc(h, seed);
}
