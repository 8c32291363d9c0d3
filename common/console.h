/* Writing straight to stderr or standard output, whatever reads there. */
#ifndef COMMON_CONSOLE_H
#define COMMON_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether fd takes bytes now, or within so many milliseconds. Any thread. */
bool console_takes(int fd, uint32_t within_ms);
/* All n bytes, in one write where the descriptor takes it as one; waits for as long as
 * the reader makes it. Any thread. */
void console_write(int fd, const char *p, size_t n);

#define CONSOLE_PRIORITY_BYTES 3
/* Where stderr is the systemd journal, puts a line's priority ("<3>", sd-daemon(3)):
 * syslog's number, a digit. How many bytes. Any thread. */
size_t console_put_priority(char out[CONSOLE_PRIORITY_BYTES], char number);

#endif
