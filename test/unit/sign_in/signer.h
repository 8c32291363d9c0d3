/* Keys and signatures of a provider, made with OpenSSL alone. */
#ifndef TEST_UNIT_SIGN_IN_SIGNER_H
#define TEST_UNIT_SIGN_IN_SIGNER_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/str.h"

#define SIGNATURE_MAX 1024

static void put_base64url(struct sbuf *out, const void *bytes, size_t n)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-_";
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i += 3) {
		unsigned long v = (unsigned long)p[i] << 16;

		v |= i + 1 < n ? (unsigned long)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		for (size_t k = 0; k < (n - i > 2 ? 4 : n - i + 1); k++)
			sbuf_add(out, &letters[v >> (18 - 6 * k) & 63], 1);
	}
}

static void put_number(struct sbuf *out, EVP_PKEY *key, const char *name, int size)
{
	unsigned char bytes[SIGNATURE_MAX];
	BIGNUM *n = NULL;

	CHECK(EVP_PKEY_get_bn_param(key, name, &n) == 1);
	size = size ? size : BN_num_bytes(n);
	CHECK(BN_bn2binpad(n, bytes, size) == size);
	put_base64url(out, bytes, (size_t)size);
	BN_free(n);
}

/* "kty":...: what a JWK of it consists of, without braces. */
__attribute__((unused)) static void put_jwk(struct sbuf *out, EVP_PKEY *key)
{
	bool is_rsa = EVP_PKEY_is_a(key, "RSA");

	sbuf_printf(out, "%s",
		    is_rsa ? "\"kty\":\"RSA\",\"n\":\""
			   : "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"");
	put_number(out, key, is_rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_EC_PUB_X,
		   is_rsa ? 0 : 32);
	sbuf_printf(out, "\",\"%s\":\"", is_rsa ? "e" : "y");
	put_number(out, key, is_rsa ? OSSL_PKEY_PARAM_RSA_E : OSSL_PKEY_PARAM_EC_PUB_Y,
		   is_rsa ? 0 : 32);
	sbuf_lit(out, "\"");
}

/* RFC 7518 3.4: r and s, 32 bytes each. */
static size_t raw_of(unsigned char *bytes, size_t n)
{
	const unsigned char *p = bytes;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);

	CHECK(sig != NULL);
	CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, 32) == 32);
	CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	return 64;
}

/* header.claims.signature into an empty buffer. */
__attribute__((unused)) static void sign(struct sbuf *out, EVP_PKEY *key,
					 const char *header, const char *claims)
{
	unsigned char bytes[SIGNATURE_MAX];
	size_t n = sizeof bytes;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	put_base64url(out, header, strlen(header));
	sbuf_lit(out, ".");
	put_base64url(out, claims, strlen(claims));
	CHECK(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
	CHECK(EVP_DigestSign(ctx, bytes, &n, (unsigned char *)out->p, out->n) == 1);
	EVP_MD_CTX_free(ctx);
	if (!EVP_PKEY_is_a(key, "RSA"))
		n = raw_of(bytes, n);
	sbuf_lit(out, ".");
	put_base64url(out, bytes, n);
}

#endif
