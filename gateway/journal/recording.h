/* Whether recording goes on, for people: since when it stands, why, and what waits.
 *
 * The recorder tells; the manager's /ready, the service manager's status line and the log
 * ask. What stands is noted in the own group's folder as well (`stands`), for
 * `journal inspect`, also after the process was killed. */
#ifndef GATEWAY_JOURNAL_RECORDING_H
#define GATEWAY_JOURNAL_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#define RECORDING_WHY_MAX 256
#define RECORDING_TIME_MAX 24 /* "2026-11-01T00:00:00Z" */

struct recording;
struct usage_journal;

struct recording_view {
	int64_t since_us; /* wall clock; 0: it goes on */
	char why[RECORDING_WHY_MAX];
	int64_t oldest_us; /* used_at of the oldest event that waits; 0: none does */
	uint64_t waiting_bytes;
};

/* The journal must outlive it. */
struct recording *recording_new(struct usage_journal *journal);
void recording_free(struct recording **r);

/* The recorder's thread; r may be NULL. Told again it stands since the first time. why:
 * one line of clean UTF-8. */
void recording_stands(struct recording *r, const char *why);
void recording_goes_on(struct recording *r);
void recording_waits(struct recording *r, int64_t oldest_us, uint64_t bytes);

/* Any thread; r may be NULL. */
void recording_look(struct recording *r, struct recording_view *out);
/* The times of it, without any lock: for workers. False: it goes on, nothing is set. */
bool recording_peek(const struct recording *r, int64_t *since_us, int64_t *oldest_us);
/* What is noted in a group's folder: since_us and why. False: nothing. */
bool recording_read(int folder, struct recording_view *out);

char *recording_time(char out[RECORDING_TIME_MAX], int64_t us);

#endif
