/* How many columns of a terminal a character takes. Pure: any thread.
 *
 * A table of our own: wcwidth(3) knows nothing where no UTF-8 locale is installed or set,
 * as in small containers and under cron. */
#ifndef GATEWAY_CLI_WIDTH_H
#define GATEWAY_CLI_WIDTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0, 1 or 2, of a code point that is no control character. */
unsigned width_of(uint32_t c);

#endif
