/* The columns of lists as CSV, for whoever writes it. Pure: any thread. */
#ifndef GATEWAY_PEOPLE_LIST_COLUMNS_H
#define GATEWAY_PEOPLE_LIST_COLUMNS_H

enum list_kind {
	LIST_LOGS,
	LIST_TOKENS,
	LIST_TEAMS,
	LIST_USERS,
	LIST_USER_KEYS,
	LIST_USER_SESSIONS,
	LIST_USER_IDENTITIES,
	LIST_ACCESS_REQUESTS,
	LIST_AUDIT,
};

/* "logs", as files are called and the audit has it. */
const char *list_name(enum list_kind kind);
/* As json_rows_csv takes them. */
const char *const *list_columns(enum list_kind kind);

#endif
