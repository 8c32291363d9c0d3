/* Sending a browser to a provider, to sign in there. */
#include "gateway/api/sign_in.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/api/browser.h"
#include "gateway/api/operations.h"
#include "gateway/manager/providers.h"
#include "gateway/manager/tries.h"
#include "gateway/settings/settings.h"
#include "gateway/sign_in/code_flow.h"
#include "gateway/sign_in/discovery.h"
#include "gateway/sign_in/seal.h"

#define STR_OF(number) STR_OF_VALUE(number)
#define STR_OF_VALUE(number) #number
#define URL_MAX 8192u

/* --- what both halves share --- */

bool sign_in_wants_page(const struct call *c)
{
	const struct request_head *h = call_head(c);

	for (unsigned i = 0; h != NULL && i < h->n_fields; i++) {
		struct str list = h->fields[i].value, item;

		while (h->fields[i].id == HTTP_H_ACCEPT && str_list_next(&list, &item))
			if (str_has_prefix(item, STR("text/html")))
				return true;
	}
	return false;
}

void sign_in_fail(struct call *c, bool wants_page, enum sign_in_failure why,
		  const char *detail)
{
#define WORD(id, word, problem) [SIGN_IN_##id] = (word),
#define PROBLEM(id, word, problem) [SIGN_IN_##id] = PROBLEM_##problem,
	static const char *const words[] = {SIGN_IN_FAILURES(WORD)};
	static const enum problem_id problems[] = {SIGN_IN_FAILURES(PROBLEM)};
	char place[64];

	if (wants_page) {
		snprintf(place, sizeof place, "/sign-in?problem=%s", words[why]);
		call_redirect(c, place);
	} else {
		call_problem_later(c, problems[why], detail,
				   why == SIGN_IN_BUSY ? TRIES_LATER_S : 0);
	}
}

bool sign_in_failed(struct call *c, bool wants_page, const struct pg_reply *reply)
{
	if (reply->outcome == PG_ERROR)
		log_warn("sign-in: the database refused it: %s %s", reply->sqlstate,
			 reply->message);
	sign_in_fail(c, wants_page, SIGN_IN_DATABASE,
		     "the database does not answer as it should: nobody can sign in "
		     "now; begin again");
	return true;
}

bool sign_in_read_key(struct str json, unsigned char *key)
{
	return json.p != NULL && json.n == 2 + 2 * SEAL_KEY_BYTES &&
	       hex_decode(key, SEAL_KEY_BYTES, (struct str){json.p + 1, json.n - 2});
}

char *sign_in_redirect_uri(const struct call *c)
{
	return xasprintf("%s/api/sign-in/callback",
			 call_context(c)->settings->public_url);
}

/* --- leaving --- */

/* What is kept while the database is asked. */
struct leaving {
	bool wants_page;
	struct code_flow flow;
};

static void free_leaving(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct leaving));
	free(state);
}

static bool on_failed(struct call *c, const struct pg_reply *reply)
{
	const struct leaving *l = call_kept(c);

	return sign_in_failed(c, l->wants_page, reply);
}

static void keep_flow(struct call *c, const struct code_flow *flow,
		      const unsigned char *key)
{
	struct sbuf sealed;

	sbuf_init(&sealed, CODE_FLOW_SEALED_MAX);
	code_flow_seal(flow, key, &sealed);
	browser_keep(c, SIGN_IN_COOKIE, sbuf_text(&sealed), STR_OF(CODE_FLOW_S));
	sbuf_fini(&sealed);
}

static void leave(struct call *c, const struct settings_provider *p,
		  const struct discovery *d)
{
	const struct leaving *l = call_kept(c);
	char *back = sign_in_redirect_uri(c);
	const struct code_client client = {
		.client_id = p->client_id,
		.redirect_uri = back,
		.scopes = (const char *const *)p->scopes.items,
		.n_scopes = p->scopes.n,
	};
	struct sbuf url;

	sbuf_init(&url, 1u << 20);
	code_flow_authorize_url(&l->flow, &client, d->authorization_endpoint, &url);
	free(back);
	if (url.n > URL_MAX)
		sign_in_fail(c, l->wants_page, SIGN_IN_AWAY,
			     "the scopes of this provider are too long for an address");
	else
		call_redirect(c, sbuf_text(&url));
	sbuf_fini(&url);
}

static void on_key(struct call *c, struct str json)
{
	const struct leaving *l = call_kept(c);
	struct providers *all = call_context(c)->providers;
	const struct settings_provider *p = providers_named(all, l->flow.provider);
	unsigned char key[SEAL_KEY_BYTES];
	struct discovery d = {0};

	if (!sign_in_read_key(json, key)) {
		sign_in_fail(c, l->wants_page, SIGN_IN_DATABASE,
			     "the database has no secret to sign in with; run `tollgate "
			     "migrate`");
		return;
	}
	if (p == NULL || !providers_discovery(all, p, &d)) {
		sign_in_fail(c, l->wants_page, SIGN_IN_AWAY,
			     "what the provider says of itself (its discovery document "
			     "and keys) cannot be had at the moment; try again, and if "
			     "it lasts let an admin look into the log");
		return;
	}
	keep_flow(c, &l->flow, key);
	leave(c, p, &d);
	OPENSSL_cleanse(key, sizeof key);
	discovery_fini(&d);
}

static void ask_key(struct call *c, const struct settings_provider *p,
		    const char *return_to)
{
	struct leaving *l = xcalloc(1, sizeof *l);

	l->wants_page = sign_in_wants_page(c);
	code_flow_begin(&l->flow, p->name, return_to,
			(int64_t)(clock_wall_us() / 1000000));
	call_keep(c, l, free_leaving);
	call_ask(c, &(struct call_question){
			    .pool = DB_LOOKUPS,
			    .sql = SIGN_IN_KEY_SQL,
			    .then = on_key,
			    .failed = on_failed,
		    });
}

void api_start_sign_in(struct call *c)
{
	static const char *const known[] = {"return_to", NULL};
	const char *return_to = query_get(call_query(c, known), "return_to");
	const struct settings_provider *p =
		providers_named(call_context(c)->providers, call_path(c, "provider"));

	if (return_to != NULL && !code_flow_is_local(return_to))
		input_fault(call_faults(c), INPUT_PARAMETER, "return_to",
			    "must be a path of this site, of at most %d bytes: /tokens",
			    CODE_FLOW_RETURN_MAX);
	if (call_is_faulty(c))
		return;
	if (p == NULL)
		sign_in_fail(c, sign_in_wants_page(c), SIGN_IN_UNKNOWN,
			     "there is no such provider; GET /api/sign-in lists those "
			     "that there are");
	else
		ask_key(c, p, return_to != NULL ? return_to : "/");
}
