/* What somebody may have meant: the nearest of some words. Pure: any thread. */
#ifndef COMMON_NEAR_H
#define COMMON_NEAR_H

#include <stddef.h>

#define NEAR_WORD_MAX 64 /* bytes; longer ones are near nothing */

/* How many letters to insert, to leave out, to change or to exchange with the next one,
 * none of them twice (optimal string alignment); more than any word where one is too
 * long. */
unsigned near_distance(const char *a, const char *b);

/* Start from {.given = word}, try all that there are, read `best`: NULL, or the first of
 * the nearest. A word is near where a third of its letters or less differ, one always
 * may, or where it is the beginning of the other, of two letters at least. */
struct near {
	const char *given;
	const char *best;
	unsigned distance;
};
void near_try(struct near *n, const char *word);

#endif
