/* One readable line per request, written in batches by the log's thread.
 *
 * A lane is a ring with one producer (a worker) and one consumer (the writer). The writer
 * polls: a wake-up would cost the worker a system call per request. */
#include "gateway/http/access_log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"

#define STALL_MAX_MS 500 /* how long stopping waits for a reader that does not read */

struct access_lane {
	struct access_lane *next;
	_Atomic uint64_t head; /* the producer's: entries put */
	char apart[64 - sizeof(uint64_t)];
	_Atomic uint64_t tail; /* the writer's: entries taken */
	_Atomic uint64_t dropped;
	struct access_entry ring[ACCESS_LANE_ENTRIES];
};

struct access_log {
	struct log_writer *writer;
	unsigned source; /* of the writer's */
	struct access_lane *_Atomic lanes;
	bool terminal;
};

static const char *status_colour(int32_t status)
{
	if (status >= 500)
		return "\033[31m";
	if (status >= 400)
		return "\033[33m";
	if (status >= 300)
		return "\033[36m";
	return "\033[32m";
}

static void format_time(struct sbuf *out, int64_t wall_us, bool terminal)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	int ms = (int)(wall_us % 1000000 / 1000);
	struct tm tm;
	char text[32];

	if (terminal) {
		localtime_r(&seconds, &tm);
		strftime(text, sizeof text, "%H:%M:%S", &tm);
		sbuf_printf(out, "%s.%03d", text, ms);
		return;
	}
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	sbuf_printf(out, "%s.%03dZ", text, ms);
}

/* "17", "2.4k", "13M": a column of five characters. */
static void format_bytes(char *text, size_t size, int64_t bytes)
{
	static const char units[] = "kMGTP";
	double v = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(text, size, "%" PRId64, bytes);
		return;
	}
	for (v /= 1000; v >= 999.5 && unit < sizeof units - 2; unit++)
		v /= 1000;
	snprintf(text, size, v < 9.95 ? "%.1f%c" : "%.0f%c", v, units[unit]);
}

static void format_ms(char *text, size_t size, int32_t ms)
{
	if (ms < 0)
		snprintf(text, size, "-");
	else
		snprintf(text, size, "%" PRId32 "ms", ms);
}

static void put_escaped(struct sbuf *out, const char *p, size_t n)
{
	char text[1024];

	sbuf_str(out, str_of(log_escape(text, sizeof text, (struct str){p, n})));
}

/* "#12 "name"", in a column of five characters at least; "-": nobody's. */
static void format_token(struct sbuf *out, const struct access_entry *e)
{
	char id[24] = "-";

	if (e->has_token)
		snprintf(id, sizeof id, "#%" PRId64, e->token_id);
	sbuf_printf(out, " %-5s", id);
	if (e->name.n == 0)
		return;
	sbuf_lit(out, " \"");
	put_escaped(out, e->name.p, e->name.n);
	sbuf_lit(out, "\"");
}

static void format_why(struct sbuf *out, const struct access_entry *e)
{
	sbuf_printf(out, " [%s", e->outcome);
	if (e->code != NULL && strcmp(e->code, e->outcome) != 0)
		sbuf_printf(out, " %s", e->code);
	if (e->route.n > 0) {
		sbuf_lit(out, " route=");
		put_escaped(out, e->route.p, e->route.n);
	}
	if (e->detail_n > 0) {
		sbuf_lit(out, " \"");
		put_escaped(out, e->detail, e->detail_n);
		sbuf_lit(out, "\"");
	}
	sbuf_lit(out, "]");
}

void access_log_format(struct sbuf *out, const struct access_entry *e, bool terminal)
{
	char total[16], upstream[16], in[24], sent[24];

	format_ms(total, sizeof total, e->total_ms);
	format_ms(upstream, sizeof upstream, e->upstream_ms);
	format_bytes(in, sizeof in, e->bytes_in);
	format_bytes(sent, sizeof sent, e->bytes_out);
	format_time(out, e->wall_us, terminal);
	sbuf_printf(out, " %s%3" PRId32 "%s", terminal ? status_colour(e->status) : "",
		    e->status, terminal ? "\033[0m" : "");
	sbuf_printf(out, " %-7s %7s (%-8s %7s) in %5s out %5s", e->method, total,
		    e->stand_in != NULL ? e->stand_in : "upstream", upstream, in, sent);
	format_token(out, e);
	sbuf_printf(out, " %s", e->path);
	if (e->outcome != NULL)
		format_why(out, e);
	sbuf_printf(out, " %s %s\n", e->ip, e->request_id);
}

/* --- lanes --- */

struct access_lane *access_log_lane(struct access_log *log)
{
	struct access_lane *lane = xcalloc(1, sizeof *lane);

	lane->next = atomic_load(&log->lanes);
	while (!atomic_compare_exchange_weak(&log->lanes, &lane->next, lane))
		continue;
	return lane;
}

void access_lane_put(struct access_lane *lane, const struct access_entry *e)
{
	uint64_t head = atomic_load_explicit(&lane->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_acquire);

	if (head - tail >= ACCESS_LANE_ENTRIES) {
		atomic_fetch_add_explicit(&lane->dropped, 1, memory_order_relaxed);
		return;
	}
	lane->ring[head % ACCESS_LANE_ENTRIES] = *e;
	atomic_store_explicit(&lane->head, head + 1, memory_order_release);
}

static const struct access_entry *lane_peek(struct access_lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&lane->head, memory_order_acquire))
		return NULL;
	return &lane->ring[tail % ACCESS_LANE_ENTRIES];
}

static void lane_pop(struct access_lane *lane)
{
	uint64_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);

	atomic_store_explicit(&lane->tail, tail + 1, memory_order_release);
}

/* --- the writer's source --- */

/* The lane whose next entry is the oldest, so that lines come out in time's order. */
static struct access_lane *oldest_lane(struct access_log *log)
{
	struct access_lane *best = NULL;
	int64_t best_us = INT64_MAX;

	for (struct access_lane *l = atomic_load(&log->lanes); l != NULL; l = l->next) {
		const struct access_entry *e = lane_peek(l);

		if (e != NULL && e->wall_us < best_us) {
			best = l;
			best_us = e->wall_us;
		}
	}
	return best;
}

static void take_lines(void *ctx, struct sbuf *out)
{
	struct access_log *log = ctx;
	struct access_lane *lane;

	while (out->n < LOG_WRITER_BATCH && (lane = oldest_lane(log)) != NULL) {
		access_log_format(out, lane_peek(lane), log->terminal);
		lane_pop(lane);
	}
}

static uint64_t lost_lines(void *ctx)
{
	const struct access_log *log = ctx;
	uint64_t dropped = 0;

	for (struct access_lane *l = atomic_load(&log->lanes); l != NULL; l = l->next)
		dropped += atomic_load_explicit(&l->dropped, memory_order_relaxed);
	return dropped;
}

static void tell_lost(void *ctx, struct sbuf *out, uint64_t n)
{
	(void)ctx;
	sbuf_printf(out, "access log: %" PRIu64 " lines dropped\n", n);
}

struct access_log *access_log_start(struct log_writer *writer, int fd)
{
	struct access_log *log = xcalloc(1, sizeof *log);
	const struct log_source source = {.fd = fd,
					  .take = take_lines,
					  .lost = lost_lines,
					  .tell = tell_lost,
					  .ctx = log,
					  .polled = true};

	log->terminal = isatty(fd) == 1;
	log->writer = writer;
	log->source = log_writer_add(writer, &source);
	return log;
}

void access_log_stop(struct access_log **log)
{
	struct access_log *l = *log;
	struct access_lane *lane, *next;

	*log = NULL;
	/* What a writer that is stuck may still read has to stay. */
	if (l == NULL || !log_writer_remove(l->writer, l->source, STALL_MAX_MS))
		return;
	for (lane = atomic_load(&l->lanes); lane != NULL; lane = next) {
		next = lane->next;
		free(lane);
	}
	free(l);
}
