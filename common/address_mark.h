/* What is known of one address from the attempts of all threads to reach it: whether the
 * last one failed, and how long the last success took.
 *
 * Atomics, which stay with their address as long as a name has it. Any thread. */
#ifndef COMMON_ADDRESS_MARK_H
#define COMMON_ADDRESS_MARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_MARK_US 10000000u /* then one attempt finds out whether it still fails */

/* Zero: nothing is known. */
struct address_mark {
	_Atomic uint64_t failed_until_us; /* monotonic; 0: it does not fail */
	_Atomic uint32_t connect_ms;      /* of the last success */
};

void address_mark_won(struct address_mark *m, uint64_t took_us);
void address_mark_failed(struct address_mark *m, uint64_t now_us);
/* From a failure until a success, however long ago it was. */
bool address_mark_fails(const struct address_mark *m);
/* True for one caller once the mark has run out, and again for one after the same time:
 * that one tries the address, and says what came of it. */
bool address_mark_take_probe(struct address_mark *m, uint64_t now_us);
/* How long an attempt is waited for before the next begins beside it: twice its last
 * time, 250 ms at least, 2 s at most. RFC 8305, 5. */
uint32_t address_mark_delay_ms(const struct address_mark *m);

#endif
