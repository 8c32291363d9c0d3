/* Fuzz target: the files of a lane group that a process has left, read as by whoever
 * adopts it, and as by `tollgate journal inspect`.
 *
 * The input is a list of pieces: what to put where in which file. By default a file's
 * head is good, and a piece in a ring or log becomes a record with a CRC that fits its
 * place, so that what is behind the CRCs is reached; flags of the piece say otherwise.
 * Whatever is in the files: reading ends, goes forward only, stays within what was read,
 * and tells the same when it is done again. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/journal/group.h"
#include "gateway/journal/journal_files.h"
#include "gateway/journal/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAP JOURNAL_LAP_MIN
#define COUNTS_FILE (JOURNAL_FILE_HEAD + 2 * COUNTS_BYTES)
#define LANES_MAX 3u
#define LOGS 3u /* of lane 0, and a ring of each lane */
#define PIECE_MAX 2048u

#define GROUP_NAME "00112233445566778899aabbccddeeff"

/* Flags of a piece. */
enum {
	IS_RAW = 1,  /* these very bytes, no record */
	IN_HEAD = 2, /* of the file, not behind it; its CRC fits afterwards, unless raw */
	IS_PADDING = 4, /* a record that fills the lap */
	IS_NEXT = 8,    /* right behind the last piece, whatever the place says */
};

struct file {
	int fd;
	enum journal_file_kind kind;
	uint32_t lane;
	uint64_t lap; /* of a log; of a ring the turn that its records are of */
	uint64_t next;
	struct journal_file_head head;
};

struct input {
	const uint8_t *at, *end;
};

static int directory = -1, folder = -1;
static char path[64];

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes && in->at < in->end; i++)
		v |= (uint64_t)*in->at++ << 8 * i;
	return v;
}

static void remove_folder(void)
{
	rmdir(path);
}

static void make_folder(void)
{
	/* In memory, where there is such a place: thousands of files a second are
	 * made. */
	snprintf(path, sizeof path, "%s/tollgate-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(path) != NULL);
	directory = open(path, O_RDONLY | O_DIRECTORY);
	CHECK(directory >= 0);
	atexit(remove_folder);
}

static void name_of(const struct file *f, char out[JOURNAL_NAME_MAX])
{
	snprintf(out, JOURNAL_NAME_MAX, JOURNAL_GROUP_NAME);
	if (f->kind == JOURNAL_RING_FILE)
		journal_ring_name(out, f->lane);
	else if (f->kind == JOURNAL_LOG_FILE)
		journal_log_name(out, f->lane, f->lap);
	else if (f->kind == JOURNAL_COUNTS_FILE)
		journal_counts_name(out, f->lane);
}

static void put(const struct file *f, const void *bytes, size_t n, uint64_t at)
{
	CHECK(pwrite(f->fd, bytes, n, (off_t)at) == (ssize_t)n);
}

static void make_file(struct file *f, uint32_t n_lanes)
{
	static const off_t sizes[] = {
		[JOURNAL_GROUP_FILE] = sizeof(struct journal_file_head),
		[JOURNAL_RING_FILE] = JOURNAL_FILE_HEAD + LAP,
		[JOURNAL_LOG_FILE] = JOURNAL_FILE_HEAD + LAP,
		[JOURNAL_COUNTS_FILE] = COUNTS_FILE,
	};
	char name[JOURNAL_NAME_MAX];

	name_of(f, name);
	f->fd = openat(folder, name, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(f->fd >= 0 && ftruncate(f->fd, sizes[f->kind]) == 0);
	f->head = (struct journal_file_head){
		.kind = f->kind, .lane = f->lane, .ring_bytes = LAP, .lap = f->lap};
	if (f->kind == JOURNAL_GROUP_FILE)
		f->head.lane = n_lanes;
	for (unsigned i = 0; i < JOURNAL_GROUP_BYTES; i++)
		f->head.group[i] = (unsigned char)(i * 0x11);
	CHECK(journal_file_put_head(f->fd, &f->head));
}

static void put_in_head(struct file *f, uint64_t place, const uint8_t *bytes, size_t n,
			bool raw)
{
	struct journal_file_head *h = &f->head;
	size_t room = sizeof *h - sizeof h->crc;

	if (f->kind == JOURNAL_RING_FILE && place % 2 == 0) {
		put(f, bytes, n < 8 ? n : 8, JOURNAL_TAIL_OFFSET);
		return;
	}
	place %= room;
	memcpy((char *)h + place, bytes, n < room - place ? n : room - place);
	if (f->kind == JOURNAL_GROUP_FILE && h->lane > LANES_MAX)
		h->lane = LANES_MAX; /* more cost memory, and show nothing new */
	if (raw)
		put(f, h, sizeof *h, 0);
	else
		CHECK(journal_file_put_head(f->fd, h));
}

static void put_record(struct file *f, uint64_t place, const uint8_t *bytes, size_t n,
		       bool padding)
{
	struct {
		struct journal_record_head head;
		unsigned char event[PIECE_MAX];
	} record;
	uint64_t position = f->lap * LAP + place;
	uint32_t seed = journal_lane_seed(f->head.group, f->lane);

	memcpy(record.event, bytes, n);
	journal_record_seal(&record.head, seed, padding ? JOURNAL_PADDING : (uint32_t)n,
			    position);
	put(f, &record, sizeof record.head + n, JOURNAL_FILE_HEAD + place);
	f->next = place + journal_record_bytes(n);
}

static void put_piece(struct file *files, size_t n_files, struct input *in)
{
	struct file *f = &files[take(in, 1) % n_files];
	unsigned flags = (unsigned)take(in, 1);
	uint64_t place = take(in, 2);
	size_t n = take(in, 2) % PIECE_MAX, left = (size_t)(in->end - in->at);
	uint64_t room = f->kind == JOURNAL_COUNTS_FILE  ? 2 * COUNTS_BYTES
			: f->kind == JOURNAL_GROUP_FILE ? 0
							: LAP;

	n = n < left ? n : left;
	if (flags & IN_HEAD || room == 0) {
		put_in_head(f, place, in->at, n, flags & IS_RAW);
	} else {
		if (flags & IS_NEXT)
			place = f->next;
		place = place * (f->kind == JOURNAL_COUNTS_FILE ? 8 : 1) %
				(room - JOURNAL_RECORD_HEAD - PIECE_MAX) &
			~UINT64_C(15);
		if (flags & IS_RAW || f->kind == JOURNAL_COUNTS_FILE)
			put(f, in->at, n, JOURNAL_FILE_HEAD + place);
		else
			put_record(f, place, in->at, n, flags & IS_PADDING);
	}
	in->at += n;
}

/* --- reading --- */

struct seen {
	uint64_t events, end;
	uint32_t sum; /* of all bytes, so that each is looked at */
};

static void check_event(const unsigned char *bytes, size_t n)
{
	unsigned char again[USAGE_RECORD_MAX];
	struct usage_event e, f;
	size_t m;

	if (!usage_event_decode(&e, bytes, n))
		return;
	m = usage_event_encode(&e, again);
	CHECK(m <= USAGE_RECORD_MAX && usage_event_decode(&f, again, m));
	CHECK(e.token_id == f.token_id && e.used_at_us == f.used_at_us);
	CHECK(memcmp(e.token_hash, f.token_hash, sizeof e.token_hash) == 0);
}

static struct seen read_lane(struct usage_lane *lane)
{
	struct seen seen = {.end = usage_lane_tail(lane)};
	const unsigned char *bytes;
	uint64_t at = seen.end, next;
	size_t n;

	while (usage_lane_read(lane, at, &bytes, &n, &next)) {
		CHECK(n <= USAGE_RECORD_MAX && next > at &&
		      next - at >= journal_record_bytes(n));
		for (size_t i = 0; i < n; i++)
			seen.sum = seen.sum * 31 + bytes[i];
		check_event(bytes, n);
		seen.events++;
		seen.end = at = next;
	}
	usage_lane_rest(lane);
	return seen;
}

static void read_counts(struct usage_counts *c)
{
	uint64_t serial, count;
	struct count_key key;

	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++) {
		if (!usage_counts_get(c, slot, &key, &serial, &count))
			continue;
		CHECK(key.reason_length <= sizeof key.reason);
		CHECK(key.route_length <= sizeof key.route);
		CHECK(usage_counts_settle(c, slot, count));
		CHECK(!usage_counts_get(c, slot, &key, &serial, &count));
	}
}

/* Half of it is stored, then the rest. */
static void store(struct usage_lane *lane, uint64_t events)
{
	uint64_t at = usage_lane_tail(lane), next;
	const unsigned char *bytes;
	size_t n;

	for (uint64_t i = 0; i < events && usage_lane_read(lane, at, &bytes, &n, &next);
	     i++)
		at = next;
	usage_lane_rest(lane);
	usage_lane_release(lane, at);
}

static void adopt_and_read(uint64_t *events)
{
	struct usage_group *g = NULL;
	const char *why = NULL;
	enum group_state state = usage_group_adopt(directory, GROUP_NAME, &g, &why);
	struct seen first, second;

	*events = 0;
	CHECK((state == GROUP_ADOPTED) == (g != NULL));
	CHECK(state != GROUP_UNREADABLE || why != NULL);
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->n_lanes; i++) {
		struct usage_lane *lane = g->lanes[i];

		first = read_lane(lane);
		second = read_lane(lane);
		CHECK(memcmp(&first, &second, sizeof first) == 0);
		*events += first.events;
		store(lane, first.events / 2);
		second = read_lane(lane);
		CHECK(second.events == first.events - first.events / 2);
		store(lane, second.events);
		CHECK(read_lane(lane).events == 0);
		read_counts(g->gaps[i]);
		read_counts(g->strangers[i]);
	}
	usage_group_remove(g);
	usage_group_close(&g);
}

static void on_group(void *ctx, const struct inspect_group *g)
{
	uint64_t *decoded = ctx;

	for (size_t i = 0; g->lanes != NULL && i < g->n_lanes; i++) {
		CHECK(g->lanes[i].end >= g->lanes[i].tail);
		*decoded += g->lanes[i].events;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct file files[1 + 2 * LANES_MAX + LOGS] = {{.kind = JOURNAL_GROUP_FILE}};
	uint64_t inspected = 0, events;
	struct inspect_sink sink = {.group = on_group, .ctx = &inspected};
	uint32_t n_lanes = 1 + (uint32_t)take(&in, 1) % LANES_MAX;
	size_t n = 1;

	if (directory < 0) {
		make_folder();
		log_set_level(LOG_ERROR + 1); /* there is much to tell */
	}
	CHECK(mkdirat(directory, GROUP_NAME, 0700) == 0);
	folder = openat(directory, GROUP_NAME, O_RDONLY | O_DIRECTORY);
	CHECK(folder >= 0);
	for (uint32_t i = 0; i < n_lanes; i++) {
		uint64_t lap = take(&in, 1);

		if (lap != 0xff) /* else it has no ring */
			files[n++] = (struct file){
				.kind = JOURNAL_RING_FILE, .lane = i, .lap = lap};
	}
	files[n++] = (struct file){.kind = JOURNAL_COUNTS_FILE};
	for (uint64_t i = take(&in, 1) % (LOGS + 1); i > 0; i--)
		files[n++] = (struct file){.kind = JOURNAL_LOG_FILE,
					   .lap = take(&in, take(&in, 1) % 9)};
	for (size_t i = 0; i < n; i++)
		make_file(&files[i], n_lanes);
	while (in.at < in.end)
		put_piece(files, n, &in);
	for (size_t i = 0; i < n; i++)
		close(files[i].fd);
	CHECK(usage_journal_inspect(path, &sink));
	adopt_and_read(&events);
	CHECK(inspected <= events); /* what cannot be decoded is none for inspect */
	if (faccessat(directory, GROUP_NAME, F_OK, 0) == 0)
		journal_folder_remove(directory, GROUP_NAME, folder);
	close(folder);
	return 0;
}
