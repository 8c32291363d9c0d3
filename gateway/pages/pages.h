/* The web pages, as they are sent: constant bytes of the program. */
#ifndef GATEWAY_PAGES_PAGES_H
#define GATEWAY_PAGES_PAGES_H

#include "gateway/http/conn.h"

/* Both in on_request of the connection's handler. True: it was for the pages, and is
 * answered. */
bool pages_answer(struct http_conn *conn);
/* For a path that nothing else knows. */
bool pages_answer_unknown(struct http_conn *conn);

#endif
