/* What the operations on tokens share. The manager's thread. */
#ifndef GATEWAY_API_TOKEN_CALL_H
#define GATEWAY_API_TOKEN_CALL_H

#include "gateway/manager/call.h"
#include "gateway/token/token_calls.h"

/* The path's {id}, as text. What is no number is the id of no token. */
const char *token_call_id(const struct call *c);
/* Asks with the actor before `values`; ends the caller's hold on the call. */
void token_call_ask(struct call *c, enum token_call what, struct call_question q);

#endif
