/* Files that are built into the program: the functions here are generated (Makefile). */
#ifndef COMMON_EMBEDDED_H
#define COMMON_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
	const char *name; /* without folder */
	const char *text; /* n bytes and a NUL */
	size_t n;
};

/* migrations/NNNN_name.sql in order of their names. Constant. */
const struct embedded_file *embedded_migrations(size_t *n);
/* migrations/functions/NN_theme.sql, likewise; first what C declares for SQL too. */
const struct embedded_file *embedded_functions(size_t *n);
/* gateway/statistics/NAME.sql: statements (gateway/statistics/statement.h). */
const struct embedded_file *embedded_statements(size_t *n);
/* docs/openapi.yaml as JSON: one file. */
const struct embedded_file *embedded_openapi(size_t *n);

#endif
