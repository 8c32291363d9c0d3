/* Telling the service manager how the process is: the protocol of sd_notify(3), without
 * its library.
 *
 * A datagram to the socket that $NOTIFY_SOCKET names, a path or, after "@", an abstract
 * name. Where there is none, or another kind of address, nothing is told. */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

#include <stdbool.h>

/* Somebody wants to be told. Any thread. */
bool notify_is_wanted(void);
/* Lines of NAME=value, at most 2 KiB. Waits for a full socket for a second at most; what
 * cannot be told is in the log. Any thread. */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
