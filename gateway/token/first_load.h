/* What has become of the first load of keys, for those who wait for it. */
#ifndef GATEWAY_TOKEN_FIRST_LOAD_H
#define GATEWAY_TOKEN_FIRST_LOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum first_load_state {
	FIRST_UNHEARD,   /* PostgreSQL has not answered yet */
	FIRST_CONNECTED, /* it has: the keys are on their way */
	FIRST_FAILED,    /* it cannot be reached, or refuses; tried again all the time */
	FIRST_DONE,
};

struct first_load {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	enum first_load_state state;
};

void first_load_init(struct first_load *f);
void first_load_fini(struct first_load *f);
/* Only forwards. Any thread. */
void first_load_move(struct first_load *f, enum first_load_state to);
/* Waits until it is done or has failed: up to answer_ms for PostgreSQL's first answer, up
 * to load_ms in all. False: it is not done. Any thread. */
bool first_load_wait(struct first_load *f, uint32_t answer_ms, uint32_t load_ms);

#endif
