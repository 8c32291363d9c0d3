/* A batch's events, summed into cells.
 *
 * A cell is found by a hash of (interval, token, route) in a table with open addressing.
 * Times are only noted, as (cell, bucket); once all events are in, they are sorted by
 * cell, so that one histogram of 137 counters serves all cells in turn. */
#include "gateway/recorder/rollup.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "gateway/recorder/copy_row.h"

#define EXACT_MS 16       /* times below have a bucket each */
#define LAST_MS (1 << 19) /* times from here on share the last */

enum {
	SUM_calls,
#define CELL_SUM(column, how) SUM_##column,
#define CELL_WIDTH(table, seconds)
#define CELL_WIDE(table, seconds)
#include "gateway/recorder/cells.def"
#undef CELL_SUM
	N_SUMS,
};

static const char columns[] = ", calls"
#define CELL_SUM(column, how) ", " #column
#include "gateway/recorder/cells.def"
			      ", time_max";
#undef CELL_SUM
#undef CELL_WIDTH
#undef CELL_WIDE

struct cell {
	int64_t interval; /* since the epoch, of 15 minutes */
	int64_t token_id; /* 0: none */
	struct str route_path;
	int64_t sums[N_SUMS];
	int32_t time_max;
	uint32_t slot;
	uint32_t times; /* first of its times in `sorted` */
};

struct route {
	struct str path; /* ours */
	uint32_t slot;
};

struct timed {
	uint32_t cell;
	uint8_t bucket;
};

struct usage_rollup {
	size_t max_events, max_cells;
	struct cell *cells;
	size_t n_cells;
	uint32_t *slots; /* cell + 1; 0: free */
	size_t n_slots;  /* a power of two, at least twice the cells */
	struct timed *times;
	uint8_t *sorted; /* the times' buckets, by cell */
	size_t n_times;
	bool seen[ROLLUP_BUCKETS + 1]; /* buckets that any event is in */
	struct route *routes;          /* each once */
	uint32_t *route_slots;         /* as slots */
	size_t n_routes;
	size_t routes_bytes; /* of SQL that they take */
	uint32_t *order;     /* of the cells' lines; NULL: as they came */
};

unsigned rollup_bucket(int32_t ms)
{
	unsigned octave, eighth;

	if (ms < EXACT_MS)
		return ms < 0 ? 1 : (unsigned)ms + 1;
	if (ms >= LAST_MS)
		return ROLLUP_BUCKETS;
	octave = 31u - (unsigned)__builtin_clz((unsigned)ms);
	eighth = ((unsigned)ms >> (octave - 3)) & 7;
	return EXACT_MS + (octave - 4) * 8 + eighth + 1;
}

enum usage_fault rollup_fault_of(const struct usage_event *e)
{
	enum usage_fault fault = usage_outcome_fault(e->outcome);

	if (e->response_status < 400 && e->outcome.p == NULL)
		return USAGE_FAULT_NONE;
	if (e->response_status >= 400 && fault == USAGE_FAULT_NONE)
		return USAGE_FAULT_UPSTREAM;
	return fault;
}

struct usage_rollup *usage_rollup_new_of(size_t max_events, size_t max_cells)
{
	struct usage_rollup *r = xcalloc(1, sizeof *r);

	CHECK(max_events > 0 && max_events < UINT32_MAX / 4);
	CHECK(max_cells > 0 && max_cells <= max_events);
	r->max_events = max_events;
	r->max_cells = max_cells;
	r->n_slots = 16;
	while (r->n_slots < 2 * max_cells)
		r->n_slots *= 2;
	r->slots = xcalloc(r->n_slots, sizeof *r->slots);
	r->cells = xcalloc(max_cells, sizeof *r->cells);
	r->times = xcalloc(max_events, sizeof *r->times);
	r->sorted = xcalloc(max_events, sizeof *r->sorted);
	r->routes = xcalloc(max_cells, sizeof *r->routes);
	r->route_slots = xcalloc(r->n_slots, sizeof *r->route_slots);
	return r;
}

struct usage_rollup *usage_rollup_new(size_t max_events)
{
	return usage_rollup_new_of(max_events, max_events);
}

static void forget_routes(struct usage_rollup *r)
{
	for (size_t i = 0; i < r->n_routes; i++) {
		r->route_slots[r->routes[i].slot] = 0;
		free((char *)(uintptr_t)r->routes[i].path.p);
	}
	r->n_routes = r->routes_bytes = 0;
}

void usage_rollup_free(struct usage_rollup **rollup)
{
	struct usage_rollup *r = *rollup;

	*rollup = NULL;
	if (r == NULL)
		return;
	forget_routes(r);
	free(r->order);
	free(r->slots);
	free(r->cells);
	free(r->times);
	free(r->sorted);
	free(r->routes);
	free(r->route_slots);
	free(r);
}

/* The tables are made for the largest batch; most are small, and clear what they took. */
void usage_rollup_reset(struct usage_rollup *r)
{
	for (size_t i = 0; i < r->n_cells; i++)
		r->slots[r->cells[i].slot] = 0;
	memset(r->seen, 0, sizeof r->seen);
	forget_routes(r);
	r->n_cells = r->n_times = 0;
	free(r->order);
	r->order = NULL;
}

/* FNV-1a over the path, then mixed with the numbers (the finalizer of MurmurHash3). */
static size_t hash_of(int64_t interval, int64_t token_id, struct str path)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < path.n; i++)
		h = (h ^ (unsigned char)path.p[i]) * UINT64_C(1099511628211);
	h ^= (uint64_t)token_id * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)interval;
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return (size_t)(h ^ h >> 33);
}

static bool is_cell_of(const struct cell *c, int64_t interval, int64_t token_id,
		       struct str path)
{
	return c->interval == interval && c->token_id == token_id &&
	       (c->route_path.p == NULL) == (path.p == NULL) &&
	       str_eq(c->route_path, path);
}

static size_t literal_bytes(struct str s)
{
	size_t n = s.n + 2;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == '\'';
	return n;
}

/* Our own copy of the path: an event's text goes with the record that it was read
 * from. */
static struct str own_route(struct usage_rollup *r, struct str path)
{
	size_t i = hash_of(0, 0, path) & (r->n_slots - 1);

	if (path.p == NULL)
		return path;
	for (; r->route_slots[i]; i = (i + 1) & (r->n_slots - 1))
		if (str_eq(r->routes[r->route_slots[i] - 1].path, path))
			return r->routes[r->route_slots[i] - 1].path;
	r->routes[r->n_routes] = (struct route){
		.path = {xstrndup(path.p, path.n), path.n},
		.slot = (uint32_t)i,
	};
	r->route_slots[i] = (uint32_t)++r->n_routes;
	r->routes_bytes += literal_bytes(path) + sizeof "(), " - 1;
	return r->routes[r->n_routes - 1].path;
}

static size_t find_cell(struct usage_rollup *r, const struct usage_event *e)
{
	int64_t interval = e->used_at_us / ROLLUP_INTERVAL_US -
			   (e->used_at_us % ROLLUP_INTERVAL_US < 0);
	int64_t token_id = e->token_id == USAGE_NULL ? 0 : e->token_id;
	size_t i = hash_of(interval, token_id, e->route_path) & (r->n_slots - 1);

	for (; r->slots[i]; i = (i + 1) & (r->n_slots - 1))
		if (is_cell_of(&r->cells[r->slots[i] - 1], interval, token_id,
			       e->route_path))
			return r->slots[i] - 1;
	CHECK(r->n_cells < r->max_cells);
	r->cells[r->n_cells] = (struct cell){
		.interval = interval,
		.token_id = token_id,
		.route_path = own_route(r, e->route_path),
		.time_max = USAGE_NULL,
		.slot = (uint32_t)i,
	};
	r->slots[i] = (uint32_t)++r->n_cells;
	return r->n_cells - 1;
}

/* As usage_bounded in SQL. */
static void add_bounded(int64_t *sum, int64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = more < 0 ? -INT64_MAX : INT64_MAX;
}

static void add_time(struct usage_rollup *r, size_t index, int32_t ms)
{
	struct cell *c = &r->cells[index];
	unsigned bucket = rollup_bucket(ms);

	if (ms < 0)
		ms = 0;
	c->sums[SUM_time_count]++;
	c->sums[SUM_time_sum] += ms;
	if (c->time_max < ms)
		c->time_max = ms;
	CHECK(r->n_times < r->max_events);
	r->times[r->n_times++] = (struct timed){(uint32_t)index, (uint8_t)bucket};
	r->seen[bucket] = true;
}

void usage_rollup_add(struct usage_rollup *r, const struct usage_event *e)
{
	size_t index = find_cell(r, e);
	struct cell *c = &r->cells[index];
	enum usage_fault fault = rollup_fault_of(e);
	int32_t status = e->response_status;

	c->sums[SUM_calls]++;
	if (fault != USAGE_FAULT_NONE)
		c->sums[SUM_errors_ours + (int)fault - USAGE_FAULT_OURS]++;
	c->sums[status >= 100 && status < 600 ? SUM_status_1xx + status / 100 - 1
					      : SUM_status_none]++;
	if (e->response_time_ms != USAGE_NULL)
		add_time(r, index, e->response_time_ms);
	if (e->total_ms != USAGE_NULL) {
		c->sums[SUM_total_count]++;
		c->sums[SUM_total_sum] += e->total_ms;
	}
	if (e->bytes_in != USAGE_NULL)
		add_bounded(&c->sums[SUM_bytes_in], e->bytes_in);
	if (e->bytes_out != USAGE_NULL)
		add_bounded(&c->sums[SUM_bytes_out], e->bytes_out);
}

static void copy_sql(const struct usage_rollup *r, const char *table,
		     const char *route_column, struct sbuf *sql)
{
	sbuf_printf(sql, "COPY %s (since, token_id, %s", table, route_column);
	sbuf_str(sql, STR(columns));
	for (unsigned b = 1; b <= ROLLUP_BUCKETS; b++)
		if (r->seen[b])
			sbuf_printf(sql, ", h%u", b);
	sbuf_lit(sql, ") FROM STDIN");
}

void usage_rollup_copy_sql(const struct usage_rollup *r, struct sbuf *sql)
{
	copy_sql(r, "usage_deltas", "route_path", sql);
}

void usage_rollup_copy_into_sql(const struct usage_rollup *r, const char *table,
				struct sbuf *sql)
{
	copy_sql(r, table, "route_id", sql);
}

static int by_series(const void *left, const void *right, void *cells)
{
	const struct cell *a = (const struct cell *)cells + *(const uint32_t *)left;
	const struct cell *b = (const struct cell *)cells + *(const uint32_t *)right;
	size_t n = a->route_path.n < b->route_path.n ? a->route_path.n : b->route_path.n;
	int order = n ? memcmp(a->route_path.p, b->route_path.p, n) : 0;

	if (a->token_id != b->token_id)
		return a->token_id < b->token_id ? -1 : 1;
	if (order == 0 && a->route_path.n != b->route_path.n)
		order = a->route_path.n < b->route_path.n ? -1 : 1;
	if (order == 0)
		order = (a->interval > b->interval) - (a->interval < b->interval);
	return order;
}

void usage_rollup_sort(struct usage_rollup *r)
{
	free(r->order);
	r->order = xcalloc(r->n_cells ? r->n_cells : 1, sizeof *r->order);
	for (uint32_t i = 0; i < r->n_cells; i++)
		r->order[i] = i;
	qsort_r(r->order, r->n_cells, sizeof *r->order, by_series, r->cells);
}

/* A counting sort. */
static void sort_times(struct usage_rollup *r)
{
	uint32_t next = 0;

	for (size_t i = 0; i < r->n_cells; i++) {
		r->cells[i].times = next;
		next += (uint32_t)r->cells[i].sums[SUM_time_count];
	}
	for (size_t i = 0; i < r->n_times; i++)
		r->sorted[r->cells[r->times[i].cell].times++] = r->times[i].bucket;
	for (size_t i = 0; i < r->n_cells; i++)
		r->cells[i].times -= (uint32_t)r->cells[i].sums[SUM_time_count];
}

static void put_or_null(struct sbuf *rows, bool is_null, int64_t value)
{
	if (is_null)
		sbuf_lit(rows, "\t\\N");
	else
		sbuf_printf(rows, "\t%lld", (long long)value);
}

static void put_row(const struct usage_rollup *r, const struct cell *c, struct sbuf *rows)
{
	uint32_t histogram[ROLLUP_BUCKETS + 1] = {0};
	char since[USAGE_TIME_TEXT_MAX];

	for (int64_t i = 0; i < c->sums[SUM_time_count]; i++)
		histogram[r->sorted[c->times + i]]++;
	usage_time_text(since, c->interval * ROLLUP_INTERVAL_US);
	sbuf_printf(rows, "%s\t%lld\t", since, (long long)c->token_id);
	copy_text_add(rows, c->route_path);
	for (size_t i = 0; i < N_SUMS; i++)
		put_or_null(rows, c->sums[i] == 0, c->sums[i]);
	put_or_null(rows, c->time_max == USAGE_NULL, c->time_max);
	for (unsigned b = 1; b <= ROLLUP_BUCKETS; b++)
		if (r->seen[b])
			put_or_null(rows, histogram[b] == 0, histogram[b]);
	sbuf_lit(rows, "\n");
}

static bool is_among(int64_t interval, const int64_t *days, size_t n)
{
	int64_t day = usage_day_of(interval * ROLLUP_INTERVAL_US);

	for (size_t i = 0; i < n; i++)
		if (days[i] == day)
			return true;
	return false;
}

void usage_rollup_rows_without(struct usage_rollup *r, const int64_t *days, size_t n,
			       struct sbuf *rows)
{
	sort_times(r);
	for (size_t i = 0; i < r->n_cells; i++) {
		const struct cell *c = &r->cells[r->order ? r->order[i] : i];

		if (n == 0 || !is_among(c->interval, days, n))
			put_row(r, c, rows);
	}
}

void usage_rollup_rows(struct usage_rollup *r, struct sbuf *rows)
{
	usage_rollup_rows_without(r, NULL, 0, rows);
}

static void put_literal(struct sbuf *sql, struct str s)
{
	sbuf_lit(sql, "'");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			sbuf_lit(sql, "'");
		sbuf_add(sql, s.p + i, 1);
	}
	sbuf_lit(sql, "'");
}

size_t usage_rollup_routes_bytes(const struct usage_rollup *r)
{
	return r->routes_bytes;
}

/* Known ones cost a look into the index; ON CONFLICT alone would use up numbers. Sorted,
 * so that two recorders with the same new routes never wait for each other in a
 * circle. */
void usage_rollup_routes_sql(const struct usage_rollup *r, struct sbuf *sql)
{
	if (r->n_routes == 0)
		return;
	sbuf_lit(sql, "INSERT INTO usage_routes (route_path) SELECT v.route_path FROM "
		      "(VALUES ");
	for (size_t i = 0; i < r->n_routes; i++) {
		sbuf_str(sql, i ? STR(", (") : STR("("));
		put_literal(sql, r->routes[i].path);
		sbuf_lit(sql, ")");
	}
	sbuf_lit(sql, ") AS v (route_path) WHERE NOT EXISTS (SELECT FROM usage_routes AS "
		      "u WHERE u.route_path = v.route_path) ORDER BY 1 ON CONFLICT DO "
		      "NOTHING; ");
}
