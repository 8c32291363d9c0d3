/* A session with one of the servers that an address of PostgreSQL stands for. */
#include "common/pg_dial.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/pg_attempt.h"
#include "common/pg_conninfo.h"
#include "common/pg_error.h"
#include "common/pg_hosts.h"

#define NEXT_MS 2000u /* for an attempt while another address is left */
#define CONNECT_S_MAX 3600u
#define ALL SIZE_MAX
/* No sslmode of libpq's: it reads everything, and refuses before it connects. */
#define NO_SSLMODE "none of libpq's"

/* The addresses of one host, once they are known. */
struct addresses {
	struct resolver_question *question; /* NULL: not by name */
	unsigned n;
	char text[LOOKUP_ADDRESSES_MAX][sizeof(((struct pg_place *)0)->address)];
	bool silent[LOOKUP_ADDRESSES_MAX]; /* an attempt ended so */
	bool blamed;                       /* `why` says that there are none */
};

struct walk {
	const struct pg_dial_options *o;
	struct pg_place *place;
	struct sbuf *why;
	size_t why_begin;
	struct resolver *own; /* NULL: none was needed */
	int answer_fd;
	uint64_t asked_us;
	/* what libpq makes of the conninfo, its service and environment variables */
	struct pg_hosts hosts;
	uint32_t given_ms; /* connect_timeout; 0: none */
	bool standby_first;
	/* the walk */
	struct addresses *addresses; /* one per host */
	const char *attrs;           /* NULL: the conninfo's */
	bool again;                  /* the second walk passes over the silent */
	bool stopped;
};

static void say(const struct walk *w, const char *what, const char *which)
{
	char text[256];

	if (w->o->doing == NULL)
		return;
	snprintf(text, sizeof text, "%s%s", what, which);
	w->o->doing(w->o->ctx, text);
}

static void blame_begin(struct walk *w)
{
	if (w->why->n > w->why_begin)
		sbuf_lit(w->why, "; ");
}

static void blame_name(struct walk *w, size_t i, const char *text)
{
	if (w->addresses[i].blamed)
		return;
	w->addresses[i].blamed = true;
	blame_begin(w);
	sbuf_printf(w->why, "%s: %s", w->hosts.list[i].host, text);
}

/* --- settings --- */

static const char *value_of(const PQconninfoOption *all, const char *keyword)
{
	for (; all->keyword != NULL; all++)
		if (strcmp(all->keyword, keyword) == 0)
			return all->val != NULL ? all->val : "";
	return "";
}

static uint32_t seconds_to_ms(const char *text)
{
	uint64_t s;

	/* Zero, and less, are no limit to libpq. */
	if (!str_to_u64(str_trim(str_of(text)), &s))
		return 0;
	return (uint32_t)(s < CONNECT_S_MAX ? s : CONNECT_S_MAX) * 1000;
}

static bool take_settings(struct walk *w, PGconn *pg)
{
	PQconninfoOption *all = PQconninfo(pg);
	bool ok;

	CHECK(all != NULL);
	ok = strcmp(value_of(all, "sslmode"), NO_SSLMODE) == 0;
	if (!ok) {
		pg_clean_add(w->why, PQerrorMessage(pg), PG_FIRST_LINE);
	} else if (!pg_hosts_split(&w->hosts, value_of(all, "host"),
				   value_of(all, "hostaddr"), value_of(all, "port"))) {
		/* One attempt, for libpq's own words. */
		CHECK(pg_hosts_split(&w->hosts, NULL, NULL, NULL));
	}
	w->given_ms = seconds_to_ms(value_of(all, "connect_timeout"));
	w->standby_first =
		strcmp(value_of(all, "target_session_attrs"), "prefer-standby") == 0;
	if (strcmp(value_of(all, "load_balance_hosts"), "random") == 0 && w->hosts.n > 0)
		*w->place = (struct pg_place){.host = clock_mono_us() % w->hosts.n};
	PQconninfoFree(all);
	return ok;
}

static bool read_settings(struct walk *w)
{
	struct pg_parameters p;
	PGconn *pg;
	bool ok;

	say(w, "reading its settings", "");
	pg_parameters_fill(&p, w->o->conninfo, w->o->application_name, w->o->timeout_ms);
	pg_parameters_set(&p, "sslmode", NO_SSLMODE);
	pg_parameters_set(&p, "passfile", "/dev/null/none"); /* the attempts read it */
	pg = PQconnectStartParams(p.keywords, p.values, 1);
	CHECK(pg != NULL);
	ok = take_settings(w, pg);
	PQfinish(pg);
	return ok;
}

/* --- addresses --- */

static struct resolver *resolver_of(struct walk *w)
{
	if (w->o->resolver != NULL)
		return w->o->resolver;
	if (w->own == NULL)
		w->own = resolver_start(NULL, NULL);
	return w->own;
}

static void ask_for_names(struct walk *w)
{
	w->asked_us = clock_mono_us();
	w->addresses = xcalloc(w->hosts.n, sizeof *w->addresses);
	for (size_t i = 0; i < w->hosts.n; i++) {
		if (w->hosts.list[i].by_name && resolver_of(w) != NULL)
			w->addresses[i].question = resolver_ask(
				resolver_of(w), w->hosts.list[i].host, w->answer_fd);
	}
}

/* Each question has the time of an attempt; one that can do without its answer less. */
static void wait_for_answer(struct walk *w, struct resolver_question *q, uint32_t ms)
{
	struct pollfd fds[] = {{.fd = w->answer_fd, .events = POLLIN},
			       {.fd = w->o->stop_fd, .events = POLLIN}};
	uint64_t until_us = w->asked_us + ms * UINT64_C(1000), now, count;
	struct lookup_answer latest;

	resolver_answer(q, &latest);
	if (latest.n > 0 && ms > NEXT_MS)
		until_us = w->asked_us + NEXT_MS * UINT64_C(1000);
	while (!resolver_is_answered(q) && (now = clock_mono_us()) < until_us) {
		if (poll(fds, ARRAY_LEN(fds), (int)((until_us - now) / 1000) + 1) <= 0)
			continue;
		if (fds[1].revents) {
			w->stopped = true;
			return;
		}
		CHECK(read(w->answer_fd, &count, sizeof count) == sizeof count);
	}
}

static void note_addresses(struct walk *w, size_t i)
{
	struct addresses *a = &w->addresses[i];
	struct lookup_answer answer;

	resolver_answer(a->question, &answer);
	for (unsigned k = 0; k < answer.n; k++)
		if (getnameinfo((struct sockaddr *)&answer.list[k].sa, answer.list[k].len,
				a->text[a->n], sizeof a->text[a->n], NULL, 0,
				NI_NUMERICHOST) == 0)
			a->n++;
	if (a->n == 0)
		blame_name(w, i,
			   resolver_is_answered(a->question)
				   ? lookup_error_text(&answer)
				   : "no name server has answered in time");
}

/* How many addresses host i has; none are known or, in `why`, to be had: 0. */
static unsigned find_addresses(struct walk *w, size_t i, uint32_t limit_ms)
{
	struct addresses *a = &w->addresses[i];

	if (a->n > 0 || w->stopped)
		return a->n;
	if (!w->hosts.list[i].by_name) {
		a->n = 1;
	} else if (a->question == NULL) {
		blame_name(w, i, "cannot be looked up");
	} else {
		say(w, "looking up ", w->hosts.list[i].host);
		wait_for_answer(w, a->question, limit_ms);
		if (!w->stopped)
			note_addresses(w, i);
	}
	return a->n;
}

/* --- attempts --- */

static uint32_t limit_of(const struct walk *w, bool is_last)
{
	if (w->given_ms)
		return w->given_ms;
	return !is_last && NEXT_MS < w->o->limit_ms ? NEXT_MS : w->o->limit_ms;
}

/* libpq takes an empty value for one that is not given: where one of several is meant to
 * be empty, it gets the same server twice. */
struct one_host {
	char *host, *hostaddr;
};

static char *one_value(const char *value, bool is_listed, bool twice)
{
	if (!is_listed)
		return NULL;
	return twice ? xasprintf("%s,%s", value, value) : xstrdup(value);
}

static void make_one_host(struct one_host *one, const struct walk *w,
			  const struct pg_host *h, const char *address)
{
	bool has_address = *address != '\0' || w->hosts.lists_addresses;
	bool twice = (w->hosts.lists_hosts && *h->host == '\0') ||
		     (has_address && *address == '\0');

	one->host = one_value(h->host, w->hosts.lists_hosts, twice);
	one->hostaddr = one_value(address, has_address, twice);
}

static void show(char *shown, size_t size, const struct pg_host *h, const char *address)
{
	if (*h->host == '\0' && *address == '\0')
		snprintf(shown, size, "the default socket");
	else if (*h->host == '\0' || *address == '\0' || strcmp(h->host, address) == 0)
		snprintf(shown, size, "%s, port %s", *h->host ? h->host : address,
			 h->port);
	else
		snprintf(shown, size, "%s (%s), port %s", h->host, address, h->port);
}

static PGconn *try_address(struct walk *w, size_t i, unsigned k, bool is_last)
{
	const struct pg_host *h = &w->hosts.list[i];
	const char *address = h->by_name ? w->addresses[i].text[k] : h->hostaddr;
	bool as_it_is = !w->hosts.lists_hosts && !w->hosts.lists_addresses;
	enum pg_attempt_end end;
	struct one_host one;
	char shown[200];
	PGconn *pg;

	if (w->again && w->addresses[i].silent[k])
		return NULL;
	show(shown, sizeof shown, h, address);
	say(w, "connecting to ", shown);
	make_one_host(&one, w, h, address);
	blame_begin(w);
	pg = pg_attempt(
		&(struct pg_target){
			.conninfo = w->o->conninfo,
			.application_name = w->o->application_name,
			.host = one.host,
			.hostaddr = one.hostaddr,
			.port = as_it_is ? NULL : h->port,
			.target_session_attrs = w->attrs,
			.shown = shown,
			.limit_ms = limit_of(w, is_last),
			.timeout_ms = w->o->timeout_ms,
			.stop_fd = w->o->stop_fd,
		},
		&end, w->why);
	free(one.host);
	free(one.hostaddr);
	w->addresses[i].silent[k] = end == PG_ATTEMPT_SILENT;
	w->stopped = end == PG_ATTEMPT_STOPPED;
	*w->place = (struct pg_place){.host = i, .past = end != PG_ATTEMPT_UP};
	if (h->by_name)
		snprintf(w->place->address, sizeof w->place->address, "%s", address);
	return pg;
}

/* --- the walk --- */

/* Where in its host's addresses a walk begins; ALL: not with any of them. */
static size_t first_of(struct walk *w, const struct pg_place *from, bool is_only)
{
	const struct addresses *a = &w->addresses[from->host];
	bool by_name = w->hosts.list[from->host].by_name;
	size_t k = 0;

	if (from->past && (!by_name || *from->address == '\0'))
		return ALL;
	find_addresses(w, from->host, limit_of(w, is_only));
	if (!by_name)
		return 0;
	while (k < a->n && strcmp(a->text[k], from->address) != 0)
		k++;
	if (k == a->n)
		return 0;
	return from->past ? k + 1 : k;
}

/* The addresses [from, to) of host i; is_last: no host comes after them. */
static PGconn *try_host(struct walk *w, size_t i, size_t from, size_t to, bool is_last)
{
	unsigned n =
		w->stopped || from >= to ? 0 : find_addresses(w, i, limit_of(w, is_last));
	PGconn *pg = NULL;

	if (n == 0 && from < to && !w->stopped)
		*w->place = (struct pg_place){.host = i, .past = true};
	if (to > n)
		to = n;
	for (size_t k = from; k < to && pg == NULL && !w->stopped; k++)
		pg = try_address(w, i, (unsigned)k, is_last && k + 1 == to);
	return pg;
}

/* Round all addresses, from the place on. */
static PGconn *go_round(struct walk *w)
{
	struct pg_place from = *w->place;
	size_t n = w->hosts.n, start;
	PGconn *pg;

	if (from.host >= n)
		from = (struct pg_place){0};
	start = first_of(w, &from, n == 1);
	pg = try_host(w, from.host, start, ALL, n == 1 && start == 0);
	for (size_t i = 1; i < n && pg == NULL; i++)
		pg = try_host(w, (from.host + i) % n, 0, ALL, i + 1 == n && start == 0);
	if (pg == NULL)
		pg = try_host(w, from.host, 0, start, true);
	return pg;
}

static PGconn *walk(struct walk *w)
{
	PGconn *pg;

	ask_for_names(w);
	w->attrs = w->standby_first ? "standby" : NULL;
	pg = go_round(w);
	if (pg != NULL || !w->standby_first || w->stopped)
		return pg;
	w->attrs = "any";
	w->again = true;
	return go_round(w);
}

static void fini(struct walk *w)
{
	for (size_t i = 0; w->addresses != NULL && i < w->hosts.n; i++)
		resolver_question_free(&w->addresses[i].question);
	free(w->addresses);
	pg_hosts_fini(&w->hosts);
	if (w->own != NULL)
		resolver_stop(&w->own);
	close(w->answer_fd);
}

PGconn *pg_dial(const struct pg_dial_options *o, struct pg_place *place, struct sbuf *why)
{
	struct walk w = {.o = o, .place = place, .why = why, .why_begin = why->n};
	const char *wrong;
	PGconn *pg = NULL;

	if (!pg_conninfo_check(o->conninfo, &wrong)) {
		sbuf_str(why, str_of(wrong));
		return NULL;
	}
	w.answer_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w.answer_fd < 0) {
		sbuf_lit(why, "no file descriptor is left");
		return NULL;
	}
	if (read_settings(&w))
		pg = walk(&w);
	fini(&w);
	return pg;
}
