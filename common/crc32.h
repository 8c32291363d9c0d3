/* CRC-32 (IEEE 802.3, reflected, polynomial 0xEDB88320): finds damage, is no defence. */
#ifndef COMMON_CRC32_H
#define COMMON_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0 at first, then what the call before returned. Pure, any thread. */
uint32_t crc32_add(uint32_t crc, const void *bytes, size_t n);

#endif
