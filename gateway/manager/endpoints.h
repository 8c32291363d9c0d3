/* The manager's endpoints; endpoint_table.c says where each is. */
#ifndef GATEWAY_MANAGER_ENDPOINTS_H
#define GATEWAY_MANAGER_ENDPOINTS_H

#include "gateway/manager/call.h"

/* GET /: what there is, as text. */
void serve_index(struct call *c);
/* GET /health: the process answers. */
void serve_health(struct call *c);
/* GET /ready: keys can be checked (200), or not (503); with the state of what is
 * behind. */
void serve_ready(struct call *c);
/* POST /api/usage-log: an event of an edge Worker. */
void serve_usage_log(struct call *c);
/* GET /api/usage/test-data: the latest rows. */
void serve_test_data(struct call *c);

#endif
