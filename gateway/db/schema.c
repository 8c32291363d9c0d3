/* Does a database have the tables and functions that this program was made for? */
#include "gateway/db/schema.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/check.h"
#include "common/embedded.h"
#include "common/pg_sync.h"
#include "common/pg_value.h"

#define ERROR_MAX (64u << 10)

void db_sha256_hex(char out[DB_SHA256_HEX + 1], const char *bytes, size_t n)
{
	unsigned char hash[32];
	unsigned size = 0;

	CHECK(EVP_Digest(bytes, n, hash, &size, EVP_sha256(), NULL) == 1 &&
	      size == sizeof hash);
	hex_encode(out, hash, sizeof hash);
}

/* Of the names and texts of all function files. */
void db_functions_hash(char out[DB_SHA256_HEX + 1])
{
	size_t n;
	const struct embedded_file *files = embedded_functions(&n);
	unsigned char hash[32];
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	CHECK(md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < n; i++)
		CHECK(EVP_DigestUpdate(md, files[i].name, strlen(files[i].name) + 1) ==
			      1 &&
		      EVP_DigestUpdate(md, files[i].text, files[i].n + 1) == 1);
	CHECK(EVP_DigestFinal_ex(md, hash, NULL) == 1);
	EVP_MD_CTX_free(md);
	hex_encode(out, hash, sizeof hash);
}

/* --- the judgement --- */

/* The row of that migration, or of the functions (NULL); -1: there is none. */
static int row_of(const PGresult *r, const char *name)
{
	for (int i = 0; i < PQntuples(r); i++) {
		bool is_functions = PQgetisnull(r, i, 0);

		if (name == NULL
			    ? is_functions
			    : !is_functions && strcmp(PQgetvalue(r, i, 0), name) == 0)
			return i;
	}
	return -1;
}

static bool is_newer(const PGresult *r, const char *newest, struct sbuf *what)
{
	for (int i = 0; i < PQntuples(r); i++) {
		if (PQgetisnull(r, i, 0) || strcmp(PQgetvalue(r, i, 0), newest) <= 0)
			continue;
		sbuf_printf(what, "a newer tollgate has applied %.64s to the database",
			    PQgetvalue(r, i, 0));
		return true;
	}
	return false;
}

static bool lacks_file(const PGresult *r, const struct embedded_file *f,
		       struct sbuf *what)
{
	int row = row_of(r, f->name);
	char hash[DB_SHA256_HEX + 1];

	if (row < 0) {
		sbuf_printf(
			what,
			"the database lacks migration %s: run `tollgate migrate` on it",
			f->name);
		return true;
	}
	db_sha256_hex(hash, f->text, f->n);
	if (strcmp(PQgetvalue(r, row, 1), hash) == 0)
		return false;
	sbuf_printf(
		what,
		"the database has migration %s of another build: run `tollgate migrate` on it, which tells more",
		f->name);
	return true;
}

static enum db_schema_state judge_functions(const PGresult *r, struct sbuf *what)
{
	int row = row_of(r, NULL), schema = row < 0 ? 0 : (int)pg_value_int(r, row, 2);
	char hash[DB_SHA256_HEX + 1];

	if (schema < DB_SCHEMA) {
		sbuf_printf(
			what,
			"the database's functions are older (schema %d, this program's is %d): run `tollgate migrate` on it",
			schema, DB_SCHEMA);
		return DB_SCHEMA_BEHIND;
	}
	if (schema > DB_SCHEMA) {
		sbuf_printf(
			what,
			"the database's functions are of a newer tollgate (schema %d, this program's is %d)",
			schema, DB_SCHEMA);
		return DB_SCHEMA_OTHER;
	}
	db_functions_hash(hash);
	if (strcmp(PQgetvalue(r, row, 1), hash) == 0)
		return DB_SCHEMA_SAME;
	sbuf_lit(
		what,
		"the database's functions are of another build: `tollgate migrate` makes this one's");
	return DB_SCHEMA_OTHER;
}

enum db_schema_state db_schema_judge(const PGresult *r, struct sbuf *what)
{
	size_t n;
	const struct embedded_file *files = embedded_migrations(&n);

	if (r == NULL || PQntuples(r) == 0) {
		sbuf_lit(
			what,
			"the database has no tables of Tollgate: run `tollgate migrate` on it");
		return DB_SCHEMA_NONE;
	}
	for (size_t i = 0; i < n; i++)
		if (lacks_file(r, &files[i], what))
			return DB_SCHEMA_BEHIND;
	if (is_newer(r, files[n - 1].name, what))
		return DB_SCHEMA_OTHER;
	return judge_functions(r, what);
}

enum db_schema_state db_schema_ask(struct pg_sync *s, struct sbuf *what)
{
	enum db_schema_state state = DB_SCHEMA_SAME;
	struct sbuf error;
	PGresult *r;

	sbuf_init(&error, ERROR_MAX);
	r = pg_sync_query(s, DB_SCHEMA_SQL, NULL, 0, &error);
	if (r != NULL || strcmp(pg_sync_sqlstate(s), "42P01") == 0)
		state = db_schema_judge(r, what);
	PQclear(r);
	sbuf_fini(&error);
	return state;
}
