/* All that is wrong with a request, at once: `errors` of a problem (RFC 9457 3).
 *
 * Pure; any thread. */
#ifndef GATEWAY_MANAGER_INPUT_FAULTS_H
#define GATEWAY_MANAGER_INPUT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/str.h"

#define INPUT_FAULTS_MAX 50 /* further ones are counted only */

enum input_place {
	INPUT_POINTER,   /* a JSON pointer into the body (RFC 6901); "" is all of it */
	INPUT_PARAMETER, /* a parameter of the query */
};

struct cJSON;

struct input_faults {
	struct cJSON *errors; /* NULL: none */
	size_t n;
};

/* `where` and the text may hold any bytes: what is no UTF-8 becomes '?'. Starts from
 * {0}. */
void input_fault(struct input_faults *f, enum input_place place, const char *where,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));
void input_faults_fini(struct input_faults *f);

#endif
