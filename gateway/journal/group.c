/* Lane groups: folders, locks, mappings. */
#include "gateway/journal/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/journal_files.h"

#define CACHE_LINE 64
#define HALF_MADE_S 3600
#define COUNTS_FILE_BYTES (JOURNAL_FILE_HEAD + 2 * COUNTS_BYTES)

uint32_t usage_group_ring_bytes(uint32_t wanted)
{
	uint32_t size = JOURNAL_LAP_MIN;

	while (size < wanted && size < JOURNAL_LAP_MAX)
		size *= 2;
	return size;
}

uint64_t usage_group_least_bytes(size_t n_lanes, uint32_t ring_bytes)
{
	return n_lanes * (JOURNAL_FILE_HEAD + COUNTS_FILE_BYTES +
			  (uint64_t)usage_group_ring_bytes(ring_bytes));
}

static struct usage_group *new_group(const char *node, size_t n_lanes)
{
	struct usage_group *g = xcalloc(1, sizeof *g);

	CHECK(n_lanes > 0);
	g->node[usage_text_clean(g->node, JOURNAL_NODE_MAX, str_of(node ? node : ""))] =
		'\0';
	g->n_lanes = n_lanes;
	g->lanes = xcalloc(n_lanes, sizeof *g->lanes);
	g->gaps = xcalloc(n_lanes, sizeof *g->gaps);
	g->strangers = xcalloc(n_lanes, sizeof *g->strangers);
	g->counts = xcalloc(n_lanes, sizeof *g->counts);
	g->directory = g->folder = g->lock = -1;
	return g;
}

/* In an own group the counters lie in a mapping, otherwise in memory. */
static bool counts_are_mapped(const struct usage_group *g)
{
	return g->folder >= 0 && !g->adopted;
}

static void use_counts(struct usage_group *g, size_t i, void *memory)
{
	char *tables = (char *)memory + JOURNAL_FILE_HEAD;

	g->counts[i] = memory;
	g->gaps[i] = usage_counts_new(tables, g->adopted);
	g->strangers[i] = usage_counts_new(tables + COUNTS_BYTES, g->adopted);
	usage_lane_use_counts(g->lanes[i], g->gaps[i], g->strangers[i]);
}

static void free_group(struct usage_group **group)
{
	struct usage_group *g = *group;

	*group = NULL;
	for (size_t i = 0; i < g->n_lanes; i++) {
		usage_lane_free(&g->lanes[i]);
		usage_counts_free(&g->gaps[i]);
		usage_counts_free(&g->strangers[i]);
		if (counts_are_mapped(g) && g->counts[i] != NULL)
			munmap(g->counts[i], COUNTS_FILE_BYTES);
		else
			free(g->counts[i]);
	}
	if (g->folder >= 0)
		close(g->folder);
	if (g->lock >= 0)
		close(g->lock); /* which unlocks */
	free(g->lanes);
	free(g->gaps);
	free(g->strangers);
	free(g->counts);
	free(g->inodes);
	free(g);
}

static void name_group(struct usage_group *g, unsigned char id[JOURNAL_GROUP_BYTES])
{
	CHECK(RAND_bytes(id, JOURNAL_GROUP_BYTES) == 1);
	hex_encode(g->name, id, JOURNAL_GROUP_BYTES);
}

static void *zeroed(size_t n)
{
	void *p = aligned_alloc(CACHE_LINE, n);

	CHECK(p != NULL);
	return memset(p, 0, n);
}

struct usage_group *usage_group_memory(const struct group_shape *shape)
{
	struct usage_group *g = new_group(shape->node, shape->n_lanes);
	unsigned char id[JOURNAL_GROUP_BYTES];

	name_group(g, id);
	for (size_t i = 0; i < g->n_lanes; i++) {
		g->lanes[i] = usage_lane_new(shape->ring_bytes);
		use_counts(g, i, zeroed(COUNTS_FILE_BYTES));
	}
	return g;
}

/* --- making --- */

static bool make_lane(struct usage_group *g, const struct journal_file_head *like,
		      size_t i)
{
	struct journal_file_head head = *like;
	char name[JOURNAL_NAME_MAX];
	void *counts;

	head.lane = (uint32_t)i;
	g->lanes[i] = usage_lane_create(g->folder, &head);
	if (g->lanes[i] == NULL)
		return false;
	journal_counts_name(name, head.lane);
	head.kind = JOURNAL_COUNTS_FILE;
	counts = journal_file_map(g->folder, name, &head, COUNTS_FILE_BYTES);
	if (counts != NULL)
		use_counts(g, i, counts);
	return counts != NULL;
}

/* 0: it is not there. */
static uint64_t inode_of(const struct usage_group *g, size_t i, bool counts)
{
	uint64_t least = JOURNAL_FILE_HEAD + usage_lane_size(g->lanes[i]);
	char name[JOURNAL_NAME_MAX];
	struct stat st;

	if (counts)
		journal_counts_name(name, (uint32_t)i);
	else
		journal_ring_name(name, (uint32_t)i);
	if (fstatat(g->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    (uint64_t)st.st_size < (counts ? COUNTS_FILE_BYTES : least))
		return 0;
	return st.st_ino;
}

static void note_inodes(struct usage_group *g)
{
	g->inodes = xcalloc(2 * g->n_lanes, sizeof *g->inodes);
	for (size_t i = 0; i < 2 * g->n_lanes; i++)
		g->inodes[i] = inode_of(g, i / 2, i % 2);
}

const char *usage_group_fault(const struct usage_group *g)
{
	struct stat here, there;

	if (fstat(g->folder, &here) != 0 ||
	    fstatat(g->directory, g->name, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
	    here.st_ino != there.st_ino || here.st_dev != there.st_dev)
		return "its folder was taken away";
	if (fstatat(g->folder, JOURNAL_GROUP_NAME, &there, AT_SYMLINK_NOFOLLOW) != 0)
		return "its file `group` was taken away";
	for (size_t i = 0; i < 2 * g->n_lanes; i++)
		if (inode_of(g, i / 2, i % 2) != g->inodes[i])
			return i % 2 ? "a file of counters is missing, cut or another"
				     : "a ring's file is missing, cut or another";
	return NULL;
}

static bool fill_folder(struct usage_group *g, struct journal_file_head *head)
{
	g->lock = openat(g->folder, JOURNAL_GROUP_NAME,
			 O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (g->lock < 0 || flock(g->lock, LOCK_EX | LOCK_NB) != 0)
		return false;
	head->kind = JOURNAL_GROUP_FILE;
	head->lane = (uint32_t)g->n_lanes;
	head->node_length = (uint32_t)strlen(g->node);
	memcpy(head->node, g->node, head->node_length);
	if (!journal_file_put_head(g->lock, head) || fsync(g->lock) != 0)
		return false;
	memset(head->node, 0, sizeof head->node);
	head->node_length = 0;
	for (size_t i = 0; i < g->n_lanes; i++)
		if (!make_lane(g, head, i))
			return false;
	note_inodes(g);
	return fsync(g->folder) == 0;
}

struct usage_group *usage_group_make(int directory, const struct group_shape *shape)
{
	struct usage_group *g = new_group(shape->node, shape->n_lanes);
	struct journal_file_head head = {.ring_bytes = shape->ring_bytes,
					 .started_us = clock_wall_us()};
	char fresh[JOURNAL_GROUP_HEX + sizeof JOURNAL_FRESH];
	int fault;

	name_group(g, head.group);
	g->started_us = head.started_us;
	g->directory = directory;
	/* Nobody adopts it before it is locked: until then it has another name. */
	snprintf(fresh, sizeof fresh, JOURNAL_FRESH "%s", g->name);
	if (mkdirat(directory, fresh, 0700) == 0) {
		g->folder = openat(directory, fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (g->folder >= 0 && fill_folder(g, &head) &&
		    renameat(directory, fresh, directory, g->name) == 0 &&
		    fsync(directory) == 0)
			return g;
		fault = errno;
		if (g->folder >= 0)
			journal_folder_remove(directory, fresh, g->folder);
		errno = fault;
	}
	fault = errno;
	free_group(&g);
	errno = fault;
	return NULL;
}

/* --- adopting --- */

static void adopt_lane(struct usage_group *g, const struct journal_file_head *like,
		       size_t i)
{
	struct journal_file_head head = *like;
	void *counts = zeroed(COUNTS_FILE_BYTES);

	head.lane = (uint32_t)i;
	g->lanes[i] = usage_lane_adopt(g->folder, &head);
	if (g->ended)
		usage_lane_hush(g->lanes[i]);
	else
		journal_file_read_counts(g->folder, &head, counts, COUNTS_FILE_BYTES);
	use_counts(g, i, counts);
}

static void find_logs(struct usage_group *g)
{
	uint64_t *bounds = xcalloc(2 * g->n_lanes, sizeof *bounds);
	struct dirent *entry;
	uint64_t lap;
	uint32_t lane;
	DIR *dir = journal_folder_list(g->folder);

	for (size_t i = 0; i < g->n_lanes; i++)
		bounds[2 * i] = JOURNAL_NONE;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!journal_log_name_read(entry->d_name, &lane, &lap) ||
		    lane >= g->n_lanes)
			continue;
		if (lap < bounds[2 * lane])
			bounds[2 * lane] = lap;
		if (lap > bounds[2 * lane + 1])
			bounds[2 * lane + 1] = lap;
	}
	if (dir != NULL)
		closedir(dir);
	for (size_t i = 0; i < g->n_lanes; i++)
		usage_lane_use_logs(g->lanes[i], bounds[2 * i], bounds[2 * i + 1]);
	free(bounds);
}

static bool open_group(struct usage_group *g, const char **why)
{
	*why = "its file `group` is missing, cannot be opened or is no regular file";
	g->folder = openat(g->directory, g->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->folder >= 0)
		g->lock = journal_file_open(g->folder, JOURNAL_GROUP_NAME, O_RDONLY);
	return g->lock >= 0;
}

static enum group_state read_group(const struct usage_group *g,
				   struct journal_file_head *head, const char **why)
{
	char name[JOURNAL_GROUP_HEX + 1];

	*why = journal_file_read_head(g->lock, head, JOURNAL_GROUP_FILE);
	if (*why != NULL)
		return GROUP_UNREADABLE;
	/* Cursors go by the name: under another one all would be stored again. */
	hex_encode(name, head->group, JOURNAL_GROUP_BYTES);
	if (strcmp(name, g->name) != 0) {
		*why = "its head tells another name: it is a copy, or was renamed";
		return GROUP_UNREADABLE;
	}
	if (head->lane == 0 || head->lane > JOURNAL_LANES_MAX) {
		*why = "its head makes no sense";
		return GROUP_UNREADABLE;
	}
	return GROUP_ADOPTED;
}

static enum group_state lock_group(struct usage_group *g, struct journal_file_head *head,
				   const char **why)
{
	struct stat st;

	if (!open_group(g, why))
		return errno == ENOENT && g->folder < 0 ? GROUP_IN_USE : GROUP_UNREADABLE;
	/* Whoever had it locked before may just have removed it. */
	if (flock(g->lock, LOCK_EX | LOCK_NB) != 0 || fstat(g->lock, &st) != 0 ||
	    st.st_nlink == 0)
		return GROUP_IN_USE;
	return read_group(g, head, why);
}

static struct usage_group *new_probe(int directory, const char *name)
{
	struct usage_group *probe = new_group(NULL, 1);

	probe->directory = directory;
	probe->adopted = true;
	snprintf(probe->name, sizeof probe->name, "%s", name);
	return probe;
}

static bool is_ended(const struct usage_group *g, const struct journal_file_head *head)
{
	uint32_t mark, expected = journal_lane_seed(head->group, JOURNAL_ENDED);

	return pread(g->lock, &mark, sizeof mark, JOURNAL_ENDED_OFFSET) ==
		       (ssize_t)sizeof mark &&
	       mark == expected;
}

/* The whole group, in place of the probe that has found its head. */
static struct usage_group *complete(struct usage_group *probe,
				    struct journal_file_head *head)
{
	struct usage_group *g;

	head->node[head->node_length] = '\0';
	g = new_group(head->node, head->lane);
	memcpy(g->name, probe->name, sizeof g->name);
	g->adopted = true;
	g->started_us = head->started_us;
	g->directory = probe->directory;
	g->folder = probe->folder;
	g->lock = probe->lock;
	probe->folder = probe->lock = -1;
	free_group(&probe);
	usage_group_read_instance(g);
	g->ended = is_ended(g, head);
	for (size_t i = 0; i < g->n_lanes; i++)
		adopt_lane(g, head, i);
	find_logs(g);
	return g;
}

enum group_state usage_group_adopt(int directory, const char *name,
				   struct usage_group **out, const char **why)
{
	struct usage_group *probe = new_probe(directory, name);
	struct journal_file_head head;
	enum group_state state = lock_group(probe, &head, why);

	if (state == GROUP_ADOPTED)
		*out = complete(probe, &head);
	else
		free_group(&probe);
	return state;
}

struct usage_group *usage_group_look(int directory, const char *name, bool *in_use,
				     const char **why)
{
	struct usage_group *probe = new_probe(directory, name), *g;
	struct journal_file_head head;

	if (!open_group(probe, why) || read_group(probe, &head, why) != GROUP_ADOPTED) {
		free_group(&probe);
		return NULL;
	}
	/* For a moment only: who wants to adopt it just now looks again later. */
	*in_use = flock(probe->lock, LOCK_SH | LOCK_NB) != 0;
	flock(probe->lock, LOCK_UN);
	g = complete(probe, &head);
	for (size_t i = 0; i < g->n_lanes; i++)
		usage_lane_hush(g->lanes[i]);
	return g;
}

static bool counts_nothing(const struct usage_counts *c)
{
	uint64_t serial, count;
	struct count_key key;

	for (size_t slot = 0; slot < COUNTS_SLOTS; slot++)
		if (usage_counts_get(c, slot, &key, &serial, &count))
			return false;
	return true;
}

bool usage_group_is_done(struct usage_group *g)
{
	const unsigned char *bytes;
	bool done = true;
	uint64_t next;
	size_t n;

	if (g->ended)
		return true;
	for (size_t i = 0; i < g->n_lanes && done; i++)
		done = counts_nothing(g->gaps[i]) && counts_nothing(g->strangers[i]);
	for (size_t i = 0; i < g->n_lanes && done; i++) {
		struct usage_lane *lane = g->lanes[i];

		done = !usage_lane_read(lane, usage_lane_tail(lane), &bytes, &n, &next);
		usage_lane_rest(lane);
		usage_lane_unload(lane);
	}
	return done;
}

/* --- whose events they are --- */

void usage_group_read_instance(struct usage_group *g)
{
	unsigned char note[JOURNAL_INSTANCE_NOTE], id[JOURNAL_GROUP_BYTES];

	if (g->lock < 0 || !hex_decode(id, sizeof id, str_of(g->name)))
		return;
	if (pread(g->lock, note, sizeof note, JOURNAL_INSTANCE_OFFSET) ==
		    (ssize_t)sizeof note &&
	    journal_instance_get(note, id, g->instance))
		g->has_instance = true;
}

bool usage_group_note_instance(struct usage_group *g,
			       const unsigned char instance[JOURNAL_INSTANCE_BYTES])
{
	unsigned char note[JOURNAL_INSTANCE_NOTE], id[JOURNAL_GROUP_BYTES];
	int fd, fault = 0;

	memcpy(g->instance, instance, sizeof g->instance);
	g->has_instance = true;
	if (g->folder < 0)
		return true;
	CHECK(hex_decode(id, sizeof id, str_of(g->name)));
	journal_instance_put(note, id, instance);
	/* An adopted group's lock is for reading, as its file system may be. */
	fd = journal_file_open(g->folder, JOURNAL_GROUP_NAME, O_RDWR);
	if (fd < 0)
		return false;
	if (pwrite(fd, note, sizeof note, JOURNAL_INSTANCE_OFFSET) !=
		    (ssize_t)sizeof note ||
	    fdatasync(fd) != 0)
		fault = errno;
	close(fd);
	errno = fault;
	return fault == 0;
}

bool usage_group_is_blank(const struct usage_group *g)
{
	for (size_t i = 0; i < g->n_lanes; i++)
		if (usage_lane_head(g->lanes[i]) > 0 ||
		    usage_counts_changes(g->gaps[i]) > 0)
			return false;
	return true;
}

bool usage_group_note(const struct usage_group *g, size_t lane, uint64_t *tail)
{
	return usage_lane_noted(g->lanes[lane], tail);
}

/* Where that fails, what is left may look damaged, no more. */
static void note_end(const struct usage_group *g)
{
	unsigned char id[JOURNAL_GROUP_BYTES];
	int fd = journal_file_open(g->folder, JOURNAL_GROUP_NAME, O_RDWR);
	uint32_t mark;

	if (fd < 0)
		return;
	CHECK(hex_decode(id, sizeof id, str_of(g->name)));
	mark = journal_lane_seed(id, JOURNAL_ENDED);
	if (pwrite(fd, &mark, sizeof mark, JOURNAL_ENDED_OFFSET) == (ssize_t)sizeof mark)
		fdatasync(fd);
	close(fd);
}

bool usage_group_remove(struct usage_group *g)
{
	if (g->folder >= 0)
		note_end(g);
	return g->folder < 0 || journal_folder_remove(g->directory, g->name, g->folder);
}

void usage_group_close(struct usage_group **group)
{
	if (*group != NULL)
		free_group(group);
}

void usage_group_sweep(int directory, const char *name)
{
	int folder = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (folder < 0)
		return;
	if (fstat(folder, &st) == 0 && st.st_mtime < time(NULL) - HALF_MADE_S)
		journal_folder_remove(directory, name, folder);
	close(folder);
}
