/* TLS to upstreams: contexts that verify by default, connections with SNI, fault
 * texts. */
#include "common/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/check.h"
#include "common/net.h"

#define ONLY_COMMON_NAME X509_V_ERR_APPLICATION_VERIFICATION

/* Some still look for the name in the subject: that is told. The certificate itself is
 * gone when the handshake has failed. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	if (!ok && X509_STORE_CTX_get_error(store) == X509_V_ERR_HOSTNAME_MISMATCH &&
	    X509_get_ext_by_NID(X509_STORE_CTX_get_current_cert(store),
				NID_subject_alt_name, -1) < 0)
		X509_STORE_CTX_set_error(store, ONLY_COMMON_NAME);
	return ok;
}

SSL_CTX *tls_client_ctx_new(const char *ca_file, char *why, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int loaded;

	CHECK(ctx != NULL);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
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
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
					       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
		CHECK(SSL_set_tlsext_host_name(ssl, host) == 1);
		CHECK(SSL_set1_host(ssl, host) == 1);
	}
	if (session != NULL)
		SSL_set_session(ssl, session);
	SSL_set_connect_state(ssl);
	return ssl;
}

/* "tlsv13 alert certificate required" is OpenSSL's reason 1000 + 116. */
static enum tls_fault alert_fault(int alert, const char *reason, char *text, size_t size)
{
	const char *name = reason != NULL ? strstr(reason, "alert ") : NULL;

	snprintf(text, size, "TLS alert: %s (%d)",
		 name != NULL     ? name + strlen("alert ")
		 : reason != NULL ? reason
				  : "unknown",
		 alert);
	return TLS_FAULT_ALERT;
}

enum tls_fault tls_fault(const SSL *ssl, char *text, size_t size)
{
	long verdict = SSL_get_verify_result(ssl);
	unsigned long err = ERR_peek_last_error();
	const char *reason = err ? ERR_reason_error_string(err) : NULL;
	int code = ERR_GET_REASON(err);
	bool is_ssl = err != 0 && ERR_GET_LIB(err) == ERR_LIB_SSL;

	ERR_clear_error();
	if (verdict != X509_V_OK) {
		snprintf(text, size, "certificate: %s",
			 verdict == ONLY_COMMON_NAME
				 ? "hostname mismatch; it has no alternative names, and "
				   "its common name does not count"
				 : X509_verify_cert_error_string(verdict));
		return TLS_FAULT_CERTIFICATE;
	}
	if (is_ssl && code > SSL_AD_REASON_OFFSET && code <= SSL_AD_REASON_OFFSET + 255)
		return alert_fault(code - SSL_AD_REASON_OFFSET, reason, text, size);
	snprintf(text, size, "TLS: %s", reason ? reason : "the peer broke off");
	return is_ssl && code != SSL_R_UNEXPECTED_EOF_WHILE_READING ? TLS_FAULT_PROTOCOL
								    : TLS_FAULT_CLOSED;
}
