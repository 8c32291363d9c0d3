/* Errors and warnings about one configuration file, collected, then written in its
 * order. */
#ifndef GATEWAY_SETTINGS_SETTINGS_FAULTS_H
#define GATEWAY_SETTINGS_SETTINGS_FAULTS_H

#include "common/jsonc.h"

#define SETTINGS_FAULTS_MAX 200 /* more than these are only counted */

struct settings_fault;

struct settings_faults {
	struct settings_fault *items;
	size_t n, room, errors, dropped;
};

/* Line 0 is the file as a whole. Control characters in the text are escaped, so that a
 * fault stays one line. The text must not quote anything that could be a secret. */
void faults_error(struct settings_faults *f, struct jsonc_pos pos, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));
void faults_warn(struct settings_faults *f, struct jsonc_pos pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends all of them, sorted by place, one a line, and forgets them. */
void faults_write(struct settings_faults *f, const char *file, struct sbuf *report);

#endif
