/* What looks wrong about a value that came from a variable or a file.
 *
 * Shells, container runtimes and editors leave quotes, blanks and byte order marks in
 * values, and examples leave placeholders; the upstream would answer 401, hours later.
 * Pure; any thread. */
#ifndef GATEWAY_SETTINGS_SUSPICION_H
#define GATEWAY_SETTINGS_SUSPICION_H

#include <stdbool.h>

#define SUSPICION_NAME_MAX 128 /* a variable's name with its NUL */

/* NULL, or what to say behind "the variable X": a fixed sentence, without the value. */
const char *suspicion_of(const char *value);
/* Is the whole text one variable as other tools write it: $X, $(X), %X%, {{X}}? name gets
 * X. */
bool suspicion_is_reference(const char *text, char name[SUSPICION_NAME_MAX]);
/* The first $X inside a text, X being of capital letters; false if there is none. */
bool suspicion_has_reference(const char *text, char name[SUSPICION_NAME_MAX]);

#endif
