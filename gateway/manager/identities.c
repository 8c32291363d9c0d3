/* Who calls, by what a request brings. */
#include "gateway/manager/identities.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/pg_value.h"
#include "gateway/manager/db.h"
#include "gateway/settings/settings.h"
#include "gateway/token/key.h"

struct identities {
	struct manager_db *db;
	struct key_hasher *hasher;
};

struct lookup {
	void (*done)(void *ctx, const struct identity_answer *answer);
	void *ctx;
};

struct identities *identities_new(struct manager_db *db, struct settings *s)
{
	struct identities *i = xcalloc(1, sizeof *i);

	(void)s;
	i->db = db;
	i->hasher = key_hasher_new();
	return i;
}

void identities_configure(struct identities *i, struct settings *s)
{
	(void)i;
	(void)s;
}

void identities_free(struct identities **identities)
{
	struct identities *i = *identities;

	*identities = NULL;
	if (i == NULL)
		return;
	key_hasher_free(&i->hasher);
	free(i);
}

void identities_forget(struct identities *i)
{
	(void)i;
}

bool identities_by_cookie(const struct request_head *h)
{
	return !request_head_has(h, HTTP_H_AUTHORIZATION) &&
	       request_head_has(h, HTTP_H_COOKIE);
}

static void read_teams(struct identity *i, const cJSON *teams)
{
	const cJSON *t;

	i->teams = xcalloc((size_t)cJSON_GetArraySize(teams) + 1, sizeof *i->teams);
	cJSON_ArrayForEach(t, teams)
	{
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(t, "name"));
		const char *role = cJSON_GetStringValue(cJSON_GetObjectItem(t, "role"));

		i->teams[i->n_teams++] = (struct identity_team){
			.id = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(t, "id")),
			.name = xstrdup(name),
			.is_manager = strcmp(role, "manager") == 0,
		};
	}
}

static struct identity *read_identity(struct str text)
{
	struct identity *i = xcalloc(1, sizeof *i);
	cJSON *user = cJSON_ParseWithLength(text.p, text.n);

	CHECK(user != NULL);
	i->refs = 1;
	i->how = IDENTITY_KEY;
	i->user_id = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(user, "id"));
	i->name = xstrdup(cJSON_GetStringValue(cJSON_GetObjectItem(user, "name")));
	i->is_admin = cJSON_IsTrue(cJSON_GetObjectItem(user, "is_admin"));
	i->key_id = (int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(user, "key_id"));
	read_teams(i, cJSON_GetObjectItem(user, "teams"));
	cJSON_Delete(user);
	return i;
}

static void on_user(void *ctx, const struct pg_reply *r)
{
	struct lookup *l = ctx;
	struct identity_answer a = {.verdict = IDENTITY_UNKNOWN};

	if (r->outcome == PG_OK && PQgetisnull(r->result, 0, 0)) {
		a.verdict = IDENTITY_BAD;
		a.detail = "this key is not, or no longer, one to sign in with";
	} else if (r->outcome == PG_OK) {
		a.verdict = IDENTITY_FOUND;
		a.identity = read_identity(pg_value_text(r->result, 0, 0));
	}
	l->done(l->ctx, &a);
	free(l);
}

void identities_find(struct identities *i, const struct request_head *h,
		     const struct net_ip *client,
		     void (*done)(void *ctx, const struct identity_answer *answer),
		     void *ctx)
{
	const struct http_field *f = request_head_field(h, HTTP_H_AUTHORIZATION, NULL);
	unsigned char hash[KEY_HASH_BYTES];
	char hex[KEY_HASH_HEX + 1];
	const char *values[] = {hex};
	struct lookup *l;

	(void)client;
	if (f == NULL || !str_has_prefix(f->value, STR("Bearer tgu_"))) {
		done(ctx, &(struct identity_answer){.verdict = IDENTITY_NONE});
		return;
	}
	key_hash(i->hasher, (struct str){f->value.p + 7, f->value.n - 7}, hash);
	hex_encode(hex, hash, sizeof hash);
	l = xcalloc(1, sizeof *l);
	*l = (struct lookup){done, ctx};
	if (!manager_db_ask(i->db, DB_CHANGES, "SELECT public.people_by_key($1)",
			    (struct pg_params){values, 1}, on_user, l)) {
		free(l);
		done(ctx, &(struct identity_answer){.verdict = IDENTITY_UNKNOWN});
	}
}
