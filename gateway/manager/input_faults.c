/* Faults of a request. */
#include "gateway/manager/input_faults.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/check.h"
#include "common/utf8.h"

#define DETAIL_MAX 400u

static void make_utf8(char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n;) {
		size_t length = utf8_length((unsigned char *)text + i, n - i);

		if (length == 0)
			text[i] = '?';
		i += length > 0 ? length : 1;
	}
}

void input_fault(struct input_faults *f, enum input_place place, const char *where,
		 const char *format, ...)
{
	char detail[DETAIL_MAX], named[DETAIL_MAX];
	cJSON *error;
	va_list ap;

	if (f->n++ >= INPUT_FAULTS_MAX)
		return;
	va_start(ap, format);
	vsnprintf(detail, sizeof detail, format, ap);
	va_end(ap);
	snprintf(named, sizeof named, "%s", where);
	make_utf8(detail);
	make_utf8(named);
	if (f->errors == NULL)
		f->errors = cJSON_CreateArray();
	error = cJSON_CreateObject();
	CHECK(f->errors != NULL && error != NULL);
	CHECK(cJSON_AddStringToObject(
		      error, place == INPUT_POINTER ? "pointer" : "parameter", named) &&
	      cJSON_AddStringToObject(error, "detail", detail) &&
	      cJSON_AddItemToArray(f->errors, error));
}

void input_faults_fini(struct input_faults *f)
{
	cJSON_Delete(f->errors);
	*f = (struct input_faults){0};
}
