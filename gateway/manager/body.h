/* The fields of a request's JSON body, checked against a table.
 *
 * Pure; any thread. RFC 8259, RFC 6901 (the pointers of faults). */
#ifndef GATEWAY_MANAGER_BODY_H
#define GATEWAY_MANAGER_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/str.h"
#include "gateway/manager/input_faults.h"

struct cJSON;

#define BODY_LINE_MAX 8000

enum body_type {
	BODY_TEXT,    /* min..max characters, none of them a control character */
	BODY_INTEGER, /* min..max, exactly (64 bits) */
	BODY_BOOL,
	BODY_TIME,   /* RFC 3339, with an offset */
	BODY_TEXTS,  /* an array of texts of 1..100 characters; min..max of them */
	BODY_LINES,  /* the same of up to BODY_LINE_MAX characters */
	BODY_ONE_OF, /* a text that is one of `words` */
};

enum body_presence {
	BODY_OPTIONAL,
	BODY_NULLABLE, /* likewise, and may be null */
	BODY_REQUIRED,
};

struct body_field {
	const char *name;
	enum body_type type;
	enum body_presence presence;
	int64_t min, max;
	const char *const *words; /* NULL at the end */
	bool several_lines;       /* BODY_TEXT: line ends and tabs may be in it */
};

/* The object with those fields that are there and right, as functions of the database
 * take it (an integer beyond 2^53 keeps its digits); the caller owns it. Faults: what is
 * no JSON, no object, an unknown, doubled, missing or wrong field, all at once; then the
 * object is not for use. An empty text is an object without fields. */
struct cJSON *body_read(struct str text, const struct body_field *fields, size_t n,
			struct input_faults *faults);

#endif
