/* TLS to upstreams: contexts that verify by default, connections with SNI, fault texts.
 *
 * RFC 6125 (names), RFC 6066 (SNI), RFC 8446 and 5246 (1.2 at least). */
#ifndef COMMON_TLS_H
#define COMMON_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

/* A client context: TLS >= 1.2, peer verification on, the system's CAs or those of
 * ca_file. NULL: `why` (of size bytes) says what is wrong with ca_file. The caller frees
 * it with SSL_CTX_free. One per thread that uses it. */
SSL_CTX *tls_client_ctx_new(const char *ca_file, char *why, size_t size);

/* A connection to host (a name, sent as SNI and verified; or a literal address, verified
 * as such; in both cases among the certificate's alternative names only, RFC 9110 4.3.4),
 * ready for SSL_connect on fd. session may be NULL. */
SSL *tls_client_new(SSL_CTX *ctx, int fd, const char *host, SSL_SESSION *session);

#define TLS_TICKET_KEY_BYTES 80 /* SSL_CTX_set_tlsext_ticket_keys(3) */

/* A server context for a PEM chain and its key: TLS >= 1.2, ALPN http/1.1, stateless
 * tickets under the given keys (shared by all workers, so that any of them resumes a
 * session). NULL: `why` names the file and the fault. The caller frees it with
 * SSL_CTX_free. */
SSL_CTX *tls_server_ctx_new(const char *certificate, const char *key,
			    const unsigned char ticket_keys[TLS_TICKET_KEY_BYTES],
			    char *why, size_t size);

enum tls_fault {
	TLS_FAULT_CERTIFICATE, /* the peer's was refused */
	TLS_FAULT_ALERT,       /* the peer sent one; the text has its name */
	TLS_FAULT_PROTOCOL,
	TLS_FAULT_CLOSED, /* the peer broke off */
};

/* After a call that failed: what it was, and a sentence for the record. Empties the
 * thread's error queue. */
enum tls_fault tls_fault(const SSL *ssl, char *text, size_t size);

#endif
