/* The servers that an address of PostgreSQL lists, one by one, as libpq splits them.
 *
 * Pure. libpq manual, 34.1.1.3 (multiple hosts) and 34.1.2 (host, hostaddr, port). */
#ifndef COMMON_PG_HOSTS_H
#define COMMON_PG_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#define PG_HOSTS_MAX 32 /* what is beyond is not tried */

struct pg_host {
	const char *host; /* "": none, which is libpq's default socket without hostaddr */
	const char *hostaddr; /* "": none given; a literal host is one */
	const char *port;
	bool by_name; /* host is to be looked up */
};

struct pg_hosts {
	char *texts[3];
	bool lists_hosts, lists_addresses; /* such a list is there at all */
	size_t n;
	struct pg_host list[PG_HOSTS_MAX];
};

/* Each may be NULL or "". False: the lists do not match, which libpq itself refuses with
 * the better message. */
bool pg_hosts_split(struct pg_hosts *h, const char *host, const char *hostaddr,
		    const char *port);
void pg_hosts_fini(struct pg_hosts *h);

#endif
