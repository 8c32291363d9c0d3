/* CRC-32C (Castagnoli; RFC 3720 B.4): by the processor's instruction where it has one.
 *
 * Finds damage, is no defence. Pure, any thread. */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0 at first, then what the call before returned. */
uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t n);
/* The same without the instruction, for processors that lack it. */
uint32_t crc32c_add_portable(uint32_t crc, const void *bytes, size_t n);

#endif
