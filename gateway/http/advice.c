/* What an answer, an outcome or an upstream's status means, and what to do about it. */
#include "gateway/http/advice.h"

#include <stdio.h>
#include <string.h>

#include "common/check.h"

const struct advice *advice_of(const char *name)
{
	size_t n;
	const struct advice *rows = advice_rows(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct advice *advice_of_status(int status)
{
	const struct advice *advice;
	char text[16];

	CHECK(status >= 400);
	snprintf(text, sizeof text, "%d", status);
	advice = advice_of(text);
	if (advice == NULL)
		advice = advice_of(status < 500 ? "4xx" : "5xx");
	CHECK(advice != NULL);
	return advice;
}
