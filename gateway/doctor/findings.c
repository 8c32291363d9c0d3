/* What is found, line by line. */
#include "gateway/doctor/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/check.h"

#define TEXT_MAX 4096

static const char *const words[] = {"ok", "warn", "fail"};

void doctor_tell(struct doctor *d, const char *check, enum doctor_result result,
		 const char *fix, const char *format, ...)
{
	cJSON *line = cJSON_CreateObject();
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	d->failed |= result == DOCTOR_FAIL;
	cJSON_AddStringToObject(line, "check", check);
	cJSON_AddStringToObject(line, "result", words[result]);
	cJSON_AddStringToObject(line, "text", text);
	cJSON_AddItemToObject(line, "fix",
			      fix != NULL ? cJSON_CreateString(fix) : cJSON_CreateNull());
	CHECK(cJSON_AddItemToArray(d->checks, line));
}
