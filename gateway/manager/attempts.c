/* How often somebody may try to sign in and fail. */
#include "gateway/manager/attempts.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"

#define ADDRESSES 4096u /* that are remembered */
#define WAYS 4u
#define ONE 1000000u /* an attempt, in millionths */

/* A token bucket: it holds what may still fail, and fills with time. */
struct bucket {
	uint64_t left, since_us;
};

struct limit {
	uint64_t most, per_s; /* in millionths of an attempt */
};

static const struct limit of_address = {30u * ONE, ONE / 2};
static const struct limit of_all = {300u * ONE, 20u * ONE};

struct address {
	unsigned char net[16];
	struct bucket bucket; /* since_us 0: the slot is free */
};

struct attempts {
	uint64_t seed;
	struct bucket all;
	struct address addresses[ADDRESSES];
};

struct attempts *attempts_new(void)
{
	struct attempts *a = xcalloc(1, sizeof *a);

	CHECK(RAND_bytes((unsigned char *)&a->seed, sizeof a->seed) == 1);
	a->all.left = of_all.most;
	return a;
}

void attempts_free(struct attempts **a)
{
	free(*a);
	*a = NULL;
}

static void fill(struct bucket *b, const struct limit *l, uint64_t now_us)
{
	uint64_t passed_us = now_us > b->since_us ? now_us - b->since_us : 0;

	if (passed_us >= 3600u * (uint64_t)ONE)
		b->left = l->most;
	else
		b->left += passed_us * l->per_s / 1000000u;
	if (b->left > l->most)
		b->left = l->most;
	b->since_us = now_us;
}

/* Whoever has an IPv6 /64 has all of its addresses. */
static void net_of(const struct net_ip *ip, unsigned char net[16])
{
	memset(net, 0, 16);
	if (ip->family == 6)
		memcpy(net, ip->bytes, 8);
	else
		memcpy(net + 8, ip->bytes, 4);
	net[15] = ip->family;
}

static struct address *set_of(struct attempts *a, const unsigned char net[16])
{
	uint64_t h = a->seed;

	for (size_t i = 0; i < 16; i++)
		h = (h ^ net[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 29;
	return &a->addresses[h % (ADDRESSES / WAYS) * WAYS];
}

/* NULL: not remembered. */
static struct address *find(struct attempts *a, const unsigned char net[16])
{
	struct address *set = set_of(a, net);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].bucket.since_us != 0 && memcmp(set[i].net, net, 16) == 0)
			return &set[i];
	return NULL;
}

static struct address *remember(struct attempts *a, const unsigned char net[16],
				uint64_t now_us)
{
	struct address *set = set_of(a, net), *oldest = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].bucket.since_us < oldest->bucket.since_us)
			oldest = &set[i];
	memcpy(oldest->net, net, 16);
	oldest->bucket = (struct bucket){of_address.most, now_us};
	return oldest;
}

bool attempts_take(struct attempts *a, const struct net_ip *ip, uint64_t now_us)
{
	unsigned char net[16];
	struct address *one;

	now_us += now_us == 0;
	net_of(ip, net);
	one = find(a, net);
	if (one == NULL)
		one = remember(a, net, now_us);
	fill(&one->bucket, &of_address, now_us);
	fill(&a->all, &of_all, now_us);
	if (one->bucket.left < ONE || a->all.left < ONE)
		return false;
	one->bucket.left -= ONE;
	a->all.left -= ONE;
	return true;
}

void attempts_give_back(struct attempts *a, const struct net_ip *ip)
{
	unsigned char net[16];
	struct address *one;

	net_of(ip, net);
	one = find(a, net);
	if (one != NULL)
		one->bucket.left += ONE;
	a->all.left += ONE;
}
