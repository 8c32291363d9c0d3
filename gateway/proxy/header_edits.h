/* What a route sets and removes among a message's fields, ready for quick questions.
 *
 * Pure. Made anew for each message: a few instructions for each entry of the route. */
#ifndef GATEWAY_PROXY_HEADER_EDITS_H
#define GATEWAY_PROXY_HEADER_EDITS_H

#include "common/http.h"
#include "gateway/settings/settings.h"

struct header_edits {
	const struct settings_headers *set;
	const struct settings_names *remove;
	uint64_t set_ids,
		remove_ids; /* HTTP_H_BIT of names that have an id of their own */
	bool by_name;       /* there are other names, too */
};

void header_edits_init(struct header_edits *e, const struct settings_headers *set,
		       const struct settings_names *remove);

/* The route sets or removes this field, so that the peer's own must go. '_' counts as
 * '-', as it does for servers that turn names into variables (RFC 3875 4.1.18). */
bool header_edits_drop(const struct header_edits *e, enum http_field_id id,
		       struct str name);
/* The route sets this field. id is not HTTP_H_OTHER. */
static inline bool header_edits_set(const struct header_edits *e, enum http_field_id id)
{
	return (e->set_ids & HTTP_H_BIT(id)) != 0;
}

/* "Name: value" CRLF. */
void header_add(struct sbuf *out, struct str name, struct str value);
/* All that the route sets, but for framing and hop-by-hop fields, which are the
 * gateway's. */
void header_edits_add_set(const struct header_edits *e, struct sbuf *out);

/* The id of a name whose '_' are read as '-'; HTTP_H_OTHER if there is none. */
enum http_field_id header_alias(struct str name);

#endif
