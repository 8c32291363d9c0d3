/* What the makers and the remover of usage share: one `tollgate usage generate` at a time
 * in a database. */
#ifndef GATEWAY_GENERATE_GENERATE_PRIV_H
#define GATEWAY_GENERATE_GENERATE_PRIV_H

#include <stdbool.h>

#include "gateway/generate/generate.h"

/* Waits for another that is at work, however long, and says so; holds until the session
 * ends (behind a pooler, in each transaction). */
bool generate_alone(const struct generate_options *o);

/* Whoever makes up usage can take it away: both need a login that may act as
 * tollgate_owner. Each transaction does from here on. */
bool generate_as_owner(const struct generate_options *o);

#endif
