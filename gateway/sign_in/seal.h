/* Texts that somebody else keeps for us: nobody without the key can read, make or change
 * one. AES-256-GCM (NIST SP 800-38D) with a random nonce, in base64url.
 *
 * Pure; any thread. */
#ifndef GATEWAY_SIGN_IN_SEAL_H
#define GATEWAY_SIGN_IN_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define SEAL_KEY_BYTES 32

/* Appends the sealed text. */
void seal_make(struct sbuf *out, const unsigned char key[SEAL_KEY_BYTES],
	       struct str plain);
/* Appends what was sealed. False: it was not, or by another key. */
bool seal_open(struct sbuf *plain, const unsigned char key[SEAL_KEY_BYTES],
	       struct str sealed);

#endif
