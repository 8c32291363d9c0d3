/* Texts that somebody else keeps for us. */
#include "gateway/sign_in/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/sign_in/base64url.h"

#define NONCE 12u
#define TAG 16u
#define PLAIN_MAX 65536u

void seal_make(struct sbuf *out, const unsigned char key[SEAL_KEY_BYTES],
	       struct str plain)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char *bytes = xmalloc(NONCE + plain.n + TAG), *text = bytes + NONCE;
	int n = 0, last = 0;

	CHECK(plain.n <= PLAIN_MAX);
	CHECK(c != NULL && RAND_bytes(bytes, NONCE) == 1);
	CHECK(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, bytes) == 1 &&
	      EVP_EncryptUpdate(c, text, &n, (const unsigned char *)plain.p,
				(int)plain.n) == 1 &&
	      EVP_EncryptFinal_ex(c, text + n, &last) == 1 &&
	      (size_t)n + (size_t)last == plain.n &&
	      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, text + plain.n) == 1);
	EVP_CIPHER_CTX_free(c);
	base64url_encode(out, (struct str){(const char *)bytes, NONCE + plain.n + TAG});
	free(bytes);
}

static bool decrypt(unsigned char *to, const unsigned char key[SEAL_KEY_BYTES],
		    unsigned char *bytes, size_t n)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int got = 0, last = 0;
	bool is_ours;

	CHECK(c != NULL);
	is_ours = EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, bytes) == 1 &&
		  EVP_DecryptUpdate(c, to, &got, bytes + NONCE, (int)(n - NONCE - TAG)) ==
			  1 &&
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, bytes + n - TAG) ==
			  1 &&
		  EVP_DecryptFinal_ex(c, to + got, &last) == 1;
	EVP_CIPHER_CTX_free(c);
	return is_ours;
}

bool seal_open(struct sbuf *plain, const unsigned char key[SEAL_KEY_BYTES],
	       struct str sealed)
{
	size_t n;
	char *bytes = base64url_decode(sealed, &n);
	unsigned char *text;
	bool is_ours;

	if (bytes == NULL || n <= NONCE + TAG || n > NONCE + PLAIN_MAX + TAG) {
		free(bytes);
		return false;
	}
	text = xmalloc(n);
	is_ours = decrypt(text, key, (unsigned char *)bytes, n);
	if (is_ours)
		sbuf_add(plain, text, n - NONCE - TAG);
	OPENSSL_cleanse(text, n);
	free(text);
	free(bytes);
	return is_ours;
}
