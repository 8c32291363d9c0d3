/* Looks on at the lanes of a process's own group, and of the one that takes its place.
 * The journal's thread. */
#ifndef GATEWAY_JOURNAL_GROUP_TAP_H
#define GATEWAY_JOURNAL_GROUP_TAP_H

#include <stddef.h>

struct group_tap;
struct usage_group;
struct usage_tap;

/* tap outlives it; NULL: NULL is made, at which nothing looks. */
struct group_tap *group_tap_new(struct usage_tap *tap, size_t n_lanes);
void group_tap_free(struct group_tap **t);
/* Copies what was appended since the last look, while somebody wants it: the first time
 * what was appended since the look before the wish, so that nothing is lost after it. */
void group_tap_look(struct group_tap *t, struct usage_group *own);

#endif
