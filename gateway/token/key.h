/* API keys: their shape, checksum and hash.
 *
 * `ntk_` + 32 base62 characters of OpenSSL randomness + 6 base62 characters of the CRC-32
 * (IEEE) of everything before them. Keys of other shapes exist (the older system's) and
 * work too. */
#ifndef GATEWAY_TOKEN_KEY_H
#define GATEWAY_TOKEN_KEY_H

#include <stdbool.h>

#include "common/str.h"

#define KEY_PREFIX "ntk_"
#define KEY_USER_PREFIX "tgu_"    /* of keys that people sign in with */
#define KEY_SESSION_PREFIX "tgs_" /* of cookies of sessions */
#define KEY_LENGTH 42             /* of keys made here, without NUL */
#define KEY_MAX 512               /* bytes of any key that is accepted */
#define KEY_HASH_BYTES 32
#define KEY_HASH_HEX 64
#define KEY_START_LENGTH 8 /* "ntk_" + 4, for display */

/* What keys that are made here begin with. */
#define KEY_PREFIXES KEY_PREFIX, KEY_USER_PREFIX, KEY_SESSION_PREFIX

/* A new key, NUL-terminated. False: OpenSSL has no randomness. Wipe it after use. */
bool key_make(char key[KEY_LENGTH + 1]);
/* The same for a person to sign in with: KEY_USER_PREFIX; it opens no route. */
bool key_make_user(char key[KEY_LENGTH + 1]);
/* The same for a session's cookie: KEY_SESSION_PREFIX. */
bool key_make_session(char key[KEY_LENGTH + 1]);

enum key_shape {
	KEY_SHAPE_OURS,      /* checksum right */
	KEY_SHAPE_MISTYPED,  /* our length and prefix, checksum wrong */
	KEY_SHAPE_FOREIGN,   /* some other shape that an imported key could have */
	KEY_SHAPE_IMPOSSIBLE /* empty, over KEY_MAX, or bytes outside visible ASCII */
};
enum key_shape key_shape_of(struct str key);

/* A thread's hasher (an EVP_MD_CTX kept ready). Not shared between threads. */
struct key_hasher;
struct key_hasher *key_hasher_new(void);
void key_hasher_free(struct key_hasher **h);
void key_hash(struct key_hasher *h, struct str key, unsigned char hash[KEY_HASH_BYTES]);

#endif
