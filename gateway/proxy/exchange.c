/* One request's way through the gateway: its life, and a slow client's hold on it. */
#include "gateway/proxy/exchange.h"

#include "common/check.h"
#include "common/clock.h"

#define SPARE_MAX 256
#define HEAD_MAX (256 * 1024) /* a head that we write, rewritten fields included */

void exchange_env_init(struct exchange_env *env)
{
	TAILQ_INIT(&env->all);
	drains_init(&env->drains);
	sbuf_init(&env->head, HEAD_MAX);
	env->body = evbuffer_new();
	env->hasher = key_hasher_new();
	CHECK(env->body != NULL && env->hasher != NULL);
	id_source_init(&env->ids);
}

void exchange_env_fini(struct exchange_env *env)
{
	struct exchange *x;

	CHECK(TAILQ_EMPTY(&env->all));
	while ((x = env->spare) != NULL) {
		env->spare = x->next_spare;
		free(x);
	}
	evbuffer_free(env->body);
	sbuf_fini(&env->head);
	key_hasher_free(&env->hasher);
}

/* Only the worker's own thread writes it: no locked instruction. */
static void count(struct exchange_env *env, int change)
{
	unsigned n = atomic_load_explicit(&env->running, memory_order_relaxed);

	atomic_store_explicit(&env->running, n + (unsigned)change, memory_order_relaxed);
}

struct exchange *exchange_new(struct exchange_env *env, struct http_conn *c,
			      const struct exchange_mode *mode)
{
	struct exchange *x = env->spare;

	if (x != NULL) {
		env->spare = x->next_spare;
		env->n_spare--;
	} else {
		x = xmalloc(sizeof *x);
	}
	memset(x, 0, sizeof *x);
	x->magic = EXCHANGE_MAGIC;
	x->env = env;
	x->c = c;
	x->site = site_ref(env->sites.current);
	x->record.arrival_us = http_conn_arrival_us(c);
	x->record.arrival_wall_us = http_conn_arrival_wall_us(c);
	x->response.reusable = true;
	response_reader_init(&x->response.reader, http_conn_head(c)->method,
			     UPSTREAM_SCRATCH);
	sbuf_init(&x->response.held, 2 * EXCHANGE_LAST_PIECE + RESPONSE_HEAD_MAX + 4096);
	TAILQ_INSERT_TAIL(&env->all, x, all);
	count(env, 1);
	exchange_enter(x, mode);
	return x;
}

void exchange_free(struct exchange *x)
{
	struct exchange_env *env = x->env;

	OBJ_CHECK(x, EXCHANGE_MAGIC);
	CHECK(x->c == NULL && x->u == NULL);
	TAILQ_REMOVE(&env->all, x, all);
	count(env, -1);
	response_reader_fini(&x->response.reader);
	sbuf_fini(&x->response.held);
	if (x->request.replay != NULL)
		evbuffer_free(x->request.replay);
	site_unref(x->site);
	x->magic = 0;
	if (env->n_spare >= SPARE_MAX) {
		free(x);
		return;
	}
	x->next_spare = env->spare;
	env->spare = x;
	env->n_spare++;
}

void exchange_enter(struct exchange *x, const struct exchange_mode *mode)
{
	x->mode = mode;
	http_conn_set_user(x->c, &mode->client, x);
	if (x->u != NULL)
		upstream_set_user(x->u, &mode->upstream, x);
}

/* --- a slow client --- */

void exchange_wait_begins(struct exchange *x)
{
	if (x->record.wait_since_us == 0)
		x->record.wait_since_us = clock_mono_us();
}

void exchange_wait_ends(struct exchange *x)
{
	if (x->record.wait_since_us)
		x->record.wait_us += clock_mono_us() - x->record.wait_since_us;
	x->record.wait_since_us = 0;
}

void exchange_write(struct exchange *x, const struct iovec *v, int n)
{
	http_conn_write(x->c, v, n);
	if (x->u == NULL || http_conn_queued(x->c) <= HTTP_OUT_HIGH)
		return;
	x->response.paused = true;
	upstream_pause(x->u);
	exchange_wait_begins(x);
}

void exchange_go_on(struct exchange *x)
{
	if (!x->response.paused || http_conn_queued(x->c) > HTTP_OUT_LOW)
		return;
	x->response.paused = false;
	exchange_wait_ends(x);
	x->response.data_us = clock_mono_us();
	if (x->u != NULL)
		upstream_resume(x->u);
}
