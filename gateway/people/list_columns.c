/* The columns of lists as CSV: new ones go behind the others. */
#include "gateway/people/list_columns.h"

#include <stddef.h>

#include "common/check.h"

static const char *const logs[] = {"id",
				   "used_at",
				   "token_id",
				   "token_name",
				   "route_path",
				   "request_method",
				   "response_status",
				   "outcome",
				   "error_message",
				   "response_time_ms",
				   "ttfb_ms",
				   "total_ms",
				   "client_wait_ms",
				   "upstream_status",
				   "bytes_in",
				   "bytes_out",
				   "ip_address",
				   "user_agent",
				   "request_id",
				   "trace_id",
				   "node",
				   "tags",
				   NULL};
static const char *const tokens[] = {"id",
				     "name",
				     "description",
				     "team.id",
				     "team.name",
				     "scopes",
				     "key_start",
				     "state",
				     "created_at",
				     "expires_at",
				     "last_used_at",
				     "disabled_at",
				     "revoked_at",
				     "deleted_at",
				     "address_ranges",
				     "old_secret_expires_at",
				     "calls",
				     "errors",
				     NULL};
static const char *const teams[] = {"id",
				    "name",
				    "state",
				    "disabled_at",
				    "scopes_most",
				    "lifetime_most_s",
				    "address_ranges_most",
				    "created_at",
				    "tokens",
				    "members",
				    NULL};
static const char *const users[] = {"id",          "name",          "email", "kind",
				    "is_admin",    "admin_by_rule", "state", "created_at",
				    "disabled_at", "removed_at",    "teams", NULL};
static const char *const user_keys[] = {
	"id",         "user_id",    "name",       "key_start",    "state",
	"created_at", "expires_at", "revoked_at", "last_used_at", NULL};
static const char *const user_sessions[] = {
	"id", "user_id", "created_at", "expires_at", "address", "user_agent", NULL};
static const char *const user_identities[] = {"id",      "user_id",    "issuer",
					      "subject", "created_at", NULL};
static const char *const access_requests[] = {
	"id",    "issuer",   "subject", "name",       "email",
	"state", "first_at", "last_at", "refused_at", NULL};
static const char *const audit[] = {"id",      "created_at",     "user_id", "actor",
				    "acting",  "action",         "target",  "target_id",
				    "team_id", "former_team_id", "before",  "after",
				    "address", "request_id",     NULL};

static const struct {
	const char *name;
	const char *const *columns;
} lists[] = {
	[LIST_LOGS] = {"logs", logs},
	[LIST_TOKENS] = {"tokens", tokens},
	[LIST_TEAMS] = {"teams", teams},
	[LIST_USERS] = {"users", users},
	[LIST_USER_KEYS] = {"user-keys", user_keys},
	[LIST_USER_SESSIONS] = {"user-sessions", user_sessions},
	[LIST_USER_IDENTITIES] = {"user-identities", user_identities},
	[LIST_ACCESS_REQUESTS] = {"access-requests", access_requests},
	[LIST_AUDIT] = {"audit", audit},
};

const char *list_name(enum list_kind kind)
{
	CHECK((size_t)kind < ARRAY_LEN(lists));
	return lists[kind].name;
}

const char *const *list_columns(enum list_kind kind)
{
	CHECK((size_t)kind < ARRAY_LEN(lists));
	return lists[kind].columns;
}
