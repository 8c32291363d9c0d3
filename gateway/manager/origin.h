/* Which pages may make a browser call the manager: by the name that they called (DNS
 * rebinding) and by where they come from (cross-site requests).
 *
 * Pure; any thread. RFC 9110 7.2 (Host), RFC 6454 7 (Origin), Fetch Metadata
 * (Sec-Fetch-Site). */
#ifndef GATEWAY_MANAGER_ORIGIN_H
#define GATEWAY_MANAGER_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

struct request_head;

struct origin_rules {
	const char
		*public_url; /* "https://tollgate.example", as browsers see it, or NULL */
	const char *const *hosts; /* further names, without ports */
	size_t n_hosts;
};

/* Whether a request for that Host is answered: public_url's own, port and all; one of
 * hosts, localhost or a literal loopback address, each with any port. A page elsewhere
 * that has its name resolved to this machine sends its own name. */
bool origin_knows_host(const struct origin_rules *rules, struct str host);

enum origin_verdict {
	ORIGIN_OWN,     /* a page of the manager's sent it */
	ORIGIN_FOREIGN, /* another page did */
	ORIGIN_UNKNOWN, /* neither Origin nor Sec-Fetch-Site tells */
};

/* Where the page that sent a request stands. Its Host is one that is known. Origin
 * decides where it is there; several of one field, or "null", are foreign. */
enum origin_verdict origin_judge(const struct origin_rules *rules,
				 const struct request_head *h);

#endif
