/* One line per event on stderr: time, level, message. Lines of several threads never mix.
 *
 * A program that runs for long calls log_start: then lines wait in bounded memory for a
 * thread that writes them, so that a reader that does not read stops nobody. What finds
 * no room is lost, and its number told as soon as somebody reads again. Without
 * log_start, and in a child after fork, each line is written at once.
 *
 * Where stderr is the systemd journal, a line begins with its priority ("<3>",
 * sd-daemon(3)).
 *
 * Whoever knows a fault's cause logs it, once. Nothing secret is ever passed here, and
 * bytes that a peer sent go through log_escape first. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define LOG_LINE_MAX 2048 /* bytes of a line; the rest is cut */
#define LOG_END_MS 500    /* how long the end waits for a reader */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* What is below `level` is dropped. Before the first thread starts. Default: LOG_INFO. */
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/* Lines that are no events (a report of faults), on stderr as they are. The level only
 * chooses their priority. */
void log_text(enum log_level level, struct str lines);
/* Lines on standard output, by the same way. */
void log_output(struct str lines);

/* Starts the thread; once more is harmless. False: none can be started (logged), and
 * lines are written at once as before. Main thread. */
bool log_start(void);
/* The thread, for further sources; NULL: not started. */
struct log_writer;
struct log_writer *log_writer_get(void);
/* Waits until what waits is written, for LOG_END_MS at most. Any thread. */
void log_flush(void);
/* Writes what waits, for LOG_END_MS at most, and ends the thread. From then on a line is
 * written at once, or not at all where that would block. Main thread. */
void log_stop(void);
/* Writes s with controls, quotes, backslash and bytes >= 0x7f as \xNN, cut to fit with
 * "..." at the end; returns out, always terminated. */
char *log_escape(char *out, size_t size, struct str s);

#endif
