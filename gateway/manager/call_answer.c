/* One request to the manager: asking the database, and answering. */
#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "common/log.h"
#include "common/pg_value.h"
#include "gateway/manager/call_priv.h"
#include "gateway/manager/identities.h"

#define POINTER_MAX 256

/* --- answers --- */

void call_set_field(struct call *c, const char *name, const char *value)
{
	sbuf_printf(&c->answer_fields, "%s: %s\r\n", name, value);
	CHECK(!c->answer_fields.overflow);
}

/* A cookie may be among them. */
static void wipe_lines(struct sbuf *fields)
{
	if (fields->p != NULL)
		OPENSSL_cleanse(fields->p, fields->n);
	sbuf_fini(fields);
}

static void reply(struct call *c, int status, const char *content_type, struct str body)
{
	struct sbuf fields = c->answer_fields;
	struct http_conn *conn;

	c->answer_fields = (struct sbuf){0};
	conn = call_free(c);
	if (conn != NULL)
		http_conn_answer(conn, &(struct http_answer){
					       .status = status,
					       .content_type = content_type,
					       .fields = sbuf_view(&fields),
					       .body = body,
				       });
	wipe_lines(&fields);
}

void call_reply_json(struct call *c, int status, struct str body)
{
	reply(c, status, "application/json", body);
}

void call_reply_object(struct call *c, int status, struct cJSON *json)
{
	char *text = json_text_take(json);

	call_reply_json(c, status, str_of(text));
	free(text);
}

void call_reply_text(struct call *c, int status, struct str body)
{
	reply(c, status, "text/plain; charset=utf-8", body);
}

void call_reply_nothing(struct call *c)
{
	reply(c, 204, NULL, (struct str){0});
}

void call_redirect(struct call *c, const char *location)
{
	call_set_field(c, "Location", location);
	call_set_field(c, "Referrer-Policy", "no-referrer");
	reply(c, 302, "text/plain; charset=utf-8", STR(""));
}

struct stream *call_stream(struct call *c, const char *content_type,
			   const struct stream_user *user, void *ctx)
{
	struct sbuf fields = c->answer_fields;
	struct stream *s = NULL;
	struct http_conn *conn;

	c->answer_fields = (struct sbuf){0};
	conn = call_free(c);
	if (conn != NULL)
		s = stream_begin(conn,
				 &(struct http_answer){
					 .status = 200,
					 .content_type = content_type,
					 .fields = sbuf_view(&fields),
				 },
				 user, ctx);
	wipe_lines(&fields);
	return s;
}

static void problem(struct call *c, struct problem_answer answer)
{
	struct sbuf fields = c->answer_fields;
	struct http_conn *conn;

	c->answer_fields = (struct sbuf){0};
	answer.fields = sbuf_view(&fields);
	conn = call_free(c);
	if (conn != NULL)
		http_conn_problem(conn, answer);
	wipe_lines(&fields);
}

void call_problem(struct call *c, enum problem_id id, const char *detail)
{
	problem(c, (struct problem_answer){.id = id, .detail = detail});
}

void call_problem_later(struct call *c, enum problem_id id, const char *detail,
			uint32_t retry_after_s)
{
	problem(c, (struct problem_answer){
			   .id = id, .detail = detail, .retry_after_s = retry_after_s});
}

static void problem_with_errors(struct call *c, enum problem_id id, const char *detail)
{
	char *errors = cJSON_PrintUnformatted(c->faults.errors);

	CHECK(errors != NULL);
	problem(c, (struct problem_answer){
			   .id = id, .detail = detail, .errors = str_of(errors)});
	cJSON_free(errors);
}

bool call_is_faulty(struct call *c)
{
	char detail[96];

	if (c->faults.n == 0)
		return false;
	snprintf(detail, sizeof detail, "%zu %s wrong; nothing was changed", c->faults.n,
		 c->faults.n == 1 ? "field is" : "fields are");
	problem_with_errors(c, PROBLEM_INVALID_FIELD, detail);
	return true;
}

/* --- what the database says --- */

/* The field that a refusal names, or that the operation expects to be meant. */
static void note_field(struct call *c, const struct pg_reply *r)
{
	const char *field =
		r->field != NULL && *r->field != '\0' ? r->field : c->question.field;
	enum input_place place =
		c->match.operation->body == BODY_JSON ? INPUT_POINTER : INPUT_PARAMETER;
	char pointer[POINTER_MAX];

	if (field == NULL)
		return;
	snprintf(pointer, sizeof pointer, "%s%s", place == INPUT_POINTER ? "#/" : "",
		 field);
	input_fault(&c->faults, place, pointer, "%s", r->message);
}

static void refuse(struct call *c, enum problem_id id, const struct pg_reply *r)
{
	note_field(c, r);
	if (c->faults.n > 0)
		problem_with_errors(c, id, r->message);
	else
		call_problem(c, id, r->message);
}

static bool is_of(const struct pg_reply *r, const char *state)
{
	return strncmp(r->sqlstate, state, strlen(state)) == 0;
}

/* SQLSTATEs of our functions' refusals, and the problems that they are. */
static bool refuse_by_function(struct call *c, const struct pg_reply *r)
{
	static const struct {
		char state[6];
		enum problem_id id;
	} refusals[] = {
		{"TG400", PROBLEM_INVALID_FIELD},
		{"TG403", PROBLEM_ROLE_MISSING},
		{"TG404", PROBLEM_NOT_FOUND},
		{"TG409", PROBLEM_CONFLICT},
		{"TG422", PROBLEM_IDEMPOTENCY_MISMATCH},
	};

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (strcmp(r->sqlstate, refusals[i].state) == 0) {
			refuse(c, refusals[i].id, r);
			return true;
		}
	return false;
}

/* Rules of the owner's on tables that were adopted: constraints (class 23) and triggers.
 * Their names are told, and no more: what they say may hold values of any row. */
static bool refuse_by_rule(struct call *c, const struct pg_reply *r)
{
	bool is_null = strcmp(r->sqlstate, "23502") == 0 && r->field != NULL;
	bool is_trigger = strcmp(r->sqlstate, "P0001") == 0;
	bool is_value = is_null || strcmp(r->sqlstate, "23514") == 0;
	char detail[256];

	if (!is_trigger && !is_of(r, "23"))
		return false;
	log_info("%s: a rule of the database refused it: %s %s", c->match.operation->id,
		 r->sqlstate, r->message);
	if (is_null)
		snprintf(detail, sizeof detail,
			 "the database demands a value in the column \"%.63s\"",
			 r->field);
	else if (r->constraint != NULL)
		snprintf(detail, sizeof detail,
			 "the database's constraint \"%.63s\" does not allow it",
			 r->constraint);
	else
		snprintf(detail, sizeof detail,
			 "a %s of the database does not allow it; the log has what it "
			 "says",
			 is_trigger ? "trigger" : "constraint");
	call_problem(c, is_value ? PROBLEM_INVALID_FIELD : PROBLEM_CONFLICT, detail);
	return true;
}

static void refuse_loss(struct call *c)
{
	call_problem(
		c, PROBLEM_DATABASE_UNAVAILABLE,
		c->question.pool == DB_CHANGES
			? "the database does not answer; whether the change was made "
			  "is not known: look before you send it again"
			: "the database does not answer");
}

static void answer_failure(struct call *c, const struct pg_reply *r)
{
	if (r->outcome == PG_LOST) {
		refuse_loss(c);
	} else if (refuse_by_function(c, r) || refuse_by_rule(c, r)) {
		return;
	} else if (is_of(r, "22")) {
		refuse(c, PROBLEM_INVALID_FIELD, r);
	} else if (is_of(r, "57014") || is_of(r, "55P03") || is_of(r, "40")) {
		call_problem(c, PROBLEM_TOOK_TOO_LONG,
			     "the database did not finish in time; try again, or ask "
			     "for less");
	} else {
		log_warn("%s: the database refused it: %s %s", c->match.operation->id,
			 r->sqlstate, r->message);
		call_problem(c, PROBLEM_INTERNAL_ERROR,
			     "the log has what the database said, under this request's "
			     "operation");
	}
}

static void answer_json(struct call *c, struct str json)
{
	int status = c->question.status != 0 ? c->question.status : 200;

	if (json.p == NULL)
		call_problem(c, PROBLEM_NOT_FOUND,
			     "there is no such thing, or not for "
			     "you");
	else
		call_reply_json(c, status, json);
}

static struct str json_of(const PGresult *result)
{
	if (PQntuples(result) == 0 || PQgetisnull(result, 0, 0))
		return (struct str){0};
	return pg_value_text(result, 0, 0);
}

/* What was remembered of whom the change is about. */
static void forget(struct call *c)
{
	const struct call_question *q = &c->question;

	if (q->changes_user == CALL_ALL_USERS)
		identities_forget(c->context->identities);
	else if (q->changes_user != 0)
		identities_forget_user(c->context->identities, q->changes_user,
				       q->ends_session);
}

static void on_reply(void *ctx, const struct pg_reply *r)
{
	struct call *c = ctx;

	OBJ_CHECK(c, CALL_MAGIC);
	c->ask = NULL;
	c->state = CALL_RUNNING;
	if (r->outcome != PG_ERROR)
		forget(c);
	if (r->outcome != PG_OK) {
		if (c->question.failed == NULL || !c->question.failed(c, r))
			answer_failure(c, r);
	} else if (c->question.then != NULL) {
		c->question.then(c, json_of(r->result));
	} else {
		answer_json(c, json_of(r->result));
	}
}

/* Of an operation that has not read the query, which then has no parameters. */
static bool has_strange_parameters(struct call *c)
{
	static const char *const none[] = {NULL};

	if (!c->query_is_read)
		call_query(c, none);
	return call_is_faulty(c);
}

/* Nothing was sent: nothing was changed. */
static void refuse_unasked(struct call *c)
{
	static const struct pg_reply lost = {.outcome = PG_LOST, .message = "not asked"};

	if (c->question.failed == NULL || !c->question.failed(c, &lost))
		call_problem(c, PROBLEM_DATABASE_UNAVAILABLE,
			     "the database is away, or too much waits for it");
}

void call_ask(struct call *c, const struct call_question *q)
{
	struct pg_params params = {q->values, q->n_values};

	CHECK(q->n_values <= CALL_VALUES_MAX);
	if (has_strange_parameters(c))
		return;
	if (c->identity != NULL && c->identity->is_stale) {
		call_problem(c, PROBLEM_DATABASE_UNAVAILABLE,
			     "the database was away when this call came");
		return;
	}
	c->question = *q;
	c->ask = manager_db_ask(c->context->db, q->pool, q->sql, params, on_reply, c);
	if (c->ask == NULL)
		refuse_unasked(c);
	else if (c->conn == NULL && q->pool != DB_CHANGES)
		call_free(c);
	else
		c->state = CALL_ASKING;
}
