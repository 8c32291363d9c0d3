/* Beginning and end of the thread that keeps the keys, and what its readers see. */
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/loop_thread.h"
#include "gateway/token/token_sync_priv.h"

#define DEFAULT_POLL_MS 5000u
#define GOODBYE_MS UINT64_C(300)
#define DEFAULT_MAX_STALE_MS (24u * 3600 * 1000)

/* --- for readers, any thread --- */

const struct token_table *token_sync_table(const struct token_sync *s)
{
	return atomic_load_explicit(&s->table, memory_order_acquire);
}

int64_t token_sync_age_ms(const struct token_sync *s, uint64_t mono_us)
{
	int64_t right = atomic_load_explicit(&s->right_at_us, memory_order_acquire);

	if (right == NEVER)
		return -1;
	return (int64_t)mono_us > right ? ((int64_t)mono_us - right) / 1000 : 0;
}

enum token_state token_sync_state(const struct token_sync *s, uint64_t mono_us)
{
	int64_t age = token_sync_age_ms(s, mono_us);

	if (age < 0)
		return TOKENS_NONE;
	if (age > s->o.max_stale_ms)
		return TOKENS_TOO_STALE;
	return age > 2 * (int64_t)s->o.poll_ms + STALE_SLACK_MS ? TOKENS_STALE
								: TOKENS_FRESH;
}

bool token_sync_instance(struct token_sync *s, unsigned char out[TOKEN_INSTANCE_BYTES])
{
	static const unsigned char none[TOKEN_INSTANCE_BYTES];

	pthread_mutex_lock(&s->lock);
	memcpy(out, s->instance, TOKEN_INSTANCE_BYTES);
	pthread_mutex_unlock(&s->lock);
	return token_sync_table(s) != NULL && memcmp(out, none, sizeof none) != 0;
}

size_t token_sync_keys(const struct token_sync *s)
{
	return atomic_load_explicit(&s->n_keys, memory_order_relaxed);
}

bool token_sync_is_connected(const struct token_sync *s)
{
	return atomic_load(&s->connected);
}

bool token_sync_wait_first(struct token_sync *s, uint32_t answer_ms, uint32_t load_ms)
{
	return first_load_wait(&s->first, answer_ms, load_ms);
}

/* --- start and stop --- */

void token_sync_about(struct token_sync *s, struct token_snapshot *about)
{
	about->generation = atomic_load_explicit(&s->generation, memory_order_acquire);
	about->right_at_us =
		clock_wall_us() - token_sync_age_ms(s, clock_mono_us()) * 1000;
	pthread_mutex_lock(&s->lock);
	memcpy(about->instance, s->instance, TOKEN_INSTANCE_BYTES);
	pthread_mutex_unlock(&s->lock);
}

/* On the saver's thread. */
static const struct token_table *current_for_saver(void *ctx,
						   struct token_snapshot *about)
{
	struct token_sync *s = ctx;

	token_sync_about(s, about);
	return token_sync_table(s);
}

/* However young, a snapshot is stale: what changed since is not known before the first
 * poll. */
static void load_snapshot(struct token_sync *s)
{
	struct token_snapshot about;
	const char *why;
	struct token_table *t = token_snapshot_read(s->o.snapshot, &about, &why);
	int64_t least_us = (2 * (int64_t)s->o.poll_ms + STALE_SLACK_MS + 1) * 1000;
	int64_t age_us;

	if (t == NULL) {
		if (strcmp(why, TOKEN_SNAPSHOT_NONE) == 0)
			log_info("tokens: no snapshot of the keys is used: %s", why);
		else
			log_warn("tokens: without %s keys wait for PostgreSQL: %s",
				 s->o.snapshot, why);
		return;
	}
	age_us = clock_wall_us() - about.right_at_us;
	if (age_us < least_us)
		age_us = least_us;
	memcpy(s->instance, about.instance, TOKEN_INSTANCE_BYTES);
	token_sync_publish(s, t, about.generation);
	atomic_store(&s->right_at_us, (int64_t)clock_mono_us() - age_us);
	log_info("tokens: %zu keys of a snapshot, %lld s old", token_table_count(t),
		 (long long)(age_us / 1000000));
}

struct token_sync *token_sync_start(const struct token_sync_options *o)
{
	struct token_sync *s = xcalloc(1, sizeof *s);
	struct token_saver_options saver = {.path = o->snapshot,
					    .epochs = o->epochs,
					    .current = current_for_saver,
					    .ctx = s};

	s->magic = SYNC_MAGIC;
	s->o = *o;
	s->o.database = xstrdup(o->database);
	s->o.snapshot = o->snapshot ? xstrdup(o->snapshot) : NULL;
	s->o.poll_ms = o->poll_ms ? o->poll_ms : DEFAULT_POLL_MS;
	s->o.max_stale_ms = o->max_stale_ms ? o->max_stale_ms : DEFAULT_MAX_STALE_MS;
	s->told = TOKENS_NONE;
	atomic_store(&s->right_at_us, NEVER);
	CHECK(pthread_mutex_init(&s->lock, NULL) == 0);
	first_load_init(&s->first);
	token_report_init(&s->report, o->node);
	token_sync_make_thread(s);
	if (s->o.snapshot) {
		load_snapshot(s);
		s->saver = token_saver_start(&saver);
	}
	if ((s->o.snapshot && s->saver == NULL) || !loop_thread_start(s->thread))
		token_sync_stop(&s);
	return s;
}

void token_sync_stop(struct token_sync **sync)
{
	struct token_sync *s = *sync;

	*sync = NULL;
	if (s == NULL)
		return;
	loop_thread_stop(s->thread, clock_mono_us() + GOODBYE_MS * 1000);
	loop_thread_join(s->thread);
	pg_conn_free(&s->db);
	token_poll_fini(&s->poll);
	token_builder_free(&s->builder);
	token_saver_stop(&s->saver);
	event_free(s->poll_timer);
	event_free(s->reclaim_timer);
	event_free(s->report_timer);
	event_free(s->stop_timer);
	loop_thread_free(&s->thread);
	token_table_free(atomic_load(&s->table));
	first_load_fini(&s->first);
	pthread_mutex_destroy(&s->lock);
	OPENSSL_cleanse((char *)s->o.database, strlen(s->o.database));
	free((char *)s->o.database);
	free((char *)s->o.snapshot);
	s->magic = 0;
	free(s);
}
