/* What several answers tell of who calls. Any thread. */
#ifndef GATEWAY_API_IDENTITY_JSON_H
#define GATEWAY_API_IDENTITY_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct cJSON;
struct identity;

/* Adds a member: its digits (as a number it would lose some beyond 2^53), or null for
 * 0. */
void json_add_id(struct cJSON *to, const char *name, int64_t id);
/* NULL: null. */
void json_add_text(struct cJSON *to, const char *name, const char *text);
void json_add_bool(struct cJSON *to, const char *name, bool is_so);

/* signed_in: by "key", "session" or "jwt", and which. */
void identity_add_sign_in(struct cJSON *to, const struct identity *i);
/* id, name, email and kind. */
void identity_add_user(struct cJSON *to, const struct identity *i);
/* teams: of each id, name and role. */
void identity_add_teams(struct cJSON *to, const struct identity *i);

#endif
