/* A request that is only asked about: its head, as a client would send it. */
#include "gateway/api/explained_head.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "common/check.h"
#include "common/http.h"
#include "gateway/proxy/credentials.h"
#include "gateway/token/token_calls.h"

/* With what is added, a line end each. */
#define HEAD_MAX                                                                         \
	(EXPLAINED_FIELDS_BYTES + EXPLAINED_PATH_MAX + 2 * EXPLAINED_FIELDS_MAX +        \
	 KEY_MAX + 1024)

_Static_assert(CREDENTIALS_MAX <= EXPLAINED_HASHES_MAX, "all have a place");

bool explained_is_field(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon != NULL &&
	       http_is_token((struct str){text, (size_t)(colon - text)}) &&
	       http_is_field_value(str_of(colon + 1));
}

static bool is_named(const char *field, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(field, name, n) == 0 && field[n] == ':';
}

/* As a client would send it. Its length is known before: growing would leave keys in
 * freed memory. */
void explained_head_write(struct sbuf *text, const struct explained_request *q)
{
	bool has_host = false, has_length = false;

	sbuf_init(text, HEAD_MAX);
	CHECK(sbuf_reserve(text, HEAD_MAX) != NULL);
	sbuf_printf(text, "%s %s HTTP/1.1\r\n", q->method, q->path);
	for (size_t i = 0; i < q->n_fields; i++) {
		has_host |= is_named(q->fields[i], "Host");
		has_length |= is_named(q->fields[i], "Content-Length") ||
			      is_named(q->fields[i], "Transfer-Encoding");
		sbuf_printf(text, "%s\r\n", q->fields[i]);
	}
	if (!has_host)
		sbuf_lit(text, "Host: localhost\r\n");
	if (q->key != NULL)
		sbuf_printf(text, "X-API-Key: %s\r\n", q->key);
	/* A body is not told of; so that no length seems to be added for its absence. */
	if (!has_length && strcmp(q->method, "GET") != 0)
		sbuf_lit(text, "Content-Length: 0\r\n");
	sbuf_lit(text, "\r\n");
	CHECK(!text->overflow);
}

void explained_head_wipe(struct sbuf *text)
{
	OPENSSL_cleanse(text->p, text->room);
	sbuf_fini(text);
}

size_t explained_hashes(const struct explained_request *r,
			char hashes[EXPLAINED_HASHES_MAX][KEY_HASH_HEX + 1])
{
	struct request_head *head = xcalloc(1, sizeof *head);
	struct head_limits limits = {UINT32_MAX, REQUEST_FIELDS_MAX};
	struct credentials found = {0};
	struct head_refusal why;
	struct sbuf text;

	explained_head_write(&text, r);
	if (request_head_parse(head, text.p, text.n, &limits, &why))
		credentials_find(head, &found);
	for (unsigned i = 0; i < found.n; i++)
		token_hash_hex(found.items[i].value, hashes[i]);
	explained_head_wipe(&text);
	free(head);
	return found.n;
}
