/* A worker's own state, shared by worker.c and the files of an exchange. One thread. */
#ifndef GATEWAY_PROXY_WORKER_STATE_H
#define GATEWAY_PROXY_WORKER_STATE_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "common/loop_thread.h"
#include "gateway/http/front.h"
#include "gateway/http/response_head.h"
#include "gateway/proxy/forward.h"
#include "gateway/proxy/site.h"
#include "gateway/proxy/worker.h"

#define WORKER_MAGIC 0x576f726bu

struct exchange;
TAILQ_HEAD(exchange_list, exchange);

struct worker {
	uint32_t magic;
	struct worker_options options;
	struct loop_thread *thread;
	struct event_base *base; /* the thread's */
	struct http_front *front;
	struct event *tick;
	struct key_hasher *hasher;
	struct id_source ids;
	struct site *site;      /* current */
	struct site *old_sites; /* still used by exchanges */
	struct exchange_list exchanges;
	struct exchange *spare; /* freed exchanges kept for reuse */
	unsigned n_spare;
	uint64_t revocation_check_us;
	bool draining;
	_Atomic unsigned running; /* exchanges; read by any thread */
	/* Scratch of one callback. */
	struct sbuf head;
	struct response_head response;
	struct evbuffer *body;
};

/* Only the worker's own thread writes it: no locked instruction. */
static inline void worker_count(struct worker *w, int change)
{
	unsigned n = atomic_load_explicit(&w->running, memory_order_relaxed);

	atomic_store_explicit(&w->running, n + (unsigned)change, memory_order_relaxed);
}

void site_release(struct site *site);

#endif
