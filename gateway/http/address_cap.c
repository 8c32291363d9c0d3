/* Open connections per client address, over all workers, without locks. */
#include "gateway/http/address_cap.h"

#include <openssl/rand.h>
#include <stdatomic.h>
#include <string.h>

#include "common/check.h"

#define ROW 32768u

struct address_cap {
	uint64_t seed[2];
	_Atomic uint32_t counts[2][ROW];
};

struct address_cap *address_cap_new(void)
{
	struct address_cap *cap = xcalloc(1, sizeof *cap);

	CHECK(RAND_bytes((unsigned char *)cap->seed, sizeof cap->seed) == 1);
	return cap;
}

void address_cap_free(struct address_cap **cap)
{
	free(*cap);
	*cap = NULL;
}

/* The finalizer of splitmix64 (Steele, Lea, Flood, 2014) over both halves. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static _Atomic uint32_t *counter(struct address_cap *cap, const struct net_ip *ip,
				 int row)
{
	uint64_t key = ip->family;

	memcpy(&key, ip->bytes, ip->family == 4 ? 4 : sizeof key);
	key = mix(mix(key ^ cap->seed[row]) + ip->family + cap->seed[1 - row]);
	return &cap->counts[row][key % ROW];
}

bool address_cap_add(struct address_cap *cap, const struct net_ip *ip, uint32_t limit)
{
	_Atomic uint32_t *a = counter(cap, ip, 0), *b = counter(cap, ip, 1);
	uint32_t in_a = atomic_fetch_add_explicit(a, 1, memory_order_relaxed);
	uint32_t in_b = atomic_fetch_add_explicit(b, 1, memory_order_relaxed);

	if (in_a < limit || in_b < limit)
		return true;
	address_cap_remove(cap, ip);
	return false;
}

void address_cap_remove(struct address_cap *cap, const struct net_ip *ip)
{
	atomic_fetch_sub_explicit(counter(cap, ip, 0), 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(counter(cap, ip, 1), 1, memory_order_relaxed);
}
