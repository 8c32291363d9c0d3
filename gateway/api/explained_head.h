/* A request that is only asked about: its head, as a client would send it. */
#ifndef GATEWAY_API_EXPLAINED_HEAD_H
#define GATEWAY_API_EXPLAINED_HEAD_H

#include <stdbool.h>

#include "common/str.h"
#include "gateway/token/key.h"

#define EXPLAINED_PATH_MAX 8192
#define EXPLAINED_FIELDS_MAX 100
#define EXPLAINED_FIELDS_BYTES 65536 /* of all of them */

struct explained_request {
	const char *method;
	const char *path; /* with its query; up to EXPLAINED_PATH_MAX */
	const char *key;  /* sent as X-API-Key; NULL: it is in a field, or none */
	const char *const *fields; /* each as explained_is_field */
	size_t n_fields;
};

/* "Name: value", on one line. */
bool explained_is_field(const char *text);

/* Writes the head into an uninitialised buffer, which explained_head_wipe frees. */
void explained_head_write(struct sbuf *text, const struct explained_request *r);
void explained_head_wipe(struct sbuf *text);

/* The hashes of all that may be a key in it, as hex: what a table must have to judge it,
 * where the whole one is not at hand. How many there are. */
#define EXPLAINED_HASHES_MAX 8
size_t explained_hashes(const struct explained_request *r,
			char hashes[EXPLAINED_HASHES_MAX][KEY_HASH_HEX + 1]);

#endif
