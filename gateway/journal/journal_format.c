/* The usage journal's names and bytes. */
#include "gateway/journal/journal_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/crc32c.h"

static const char magic[8] = {'t', 'o', 'l', 'l', 'g', 'a', 't', 'e'};

_Static_assert(sizeof(struct journal_file_head) <= JOURNAL_FILE_HEAD, "a head fits");
_Static_assert(sizeof(struct journal_record_head) == JOURNAL_RECORD_HEAD, "no holes");

/* --- names --- */

void journal_ring_name(char out[JOURNAL_NAME_MAX], uint32_t lane)
{
	snprintf(out, JOURNAL_NAME_MAX, "lane-%" PRIu32 ".ring", lane);
}

void journal_counts_name(char out[JOURNAL_NAME_MAX], uint32_t lane)
{
	snprintf(out, JOURNAL_NAME_MAX, "lane-%" PRIu32 ".counts", lane);
}

void journal_log_name(char out[JOURNAL_NAME_MAX], uint32_t lane, uint64_t lap)
{
	snprintf(out, JOURNAL_NAME_MAX, "lane-%" PRIu32 "-%016" PRIx64 ".log", lane, lap);
}

bool journal_log_name_read(const char *name, uint32_t *lane, uint64_t *lap)
{
	char again[JOURNAL_NAME_MAX];
	char *end;

	if (strncmp(name, "lane-", 5) != 0)
		return false;
	*lane = (uint32_t)strtoul(name + 5, &end, 10);
	if (*end != '-')
		return false;
	*lap = strtoull(end + 1, NULL, 16);
	journal_log_name(again, *lane, *lap);
	return strcmp(name, again) == 0 && *lap <= JOURNAL_POSITION_MAX / JOURNAL_LAP_MIN;
}

bool journal_is_group(const char *name)
{
	return strlen(name) == JOURNAL_GROUP_HEX &&
	       strspn(name, "0123456789abcdef") == JOURNAL_GROUP_HEX;
}

/* --- a file's head --- */

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

static uint32_t instance_crc(const unsigned char group[JOURNAL_GROUP_BYTES],
			     const unsigned char instance[JOURNAL_INSTANCE_BYTES])
{
	return crc32c_add(crc32c_add(0, group, JOURNAL_GROUP_BYTES), instance,
			  JOURNAL_INSTANCE_BYTES);
}

void journal_instance_put(unsigned char note[JOURNAL_INSTANCE_NOTE],
			  const unsigned char group[JOURNAL_GROUP_BYTES],
			  const unsigned char instance[JOURNAL_INSTANCE_BYTES])
{
	uint32_t crc = instance_crc(group, instance);

	memcpy(note, instance, JOURNAL_INSTANCE_BYTES);
	memcpy(note + JOURNAL_INSTANCE_BYTES, &crc, sizeof crc);
}

bool journal_instance_get(const unsigned char note[JOURNAL_INSTANCE_NOTE],
			  const unsigned char group[JOURNAL_GROUP_BYTES],
			  unsigned char instance[JOURNAL_INSTANCE_BYTES])
{
	uint32_t crc;

	memcpy(&crc, note + JOURNAL_INSTANCE_BYTES, sizeof crc);
	if (crc != instance_crc(group, note))
		return false;
	memcpy(instance, note, JOURNAL_INSTANCE_BYTES);
	return true;
}

/* --- records --- */

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

bool journal_lap_holds(const unsigned char *lap, uint64_t size, uint32_t seed,
		       uint64_t position, uint32_t max)
{
	uint64_t place = position & (size - 1);

	return journal_record_valid(lap + place, size - place, seed, position, max);
}

uint64_t journal_lap_seek(const unsigned char *lap, uint64_t size, uint32_t seed,
			  uint64_t position, uint64_t limit, uint32_t max)
{
	for (uint64_t place = 0; place < size; place += JOURNAL_ALIGN) {
		const struct journal_record_head *h =
			(const struct journal_record_head *)(lap + place);

		if (h->position >= position && h->position < limit &&
		    (h->position & (size - 1)) == place &&
		    journal_lap_holds(lap, size, seed, h->position, max))
			limit = h->position;
	}
	return limit;
}
