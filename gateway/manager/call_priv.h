/* What call.c and call_answer.c share of a call. */
#ifndef GATEWAY_MANAGER_CALL_PRIV_H
#define GATEWAY_MANAGER_CALL_PRIV_H

#include "gateway/http/request_id.h"
#include "gateway/manager/call.h"
#include "gateway/manager/operation_find.h"

#define CALL_MAGIC 0x63616c31u
#define CALL_FIELDS_MAX 16384u

enum call_state {
	CALL_IDENTIFYING, /* identities_find has it */
	CALL_COLLECTING,  /* the body arrives */
	CALL_RUNNING,     /* its operation has it */
	CALL_ASKING,      /* the database has it */
};

struct call {
	uint32_t magic;
	struct http_conn *conn; /* NULL: the client has left */
	struct manager_context *context;
	struct operation_match match;
	enum call_state state;
	struct identity *identity;
	struct net_ip client;
	int64_t arrival_us;
	char request_id[ID_UUID_SIZE];
	struct evbuffer *body;
	size_t counted; /* in the context's bytes of bodies */
	char *query_text;
	bool query_is_read;
	struct query query;
	struct cJSON *fields; /* of the body */
	struct input_faults faults;
	char *actor;
	struct sbuf answer_fields;
	struct call_question question; /* asked; values are not kept */
	struct manager_ask *ask;
	void *kept;
	void (*free_kept)(void *state);
};

/* Returns the connection to answer on, or NULL. */
struct http_conn *call_free(struct call *c);

#endif
