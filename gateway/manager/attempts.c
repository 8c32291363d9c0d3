/* How often somebody may try to sign in and fail. */
#include "gateway/manager/attempts.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"

#define KNOWN 4096u /* addresses that are remembered, and likewise persons */
#define WAYS 4u
#define ONE 1000000u /* an attempt, in millionths */
#define NAME ATTEMPTS_WHO

/* A token bucket: it holds what may still fail, and fills with time. */
struct bucket {
	uint64_t left, since_us;
};

struct limit {
	uint64_t most, per_s; /* in millionths of an attempt */
};

static const struct limit of_one = {30u * ONE, ONE / 2};
static const struct limit of_all = {300u * ONE, 20u * ONE};
/* What an address has left that has failed five times lately. */
#define LEFT_UNDER_PRESSURE (25u * ONE)

struct known {
	unsigned char name[NAME];
	struct bucket bucket; /* since_us 0: the slot is free */
};

struct attempts {
	uint64_t seed;
	struct bucket all;
	struct known addresses[KNOWN], persons[KNOWN];
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
static void net_of(const struct net_ip *ip, unsigned char net[NAME])
{
	memset(net, 0, NAME);
	if (ip->family == 6)
		memcpy(net, ip->bytes, 8);
	else
		memcpy(net + 8, ip->bytes, 4);
	net[NAME - 1] = ip->family;
}

static struct known *set_of(const struct attempts *a, struct known *all,
			    const unsigned char name[NAME])
{
	uint64_t h = a->seed;

	for (size_t i = 0; i < NAME; i++)
		h = (h ^ name[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 29;
	return &all[h % (KNOWN / WAYS) * WAYS];
}

/* NULL: not remembered. */
static struct known *find(const struct attempts *a, struct known *all,
			  const unsigned char name[NAME])
{
	struct known *set = set_of(a, all, name);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].bucket.since_us != 0 && memcmp(set[i].name, name, NAME) == 0)
			return &set[i];
	return NULL;
}

static struct known *remember(const struct attempts *a, struct known *all,
			      const unsigned char name[NAME], uint64_t now_us)
{
	struct known *set = set_of(a, all, name), *oldest = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].bucket.since_us < oldest->bucket.since_us)
			oldest = &set[i];
	memcpy(oldest->name, name, NAME);
	oldest->bucket = (struct bucket){of_one.most, now_us};
	return oldest;
}

/* Its bucket, as full as it is by now. */
static struct bucket *bucket_of(struct attempts *a, struct known *all,
				const unsigned char name[NAME], uint64_t now_us)
{
	struct known *one = find(a, all, name);

	if (one == NULL)
		one = remember(a, all, name, now_us);
	fill(&one->bucket, &of_one, now_us);
	return &one->bucket;
}

bool attempts_take(struct attempts *a, const struct net_ip *ip, uint64_t now_us)
{
	unsigned char net[NAME];
	struct bucket *one;

	now_us += now_us == 0;
	net_of(ip, net);
	one = bucket_of(a, a->addresses, net, now_us);
	fill(&a->all, &of_all, now_us);
	if (one->left < ONE)
		return false;
	if (a->all.left < ONE && one->left <= LEFT_UNDER_PRESSURE)
		return false;
	one->left -= ONE;
	if (a->all.left >= ONE)
		a->all.left -= ONE;
	return true;
}

bool attempts_take_person(struct attempts *a, const unsigned char who[ATTEMPTS_WHO],
			  uint64_t now_us)
{
	struct bucket *one;

	now_us += now_us == 0;
	one = bucket_of(a, a->persons, who, now_us);
	if (one->left < ONE)
		return false;
	one->left -= ONE;
	return true;
}

static void give_back(struct known *one)
{
	if (one != NULL)
		one->bucket.left += ONE;
}

void attempts_give_back(struct attempts *a, const struct net_ip *ip)
{
	unsigned char net[NAME];

	net_of(ip, net);
	give_back(find(a, a->addresses, net));
	a->all.left += ONE;
}

void attempts_give_back_person(struct attempts *a, const unsigned char who[ATTEMPTS_WHO])
{
	give_back(find(a, a->persons, who));
}
