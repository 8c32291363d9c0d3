/* Keys inside other text that is about to go elsewhere: upstream, into a row, a log.
 *
 * Sought are "ntk_", "tgu_" and "tgs_" (keys of tokens and of people, cookies of
 * sessions) with 8 or more base62 characters behind them, and `own`, the key that a
 * caller has presented, whatever its shape (n == 0: none was). Characters may be
 * percent-encoded, also more than once. Pure. */
#ifndef GATEWAY_TOKEN_KEY_TEXT_H
#define GATEWAY_TOKEN_KEY_TEXT_H

#include <stdbool.h>

#include "common/str.h"
#include "gateway/token/key.h"

#define KEY_TEXT_RUN 8     /* base62 characters behind the prefix that make text a key */
#define KEY_TEXT_MIN 12    /* shorter text holds no key of these */
#define KEY_TEXT_ROOM 1152 /* of what is shown in a hidden text's place */

/* The key is one that is found by its looks, wherever it stands. */
bool key_text_is_ours(struct str key);

/* s holds a key. Case does not matter: names of fields and hosts lose theirs. An own key
 * of less than 8 bytes counts only as a word, between blanks, '=', ',', ';', '&' and the
 * like. */
bool key_in_text(struct str s, struct str own);
/* The same for a request target, where a find costs the caller the call: letters as they
 * are, and no own key of less than 8 bytes. */
bool key_in_url(struct str s, struct str own);
/* The same in what base64 in s decodes to (RFC 4648 4 and 5, padded or not), as in
 * "Basic ...". Of `own` as well. */
bool key_in_base64(struct str s, struct str own);

/* The part of s, standing between blanks or other borders, that is the key of this hash;
 * n == 0: there is none. For those who know a key's hash alone. */
struct str key_text_hashed(struct str s, const unsigned char hash[KEY_HASH_BYTES]);

/* What may be stored or logged of s: s itself where it holds no key, else a copy in buf,
 * with "***" in place of each, cut to KEY_TEXT_ROOM bytes. */
struct str key_text_hidden(struct str s, struct str own, char buf[KEY_TEXT_ROOM]);

#endif
