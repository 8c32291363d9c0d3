/* What `tollgate dev` tells its user, outside the log. */
#include "gateway/dev/say.h"

#include <stdarg.h>

#include "common/log.h"

#define SAY_MAX (1 << 20)

static void print_line(void (*print)(struct str), const char *start, const char *format,
		       va_list ap) __attribute__((format(printf, 3, 0)));

static void print_line(void (*print)(struct str), const char *start, const char *format,
		       va_list ap)
{
	struct sbuf line;

	sbuf_init(&line, SAY_MAX);
	sbuf_str(&line, str_of(start));
	sbuf_vprintf(&line, format, ap);
	sbuf_lit(&line, "\n");
	print(sbuf_view(&line));
	sbuf_fini(&line);
}

static void print_error(struct str line)
{
	log_text(LOG_ERROR, line);
}

void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(log_output, "", format, ap);
	va_end(ap);
}

void complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(print_error, "tollgate dev: ", format, ap);
	va_end(ap);
}
