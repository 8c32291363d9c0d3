/* What `tollgate dev` tells its user, outside the log. */
#include "gateway/dev/say.h"

#include <stdarg.h>
#include <stdio.h>

static void print_line(FILE *to, const char *start, const char *format, va_list ap)
{
	flockfile(to);
	fputs(start, to);
	vfprintf(to, format, ap);
	fputc('\n', to);
	fflush(to);
	funlockfile(to);
}

void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(stdout, "", format, ap);
	va_end(ap);
}

void complain(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_line(stderr, "tollgate dev: ", format, ap);
	va_end(ap);
}
