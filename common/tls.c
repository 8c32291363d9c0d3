/* TLS to upstreams: contexts that verify by default, connections with SNI, fault
 * texts. */
#include "common/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "common/check.h"
#include "common/net.h"

SSL_CTX *tls_client_ctx_new(const char *ca_file, char *why, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int loaded;

	CHECK(ctx != NULL);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
						    SSL_SESS_CACHE_NO_INTERNAL_STORE);
	loaded = ca_file ? SSL_CTX_load_verify_file(ctx, ca_file)
			 : SSL_CTX_set_default_verify_paths(ctx);
	if (loaded == 1)
		return ctx;
	ERR_error_string_n(ERR_get_error(), why, size);
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return NULL;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
			   const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_n, ours, sizeof ours - 1, in, in_n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void explain(const char *file, char *why, size_t size)
{
	unsigned long err = ERR_peek_last_error();
	const char *reason = err ? ERR_reason_error_string(err) : NULL;

	snprintf(why, size, "%s: %s", file, reason ? reason : "cannot be used");
	ERR_clear_error();
}

SSL_CTX *tls_server_ctx_new(const char *certificate, const char *key,
			    const unsigned char ticket_keys[TLS_TICKET_KEY_BYTES],
			    char *why, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	CHECK(ctx != NULL);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	CHECK(SSL_CTX_set_tlsext_ticket_keys(ctx, (void *)(uintptr_t)ticket_keys,
					     TLS_TICKET_KEY_BYTES) == 1);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		explain(certificate, why, size);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		explain(key, why, size);
	else
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

SSL *tls_client_new(SSL_CTX *ctx, int fd, const char *host, SSL_SESSION *session)
{
	SSL *ssl = SSL_new(ctx);
	struct net_ip ip;

	CHECK(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
	if (net_ip_parse(&ip, str_of(host))) {
		CHECK(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
	} else {
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		CHECK(SSL_set_tlsext_host_name(ssl, host) == 1);
		CHECK(SSL_set1_host(ssl, host) == 1);
	}
	if (session != NULL)
		SSL_set_session(ssl, session);
	SSL_set_connect_state(ssl);
	return ssl;
}

bool tls_is_certificate_fault(const SSL *ssl)
{
	return SSL_get_verify_result(ssl) != X509_V_OK;
}

void tls_fault_text(const SSL *ssl, char *text, size_t size)
{
	long verdict = SSL_get_verify_result(ssl);
	unsigned long err = ERR_peek_last_error();
	const char *reason = err ? ERR_reason_error_string(err) : NULL;

	if (verdict != X509_V_OK)
		snprintf(text, size, "certificate: %s",
			 X509_verify_cert_error_string(verdict));
	else
		snprintf(text, size, "TLS: %s", reason ? reason : "the peer broke off");
	ERR_clear_error();
}
