/* The addresses of one name over time. */
#include "common/name_addresses.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"
#include "common/str.h"

bool name_addresses_are_same(const struct sockaddr *a, const struct sockaddr *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
	return a6->sin6_scope_id == b6->sin6_scope_id &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

static const struct sockaddr *address_of(const struct name_address *a)
{
	return (const struct sockaddr *)&a->address.sa;
}

static bool has(const struct name_addresses *a, const struct sockaddr *sa)
{
	for (unsigned i = 0; i < a->n_known; i++)
		if (name_addresses_are_same(address_of(&a->list[i]), sa))
			return true;
	return false;
}

static void add_literal(struct name_addresses *a, const char *text)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct lookup_address *to = &a->list[a->n_known++].address;
	struct addrinfo *found;

	CHECK(getaddrinfo(text, NULL, &hints, &found) == 0);
	memcpy(&to->sa, found->ai_addr, found->ai_addrlen);
	to->len = found->ai_addrlen;
	freeaddrinfo(found);
	a->n = a->n_known;
}

bool name_addresses_fixed(struct name_addresses *a, const char *host)
{
	struct net_ip ip;

	if (str_ieq(str_of(host), STR("localhost"))) {
		add_literal(a, "127.0.0.1");
		add_literal(a, "::1");
		return true;
	}
	if (!net_ip_parse(&ip, str_of(host)))
		return false;
	add_literal(a, host);
	return true;
}

void name_addresses_note(struct name_addresses *a, const struct lookup_answer *answer,
			 uint64_t now_us, uint64_t keep_us)
{
	struct name_addresses next = {0};

	for (unsigned i = 0; i < answer->n; i++)
		if (!has(&next, (const struct sockaddr *)&answer->list[i].sa))
			next.list[next.n_known++] =
				(struct name_address){answer->list[i], now_us};
	next.n = next.n_known;
	for (unsigned i = 0; i < a->n_known && next.n_known < NAME_ADDRESSES_MAX; i++)
		if (now_us - a->list[i].at_us < keep_us &&
		    !has(&next, address_of(&a->list[i])))
			next.list[next.n_known++] = a->list[i];
	*a = next;
}
