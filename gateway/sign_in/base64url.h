/* base64url (RFC 7515 2, RFC 4648 5) as signatures need it: one way to write each value.
 * Pure. */
#ifndef GATEWAY_SIGN_IN_BASE64URL_H
#define GATEWAY_SIGN_IN_BASE64URL_H

#include <stdbool.h>

#include "common/str.h"

/* The URL-safe alphabet, at least one byte's worth, without padding, white space, or bits
 * that say nothing. */
bool base64url_is_strict(struct str s);
/* Decodes what is so; the caller frees. NULL: it is not so. */
char *base64url_decode(struct str s, size_t *n);
/* Appends any bytes in it. */
void base64url_encode(struct sbuf *out, struct str bytes);

#endif
