/* One `tollgate usage generate` at a time in a database. */
#ifndef GATEWAY_USAGE_GENERATE_ALONE_H
#define GATEWAY_USAGE_GENERATE_ALONE_H

#include <stdbool.h>

#include "gateway/usage/generate.h"

/* Waits for another that is at work, however long, and says so; holds until the session ends. */
bool generate_alone(const struct generate_options *o);

#endif
