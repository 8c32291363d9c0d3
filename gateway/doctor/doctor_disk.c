/* The disk that the journal is on, and what waits there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/doctor/checks.h"
#include "gateway/journal/inspect.h"

#define LEAST_FREE (UINT64_C(64) << 20)
#define LAG_WARN_US 60000000
#define MIB (1024.0 * 1024)

/* The folder, or where it is to be made. */
static bool look(const char *folder, struct statvfs *disk)
{
	char *path = xstrdup(folder), *slash;
	bool ok;

	while (!(ok = statvfs(path, disk) == 0) && errno == ENOENT &&
	       (slash = strrchr(path, '/')) != NULL && slash != path)
		*slash = '\0';
	free(path);
	return ok;
}

static void look_at_room(struct doctor *d)
{
	uint64_t most = d->settings != NULL ? d->settings->journal.max_bytes : 0, room;
	struct statvfs disk;

	if (!look(d->journal, &disk)) {
		doctor_tell(d, "disk", DOCTOR_FAIL,
			    "make it, for the user that the gateway runs as", "%s: %s",
			    d->journal, strerror(errno));
		return;
	}
	room = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (room < LEAST_FREE)
		doctor_tell(d, "disk", DOCTOR_FAIL,
			    "make room, or put the journal elsewhere",
			    "%s: %.0f MiB are free", d->journal, (double)room / MIB);
	else if (room < most)
		doctor_tell(d, "disk", DOCTOR_WARN,
			    "make room, or lower usage.journal_bytes",
			    "%s: %.0f MiB are free, the journal may take %.0f",
			    d->journal, (double)room / MIB, (double)most / MIB);
	else
		doctor_tell(d, "disk", DOCTOR_OK, NULL, "%s: %.0f MiB are free",
			    d->journal, (double)room / MIB);
}

struct waiting {
	uint64_t events, gaps, unread, stand;
	int64_t oldest_us;
};

static void on_group(void *ctx, const struct inspect_group *g)
{
	struct waiting *w = ctx;

	w->unread += g->fault != NULL;
	if (g->fault != NULL)
		return;
	w->stand += g->stands_us != 0;
	for (size_t i = 0; i < g->n_lanes; i++) {
		const struct inspect_lane *lane = &g->lanes[i];

		w->events += lane->events;
		w->gaps += lane->gaps;
		if (lane->oldest_us != 0 &&
		    (w->oldest_us == 0 || lane->oldest_us < w->oldest_us))
			w->oldest_us = lane->oldest_us;
	}
}

static void tell(struct doctor *d, const struct waiting *w)
{
	int64_t lag_us = w->oldest_us != 0 ? clock_wall_us() - w->oldest_us : 0;

	if (w->unread > 0)
		doctor_tell(d, "journal", DOCTOR_WARN,
			    "`tollgate journal inspect` tells why; run this as its user",
			    "%llu groups cannot be read", (unsigned long long)w->unread);
	else if (w->stand > 0 || lag_us > LAG_WARN_US)
		doctor_tell(d, "journal", DOCTOR_WARN,
			    "look at PostgreSQL, and at `tollgate journal inspect`",
			    "%llu rows wait for the database, the oldest for %lld s",
			    (unsigned long long)w->events, (long long)(lag_us / 1000000));
	else if (w->gaps > 0)
		doctor_tell(d, "journal", DOCTOR_WARN,
			    "raise usage.journal_bytes; `usage ask gaps` tells when",
			    "%llu rows were dropped for want of room",
			    (unsigned long long)w->gaps);
	else
		doctor_tell(d, "journal", DOCTOR_OK, NULL, "%llu row%s, none was dropped",
			    (unsigned long long)w->events,
			    w->events == 1 ? " waits" : "s wait");
}

static void look_at_journal(struct doctor *d)
{
	struct waiting w = {0};
	struct inspect_sink sink = {.group = on_group, .ctx = &w};

	if (usage_journal_inspect(d->journal, &sink))
		tell(d, &w);
	else if (errno == ENOENT)
		doctor_tell(d, "journal", DOCTOR_OK, NULL, "there is none yet");
	else
		doctor_tell(d, "journal", DOCTOR_WARN, "run this as the gateway's user",
			    "%s: %s", d->journal, strerror(errno));
}

void doctor_disk(struct doctor *d)
{
	look_at_room(d);
	look_at_journal(d);
}
