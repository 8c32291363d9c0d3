/* What a row of the usage log says of a call: how it ended in words, whose fault that
 * was, what to do, and where its time went. Pure. */
#ifndef GATEWAY_API_EXPLAINED_CALL_H
#define GATEWAY_API_EXPLAINED_CALL_H

struct cJSON;

/* row: as the question `row` answers. An object, the caller's:
 *
 *   text     how it ended
 *   fault    "none", "gateway", "upstream", "client"
 *   code     of docs/errors.md, where the gateway answered or broke off; or null
 *   advice   what to do; null where nothing is
 *   time     {gateway_ms, upstream_ms, client_ms}: of total_ms; null where a part is not
 *            known */
struct cJSON *explained_call(const struct cJSON *row);

#endif
