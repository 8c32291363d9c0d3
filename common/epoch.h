/* Publishing immutable objects to threads that read without locks: quiescent-state
 * reclamation.
 *
 * A writer swaps an atomic pointer and hands the old object to epoch_retire. Readers (the
 * workers) hold such a pointer only inside one event callback; each says so by calling
 * epoch_quiesce from its wake handler, a moment at which it holds none. An object is
 * freed once every reader has quiesced after its retirement. After P. E. McKenney's
 * QSBR. */
#ifndef COMMON_EPOCH_H
#define COMMON_EPOCH_H

#include <stddef.h>

struct epoch_domain;
struct epoch_reader;

struct epoch_domain *epoch_domain_new(void);
/* All readers must be gone. Frees everything still retired. */
void epoch_domain_free(struct epoch_domain *d);

/* wake_fd is an eventfd of the reader's loop; reclaiming writes to it. It stays the
 * caller's and must outlive the reader. Any thread. */
struct epoch_reader *epoch_reader_add(struct epoch_domain *d, int wake_fd);
void epoch_reader_remove(struct epoch_reader **reader);
/* On the reader's thread, holding no published pointer. One atomic load and store. */
void epoch_quiesce(struct epoch_reader *reader);

/* Takes ownership of obj (already unpublished) and frees it later. Writers' threads. */
void epoch_retire(struct epoch_domain *d, void *obj, void (*free_fn)(void *));
/* Wakes readers that hold things up, frees what all have passed; returns how many objects
 * still wait. Writers call it after publishing and from their timers. */
size_t epoch_reclaim(struct epoch_domain *d);

#endif
