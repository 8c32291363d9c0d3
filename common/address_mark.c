/* What is known of one address from the attempts of all threads to reach it. */
#include "common/address_mark.h"

#define DELAY_MIN_MS 250u
#define DELAY_MAX_MS 2000u

static uint64_t load(const struct address_mark *m)
{
	return atomic_load_explicit(&m->failed_until_us, memory_order_relaxed);
}

void address_mark_won(struct address_mark *m, uint64_t took_us)
{
	uint32_t ms =
		took_us < UINT64_C(3600000000) ? (uint32_t)(took_us / 1000) : 3600000u;

	/* Most often there is nothing to change, and all threads read it. */
	if (atomic_load_explicit(&m->connect_ms, memory_order_relaxed) != ms)
		atomic_store_explicit(&m->connect_ms, ms, memory_order_relaxed);
	if (load(m) != 0)
		atomic_store_explicit(&m->failed_until_us, 0, memory_order_relaxed);
}

void address_mark_failed(struct address_mark *m, uint64_t now_us)
{
	atomic_store_explicit(&m->failed_until_us, now_us + ADDRESS_MARK_US,
			      memory_order_relaxed);
}

bool address_mark_fails(const struct address_mark *m)
{
	return load(m) != 0;
}

bool address_mark_take_probe(struct address_mark *m, uint64_t now_us)
{
	uint64_t until_us = load(m);

	return until_us != 0 && now_us >= until_us &&
	       atomic_compare_exchange_strong_explicit(
		       &m->failed_until_us, &until_us, now_us + ADDRESS_MARK_US,
		       memory_order_relaxed, memory_order_relaxed);
}

uint32_t address_mark_delay_ms(const struct address_mark *m)
{
	uint32_t ms = atomic_load_explicit(&m->connect_ms, memory_order_relaxed);

	if (ms >= DELAY_MAX_MS / 2)
		return DELAY_MAX_MS;
	return 2 * ms > DELAY_MIN_MS ? 2 * ms : DELAY_MIN_MS;
}
