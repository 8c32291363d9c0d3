/* An upstream's answer that nobody waits for any more, read to its end. */
#include "gateway/proxy/drain.h"

#include "common/check.h"
#include "common/clock.h"

#define DRAIN_MAGIC 0x44726169u
#define DRAIN_BYTES (16u << 20)
#define DRAIN_US 60000000u

struct drain {
	uint32_t magic;
	struct drains *owner;
	TAILQ_ENTRY(drain) all;
	struct drain_start it;
	uint64_t until_us;
};

void drains_init(struct drains *d)
{
	TAILQ_INIT(&d->all);
}

/* reusable: the answer was read to its end. */
static void end(struct drain *d, bool reusable)
{
	if (d->it.u != NULL)
		upstream_release(&d->it.u, reusable);
	TAILQ_REMOVE(&d->owner->all, d, all);
	response_reader_fini(&d->it.reader);
	site_unref(d->it.site);
	d->magic = 0;
	free(d);
}

static void drop_body(struct drain *d, char *bytes, size_t n)
{
	struct response_piece p = response_reader_body(&d->it.reader, bytes, n);

	d->it.bytes += p.n;
	if (p.done || p.bad || d->it.bytes > DRAIN_BYTES)
		end(d, p.done && !p.excess && d->it.reusable);
}

static void drop_head(struct drain *d, char *bytes, size_t n)
{
	struct response_head h;
	struct response_bytes b;
	enum response_found found;
	const char *why;

	response_bytes_init(&b, &d->it.reader, bytes, n);
	do
		found = response_reader_head(&d->it.reader, &b, &h, &why);
	while (found == RESPONSE_INTERIM);
	if (found == RESPONSE_FINAL) {
		if (h.close || h.framing == HTTP_UNTIL_EOF)
			d->it.reusable = false;
		drop_body(d, b.p, b.n);
	} else if (found != RESPONSE_NOTHING) {
		end(d, false);
	}
	response_bytes_fini(&b);
}

static void on_data(struct upstream_conn *u, void *ctx, char *bytes, size_t n)
{
	struct drain *d = ctx;

	(void)u;
	OBJ_CHECK(d, DRAIN_MAGIC);
	if (d->it.reader.has_head)
		drop_body(d, bytes, n);
	else
		drop_head(d, bytes, n);
}

/* The whole request was sent before. */
static void on_ready_or_writable(struct upstream_conn *u, void *ctx)
{
	(void)u;
	(void)ctx;
}

static void on_end(struct upstream_conn *u, void *ctx, const struct upstream_end *why)
{
	struct drain *d = ctx;

	(void)u;
	(void)why;
	OBJ_CHECK(d, DRAIN_MAGIC);
	d->it.u = NULL;
	end(d, false);
}

void drain_begin(struct drains *owner, const struct drain_start *start)
{
	static const struct upstream_user user = {
		.on_ready = on_ready_or_writable,
		.on_data = on_data,
		.on_writable = on_ready_or_writable,
		.on_end = on_end,
	};
	struct drain *d = xcalloc(1, sizeof *d);

	d->magic = DRAIN_MAGIC;
	d->owner = owner;
	d->it = *start;
	site_ref(d->it.site);
	d->until_us = clock_mono_us() + DRAIN_US;
	TAILQ_INSERT_TAIL(&owner->all, d, all);
	upstream_set_user(d->it.u, &user, d);
	upstream_resume(d->it.u);
}

void drains_tick(struct drains *owner, uint64_t now_us)
{
	struct drain *d, *next;

	for (d = TAILQ_FIRST(&owner->all); d != NULL; d = next) {
		next = TAILQ_NEXT(d, all);
		if (now_us > d->until_us)
			end(d, false);
	}
}

void drains_stop(struct drains *owner)
{
	while (!TAILQ_EMPTY(&owner->all))
		end(TAILQ_FIRST(&owner->all), false);
}
