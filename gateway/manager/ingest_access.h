/* Who may call POST /api/usage-log.
 *
 * Pure. Nobody signs in there, as with the older system, so a caller is let in if it
 * shows the shared secret, comes from a listed address, or is local. */
#ifndef GATEWAY_MANAGER_INGEST_ACCESS_H
#define GATEWAY_MANAGER_INGEST_ACCESS_H

#include "common/net.h"
#include "gateway/http/request_head.h"
#include "gateway/settings/settings.h"

#define INGEST_PATH "/api/usage-log"
#define INGEST_SECRET_HEADER "Tollgate-Ingest-Secret"
#define INGEST_ACCESS_DETAIL 320

/* True: events are posted to this path, INGEST_PATH. *secret is what it holds, p NULL for
 * none. It may stand behind the path, before it, or behind it with the path once more:
 * some callers add the path to the address that they are given. */
bool ingest_path(struct str path, struct str *secret);

/* path_secret: ingest_path's. Each secret that is
 * shown, there or in the header, must be the right one, also from those who need none: a
 * mistyped one is told at once. False: detail says what would open it, without any
 * secret.
 *
 * The list is compared with the client's own address (client_addr_of). Loopback is never
 * let in by it: behind a proxy on this machine that does not tell of its clients it would
 * be everyone's. */
bool ingest_access(const struct request_head *h, const struct net_ip *peer,
		   struct str path_secret, const struct settings *s,
		   char detail[INGEST_ACCESS_DETAIL]);

#endif
