/* Sign-ins that were refused, as the log and the audit hear of them. */
#include "gateway/manager/refusals.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/net.h"
#include "gateway/manager/db.h"

#define TOLD_US UINT64_C(6000000) /* between two that are told, on average */
#define TOLD_AT_ONCE 10u

struct refusals {
	struct manager_db *db;
	/* When the next may be told: behind now by as many as may be told at once. */
	uint64_t next_us;
	uint64_t others; /* that were not */
	uint64_t count;
};

struct refusals *refusals_new(struct manager_db *db)
{
	struct refusals *r = xcalloc(1, sizeof *r);

	r->db = db;
	return r;
}

void refusals_free(struct refusals **refusals)
{
	free(*refusals);
	*refusals = NULL;
}

uint64_t refusals_count(const struct refusals *r)
{
	return r->count;
}

static bool may_tell(struct refusals *r, uint64_t now)
{
	uint64_t behind = TOLD_AT_ONCE * TOLD_US;

	if (r->next_us + behind < now)
		r->next_us = now > behind ? now - behind : 0;
	if (r->next_us > now) {
		r->others++;
		return false;
	}
	r->next_us += TOLD_US;
	return true;
}

static void on_told(void *ctx, const struct pg_reply *reply)
{
	(void)ctx;
	(void)reply;
}

void refusals_tell(struct refusals *r, const struct net_ip *client, const char *by,
		   const char *why)
{
	char address[NET_ADDR_TEXT_MAX], *text;
	cJSON *refused;

	r->count++;
	if (!may_tell(r, clock_mono_us()))
		return;
	net_ip_text(client, address);
	refused = cJSON_CreateObject();
	if (*address != '\0')
		CHECK(cJSON_AddStringToObject(refused, "address", address) != NULL);
	CHECK(cJSON_AddStringToObject(refused, "by", by) != NULL &&
	      cJSON_AddStringToObject(refused, "why", why) != NULL &&
	      cJSON_AddNumberToObject(refused, "others", (double)r->others) != NULL);
	text = cJSON_PrintUnformatted(refused);
	CHECK(text != NULL);
	log_info("sign-in by %s refused from %s: %s (and %llu before)", by,
		 *address ? address : "a unix socket", why,
		 (unsigned long long)r->others);
	manager_db_ask(r->db, DB_CHANGES,
		       "SELECT public.people_sign_in_refused($1::jsonb)",
		       (struct pg_params){(const char *const *)&text, 1}, on_told, NULL);
	r->others = 0;
	cJSON_free(text);
	cJSON_Delete(refused);
}
