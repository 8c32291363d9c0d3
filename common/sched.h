/* How the kernel's scheduler treats a thread. */
#ifndef COMMON_SCHED_H
#define COMMON_SCHED_H

/* For a thread that works in short pieces on which others wait: it asks for short slices,
 * so that it gets its turn soon beside threads that compute for longer. Its share of the
 * processor stays the same. Of the calling thread; where the kernel does not know or
 * allow it, nothing changes. */
void sched_ask_short_slices(void);

#endif
