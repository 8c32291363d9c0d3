/* One line per event on stderr. */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_MAX 2048

static _Atomic int log_min = LOG_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&log_min, (int)level);
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
	char line[LOG_LINE_MAX];
	struct timespec now;
	struct tm tm;
	va_list ap;
	size_t n;
	int k;

	if ((int)level < atomic_load_explicit(&log_min, memory_order_relaxed))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
	k = snprintf(line + n, sizeof line - n, ".%03ldZ %s ", now.tv_nsec / 1000000,
		     names[level]);
	n += (size_t)k;
	va_start(ap, format);
	k = vsnprintf(line + n, sizeof line - n - 1, format, ap);
	va_end(ap);
	if (k > 0)
		n += (size_t)k < sizeof line - n - 1 ? (size_t)k : sizeof line - n - 2;
	line[n++] = '\n';
	/* One write keeps a line whole; there is nobody to tell if stderr is gone. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

char *log_escape(char *out, size_t size, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		int plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';

		if (n + (plain ? 1 : 4) + 4 > size) {
			for (int d = 0; d < 3 && n + 1 < size; d++)
				out[n++] = '.';
			break;
		}
		if (plain) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	if (size)
		out[n] = '\0';
	return out;
}
