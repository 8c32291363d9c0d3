/* The sockets on which a process is called. */
#include "gateway/run/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/log.h"
#include "gateway/http/listen.h"
#include "gateway/http/listen_inherited.h"

#define TAKEN (-1)

/* Addresses of one kind. */
struct listener_list {
	const struct settings_listeners *wanted;
	unsigned each; /* sockets for each address */
	int *fds;      /* each * wanted->n: an address's sockets stand together */
	char (*bound)[128];
	size_t *n_bound;
};

struct listeners {
	struct listener_list gateway, tls, manager;
	struct run_addresses addresses;
	struct listen_file *files; /* one for each address of our own */
	size_t n_files;
	struct listen_access access;
	struct listen_inherited inherited;
};

/* A socket from the service manager is shared by all workers; one of our own is opened
 * once for each. */
static bool open_address(struct listeners *l, const struct net_listen *address,
			 unsigned each, int *fds, char *bound, const char **why)
{

	fds[0] = listen_inherited_find(&l->inherited, address);
	if (fds[0] >= 0) {
		for (unsigned i = 1; i < each; i++) {
			fds[i] = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
			CHECK(fds[i] >= 0);
		}
		snprintf(bound, sizeof address->text, "%s", address->text);
		return true;
	}
	if (!listen_open(address, &l->access, fds, each, bound, why))
		return false;
	listen_file_note(&l->files[l->n_files++], bound);
	if (address->text[0] == '*' && bound[0] != '*')
		log_warn("%s: this machine has no IPv6, so it is %s", address->text,
			 bound);
	return true;
}

static bool is_loopback(const struct net_listen *address, unsigned char family)
{
	struct net_ip ip;

	net_ip_of_sockaddr(&ip, (const struct sockaddr *)&address->sa);
	return ip.family == family && net_ip_is_loopback(&ip);
}

/* [::1] beside 127.0.0.1 with the same port, as the defaults have it, is wanted only
 * where there is IPv6. */
static bool may_be_left_out(const struct settings_listeners *all,
			    const struct net_listen *address)
{
	if (!is_loopback(address, 6) || listen_has_ipv6())
		return false;
	for (size_t i = 0; i < all->n; i++)
		if (is_loopback(&all->items[i], 4) &&
		    net_listen_port(&all->items[i]) == net_listen_port(address))
			return true;
	return false;
}

static bool open_list(struct listeners *l, struct listener_list *list)
{
	const struct net_listen *address;
	const char *why;
	int saved;

	for (size_t i = 0; i < list->wanted->n; i++) {
		address = &list->wanted->items[i];
		if (open_address(l, address, list->each,
				 list->fds + *list->n_bound * list->each,
				 list->bound[*list->n_bound], &why)) {
			++*list->n_bound;
			continue;
		}
		saved = errno;
		if (!may_be_left_out(list->wanted, address)) {
			log_error("cannot listen on %s: %s (%s)", address->text, why,
				  strerror(saved));
			return false;
		}
		log_warn(
			"this machine has no IPv6: %s is left out, callers use 127.0.0.1",
			address->text);
	}
	return true;
}

static bool settle_access(struct listeners *l, const struct settings *s)
{
	l->access = (struct listen_access){s->unix_mode, LISTEN_OWN_GROUP};
	if (s->unix_group == NULL || settings_group_id(s->unix_group, &l->access.group))
		return true;
	log_error("unix_sockets.group: there is no group %s on this machine",
		  s->unix_group);
	return false;
}

static bool all_passed_are_used(struct listeners *l)
{
	char text[128];
	const char *unasked = listen_inherited_unused(&l->inherited, text);

	if (unasked != NULL)
		log_error(
			"the service manager passed a socket for %s, which no `listen` names; make the socket unit and the configuration agree",
			unasked);
	return unasked == NULL;
}

static struct listener_list list_of(const struct settings_listeners *wanted,
				    unsigned each, char (*bound)[128], size_t *n_bound)
{
	CHECK(wanted->n <= RUN_ADDRESSES_MAX);
	return (struct listener_list){
		wanted, each, xcalloc(wanted->n * each, sizeof(int)), bound, n_bound};
}

struct listeners *listeners_open(const struct settings *s)
{
	struct listeners *l = xcalloc(1, sizeof *l);
	struct run_addresses *a = &l->addresses;

	l->gateway = list_of(&s->listen, s->workers, a->gateway, &a->n_gateway);
	l->tls = list_of(&s->tls_listen, s->workers, a->tls, &a->n_tls);
	l->manager = list_of(&s->manager_listen, 1, a->manager, &a->n_manager);
	l->files = xcalloc(s->listen.n + s->tls_listen.n + s->manager_listen.n,
			   sizeof *l->files);
	listen_inherited_take(&l->inherited);
	if (!settle_access(l, s) || !open_list(l, &l->gateway) ||
	    !open_list(l, &l->tls) || !open_list(l, &l->manager) ||
	    !all_passed_are_used(l))
		listeners_close(&l);
	return l;
}

const struct run_addresses *listeners_addresses(const struct listeners *l)
{
	return &l->addresses;
}

/* Socket i of each address; returns behind them. */
static int *take(struct listener_list *list, unsigned i, int *fds)
{
	for (size_t k = 0; k < *list->n_bound; k++) {
		*fds++ = list->fds[k * list->each + i];
		list->fds[k * list->each + i] = TAKEN;
	}
	return fds;
}

size_t listeners_per_worker(const struct listeners *l)
{
	return l->addresses.n_gateway + l->addresses.n_tls;
}

void listeners_take_worker(struct listeners *l, unsigned worker, int *fds)
{
	CHECK(worker < l->gateway.each);
	take(&l->tls, worker, take(&l->gateway, worker, fds));
}

size_t listeners_of_manager(const struct listeners *l)
{
	return l->addresses.n_manager;
}

void listeners_take_manager(struct listeners *l, int *fds)
{
	take(&l->manager, 0, fds);
}

static void close_list(struct listener_list *list)
{
	for (size_t i = 0; i < *list->n_bound * list->each; i++)
		if (list->fds[i] != TAKEN)
			close(list->fds[i]);
	free(list->fds);
}

void listeners_close(struct listeners **listeners)
{
	struct listeners *l = *listeners;

	*listeners = NULL;
	if (l == NULL)
		return;
	close_list(&l->gateway);
	close_list(&l->tls);
	close_list(&l->manager);
	for (size_t i = 0; i < l->n_files; i++)
		listen_file_remove(&l->files[i]);
	free(l->files);
	free(l);
}
