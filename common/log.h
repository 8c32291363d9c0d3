/* One line per event on stderr: time, level, message. Lines of several threads never mix.
 *
 * Whoever knows a fault's cause logs it, once. Nothing secret is ever passed here, and
 * bytes that a peer sent go through log_escape first. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>

#include "common/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What is below `level` is dropped. Before the first thread starts. Default: LOG_INFO. */
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Writes s with controls, quotes, backslash and bytes >= 0x7f as \xNN, cut to fit with
 * "..." at the end; returns out, always terminated. */
char *log_escape(char *out, size_t size, struct str s);

#endif
