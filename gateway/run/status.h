/* What the process says of itself, to the log and to the service manager: that it is
 * ready, reloads, stops. Main thread. */
#ifndef GATEWAY_RUN_STATUS_H
#define GATEWAY_RUN_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/run/listeners.h"
#include "gateway/settings/settings.h"
#include "gateway/token/token_sync.h"

struct recording;

#define STATUS_MAX 400

struct status {
	const struct settings *settings; /* in force */
	const struct token_sync *tokens;
	struct recording *recording;
	bool refused;          /* the file has errors since then */
	char told[STATUS_MAX]; /* the service manager's latest */
	uint64_t stopping_us;  /* since when, monotonic */
};

/* The start, in one line; before it, where it listens (NULL: that is told elsewhere). */
void status_ready(struct status *s, const struct run_addresses *a);
/* How long until status_refresh is due, in milliseconds; 0: never, nobody asks. */
uint32_t status_refresh_ms(void);
/* Tells the service manager of keys that came or went stale, and of recording that
 * stands or goes on. */
void status_refresh(struct status *s);

void status_reloading(void);
/* next: what holds from now on, beside s->settings of before, which it replaces there;
 * NULL: the file has errors, nothing changes. */
void status_reloaded(struct status *s, const struct settings *next);

/* calls: how many run. */
void status_stopping(struct status *s, int signal_number, unsigned calls);
/* Every few seconds. */
void status_still_running(unsigned calls);
/* left: usage rows that are not stored; durable: they wait in the journal. */
void status_stopped(const struct status *s, uint64_t left, bool durable);

#endif
