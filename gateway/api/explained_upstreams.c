/* What is known of a route's upstream, without asking it. */
#include "gateway/api/explained_upstreams.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "common/net.h"

/* Of all addresses of all endpoints. */
struct seen {
	size_t works, fails, unresolved, unknown;
};

static cJSON *put(cJSON *object, const char *name, cJSON *item)
{
	CHECK(item != NULL && cJSON_AddItemToObject(object, name, item));
	return item;
}

/* True: the last attempt to reach it failed. */
static bool add_address(cJSON *list, const struct resolver_address *address)
{
	cJSON *item = cJSON_CreateObject();
	bool fails = address_mark_fails(address->mark);
	uint32_t ms = atomic_load(&address->mark->connect_ms);
	char text[NET_ADDR_TEXT_MAX];
	struct net_ip ip;

	net_ip_of_sockaddr(&ip, (const struct sockaddr *)&address->sa);
	net_ip_text(&ip, text);
	put(item, "address", cJSON_CreateString(text));
	put(item, "fails", cJSON_CreateBool(fails));
	put(item, "connect_ms", ms > 0 ? cJSON_CreateNumber(ms) : cJSON_CreateNull());
	CHECK(cJSON_AddItemToArray(list, item));
	return fails;
}

static const char *state_of(const struct resolver_addresses *list, size_t failing)
{
	if (list->n == 0)
		return list->failed ? "unresolved" : "unknown";
	return failing == list->n ? "fails" : "ok";
}

static void count(struct seen *seen, const struct resolver_addresses *list,
		  size_t failing)
{
	if (list->n == 0 && list->failed)
		seen->unresolved++;
	else if (list->n == 0)
		seen->unknown++;
	else if (failing == list->n)
		seen->fails++;
	else
		seen->works++;
}

static void add_known(cJSON *endpoint, const struct settings_endpoint *e,
		      struct resolver *resolver, struct seen *seen)
{
	struct resolver_name *name = resolver_add(resolver, e->host, e->port);
	const struct resolver_addresses *list = resolver_get(name);
	cJSON *addresses = cJSON_CreateArray();
	size_t failing = 0;

	for (unsigned i = 0; i < list->n; i++)
		failing += add_address(addresses, &list->list[i]);
	count(seen, list, failing);
	put(endpoint, "state", cJSON_CreateString(state_of(list, failing)));
	put(endpoint, "addresses", addresses);
	resolver_forget(name);
}

static void add_endpoint(cJSON *list, const struct settings_route *r, size_t i,
			 struct resolver *resolver, struct seen *seen)
{
	cJSON *endpoint = cJSON_CreateObject();
	char *url = xasprintf("%s://%s", r->tls ? "https" : "http",
			      r->endpoints[i].authority);

	put(endpoint, "url", cJSON_CreateString(url));
	put(endpoint, "tls", cJSON_CreateBool(r->tls));
	if (resolver != NULL) {
		add_known(endpoint, &r->endpoints[i], resolver, seen);
	} else {
		seen->unknown++;
		put(endpoint, "state", cJSON_CreateString("unknown"));
		put(endpoint, "addresses", cJSON_CreateArray());
	}
	CHECK(cJSON_AddItemToArray(list, endpoint));
	free(url);
}

static void judge(struct explained_upstreams *u, const struct settings_route *r,
		  const struct seen *seen)
{
	const char *tls = r->tls ? ", by TLS with its certificate checked" : "";
	const char *why;

	if (seen->works > 0) {
		u->state = UPSTREAM_WORKS;
		why = "no attempt to reach it has failed lately";
	} else if (seen->unknown > 0) {
		u->state = UPSTREAM_NOT_KNOWN;
		why = "whether it can be reached is not known here";
	} else if (seen->fails > 0) {
		u->state = UPSTREAM_FAILS;
		u->problem = PROBLEM_DESTINATION_UNAVAILABLE;
		why = "the last attempt to reach it failed";
	} else {
		u->state = UPSTREAM_FAILS;
		u->problem = PROBLEM_DNS_ERROR;
		why = "its name does not resolve";
	}
	snprintf(u->text, sizeof u->text, "%.100s%s%s: %s", r->endpoints[0].authority,
		 r->n_endpoints > 1 ? " and others" : "", tls, why);
}

void explained_upstreams(struct explained_upstreams *u, const struct settings_route *r,
			 struct resolver *resolver)
{
	struct seen seen = {0};

	*u = (struct explained_upstreams){.list = cJSON_CreateArray()};
	CHECK(u->list != NULL);
	for (size_t i = 0; i < r->n_endpoints; i++)
		add_endpoint(u->list, r, i, resolver, &seen);
	judge(u, r, &seen);
}
