/* One call as the live feed has it, and what a reader asked for.
 *
 * Pure. */
#ifndef GATEWAY_MANAGER_LIVE_ROW_H
#define GATEWAY_MANAGER_LIVE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "gateway/journal/event.h"

struct identity;

struct live_row {
	struct usage_event event; /* as far as filters ask; text lives in `bytes` */
	int64_t team_id;          /* of its token; 0: none, or not known */
	struct str name;          /* its token's; p NULL: not known */
	struct str node;          /* p NULL: not known */
	char *bytes;
	size_t n_bytes;
	char *json; /* made when the first reader gets it; NULL: not yet */
	size_t n_json;
};

/* Copies e and the texts. json: where it is there already; else p NULL. */
void live_row_init(struct live_row *r, const struct usage_event *e, int64_t team_id,
		   struct str name, struct str node, struct str json);
void live_row_fini(struct live_row *r);
/* As GET /api/usage/logs has it; one line. */
struct str live_row_json(struct live_row *r);
/* That it takes, at most. */
size_t live_row_bytes(const struct live_row *r);

/* What a reader asked for: those of GET /api/usage/logs. */
struct live_filter {
	int64_t *tokens, *teams;
	size_t n_tokens, n_teams; /* 0: any */
	char **routes;
	size_t n_routes;
	int status_low, status_high; /* 0: any */
	char *method, *outcome;      /* NULL: any */
	int32_t min_ms;              /* of response_time_ms; 0: any */
	struct net_cidr network;     /* of family 0: any */
};

void live_filter_fini(struct live_filter *f);
bool live_filter_fits(const struct live_filter *f, const struct live_row *r);
/* Admins see all, others what is of their teams' tokens. */
bool live_row_is_seen(const struct live_row *r, const struct identity *who);

#endif
