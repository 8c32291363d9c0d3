/* UTF-8 (RFC 3629). Pure. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at p, of n bytes (at least one); 0: there is none,
 * be it overlong, a surrogate, above U+10FFFF or cut short. */
size_t utf8_length(const unsigned char *p, size_t n);

#endif
