/* Follows a usage journal on disk.
 *
 * A ring is mapped for reading beside its process. What is read may be written to
 * meanwhile: so a record counts only by the CRC, which covers its position, of a copy. */
#include "gateway/watch/follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/journal/journal_files.h"

#define SCAN_US UINT64_C(500000) /* between looks for groups that came or went */

struct followed {
	struct followed *next;
	char group[JOURNAL_GROUP_HEX + 1];
	char node[JOURNAL_NODE_MAX + 1];
	unsigned char *mapping;
	uint64_t size; /* of the ring */
	uint32_t seed;
	uint64_t at;
	bool is_there; /* at the latest scan */
};

struct journal_follow {
	int directory;
	struct followed *lanes;
	uint64_t scanned_us;
};

static uint64_t noted(const struct followed *l)
{
	const uint64_t *note =
		(const uint64_t *)(void *)(l->mapping + JOURNAL_TAIL_OFFSET);

	return __atomic_load_n(note, __ATOMIC_RELAXED);
}

/* --- one record --- */

struct record {
	struct journal_record_head head;
	unsigned char bytes[USAGE_RECORD_MAX];
};

/* False: there is none at that position (yet, or any more). */
static bool copy_record(const struct followed *l, uint64_t at, struct record *to)
{
	uint64_t place = at & (l->size - 1), left = l->size - place;
	uint64_t n = left < sizeof *to ? left : sizeof *to;

	memcpy(to, l->mapping + JOURNAL_FILE_HEAD + place, n);
	return journal_record_valid((const unsigned char *)to, left, l->seed, at,
				    USAGE_RECORD_MAX);
}

/* False: there is none. */
static bool step(struct followed *l, struct record *r)
{
	if (!copy_record(l, l->at, r))
		return false;
	if (r->head.length == JOURNAL_PADDING)
		l->at += l->size - (l->at & (l->size - 1));
	else
		l->at += journal_record_bytes(r->head.length);
	return true;
}

/* --- lanes that come and go --- */

static void drop(struct followed **at)
{
	struct followed *l = *at;

	*at = l->next;
	munmap(l->mapping, JOURNAL_FILE_HEAD + l->size);
	free(l);
}

static unsigned char *map_ring(int folder, uint32_t lane, uint64_t bytes,
			       struct journal_file_head *head)
{
	char name[JOURNAL_NAME_MAX];
	unsigned char *mapping = NULL;
	struct stat st;
	int fd;

	journal_ring_name(name, lane);
	fd = journal_file_open(folder, name, O_RDONLY);
	if (fd < 0)
		return NULL;
	if (journal_file_read_head(fd, head, JOURNAL_RING_FILE) == NULL &&
	    fstat(fd, &st) == 0 && (uint64_t)st.st_size >= bytes)
		mapping = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return mapping == MAP_FAILED ? NULL : mapping;
}

static void add_lane(struct journal_follow *f, const char *name, int folder,
		     const struct journal_file_head *group, uint32_t lane)
{
	uint64_t bytes = JOURNAL_FILE_HEAD + (uint64_t)group->ring_bytes;
	struct journal_file_head head;
	unsigned char *mapping = map_ring(folder, lane, bytes, &head);
	struct followed *l;

	if (mapping == NULL)
		return;
	l = xcalloc(1, sizeof *l);
	l->mapping = mapping;
	l->size = group->ring_bytes;
	l->seed = journal_lane_seed(group->group, lane);
	l->at = noted(l);
	l->is_there = true;
	snprintf(l->group, sizeof l->group, "%s", name);
	snprintf(l->node, sizeof l->node, "%.*s", (int)group->node_length, group->node);
	l->next = f->lanes;
	f->lanes = l;
}

static void add_group(struct journal_follow *f, const char *name)
{
	int folder = openat(f->directory, name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct journal_file_head head;
	int fd = folder >= 0 ? journal_file_open(folder, JOURNAL_GROUP_NAME, O_RDONLY)
			     : -1;

	if (fd >= 0 && journal_file_read_head(fd, &head, JOURNAL_GROUP_FILE) == NULL &&
	    head.lane <= JOURNAL_LANES_MAX && head.node_length <= JOURNAL_NODE_MAX)
		for (uint32_t i = 0; i < head.lane; i++)
			add_lane(f, name, folder, &head, i);
	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
}

static bool is_followed(struct journal_follow *f, const char *name)
{
	bool found = false;

	for (struct followed *l = f->lanes; l != NULL; l = l->next)
		if (strcmp(l->group, name) == 0)
			found = l->is_there = true;
	return found;
}

static void scan(struct journal_follow *f)
{
	DIR *dir = journal_folder_list(f->directory);
	struct dirent *entry;

	for (struct followed *l = f->lanes; l != NULL; l = l->next)
		l->is_there = false;
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (journal_is_group(entry->d_name) && !is_followed(f, entry->d_name))
			add_group(f, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	f->scanned_us = clock_mono_us();
}

/* --- all of it --- */

struct journal_follow *journal_follow_new(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct journal_follow *f;
	struct record r;

	if (directory < 0)
		return NULL;
	f = xcalloc(1, sizeof *f);
	f->directory = directory;
	scan(f);
	for (struct followed *l = f->lanes; l != NULL; l = l->next)
		while (step(l, &r))
			;
	return f;
}

void journal_follow_free(struct journal_follow **follow)
{
	struct journal_follow *f = *follow;

	*follow = NULL;
	if (f == NULL)
		return;
	while (f->lanes != NULL)
		drop(&f->lanes);
	close(f->directory);
	free(f);
}

/* True: what comes next was overwritten; l goes on behind it. A tail that was noted
 * meanwhile may lie behind records that are there yet. */
static bool is_behind(struct followed *l)
{
	uint64_t tail = noted(l);
	struct record r;

	if (tail <= l->at || copy_record(l, l->at, &r))
		return false;
	l->at = tail;
	return true;
}

struct listener {
	void (*event)(void *ctx, const char *node, const struct usage_event *e);
	void *ctx;
};

static void read_on(struct followed *l, const struct listener *to)
{
	struct usage_event e;
	struct record r;

	while (step(l, &r))
		if (r.head.length != JOURNAL_PADDING &&
		    usage_event_decode(&e, r.bytes, r.head.length))
			to->event(to->ctx, l->node, &e);
}

bool journal_follow_look(struct journal_follow *f,
			 void (*event)(void *ctx, const char *node,
				       const struct usage_event *e),
			 void *ctx)
{
	const struct listener to = {event, ctx};
	struct followed **at = &f->lanes, *l;
	bool missed = false;

	if (clock_mono_us() - f->scanned_us >= SCAN_US)
		scan(f);
	while ((l = *at) != NULL) {
		read_on(l, &to);
		while (is_behind(l)) {
			missed = true;
			read_on(l, &to);
		}
		if (l->is_there)
			at = &l->next;
		else
			drop(at);
	}
	return missed;
}
