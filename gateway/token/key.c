/* API keys: making them, judging their shape, hashing them. */
#include "gateway/token/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "common/check.h"
#include "common/crc32.h"

#define PREFIX_LENGTH (sizeof(KEY_PREFIX) - 1)
#define RANDOM_LENGTH 32
#define CHECK_LENGTH 6
#define BASE 62
/* The largest multiple of 62 in a byte's range: bytes from here on would favour some
 * digits. */
#define FAIR_LIMIT (256 / BASE * BASE)

_Static_assert(PREFIX_LENGTH + RANDOM_LENGTH + CHECK_LENGTH == KEY_LENGTH,
	       "a key's parts");

static const char base62[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void checksum(char out[CHECK_LENGTH], const char *key)
{
	uint32_t crc = crc32_add(0, key, PREFIX_LENGTH + RANDOM_LENGTH);

	for (int i = CHECK_LENGTH; i-- > 0; crc /= BASE)
		out[i] = base62[crc % BASE];
}

static bool random_digits(char *out, size_t n)
{
	unsigned char bytes[2 * RANDOM_LENGTH];
	size_t made = 0;

	while (made < n) {
		if (RAND_bytes(bytes, sizeof bytes) != 1)
			return false;
		for (size_t i = 0; i < sizeof bytes && made < n; i++)
			if (bytes[i] < FAIR_LIMIT)
				out[made++] = base62[bytes[i] % BASE];
	}
	OPENSSL_cleanse(bytes, sizeof bytes);
	return true;
}

static bool make(char key[KEY_LENGTH + 1], const char *prefix)
{
	memcpy(key, prefix, PREFIX_LENGTH);
	if (!random_digits(key + PREFIX_LENGTH, RANDOM_LENGTH))
		return false;
	checksum(key + PREFIX_LENGTH + RANDOM_LENGTH, key);
	key[KEY_LENGTH] = '\0';
	return true;
}

bool key_make(char key[KEY_LENGTH + 1])
{
	return make(key, KEY_PREFIX);
}

bool key_make_user(char key[KEY_LENGTH + 1])
{
	_Static_assert(sizeof(KEY_USER_PREFIX) == sizeof(KEY_PREFIX), "one length");
	return make(key, KEY_USER_PREFIX);
}

bool key_make_session(char key[KEY_LENGTH + 1])
{
	_Static_assert(sizeof(KEY_SESSION_PREFIX) == sizeof(KEY_PREFIX), "one length");
	return make(key, KEY_SESSION_PREFIX);
}

enum key_shape key_shape_of(struct str key)
{
	char sum[CHECK_LENGTH];

	if (key.n == 0 || key.n > KEY_MAX)
		return KEY_SHAPE_IMPOSSIBLE;
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= ' ' || key.p[i] > '~')
			return KEY_SHAPE_IMPOSSIBLE;
	if (key.n != KEY_LENGTH || !str_has_prefix(key, STR(KEY_PREFIX)))
		return KEY_SHAPE_FOREIGN;
	checksum(sum, key.p);
	if (memcmp(sum, key.p + KEY_LENGTH - CHECK_LENGTH, CHECK_LENGTH) != 0)
		return KEY_SHAPE_MISTYPED;
	return KEY_SHAPE_OURS;
}

struct key_hasher {
	EVP_MD_CTX *ctx;
};

struct key_hasher *key_hasher_new(void)
{
	struct key_hasher *h = xcalloc(1, sizeof *h);

	h->ctx = EVP_MD_CTX_new();
	CHECK(h->ctx != NULL);
	CHECK(EVP_DigestInit_ex2(h->ctx, EVP_sha256(), NULL) == 1);
	return h;
}

void key_hasher_free(struct key_hasher **h)
{
	if (*h == NULL)
		return;
	EVP_MD_CTX_free((*h)->ctx);
	free(*h);
	*h = NULL;
}

void key_hash(struct key_hasher *h, struct str key, unsigned char hash[KEY_HASH_BYTES])
{
	unsigned n = 0;

	/* Without a digest the context is only reset: no fetch, no allocation
	 * (EVP_DigestInit(3)). */
	CHECK(EVP_DigestInit_ex2(h->ctx, NULL, NULL) == 1);
	CHECK(EVP_DigestUpdate(h->ctx, key.p, key.n) == 1);
	CHECK(EVP_DigestFinal_ex(h->ctx, hash, &n) == 1 && n == KEY_HASH_BYTES);
}
