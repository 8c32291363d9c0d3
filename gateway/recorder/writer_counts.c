/* The writer stores counters: gaps (what was dropped) and strangers.
 *
 * A counter's row has the counter's own name (group, lane, serial) and only ever grows to
 * the count that was seen; so storing it again, after an answer that was lost or by
 * whoever adopted the group, changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/recorder/writer_priv.h"

#define EVERY_US UINT64_C(2000000)
#define AT_ONCE 500u /* rows in one statement */
#define DAY_US INT64_C(86400000000)
#define SWEEP_AT_ONCE 10000
#define STRINGIFY(x) #x
#define AS_TEXT(x) STRINGIFY(x)

enum kind { KIND_GAPS, KIND_STRANGERS, KIND_COUNT };

struct sent_count {
	size_t lane, slot;
	uint64_t count;
};

struct writer_counts {
	struct writer_source *of;
	enum kind kind;
	struct sent_count sent[AT_ONCE];
	size_t n, most; /* most: halved until a bad one is found */
	char *rows;     /* JSON of them, until the step takes it */
	struct trouble refusals;
};

static const char *const statements[KIND_COUNT] = {
	[KIND_GAPS] =
		"INSERT INTO usage_gaps (lane_group, lane, serial, minute, token_id, "
		"route_path, dropped) SELECT $1::uuid, lane, serial, timestamp 'epoch' + "
		"minute * interval '1 minute', token_id, route, n FROM "
		"jsonb_to_recordset($2::jsonb) AS x(lane int, serial bigint, minute "
		"bigint, token_id bigint, route text, n bigint) "
		"ON CONFLICT (lane_group, lane, serial) DO UPDATE SET dropped = "
		"greatest(usage_gaps.dropped, excluded.dropped)",
	[KIND_STRANGERS] =
		"INSERT INTO usage_strangers (lane_group, lane, serial, minute, "
		"route_path, reason, network, requests) SELECT $1::uuid, lane, serial, "
		"timestamp 'epoch' + minute * interval '1 minute', route, reason, "
		"network, n FROM jsonb_to_recordset($2::jsonb) AS x(lane int, serial "
		"bigint, minute bigint, route text, reason text, network cidr, n bigint) "
		"ON CONFLICT (lane_group, lane, serial) DO UPDATE SET requests = "
		"greatest(usage_strangers.requests, excluded.requests)",
};

struct writer_counts *writer_counts_new(void)
{
	struct writer_counts *c = xcalloc(1, sizeof *c);

	c->most = AT_ONCE;
	return c;
}

void writer_counts_free(struct writer_counts **c)
{
	free((*c)->rows);
	free(*c);
	*c = NULL;
}

static struct usage_counts *table_of(const struct writer_source *s, enum kind kind,
				     size_t lane)
{
	return kind == KIND_GAPS ? s->group->gaps[lane] : s->group->strangers[lane];
}

static uint64_t *stored_of(struct writer_source *s, enum kind kind, size_t lane)
{
	return s->counts + (lane * KIND_COUNT + (size_t)kind) * COUNTS_SLOTS;
}

static void add_text(cJSON *row, const char *name, const char *text, size_t n)
{
	char copy[COUNTS_ROUTE_MAX + 1];

	if (n == 0)
		return;
	CHECK(str_copy(copy, sizeof copy, (struct str){text, n}));
	CHECK(cJSON_AddStringToObject(row, name, copy) != NULL);
}

static void add_number(cJSON *row, const char *name, int64_t value)
{
	char text[24];

	/* cJSON's numbers are doubles. */
	snprintf(text, sizeof text, "%lld", (long long)value);
	CHECK(cJSON_AddRawToObject(row, name, text) != NULL);
}

static void add_row(cJSON *rows, size_t lane, const struct count_key *key,
		    uint64_t serial, uint64_t count)
{
	cJSON *row = cJSON_CreateObject();
	struct net_ip ip = {.family = key->family};
	char address[NET_ADDR_TEXT_MAX], network[NET_ADDR_TEXT_MAX + 4];

	CHECK(row != NULL && cJSON_AddItemToArray(rows, row));
	memcpy(ip.bytes, key->prefix, sizeof ip.bytes);
	add_number(row, "lane", (int64_t)lane);
	add_number(row, "serial", (int64_t)serial);
	add_number(row, "minute", key->minute);
	add_number(row, "n", (int64_t)count);
	if (key->token_id != COUNTS_NO_TOKEN)
		add_number(row, "token_id", key->token_id);
	add_text(row, "route", key->route, key->route_length);
	add_text(row, "reason", key->reason, key->reason_length);
	if (key->family == 4 || key->family == 6) {
		net_ip_text(&ip, address);
		snprintf(network, sizeof network, "%s/%d", address,
			 key->family == 4 ? 24 : 64);
		add_text(row, "network", network, strlen(network));
	}
}

/* A minute that is over hardly gets more; its slot is wanted for others. */
static bool is_over(int64_t minute)
{
	return minute < clock_wall_us() / 60000000 - 1;
}

/* True: the slot stays in use. */
static bool look_at_slot(struct usage_writer *w, struct writer_source *s, size_t lane,
			 size_t slot, cJSON *rows)
{
	struct writer_counts *c = w->counts;
	struct usage_counts *table = table_of(s, c->kind, lane);
	uint64_t *stored = &stored_of(s, c->kind, lane)[slot], serial, count;
	struct count_key key;

	if (!usage_counts_get(table, slot, &key, &serial, &count))
		return false;
	if (count == *stored) {
		if (!is_over(key.minute) || !usage_counts_settle(table, slot, count))
			return true;
		*stored = 0;
		return false;
	}
	c->sent[c->n++] = (struct sent_count){lane, slot, count};
	add_row(rows, lane, &key, serial, count);
	return true;
}

static void look_at_table(struct usage_writer *w, struct writer_source *s, size_t lane,
			  cJSON *rows)
{
	enum kind kind = w->counts->kind;
	struct seen_counts *seen = &s->seen[lane * KIND_COUNT + (size_t)kind];
	uint64_t changes = usage_counts_changes(table_of(s, kind, lane));
	size_t slot = 0;

	if (changes == seen->changes && seen->live == 0)
		return;
	seen->live = 0;
	for (; slot < COUNTS_SLOTS && w->counts->n < w->counts->most; slot++)
		seen->live += look_at_slot(w, s, lane, slot, rows);
	if (slot == COUNTS_SLOTS)
		seen->changes = changes;
}

/* True: there is something to store. */
static bool collect(struct usage_writer *w, struct writer_source *s, enum kind kind)
{
	struct writer_counts *c = w->counts;
	cJSON *rows = cJSON_CreateArray();

	CHECK(rows != NULL);
	c->of = s;
	c->kind = kind;
	c->n = 0;
	for (size_t lane = 0; lane < s->group->n_lanes && c->n < c->most; lane++)
		look_at_table(w, s, lane, rows);
	if (c->n > 0) {
		free(c->rows);
		c->rows = cJSON_PrintUnformatted(rows);
		CHECK(c->rows != NULL);
	}
	cJSON_Delete(rows);
	return c->n > 0;
}

bool writer_counts_find(struct usage_writer *w)
{
	if (writer_is_narrowing(w) || clock_mono_us() < w->due_us[STEP_COUNTS])
		return false;
	for (size_t i = 0; i < w->n_sources; i++) {
		struct writer_source *s = &w->sources[i];

		s->counts_stored = false;
		if (s->foreign)
			continue;
		for (int kind = 0; kind < KIND_COUNT; kind++)
			if (collect(w, s, (enum kind)kind))
				return true;
		s->counts_stored = true;
	}
	w->due_us[STEP_COUNTS] = clock_mono_us() + EVERY_US;
	return false;
}

bool writer_counts_ask(struct usage_writer *w)
{
	struct writer_counts *c = w->counts;

	sbuf_str(&w->sql, str_of(statements[c->kind]));
	w->values[0] = c->of->group->name;
	w->values[1] = w->owned = c->rows;
	w->n_values = 2;
	c->rows = NULL;
	return true;
}

static void note_stored(struct usage_writer *w)
{
	const struct writer_counts *c = w->counts;

	for (size_t i = 0; i < c->n; i++)
		stored_of(c->of, c->kind, c->sent[i].lane)[c->sent[i].slot] =
			c->sent[i].count;
}

void writer_counts_done(struct usage_writer *w, const PGresult *result)
{
	struct writer_counts *c = w->counts;

	(void)result;
	note_stored(w);
	c->most = c->most < AT_ONCE / 2 ? 2 * c->most : AT_ONCE;
}

/* Only what a damaged file holds is refused so. */
void writer_counts_refused(struct usage_writer *w, const struct pg_reply *reply)
{
	struct writer_counts *c = w->counts;

	if (c->n > 1) {
		c->most = c->n / 2;
		return;
	}
	note_stored(w);
	c->most = AT_ONCE;
	if (trouble_happened(&c->refusals, clock_mono_us()))
		log_error(
			"usage: a counter of group %s was refused and is left out: %s %s",
			c->of->group->name, reply->sqlstate, reply->message);
}

bool usage_writer_counts_are_stored(const struct usage_writer *w)
{
	for (size_t k = 0; k < w->n_sources; k++) {
		const struct usage_group *g = w->sources[k].group;
		uint64_t changes = 0;

		for (size_t i = 0; i < g->n_lanes; i++)
			changes += usage_counts_changes(g->gaps[i]) +
				   usage_counts_changes(g->strangers[i]);
		if (writer_is_own(&w->sources[k]) && changes > 0 &&
		    !w->sources[k].counts_stored)
			return false;
	}
	return true;
}

/* --- strangers of long ago --- */

bool writer_sweep_is_due(const struct usage_writer *w)
{
	return w->swept_day != clock_wall_us() / DAY_US &&
	       clock_mono_us() >= w->due_us[STEP_SWEEP];
}

bool writer_sweep_ask(struct usage_writer *w)
{
	w->swept_day = clock_wall_us() / DAY_US;
	sbuf_lit(&w->sql,
		 "DELETE FROM usage_strangers WHERE ctid = ANY (ARRAY(SELECT ctid "
		 "FROM usage_strangers WHERE minute < (now() AT TIME ZONE 'UTC') - "
		 "interval '90 days' LIMIT " AS_TEXT(SWEEP_AT_ONCE) "))");
	return true;
}

void writer_sweep_done(struct usage_writer *w, const PGresult *result)
{
	if (pg_value_rows(result) != SWEEP_AT_ONCE)
		return;
	w->swept_day = 0;
	w->due_us[STEP_SWEEP] = clock_mono_us() + EVERY_US;
}
