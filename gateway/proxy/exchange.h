/* One request's way through the gateway: admitted, sent, relayed back, recorded.
 *
 * Owner: the worker's list. It holds the client's connection (until http_conn_end, _reset
 * or on_gone) and the upstream's (until upstream_release or on_end); whichever goes first
 * is forgotten at once. It ends in one function, exchange_free, and is recorded exactly
 * once, in exchange_record, before the last piece of the answer goes out.
 *
 * Files: exchange.c (life, request), relay.c (response), tunnel.c (after a 101),
 * exchange_local.c (answers without an upstream), exchange_record.c (the event). */
#ifndef GATEWAY_PROXY_EXCHANGE_H
#define GATEWAY_PROXY_EXCHANGE_H

#include "gateway/http/chunk.h"
#include "gateway/proxy/admit.h"
#include "gateway/proxy/worker_state.h"

#define EXCHANGE_MAGIC 0x45786368u
#define EXCHANGE_REPLAY_MAX (64 * 1024)  /* body bytes kept for the one retry */
#define EXCHANGE_LAST_PIECE (16 * 1024)  /* held back until what is before it has left */
#define EXCHANGE_DRAIN_BYTES (16u << 20) /* on_client_abort: drain */
#define EXCHANGE_DRAIN_US 60000000u
#define EXCHANGE_ERROR_MAX 320

struct exchange {
	uint32_t magic;
	TAILQ_ENTRY(exchange) all;
	struct exchange *next_spare;
	struct worker *w;
	struct site *site;
	struct http_conn *c;     /* NULL once the client is done with or gone */
	struct upstream_conn *u; /* NULL before and after its use */
	struct admission admission;
	struct exchange_ids ids;
	struct net_ip client;
	bool local_answer; /* health pages: not logged as calls */

	/* request side */
	bool ready;        /* the upstream connection may be written */
	bool request_done; /* the whole request is queued for the upstream */
	bool retried;
	bool replayable;         /* nothing of the body is lost for a retry */
	struct evbuffer *replay; /* decoded body bytes queued so far */
	enum http_method method;
	uint64_t sent_before_end; /* bytes that the failed upstream connection took */

	bool upgrade;     /* the client asked for another protocol that we pass on */
	bool tunnel;      /* and got it: bytes both ways */
	bool tunnel_shut; /* the client's end was passed on */

	/* response side */
	bool head_done, response_done, held_back, upstream_paused;
	bool interim;    /* a 1xx came: the response has begun */
	bool said_close; /* the response's head announced the connection's end */
	bool reusable;   /* so far nothing speaks against pooling the connection */
	enum http_framing in, out;
	struct chunk_decoder chunks;
	uint64_t left;
	struct sbuf partial; /* an incomplete response head */
	size_t scan;
	struct sbuf held; /* the last piece: held_head bytes of head, then data */
	size_t held_head;

	/* the record */
	bool recorded;
	int status;          /* what the client got; 0: nothing yet */
	int upstream_status; /* 0: none */
	uint64_t bytes_out;
	uint64_t bytes_in; /* request body; kept current */
	uint64_t arrival_us, send_us, head_us, first_out_us, data_us, wait_since_us,
		wait_us;
	int64_t arrival_wall_us;
	uint64_t gone_us; /* when the client left; 0: it did not */
	uint64_t drain_until_us;
	const char *outcome; /* of an answer of ours; NULL: its Proxy-Status error */
	char error[EXCHANGE_ERROR_MAX];
};

/* exchange.c */
/* The proxy's handler for http_front; its ctx is the worker. */
const struct http_handler *exchange_handler(void);
/* Deadlines; every 200 ms or so. */
void exchange_tick(struct exchange *x, uint64_t now_us);
/* Ends it from our side, whatever its phase: outcome is one of USAGE_OUTCOME_*. */
void exchange_cut(struct exchange *x, const char *outcome, const char *detail);
/* Answers with a problem, or cuts the response where it has begun. Ends the exchange. */
void exchange_fail(struct exchange *x, enum problem_id id, const char *detail);
/* The upstream's connection ended before any response byte: tries once more if that is
 * safe. */
bool exchange_retry(struct exchange *x);
void exchange_release_upstream(struct exchange *x, bool reusable);
/* There will be no retry. */
void exchange_drop_replay(struct exchange *x);
void exchange_free(struct exchange *x);

/* relay.c */
void relay_data(struct upstream_conn *u, void *ctx, char *bytes, size_t n);
void relay_end(struct upstream_conn *u, void *ctx, const struct upstream_end *end);
/* The client's connection takes more. */
void relay_client_writable(struct exchange *x);

/* tunnel.c: after a 101 */
bool tunnel_wanted(const struct request_head *h);
/* A 101 names protocols that the client has offered, and no others. */
bool tunnel_agreed(const struct exchange *x, const struct response_head *r);
void tunnel_begin(struct exchange *x, char *rest, size_t n);
void tunnel_from_upstream(struct exchange *x, char *bytes, size_t n);
/* The client sent something or shut down, or the upstream takes more. */
void tunnel_from_client(struct exchange *x);
void tunnel_end(struct exchange *x, const struct upstream_end *end);
void tunnel_tick(struct exchange *x, uint64_t now_us);
/* relay.c: writes to the client, holding the upstream back while it is slow. */
void relay_write(struct exchange *x, const struct iovec *v, int n);

/* exchange_local.c */
/* Answers a page of the gateway's own, without a key. False: it is none. */
bool local_page(struct worker *w, struct http_conn *c);
/* Answers a preflight to a route with cors, without a key, and ends the exchange. False:
 * it is none. */
bool local_preflight(struct exchange *x);
/* The route that the path belongs to, whoever calls; NULL: none. */
const struct settings_route *local_route_of(const struct exchange *x);
/* OPTIONS that may go no further is answered with what the route takes (RFC 9110 7.6.2).
 * Ends the exchange. */
void local_options(struct exchange *x);
/* Appends what the answer to this call carries for browsers, at most CORS_FIELDS_MAX. */
void local_cors_fields(const struct exchange *x, struct sbuf *out);

/* exchange_record.c */
void exchange_record(struct exchange *x, const char *outcome);
void exchange_log_refusal(struct worker *w, struct http_conn *c, enum problem_id id);

#endif
