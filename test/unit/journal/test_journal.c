/* The journal on disk: what was appended is found again by whoever comes next. */
#include "gateway/journal/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/check.h"
#include "gateway/journal/inspect.h"
#include "gateway/journal/journal_files.h"

#define LANES 2
#define LAP (64u * 1024)
#define ROOMY (UINT64_C(1) << 30)
/* What a group takes before it has any log. */
#define FIXED                                                                            \
	(LANES * (2 * 4096 + LAP + 2 * COUNTS_BYTES) + sizeof(struct journal_file_head))

struct fixture {
	char directory[64];
	struct usage_journal *j;
};

static struct usage_journal *open_journal(const struct fixture *f, uint64_t max_bytes)
{
	struct journal_options o = {
		.directory = f->directory,
		.node = "the node",
		.n_lanes = LANES,
		.max_bytes = max_bytes,
		.ring_bytes = LAP,
		.sync_ms = 10,
	};
	struct usage_journal *j = usage_journal_open(&o);

	assert_true(usage_journal_is_durable(j));
	return j;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	strcpy(f->directory, "/tmp/tollgate-journal-XXXXXX");
	assert_non_null(mkdtemp(f->directory));
	*state = f;
	return 0;
}

static size_t entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void remove_all(const char *path)
{
	DIR *dir = opendir(path);
	char inner[512];

	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
		if (unlink(inner) != 0)
			remove_all(inner);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	usage_journal_close(&f->j);
	remove_all(f->directory);
	free(f);
	return 0;
}

static struct usage_event numbered(int64_t i)
{
	static const char agent[] = "0123456789012345678901234567890123456789";
	struct usage_event e;

	usage_event_init(&e);
	e.token_id = i;
	e.used_at_us = i;
	e.user_agent = (struct str){agent, (size_t)(i * 7 % 41)};
	e.route_path = STR("/r");
	return e;
}

static bool append(struct usage_lane *lane, int64_t i)
{
	struct usage_event e = numbered(i);

	return usage_lane_append(lane, &e);
}

/* With the journal's thread behind it, any number finds room. */
static void append_many(struct usage_lane *lane, int64_t from, int64_t to)
{
	for (int64_t i = from; i < to; i++)
		while (!append(lane, i))
			sched_yield();
}

/* Reads from the tail on: events from..., each the next one's number; returns the first
 * number that is not there. */
static int64_t read_from(struct usage_lane *lane, int64_t from)
{
	uint64_t at = usage_lane_tail(lane);
	const unsigned char *bytes;
	struct usage_event e;
	size_t n;

	while (usage_lane_read(lane, at, &bytes, &n, &at)) {
		assert_true(usage_event_decode(&e, bytes, n));
		assert_int_equal(e.token_id, from);
		assert_int_equal(e.user_agent.n, from * 7 % 41);
		from++;
	}
	usage_lane_rest(lane);
	return from;
}

/* How many events from the tail on are stored up to position; releases them. */
static void release(struct usage_lane *lane, int64_t events)
{
	uint64_t at = usage_lane_tail(lane);
	const unsigned char *bytes;
	size_t n;

	while (events-- > 0)
		assert_true(usage_lane_read(lane, at, &bytes, &n, &at));
	usage_lane_rest(lane);
	usage_lane_release(lane, at);
}

static struct usage_lane *own_lane(struct fixture *f, size_t i)
{
	return usage_journal_own(f->j)->lanes[i];
}

static void group_path(const struct fixture *f, const char *group, const char *file,
		       char out[256])
{
	snprintf(out, 256, "%s/%s/%s", f->directory, group, file);
}

static void patch(const char *path, off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void fill(const char *path, off_t at, size_t n)
{
	void *zeros = calloc(1, n);

	assert_non_null(zeros);
	patch(path, at, zeros, n);
	free(zeros);
}

/* --- tests --- */

static void test_a_backlog_of_many_laps_is_read_in_order(void **state)
{
	struct fixture *f = *state;
	int64_t n = 12000; /* some 20 laps */

	f->j = open_journal(f, ROOMY);
	append_many(own_lane(f, 0), 0, n);
	append_many(own_lane(f, 1), 5, 10);
	assert_int_equal(read_from(own_lane(f, 0), 0), n);
	assert_int_equal(read_from(own_lane(f, 0), 0), n); /* a batch that failed */
	assert_int_equal(read_from(own_lane(f, 1), 5), 10);
	release(own_lane(f, 0), 7000);
	assert_int_equal(read_from(own_lane(f, 0), 7000), n);
	append_many(own_lane(f, 0), n, n + 3000);
	assert_int_equal(read_from(own_lane(f, 0), 7000), n + 3000);
}

static void test_logs_go_once_stored(void **state)
{
	struct fixture *f = *state;
	char path[256];

	f->j = open_journal(f, ROOMY);
	append_many(own_lane(f, 0), 0, 12000);
	group_path(f, usage_journal_own(f->j)->name, "", path);
	assert_true(entries(path) > 15);
	release(own_lane(f, 0), 12000);
	while (entries(path) >
	       1 + 2 * LANES + 1) /* group, rings, counts; the current log */
		sched_yield();
	usage_journal_discard(f->j);
	assert_int_equal(entries(f->directory), 0);
}

static void test_what_was_closed_is_adopted(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], path[256];
	struct usage_group *g;

	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, sizeof name);
	append_many(own_lane(f, 0), 0, 2000);
	append_many(own_lane(f, 1), 0, 3);
	release(own_lane(f, 0), 500);
	assert_null(usage_journal_adopt(f->j)); /* its own is in use */
	usage_journal_close(&f->j);

	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	assert_non_null(g);
	assert_string_equal(g->name, name);
	assert_string_equal(g->node, "the node");
	assert_true(g->adopted);
	assert_int_equal(g->n_lanes, LANES);
	assert_null(usage_journal_adopt(f->j)); /* locked now */
	assert_int_equal(read_from(g->lanes[0], 500), 2000);
	assert_int_equal(read_from(g->lanes[1], 0), 3);
	/* Given back, it can be adopted again. */
	release(g->lanes[0], 700);
	usage_group_close(&g);
	g = usage_journal_adopt(f->j);
	assert_non_null(g);
	assert_int_equal(read_from(g->lanes[1], 0), 3);
	group_path(f, name, "", path);
	usage_group_remove(g);
	usage_group_close(&g);
	assert_int_equal(access(path, F_OK), -1);
	assert_null(usage_journal_adopt(f->j));
}

static void test_the_database_knows_better_where_it_ends(void **state)
{
	struct fixture *f = *state;
	struct usage_group *g;
	const unsigned char *bytes;
	uint64_t at = 0;
	size_t n;

	f->j = open_journal(f, ROOMY);
	append_many(own_lane(f, 0), 0, 2000);
	usage_journal_close(&f->j);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	for (int i = 0; i < 1500; i++)
		assert_true(usage_lane_read(g->lanes[0], at, &bytes, &n, &at));
	usage_lane_set_tail(g->lanes[0], at);
	assert_int_equal(read_from(g->lanes[0], 1500), 2000);
	usage_group_close(&g);
}

/* As by kill -9, at any moment: nothing that append said yes to is missing. */
static void test_killed(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 5; round++) {
		struct usage_group *g;
		int64_t said = 0, found;
		int pipe_fds[2];
		pid_t child;

		assert_int_equal(pipe(pipe_fds), 0);
		child = fork();
		if (child == 0) {
			f->j = open_journal(f, ROOMY);
			for (int64_t i = 0; i < 1000 + round * 2000; i++) {
				while (!append(own_lane(f, 1), i))
					sched_yield();
				said = i + 1;
			}
			if (write(pipe_fds[1], &said, sizeof said) == sizeof said)
				kill(getpid(), SIGKILL);
			_exit(1);
		}
		assert_int_equal(read(pipe_fds[0], &said, sizeof said), sizeof said);
		assert_int_equal(waitpid(child, NULL, 0), child);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		f->j = open_journal(f, ROOMY);
		g = usage_journal_adopt(f->j);
		assert_non_null(g);
		found = read_from(g->lanes[1], 0);
		assert_int_equal(found, said);
		usage_group_remove(g);
		usage_group_close(&g);
		usage_journal_discard(f->j);
		usage_journal_close(&f->j);
	}
}

/* A power cut: of the ring anything may be there; what was synced is. */
static void test_the_ring_is_lost(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], ring[256];
	struct usage_group *g;

	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, sizeof name);
	append_many(own_lane(f, 0), 0, 5000);
	usage_journal_close(&f->j); /* copies and syncs */
	group_path(f, name, "lane-0.ring", ring);
	fill(ring, 2048, 2048 + LAP);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	assert_int_equal(read_from(g->lanes[0], 0), 5000);
	usage_group_close(&g);
	assert_int_equal(unlink(ring), 0);
	g = usage_journal_adopt(f->j);
	assert_int_equal(read_from(g->lanes[0], 0), 5000);
	usage_group_close(&g);
}

/* How many events there are, in rising order, whatever is missing. */
static int64_t count_rising(struct usage_lane *lane)
{
	uint64_t at = usage_lane_tail(lane);
	const unsigned char *bytes;
	struct usage_event e;
	int64_t last = -1, found = 0;
	size_t n;

	while (usage_lane_read(lane, at, &bytes, &n, &at)) {
		assert_true(usage_event_decode(&e, bytes, n));
		assert_true(e.token_id > last);
		last = e.token_id;
		found++;
	}
	usage_lane_rest(lane);
	return found;
}

static void test_damage_costs_what_is_damaged(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], path[256];
	struct usage_group *g;
	int64_t found;

	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, sizeof name);
	append_many(own_lane(f, 0), 0, 6000);
	usage_journal_close(&f->j);
	group_path(f, name, "lane-0-0000000000000002.log", path);
	fill(path, 4096 + 1000, 500);
	group_path(f, name, "lane-0-0000000000000005.log", path);
	assert_int_equal(unlink(path), 0);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	found = count_rising(g->lanes[0]);
	assert_true(found < 6000 && found > 6000 - 10 - (int64_t)(LAP / 64));
	usage_group_close(&g);
}

struct inspected {
	int groups;
	bool in_use;
	const char *fault;
	struct inspect_lane lane;
	int64_t events;
};

static void on_group(void *ctx, const struct inspect_group *g)
{
	struct inspected *seen = ctx;

	seen->groups++;
	seen->in_use = g->in_use;
	seen->fault = g->fault;
	if (g->fault == NULL)
		seen->lane = g->lanes[0];
}

static void on_event(void *ctx, const struct inspect_group *g, size_t lane,
		     uint64_t position, const struct usage_event *e)
{
	struct inspected *seen = ctx;

	assert_string_equal(g->node, "the node");
	assert_int_equal(lane, 0);
	assert_int_equal(position % 16, 0);
	assert_true(e->token_id >= seen->events);
	seen->events = e->token_id + 1;
}

static struct inspected inspect(const struct fixture *f)
{
	struct inspected seen = {0};

	assert_true(usage_journal_inspect(
		f->directory, &(struct inspect_sink){on_group, on_event, &seen}));
	return seen;
}

static void test_inspected(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], path[256];
	struct inspected seen;

	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, sizeof name);
	append_many(own_lane(f, 0), 0, 6000);
	release(own_lane(f, 0), 100);
	seen = inspect(f);
	assert_true(seen.groups == 1 && seen.in_use);
	assert_true(seen.lane.events == 5900 && seen.lane.damaged_bytes == 0);
	assert_int_equal(seen.lane.tail, usage_lane_tail(own_lane(f, 0)));
	assert_int_equal(seen.lane.oldest_us, 100);
	assert_int_equal(seen.events, 6000);
	usage_journal_close(&f->j);
	group_path(f, name, "lane-0-0000000000000002.log", path);
	fill(path, 4096 + 1000, 500);
	seen = inspect(f);
	assert_true(seen.groups == 1 && !seen.in_use);
	assert_true(seen.lane.events > 5880 && seen.lane.events < 5900);
	assert_true(seen.lane.damaged_bytes >= 500 && seen.lane.damaged_bytes < 1000);
	group_path(f, name, JOURNAL_GROUP_NAME, path);
	fill(path, 0, 8);
	assert_string_equal(inspect(f).fault, "not a file of the usage journal");
	assert_false(usage_journal_inspect("/none", &(struct inspect_sink){0}));
}

static void test_another_lanes_file_is_none(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], a[256], b[256];
	struct usage_group *g;

	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, sizeof name);
	append_many(own_lane(f, 0), 0, 100);
	append_many(own_lane(f, 1), 0, 100);
	usage_journal_close(&f->j);
	/* Whole files change places; the logs of one lane go. */
	group_path(f, name, "lane-0.ring", a);
	group_path(f, name, "lane-1.ring", b);
	assert_int_equal(rename(a, b), 0);
	group_path(f, name, "lane-1-0000000000000000.log", b);
	assert_int_equal(unlink(b), 0);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	assert_int_equal(read_from(g->lanes[0], 0), 100); /* from its log */
	assert_int_equal(read_from(g->lanes[1], 0), 0);
	usage_group_close(&g);
}

static void test_what_cannot_be_read_is_left_alone(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], path[256];

	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, sizeof name);
	usage_journal_close(&f->j);
	group_path(f, name, JOURNAL_GROUP_NAME, path);
	patch(path, 8, "\x02", 1); /* of a later release */
	f->j = open_journal(f, ROOMY);
	assert_null(usage_journal_adopt(f->j));
	assert_null(usage_journal_adopt(f->j));
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(unlink(path), 0);
	assert_null(usage_journal_adopt(f->j));
	assert_int_equal(entries(f->directory), 2);
}

/* A group with 10 events in its lane 0; closed. */
static void leave_group(struct fixture *f, char name[JOURNAL_GROUP_HEX + 1])
{
	f->j = open_journal(f, ROOMY);
	memcpy(name, usage_journal_own(f->j)->name, JOURNAL_GROUP_HEX + 1);
	append_many(own_lane(f, 0), 0, 10);
	usage_journal_close(&f->j);
}

/* Its name is what its cursors go by: a copy would be stored again. */
static void test_a_copy_is_left_alone(void **state)
{
	static const char renamed[] = "00112233445566778899aabbccddeeff";
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], from[256], to[256];
	struct usage_group *g;

	leave_group(f, name);
	group_path(f, name, "", from);
	group_path(f, renamed, "", to);
	assert_int_equal(rename(from, to), 0);
	assert_string_equal(inspect(f).fault,
			    "its head tells another name: it is a copy, or was renamed");
	f->j = open_journal(f, ROOMY);
	assert_null(usage_journal_adopt(f->j));
	assert_int_equal(access(to, F_OK), 0);
	usage_journal_discard(f->j);
	usage_journal_close(&f->j);
	assert_int_equal(rename(to, from), 0);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	assert_non_null(g);
	assert_int_equal(read_from(g->lanes[0], 0), 10);
	usage_group_close(&g);
}

/* Opening a named pipe waits for its other end; a link may lead anywhere. */
static void test_other_kinds_of_files(void **state)
{
	static const char *const names[] = {"lane-0.ring", "lane-0.counts",
					    "lane-0-0000000000000000.log",
					    JOURNAL_GROUP_NAME};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2 * ARRAY_LEN(names); i++) {
		const char *file = names[i / 2];
		char name[JOURNAL_GROUP_HEX + 1], path[256], away[256];
		struct usage_group *g;

		leave_group(f, name);
		group_path(f, name, file, path);
		snprintf(away, sizeof away, "%s/away", f->directory);
		assert_int_equal(rename(path, away), 0);
		assert_int_equal(i % 2 ? symlink(away, path) : mkfifo(path, 0600), 0);
		assert_int_equal(inspect(f).groups, 1);
		f->j = open_journal(f, ROOMY);
		g = usage_journal_adopt(f->j);
		assert_int_equal(g == NULL, strcmp(file, JOURNAL_GROUP_NAME) == 0);
		if (g != NULL) {
			/* The ring and the log each have all of them. */
			assert_int_equal(read_from(g->lanes[0], 0), 10);
			assert_true(usage_journal_part(f->j, g));
			usage_group_close(&g);
		}
		assert_true(usage_journal_discard(f->j));
		usage_journal_close(&f->j);
		assert_int_equal(access(away, F_OK), 0); /* a link's end stays */
		remove_all(f->directory);
		assert_int_equal(mkdir(f->directory, 0700), 0);
	}
}

/* It has something in it that is not a file: what is stored must stay known as stored. */
static void test_a_folder_that_stays(void **state)
{
	struct fixture *f = *state;
	char name[JOURNAL_GROUP_HEX + 1], inner[256], path[256];
	struct usage_group *g;

	leave_group(f, name);
	group_path(f, name, "folder", inner);
	assert_int_equal(mkdir(inner, 0700), 0);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	assert_non_null(g);
	assert_false(usage_journal_part(f->j, g));
	usage_group_close(&g);
	assert_null(usage_journal_adopt(f->j)); /* not at once */
	group_path(f, usage_journal_own(f->j)->name, "folder", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(usage_journal_discard(f->j));
	assert_int_equal(rmdir(path), 0);
	assert_true(usage_journal_discard(f->j));
	usage_journal_close(&f->j);
	/* The next process has it again, and knows that it is stored. */
	f->j = open_journal(f, ROOMY);
	assert_int_equal(entries(f->directory), 2);
	assert_null(usage_journal_adopt(f->j));
	assert_true(usage_journal_discard(f->j));
	usage_journal_close(&f->j);
	assert_int_equal(rmdir(inner), 0);
	f->j = open_journal(f, ROOMY);
	assert_int_equal(entries(f->directory), 1);
}

static void test_full_drops_are_counted_and_end(void **state)
{
	struct fixture *f = *state;
	struct count_key key;
	uint64_t serial, count, gaps = 0;
	int64_t taken = 0, tried = 0;
	struct usage_lane *lane;

	f->j = open_journal(f, FIXED + 3 * (LAP + 4096));
	lane = own_lane(f, 0);
	while (usage_lane_dropped(lane) < 1000) {
		taken += append(lane, taken);
		tried++;
		sched_yield();
	}
	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++)
		if (usage_counts_get(usage_journal_own(f->j)->gaps[0], slot, &key,
				     &serial, &count))
			gaps += count;
	assert_int_equal(gaps, tried - taken);
	assert_int_equal(usage_lane_appended(lane), taken);
	assert_int_equal(read_from(lane, 0), taken);
	release(lane, taken);
	append_many(lane, taken, taken + 5000 / 8); /* room again, and again */
	assert_int_equal(read_from(lane, taken), taken + 5000 / 8);
}

static void test_counters_are_inherited(void **state)
{
	struct fixture *f = *state;
	struct net_ip from = {4, {192, 0, 2, 1}};
	struct count_key key;
	uint64_t serial, count, found = 0;
	struct usage_group *g;

	f->j = open_journal(f, ROOMY);
	for (int i = 0; i < 9; i++)
		usage_lane_stranger(own_lane(f, 1), 0, STR("/r"), "unknown_key", &from);
	usage_journal_close(&f->j);
	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++)
		if (usage_counts_get(g->strangers[1], slot, &key, &serial, &count))
			found += count;
	assert_int_equal(found, 9);
	usage_group_close(&g);
}

static void test_a_directory_that_cannot_be_used(void **state)
{
	struct usage_journal *j = usage_journal_open(&(struct journal_options){
		.directory = "/dev/null/journal",
		.n_lanes = LANES,
		.ring_bytes = LAP,
		.sync_ms = 10,
	});
	struct usage_lane *lane = usage_journal_own(j)->lanes[1];
	int64_t n = 0;

	(void)state;
	assert_false(usage_journal_is_durable(j));
	assert_null(usage_journal_adopt(j));
	while (append(lane, n))
		n++;
	assert_true(n > 100);
	assert_int_equal(read_from(lane, 0), n);
	usage_journal_discard(j);
	usage_journal_close(&j);
	assert_null(j);
}

static void test_nobody_else_may_look(void **state)
{
	struct fixture *f = *state;
	char path[256];
	struct stat st;

	f->j = open_journal(f, ROOMY);
	group_path(f, usage_journal_own(f->j)->name, "", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	group_path(f, usage_journal_own(f->j)->name, "lane-0.ring", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* --- room, and files that are taken away --- */

static size_t folder_bytes(const struct fixture *f)
{
	DIR *dir = opendir(f->directory);
	size_t bytes = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		if (e->d_name[0] != '.')
			bytes += journal_folder_bytes(dirfd(dir), e->d_name);
	closedir(dir);
	return bytes;
}

/* Killed again and again with the database away. */
static void test_the_bound_is_for_all_starts_together(void **state)
{
	struct fixture *f = *state;
	struct journal_options o = {
		.directory = f->directory,
		.node = "n",
		.n_lanes = LANES,
		.max_bytes = 2 * (FIXED + LAP + 8192),
		.ring_bytes = LAP,
		.sync_ms = 10,
	};
	size_t durable = 0;

	for (int start = 0; start < 12; start++) {
		struct usage_journal *j = usage_journal_open(&o);

		durable += usage_journal_is_durable(j);
		assert_true(append(usage_journal_own(j)->lanes[0], start));
		usage_journal_close(&j);
		assert_true(folder_bytes(f) <= o.max_bytes);
	}
	assert_int_equal(durable, 2);
}

static void test_starts_that_held_nothing_leave_nothing(void **state)
{
	struct fixture *f = *state;

	for (int start = 0; start < 5; start++) {
		f->j = open_journal(f, FIXED + LAP);
		append_many(own_lane(f, 0), 0, 100);
		release(own_lane(f, 0), 100); /* as if PostgreSQL had them */
		usage_journal_close(&f->j);
		assert_int_equal(entries(f->directory), 1);
	}
}

static struct usage_group *wait_renewed(struct usage_journal *j)
{
	struct usage_group *g;

	while ((g = usage_journal_renewed(j)) == NULL)
		usleep(1000);
	return g;
}

static void test_a_group_is_made_once_there_is_room(void **state)
{
	struct fixture *f = *state;
	struct journal_options o = {
		.directory = f->directory,
		.node = "n",
		.n_lanes = LANES,
		.max_bytes = FIXED + LAP,
		.ring_bytes = LAP,
		.sync_ms = 10,
	};
	struct usage_group *orphan, *own;
	struct usage_lane *lane;

	f->j = open_journal(f, ROOMY);
	append_many(own_lane(f, 0), 0, 5);
	usage_journal_close(&f->j);
	f->j = usage_journal_open(&o);
	assert_false(usage_journal_is_durable(f->j));
	lane = own_lane(f, 0); /* what a producer has, for ever */
	append_many(lane, 10, 20);
	orphan = usage_journal_adopt(f->j);
	assert_non_null(orphan);
	assert_true(usage_journal_part(f->j, orphan));
	usage_group_close(&orphan);
	own = wait_renewed(f->j);
	assert_true(usage_journal_is_durable(f->j));
	append_many(lane, 20, 30);
	assert_int_equal(read_from(lane, 10), 20);
	assert_int_equal(read_from(own->lanes[0], 20), 30);
	/* A kill: what is on the disk is found. */
	usage_journal_close(&f->j);
	f->j = open_journal(f, ROOMY);
	orphan = usage_journal_adopt(f->j);
	assert_non_null(orphan);
	assert_int_equal(read_from(orphan->lanes[0], 20), 30);
	usage_group_close(&orphan);
}

static void take_away(const struct fixture *f, const char *group, int what)
{
	char path[256], other[256];

	group_path(f, group, "lane-0.ring", path);
	group_path(f, group, "lane-1.ring", other);
	switch (what) {
	case 0:
		group_path(f, group, "", path);
		remove_all(path);
		break;
	case 1:
		remove_all(f->directory);
		break;
	case 2:
		assert_int_equal(unlink(path), 0);
		break;
	case 3:
		assert_int_equal(rename(other, path), 0);
		break;
	case 4:
		group_path(f, group, "lane-1.counts", path);
		assert_int_equal(unlink(path), 0);
		break;
	case 5:
		group_path(f, group, "group", path);
		assert_int_equal(unlink(path), 0);
		break;
	}
}

/* What was copied to a log that is gone is lost, and told; what memory holds is there. */
static void assert_rest(struct usage_lane *lane, int64_t end)
{
	uint64_t at = usage_lane_tail(lane);
	const unsigned char *bytes;
	struct usage_event e;
	int64_t next = -1;
	size_t n;

	while (usage_lane_read(lane, at, &bytes, &n, &at)) {
		assert_true(usage_event_decode(&e, bytes, n));
		assert_true(next < 0 || e.token_id == next);
		next = e.token_id + 1;
	}
	usage_lane_rest(lane);
	assert_true(next < 0 || next == end);
}

static void test_files_that_are_taken_away(void **state)
{
	for (int what = 0; what <= 5; what++) {
		struct fixture *f = *state;
		struct usage_group *before, *own;
		struct usage_lane *lane;

		f->j = open_journal(f, ROOMY);
		before = usage_journal_own(f->j);
		lane = before->lanes[0];
		append_many(lane, 0, 10);
		take_away(f, before->name, what);
		own = wait_renewed(f->j);
		append_many(lane, 10, 20);
		assert_rest(lane, 10);
		assert_int_equal(read_from(own->lanes[0], 10), 20);
		release(own->lanes[0], 10);
		assert_true(usage_journal_discard(f->j));
		usage_journal_close(&f->j);
	}
}

static void assert_instance(struct fixture *f, const char *name,
			    const unsigned char *expected)
{
	struct usage_group *g;

	f->j = open_journal(f, ROOMY);
	g = usage_journal_adopt(f->j);
	assert_non_null(g);
	assert_string_equal(g->name, name);
	assert_int_equal(g->has_instance, expected != NULL);
	if (expected != NULL)
		assert_memory_equal(g->instance, expected, JOURNAL_INSTANCE_BYTES);
	usage_group_close(&g);
	usage_journal_discard(f->j);
	usage_journal_close(&f->j);
}

static void test_whose_events_they_are_is_noted(void **state)
{
	static const unsigned char one[JOURNAL_INSTANCE_BYTES] = "database number1";
	static const unsigned char two[JOURNAL_INSTANCE_BYTES] = "database number2";
	char name[JOURNAL_GROUP_HEX + 1], path[256];
	struct fixture *f = *state;
	struct usage_group *own;

	f->j = open_journal(f, ROOMY);
	own = usage_journal_own(f->j);
	memcpy(name, own->name, sizeof name);
	assert_false(own->has_instance);
	assert_true(usage_group_is_blank(own));
	append_many(own_lane(f, 0), 0, 3);
	assert_false(usage_group_is_blank(own));
	usage_journal_close(&f->j);
	assert_instance(f, name, NULL);

	f->j = open_journal(f, ROOMY);
	own = usage_journal_adopt(f->j);
	assert_true(usage_group_note_instance(own, one));
	usage_group_read_instance(own);
	assert_memory_equal(own->instance, one, sizeof one);
	usage_group_close(&own);
	usage_journal_discard(f->j);
	usage_journal_close(&f->j);
	assert_instance(f, name, one);

	/* Half a note is none. */
	group_path(f, name, "group", path);
	patch(path, JOURNAL_INSTANCE_OFFSET, two, sizeof two);
	assert_instance(f, name, NULL);
	assert_int_equal(truncate(path, JOURNAL_INSTANCE_OFFSET + 4), 0);
	assert_instance(f, name, NULL);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_the_bound_is_for_all_starts_together),
		WITH_FIXTURE(test_starts_that_held_nothing_leave_nothing),
		WITH_FIXTURE(test_a_group_is_made_once_there_is_room),
		WITH_FIXTURE(test_files_that_are_taken_away),
		WITH_FIXTURE(test_whose_events_they_are_is_noted),
		WITH_FIXTURE(test_a_backlog_of_many_laps_is_read_in_order),
		WITH_FIXTURE(test_logs_go_once_stored),
		WITH_FIXTURE(test_what_was_closed_is_adopted),
		WITH_FIXTURE(test_the_database_knows_better_where_it_ends),
		WITH_FIXTURE(test_killed),
		WITH_FIXTURE(test_the_ring_is_lost),
		WITH_FIXTURE(test_damage_costs_what_is_damaged),
		WITH_FIXTURE(test_inspected),
		WITH_FIXTURE(test_another_lanes_file_is_none),
		WITH_FIXTURE(test_what_cannot_be_read_is_left_alone),
		WITH_FIXTURE(test_a_copy_is_left_alone),
		WITH_FIXTURE(test_other_kinds_of_files),
		WITH_FIXTURE(test_a_folder_that_stays),
		WITH_FIXTURE(test_full_drops_are_counted_and_end),
		WITH_FIXTURE(test_counters_are_inherited),
		WITH_FIXTURE(test_a_directory_that_cannot_be_used),
		WITH_FIXTURE(test_nobody_else_may_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
