/* Asks a database a question about usage. Waits: for the command line. */
#ifndef GATEWAY_STATISTICS_ASK_H
#define GATEWAY_STATISTICS_ASK_H

#include "gateway/statistics/questions.h"

/* The answer, JSON ("null" where there is none: no such token), which the caller frees.
 * NULL: error says why, and what to do. */
char *question_ask(const char *conninfo, const struct question_text *t,
		   struct sbuf *error);

#endif
