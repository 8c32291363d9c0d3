/* One request's way through the gateway: admitted, sent, relayed back, recorded.
 *
 * It lives in its worker's list, from the request's head to the answer's last piece. All
 * that time it has the client's connection, and for a part of it the upstream's, until
 * upstream_release or on_end. It is in one mode at a time, whose callbacks both
 * connections and the tick call; the modes are in dispatch.c (request and response),
 * tunnel.c (after a 101) and exchange_end.c (an answer that broke off is handed out). It
 * ends in one function, exchange_end (exchange_end.h). */
#ifndef GATEWAY_PROXY_EXCHANGE_H
#define GATEWAY_PROXY_EXCHANGE_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "gateway/http/access_log.h"
#include "gateway/http/front.h"
#include "gateway/http/response_reader.h"
#include "gateway/journal/lane.h"
#include "gateway/journal/recording.h"
#include "gateway/proxy/admit.h"
#include "gateway/proxy/drain.h"
#include "gateway/proxy/exchange_ids.h"
#include "gateway/proxy/site.h"

#define EXCHANGE_MAGIC 0x45786368u
#define EXCHANGE_LAST_PIECE (16 * 1024) /* held back until what is before it has left */
#define EXCHANGE_ERROR_MAX 320
#define EXCHANGE_OLD_US 60000000u /* one of this age ends with its token */

struct exchange;
TAILQ_HEAD(exchange_list, exchange);

/* What the exchanges of one worker share. */
struct exchange_env {
	struct token_sync *tokens;
	struct usage_lane *lane;
	const struct recording *recording; /* for /ready */
	struct access_lane *access;        /* NULL: no access log */
	struct key_hasher *hasher;
	struct id_source ids;
	struct sites sites;
	bool draining; /* the worker takes no new connections */
	struct exchange_list all;
	_Atomic unsigned running; /* of them; read by any thread */
	struct drains drains;
	struct exchange *spare; /* ended ones, kept for reuse */
	unsigned n_spare;
	uint64_t revocation_check_us;
	/* Scratch of one callback. */
	struct sbuf head;
	struct response_head response;
	struct evbuffer *body;
};

/* What it is busy with. */
struct exchange_mode {
	struct http_conn_user client;
	struct upstream_user upstream;
	void (*tick)(struct exchange *x, uint64_t now_us);
	uint64_t revoked_after_us; /* an exchange of this age ends with its token */
};

/* Its way to the upstream. */
struct exchange_request {
	bool ready; /* the upstream connection may be written */
	bool done;  /* the whole request is queued for the upstream */
	bool retried;
	bool replayable;         /* nothing of the body is lost for a retry */
	struct evbuffer *replay; /* decoded body bytes queued so far */
	uint64_t sent;           /* on connections that ended: taken by the kernel */
	bool upgrade;            /* it asks for another protocol that we pass on */
	bool shut;               /* a tunnel: the client's end was passed on */
};

/* The way back. */
struct exchange_response {
	struct response_reader reader;
	enum http_framing framing; /* towards the client */
	bool interim;              /* a 1xx came: the response has begun */
	bool said_close;           /* its head announced the connection's end */
	bool reusable;             /* nothing speaks against pooling the upstream's */
	bool paused;               /* the upstream, for a slow client */
	bool held_back;            /* the last piece waits: held_head bytes, then data */
	struct sbuf held;
	size_t held_head;
	uint64_t chunk_bytes; /* written around the body's own */
	uint64_t data_us;     /* something came, either way in a tunnel */
};

/* No more comes than what it has: the client may still take that. */
struct exchange_ending {
	const char *outcome; /* NULL: it goes on */
	uint64_t until_us;
	uint64_t since_us; /* the client took some */
	size_t left;       /* of what it had not taken by then */
};

/* What will be known of it. */
struct exchange_record {
	int status;          /* what the client got; 0: nothing yet */
	int upstream_status; /* 0: none */
	uint64_t bytes_in;
	uint64_t bytes_out; /* of body; handed over, or in the end taken by the client */
	int64_t arrival_wall_us;
	/* Monotonic; 0: not yet. */
	uint64_t arrival_us, send_us, head_us, first_out_us;
	uint64_t wait_us, wait_since_us; /* for a slow client */
	const char *code; /* of an answer of ours, or of what cut one; NULL: none */
	char error[EXCHANGE_ERROR_MAX];
};

struct exchange {
	uint32_t magic;
	TAILQ_ENTRY(exchange) all;
	struct exchange *next_spare;
	struct exchange_env *env;
	struct site *site;
	const struct exchange_mode *mode;
	struct http_conn *c;
	struct upstream_conn *u; /* NULL before and after its use */
	struct admission admission;
	struct exchange_ids ids;
	struct net_ip client;

	struct exchange_request request;
	struct exchange_response response;
	struct exchange_ending ending;
	struct exchange_record record;
};

/* env is all zero but for what is the worker's. */
void exchange_env_init(struct exchange_env *env);
/* All exchanges have ended. */
void exchange_env_fini(struct exchange_env *env);

/* Begins under the current site, as the connection's user. */
struct exchange *exchange_new(struct exchange_env *env, struct http_conn *c,
			      const struct exchange_mode *mode);
/* exchange_end's; the connections are let go of. */
void exchange_free(struct exchange *x);
/* From now on both connections call this mode. */
void exchange_enter(struct exchange *x, const struct exchange_mode *mode);

/* Writes to the client, and holds the upstream back while it is slow. */
void exchange_write(struct exchange *x, const struct iovec *v, int n);
/* The client's connection takes more: so does the upstream's. */
void exchange_go_on(struct exchange *x);
/* Time of which a slow client is the cause. */
void exchange_wait_begins(struct exchange *x);
void exchange_wait_ends(struct exchange *x);

#endif
