/* What `tollgate dev` tells its user, outside the log. Any thread. */
#ifndef GATEWAY_DEV_SAY_H
#define GATEWAY_DEV_SAY_H

/* A line on standard output. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "tollgate dev: ..." on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
