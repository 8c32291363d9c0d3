/* Decoder of the chunked transfer coding (RFC 9112 7.1), strict, for both directions.
 *
 * Pure; keeps only a few bytes of state, so that a single chunk may be of any size.
 * Extensions and trailers are checked for form, bounded, and dropped. */
#ifndef GATEWAY_HTTP_CHUNK_H
#define GATEWAY_HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#define CHUNK_LINE_MAX 256       /* bytes of a chunk-size line with its extensions */
#define CHUNK_TRAILERS_MAX 16384 /* bytes of all trailers */

struct chunk_decoder {
	uint64_t left; /* of the current chunk's data */
	uint32_t line; /* bytes of the current line, or of all trailers */
	uint8_t state;
	uint8_t digits;
};

enum chunk_result {
	CHUNK_MORE, /* all given bytes are used up, the body goes on */
	CHUNK_DONE, /* the body's end; bytes after *used belong to what follows */
	CHUNK_BAD,  /* not the grammar of RFC 9112 7.1 */
};

/* All zero is the start state. */
static inline void chunk_init(struct chunk_decoder *d)
{
	*d = (struct chunk_decoder){0};
}

/* Consumes src[0..n), writes the data bytes to dst (room for n; may be src itself), tells
 * how many were used and made. */
enum chunk_result chunk_decode(struct chunk_decoder *d, const char *src, size_t n,
			       size_t *used, char *dst, size_t *made);

#endif
