/* Looks on at a lane.
 *
 * The consumer may free what was not looked at yet, and the producer then writes over it
 * while it is copied. So a record counts only by its CRC, which covers its position as
 * well, of the copy. */
#include "gateway/journal/lane_tap.h"

#include "gateway/journal/lane_priv.h"
#include "gateway/journal/tap.h"

#define COPY_MAX (JOURNAL_RECORD_HEAD + USAGE_RECORD_MAX)

_Static_assert(COPY_MAX % sizeof(uint64_t) == 0, "records are copied by words");

union copy {
	struct journal_record_head head;
	uint64_t words[COPY_MAX / sizeof(uint64_t)];
};

void lane_tap_start(struct lane_tap *t, const struct usage_lane *lane)
{
	t->seen = usage_lane_appended(lane);
	t->at = usage_lane_head(lane);
}

/* Of what may be written to meanwhile. */
__attribute__((noinline, no_sanitize("thread"))) static void
copy_words(uint64_t *to, const unsigned char *from, uint64_t bytes)
{
	const uint64_t *words = (const uint64_t *)from;

	for (uint64_t i = 0; i < bytes / sizeof *words; i++)
		to[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
}

/* False: it was overwritten. */
static bool copy_record(const struct usage_lane *lane, uint64_t at, union copy *to)
{
	uint64_t n, to_end = lane_to_lap_end(lane, at);

	copy_words(to->words, lane_place_of(lane, at), JOURNAL_RECORD_HEAD);
	n = to->head.length == JOURNAL_PADDING ? JOURNAL_RECORD_HEAD
					       : journal_record_bytes(to->head.length);
	if (n > to_end || n > COPY_MAX)
		return false;
	copy_words(to->words, lane_place_of(lane, at), n);
	return journal_record_valid((const unsigned char *)to->words, to_end, lane->seed,
				    at, USAGE_RECORD_MAX);
}

static void skip(struct lane_tap *t, const struct usage_lane *lane, struct usage_tap *to)
{
	uint64_t appended;

	t->at = usage_lane_head(lane);
	appended = usage_lane_appended(lane);
	if (appended > t->seen)
		usage_tap_miss(to, appended - t->seen);
	t->seen = appended;
}

void lane_tap_copy(struct lane_tap *t, const struct usage_lane *lane,
		   struct usage_tap *to)
{
	uint64_t head = usage_lane_head(lane);
	union copy record;

	while (t->at < head) {
		if (!copy_record(lane, t->at, &record)) {
			skip(t, lane, to);
			return;
		}
		if (record.head.length == JOURNAL_PADDING) {
			t->at += lane_to_lap_end(lane, t->at);
			continue;
		}
		usage_tap_put(to, (struct str){(const char *)(&record.head + 1),
					       record.head.length});
		t->at += journal_record_bytes(record.head.length);
		t->seen++;
	}
}
