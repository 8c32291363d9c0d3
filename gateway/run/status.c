/* What the process says of itself, to the log and to the service manager. */
#include "gateway/run/status.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/embedded.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/pg_where.h"
#include "common/version.h"
#include "gateway/journal/recording.h"

#define REFRESH_MS 5000
#define LINE_ROOM 4096
/* A restart of PostgreSQL is no news. */
#define STANDS_TOLD_US INT64_C(30000000)

/* "1 route", "2 routes" */
static void put_count(struct sbuf *out, uint64_t n, const char *what)
{
	sbuf_printf(out, "%llu %s%s", (unsigned long long)n, what, n == 1 ? "" : "s");
}

static void put_keys(struct sbuf *out, const struct token_sync *tokens)
{
	static const char *const states[] = {
		[TOKENS_FRESH] = "",
		[TOKENS_STALE] = ", stale: known ones are served, others get 503",
		[TOKENS_TOO_STALE] = ", too old: every call gets 503",
	};
	enum token_state state = token_sync_state(tokens, clock_mono_us());

	if (state == TOKENS_NONE) {
		sbuf_lit(out, "no keys yet: every call gets 503");
		return;
	}
	put_count(out, token_sync_keys(tokens), "key");
	sbuf_str(out, str_of(states[state]));
}

static void put_recording(struct sbuf *out, struct recording *recording)
{
	char since[RECORDING_TIME_MAX];
	struct recording_view v;

	recording_look(recording, &v);
	if (v.since_us != 0 && clock_wall_us() - v.since_us >= STANDS_TOLD_US)
		sbuf_printf(out, "; recording stands since %s, events wait",
			    recording_time(since, v.since_us));
}

/* --- the start --- */

static void log_addresses(const struct run_addresses *a)
{
	for (size_t i = 0; i < a->n_gateway; i++)
		log_info("gateway listens on %s", a->gateway[i]);
	for (size_t i = 0; i < a->n_tls; i++)
		log_info("gateway listens on %s with TLS", a->tls[i]);
	for (size_t i = 0; i < a->n_manager; i++)
		log_info("manager listens on %s", a->manager[i]);
}

/* From the root on: who reads the log does not know the working directory. */
static void put_file(struct sbuf *out, const char *file)
{
	char *whole = realpath(file, NULL), shown[512];

	log_escape(shown, sizeof shown, str_of(whole != NULL ? whole : file));
	sbuf_str(out, str_of(shown));
	free(whole);
}

/* "0011", of the newest migration that this program knows. */
static void put_schema(struct sbuf *out)
{
	size_t n;
	const struct embedded_file *files = embedded_migrations(&n);
	const char *name = files[n - 1].name;

	sbuf_add(out, name, strspn(name, "0123456789"));
}

static void log_start_line(const struct status *s)
{
	const struct settings *set = s->settings;
	struct sbuf line;

	sbuf_init(&line, LINE_ROOM);
	sbuf_lit(&line, "configuration ");
	put_file(&line, set->file);
	sbuf_printf(&line, ", environment %s; ", set->env != NULL ? set->env : "none");
	put_count(&line, set->n_routes, "route");
	sbuf_lit(&line, "; ");
	put_keys(&line, s->tokens);
	sbuf_printf(&line, "; node %s; database ", set->node);
	pg_where(set->database, &line);
	sbuf_lit(&line, ", schema ");
	put_schema(&line);
	log_info("ready: tollgate " TOLLGATE_VERSION ", " STR_FMT,
		 STR_ARG(sbuf_view(&line)));
	sbuf_fini(&line);
}

/* --- the service manager --- */

/* Into s->told; whether it is another than before. */
static bool renew(struct status *s)
{
	char before[STATUS_MAX];
	struct sbuf text;

	memcpy(before, s->told, sizeof before);
	sbuf_init(&text, LINE_ROOM);
	put_count(&text, s->settings->n_routes, "route");
	sbuf_lit(&text, ", ");
	put_keys(&text, s->tokens);
	put_recording(&text, s->recording);
	if (s->refused)
		sbuf_lit(&text, "; the configuration has errors, the one before holds");
	snprintf(s->told, sizeof s->told, STR_FMT, STR_ARG(sbuf_view(&text)));
	sbuf_fini(&text);
	return strcmp(before, s->told) != 0;
}

static void tell_ready(struct status *s)
{
	renew(s);
	notify_send("READY=1\nSTATUS=%s", s->told);
}

uint32_t status_refresh_ms(void)
{
	return notify_is_wanted() ? REFRESH_MS : 0;
}

void status_refresh(struct status *s)
{
	if (renew(s))
		notify_send("STATUS=%s", s->told);
}

void status_ready(struct status *s, const struct run_addresses *a)
{
	if (a != NULL) {
		log_addresses(a);
		log_start_line(s);
	}
	tell_ready(s);
}

/* --- reload --- */

void status_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reloading",
		    (unsigned long long)clock_mono_us());
}

static void log_changes(const struct settings *now, const struct settings *next)
{
	struct sbuf changes;

	sbuf_init(&changes, 1 << 20);
	settings_changes(now, next, &changes);
	if (changes.n == 0)
		sbuf_lit(&changes, "nothing has changed");
	log_info("routes, limits, timeouts and secrets reloaded: " STR_FMT,
		 STR_ARG(sbuf_view(&changes)));
	sbuf_fini(&changes);
}

void status_reloaded(struct status *s, const struct settings *next)
{
	s->refused = next == NULL;
	if (next != NULL) {
		log_changes(s->settings, next);
		s->settings = next;
	}
	tell_ready(s);
}

/* --- the end --- */

static void put_running(struct sbuf *out, unsigned calls)
{
	if (calls == 0)
		sbuf_lit(out, "no call runs");
	else if (calls == 1)
		sbuf_lit(out, "1 call runs");
	else
		sbuf_printf(out, "%u calls run", calls);
}

void status_stopping(struct status *s, int signal_number, unsigned calls)
{
	struct sbuf text;

	s->stopping_us = clock_mono_us();
	sbuf_init(&text, LINE_ROOM);
	put_running(&text, calls);
	if (calls > 0)
		sbuf_printf(&text, " and may finish within %.3g s",
			    s->settings->timeouts.drain_ms / 1e3);
	sbuf_add(&text, "", 1);
	log_info("stopping (SIG%s): %s", sigabbrev_np(signal_number), text.p);
	notify_send("STOPPING=1\nSTATUS=Stopping: %s", text.p);
	sbuf_fini(&text);
}

void status_still_running(unsigned calls)
{
	struct sbuf text;

	sbuf_init(&text, LINE_ROOM);
	put_running(&text, calls);
	sbuf_add(&text, "", 1);
	log_info("stopping: %s yet; another SIGTERM cuts what runs", text.p);
	notify_send("STATUS=Stopping: %s yet", text.p);
	sbuf_fini(&text);
}

void status_stopped(const struct status *s, uint64_t left, bool durable)
{
	double seconds = (double)(clock_mono_us() - s->stopping_us) / 1e6;
	unsigned long long n = left;

	if (left == 0)
		log_info("stopped after %.1f s: every usage row is stored", seconds);
	else if (durable)
		log_warn(
			"stopped after %.1f s: %llu usage rows wait in the journal for the next start",
			seconds, n);
	else
		log_error(
			"stopped after %.1f s: %llu usage rows could not be written before the stop",
			seconds, n);
}
