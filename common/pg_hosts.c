/* The servers that an address of PostgreSQL lists, one by one. */
#include "common/pg_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"
#include "common/str.h"

#define DEFAULT_PORT "5432" /* an empty one among several: that of libpq's build */

static bool is_given(const char *list)
{
	return list != NULL && *list != '\0';
}

static size_t count(const char *list)
{
	size_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

/* Element i of a list that commas were cut out of. */
static const char *element(const char *cut, size_t i)
{
	while (i-- > 0)
		cut += strlen(cut) + 1;
	return cut;
}

static char *cut_at_commas(const char *list)
{
	char *copy = xstrdup(list != NULL ? list : "");

	for (char *p = copy; *p != '\0'; p++)
		if (*p == ',')
			*p = '\0';
	return copy;
}

static bool is_socket(const char *host)
{
	return *host == '/' || *host == '@';
}

static void fill(struct pg_host *h)
{
	struct net_ip ip;

	if (*h->port == '\0')
		h->port = DEFAULT_PORT;
	if (*h->hostaddr != '\0' || *h->host == '\0' || is_socket(h->host))
		return;
	if (net_ip_parse(&ip, str_of(h->host)))
		h->hostaddr = h->host;
	else
		h->by_name = true;
}

bool pg_hosts_split(struct pg_hosts *h, const char *host, const char *hostaddr,
		    const char *port)
{
	size_t n = 1, n_ports = is_given(port) ? count(port) : 1;

	*h = (struct pg_hosts){.lists_hosts = is_given(host),
			       .lists_addresses = is_given(hostaddr)};
	if (h->lists_addresses)
		n = count(hostaddr);
	else if (h->lists_hosts)
		n = count(host);
	if ((h->lists_hosts && count(host) != n) || (n_ports != 1 && n_ports != n))
		return false;
	h->texts[0] = cut_at_commas(host);
	h->texts[1] = cut_at_commas(hostaddr);
	h->texts[2] = cut_at_commas(port);
	h->n = n < PG_HOSTS_MAX ? n : PG_HOSTS_MAX;
	for (size_t i = 0; i < h->n; i++) {
		h->list[i] = (struct pg_host){
			.host = h->lists_hosts ? element(h->texts[0], i) : "",
			.hostaddr = h->lists_addresses ? element(h->texts[1], i) : "",
			.port = element(h->texts[2], n_ports == 1 ? 0 : i),
		};
		fill(&h->list[i]);
	}
	return true;
}

void pg_hosts_fini(struct pg_hosts *h)
{
	for (size_t i = 0; i < ARRAY_LEN(h->texts); i++)
		free(h->texts[i]);
	*h = (struct pg_hosts){0};
}
