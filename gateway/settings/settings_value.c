/* Values of the configuration: each type of the key table from its node to its field. */
#include <math.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/pg_conninfo.h"
#include "gateway/settings/settings_file.h"
#include "gateway/settings/settings_loader.h"

#define NAME_MAX_BYTES 64
#define SECRET_MIN_BYTES 16
#define SECRET_MAX_BYTES 256
#define ROUTE_PATH_MAX 255 /* token_usage_logs.route_path is VARCHAR(255) */

void slot_error(const struct settings_slot *slot, const struct jsonc_node *node,
		const char *format, ...)
{
	struct settings_loader *l = slot->loader;
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	CHECK(n >= 0);
	faults_error(&l->faults, node->pos, "%s%s%s%s: %s", l->where, slot->key->name,
		     slot->item ? "." : "", slot->item ? slot->item : "", text);
	free(text);
}

void slot_warn(const struct settings_slot *slot, const struct jsonc_node *node,
	       const char *format, ...)
{
	struct settings_loader *l = slot->loader;
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	CHECK(n >= 0);
	faults_warn(&l->faults, node->pos, "%s%s%s%s: %s", l->where, slot->key->name,
		    slot->item ? "." : "", slot->item ? slot->item : "", text);
	free(text);
}

bool slot_expect(const struct settings_slot *slot, const struct jsonc_node *node,
		 enum jsonc_type type)
{
	static const char *const hints[] = {"",
					    "write true or false",
					    "write it without quotes",
					    "put it in double quotes",
					    "put it in [ ]",
					    "put it in { }"};

	if (node->type == type)
		return true;
	slot_error(slot, node, "must be %s, is %s; %s", jsonc_type_name(type),
		   jsonc_type_name(node->type), hints[type]);
	return false;
}

static void *field(const struct settings_slot *slot)
{
	return settings_key_field(slot->key, slot->place, slot->base);
}

/* --- numbers --- */

static void range_error(const struct settings_slot *slot, const struct jsonc_node *node)
{
	const struct settings_key *k = slot->key;
	double scale = k->type == KEY_SECONDS ? 1000 : 1;

	slot_error(slot, node, "%.40s is out of range; give %.16g to %.16g %s%s",
		   node->text, (double)k->min / scale, (double)k->max / scale, k->unit,
		   (k->flags & KEY_ZERO) != 0 ? ", or 0 for no limit" : "");
}

/* A whole number in the key's range; scale is applied first. */
static bool number_value(const struct settings_slot *slot, const struct jsonc_node *node,
			 double scale, uint64_t *out)
{
	const struct settings_key *k = slot->key;
	double v;

	if (!slot_expect(slot, node, JSONC_NUMBER))
		return false;
	v = node->number * scale;
	if (v == 0 && (k->flags & KEY_ZERO) != 0) {
		*out = 0;
		return true;
	}
	if (!(v >= (double)k->min && v <= (double)k->max)) {
		range_error(slot, node);
		return false;
	}
	*out = (uint64_t)(v + 0.5);
	if (scale == 1 && (double)*out != v) {
		slot_error(slot, node, "%.40s is no whole number; %s have no fractions",
			   node->text, k->unit);
		return false;
	}
	return true;
}

static void set_u32(const struct settings_slot *slot, const struct jsonc_node *node)
{
	uint64_t v;

	if (number_value(slot, node, 1, &v))
		*(uint32_t *)field(slot) = (uint32_t)v;
}

static void set_u64(const struct settings_slot *slot, const struct jsonc_node *node)
{
	uint64_t v;

	if (number_value(slot, node, 1, &v))
		*(uint64_t *)field(slot) = v;
}

static void set_seconds(const struct settings_slot *slot, const struct jsonc_node *node)
{
	uint64_t v;

	if (number_value(slot, node, 1000, &v))
		*(uint32_t *)field(slot) = (uint32_t)v;
}

/* Kept in millionths: sums of millions of calls stay exact. */
static void set_price(const struct settings_slot *slot, const struct jsonc_node *node)
{
	const struct settings_key *k = slot->key;
	double micro;

	if (!slot_expect(slot, node, JSONC_NUMBER))
		return;
	micro = round(node->number * 1e6);
	if (!(micro >= (double)k->min && micro <= (double)k->max))
		slot_error(slot, node, "%.40s is out of range; give 0 to %.16g",
			   node->text, (double)k->max / 1e6);
	else if (fabs(node->number * 1e6 - micro) > 1e-4)
		slot_error(slot, node, "%.40s has more than six decimals; round it",
			   node->text);
	else
		*(uint64_t *)field(slot) = (uint64_t)micro;
}

static void set_bool(const struct settings_slot *slot, const struct jsonc_node *node)
{
	if (slot_expect(slot, node, JSONC_BOOL))
		*(bool *)field(slot) = node->boolean;
}

static unsigned cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 0 ? (unsigned)n : 1;
}

static void set_workers(const struct settings_slot *slot, const struct jsonc_node *node)
{
	uint64_t v;

	if (node->type == JSONC_STRING) {
		if (strcmp(node->text, "auto") != 0) {
			slot_error(
				slot, node,
				"must be \"auto\" or a number; write \"auto\" for one per core");
			return;
		}
		v = cores();
		v = v < slot->key->max ? v : slot->key->max;
	} else if (!number_value(slot, node, 1, &v)) {
		return;
	}
	*(unsigned *)field(slot) = (unsigned)v;
}

/* --- strings --- */

static bool is_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= NAME_MAX_BYTES &&
	       strspn(s,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:") ==
		       n;
}

/* Takes over t's text. */
static void store_text(const struct settings_slot *slot, struct settings_text *t)
{
	char **to = field(slot);

	free(*to);
	*to = t->text;
	t->text = NULL;
}

static void set_name(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;

	if (!slot_text(slot, node, 0, &t))
		return;
	if (is_name(t.text))
		store_text(slot, &t);
	else if (strcmp(t.text, "*") == 0 && strcmp(slot->key->name, "scope") == 0)
		slot_error(slot, node,
			   "\"*\" is what a key may hold, not what a route asks for; "
			   "leave scope out to let every valid key in");
	else
		slot_error(slot, node,
			   "must be 1 to %d letters, digits or . _ - :", NAME_MAX_BYTES);
	settings_text_fini(&t);
}

static bool has_dot_segment(const char *path)
{
	for (const char *p = path; *p != '\0'; p++) {
		const char *s = p + 1;

		if (*p != '/')
			continue;
		s += *s == '.';
		s += *s == '.' && s > p + 1;
		if (s > p + 1 && (*s == '/' || *s == '\0'))
			return true;
	}
	return false;
}

/* NULL if it can be a route's prefix, else what is wrong. */
static const char *route_path_fault(const char *path)
{
	size_t n = strlen(path);

	if (path[0] != '/')
		return "must begin with /; write it as it stands in a URL's path";
	if (n > ROUTE_PATH_MAX)
		return "may have 255 bytes at most; shorten it";
	for (size_t i = 0; i < n; i++)
		if (path[i] <= ' ' || path[i] == 0x7f)
			return "holds a space, a control or a non-ASCII character; use plain ASCII";
	if (strpbrk(path, "%\\") != NULL)
		return "holds % or \\; prefixes are matched as they are, so write plain characters";
	if (strpbrk(path, "?#*") != NULL)
		return "holds ?, # or *; it is a plain prefix, a query or a pattern cannot match";
	if (strstr(path, "//") != NULL)
		return "holds an empty segment //; write one slash";
	if (has_dot_segment(path))
		return "holds a . or .. segment; write the path that it leads to";
	if (n > 1 && path[n - 1] == '/')
		return "ends in /; leave that out, the prefix matches whole segments anyway";
	return NULL;
}

static void set_path(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;
	const char *why;

	if (!slot_text(slot, node, 0, &t))
		return;
	why = route_path_fault(t.text);
	if (why != NULL) {
		slot_error(slot, node, "%s", why);
	} else {
		store_text(slot, &t);
		((struct settings_route *)slot->base)->path_len =
			strlen(*(char **)field(slot));
	}
	settings_text_fini(&t);
}

/* Makes the path absolute or relative to the working directory. */
static bool file_text(const struct settings_slot *slot, const struct jsonc_node *node,
		      struct settings_text *t)
{
	char *beside;

	if (!slot_text(slot, node, 0, t))
		return false;
	if (t->text[0] == '\0')
		return true;
	beside = settings_file_beside(slot->loader->file, t->text);
	free(t->text);
	t->text = beside;
	return true;
}

static bool holds_private_key(const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key;

	if (f == NULL)
		return false;
	/* An empty passphrase, so that an encrypted key is refused instead of asked
	 * for. */
	key = PEM_read_PrivateKey(f, NULL, NULL, (void *)(uintptr_t) "");
	fclose(f);
	ERR_clear_error();
	EVP_PKEY_free(key);
	return key != NULL;
}

static bool holds_certificates(const char *path)
{
	X509_STORE *store = X509_STORE_new();
	bool ok;

	CHECK(store != NULL);
	ok = X509_STORE_load_file(store, path) == 1;
	X509_STORE_free(store);
	ERR_clear_error();
	return ok;
}

/* A PEM file: readable, and what the key wants in it. */
static void set_pem(const struct settings_slot *slot, const struct jsonc_node *node,
		    bool (*holds)(const char *path), const char *what)
{
	struct settings_text t;

	if (!file_text(slot, node, &t))
		return;
	if (slot->loader->dry)
		;
	else if (access(t.text, R_OK) != 0)
		slot_error(
			slot, node,
			"the file %s cannot be read; correct the path or its permissions",
			slot_shown(node, &t));
	else if (!holds(t.text))
		slot_error(slot, node, "the file %s holds no %s; it must be in PEM form",
			   slot_shown(node, &t), what);
	else
		store_text(slot, &t);
	settings_text_fini(&t);
}

static void set_file(const struct settings_slot *slot, const struct jsonc_node *node)
{
	set_pem(slot, node, holds_certificates, "certificates");
}

static void set_private_key(const struct settings_slot *slot,
			    const struct jsonc_node *node)
{
	set_pem(slot, node, holds_private_key, "private key without a passphrase");
}

static void set_directory(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;

	if (!file_text(slot, node, &t))
		return;
	if (t.text[0] != '\0')
		store_text(slot, &t);
	settings_text_fini(&t);
}

static void set_database(const struct settings_slot *slot, const struct jsonc_node *node)
{
	const struct settings_options *o = slot->loader->options;
	bool optional = o->database_optional || o->database != NULL;
	unsigned flags = TEXT_FILE | (optional ? TEXT_MAY_MISS | TEXT_QUIET : 0u);
	struct settings_text t;
	const char *why;

	if (o->database != NULL || !slot_text(slot, node, flags, &t))
		return;
	if (t.text[0] != '\0' && pg_conninfo_check(t.text, &why))
		store_text(slot, &t);
	else if (t.text[0] != '\0')
		slot_error(slot, node, "%s", why);
	else if (!optional)
		slot_error(slot, node,
			   "is empty; write postgresql://user:password@host:5432/name");
	settings_text_fini(&t);
}

/* It may stand in a URL's path, so it is made of what needs no escape there (RFC 3986
 * 2.3). */
static void set_secret(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;
	size_t n;

	if (!slot_text(slot, node, TEXT_FILE, &t))
		return;
	n = strlen(t.text);
	if (n >= SECRET_MIN_BYTES && n <= SECRET_MAX_BYTES &&
	    strspn(t.text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") ==
		    n)
		store_text(slot, &t);
	else if (n != 0)
		slot_error(slot, node,
			   "must be %d to %d letters, digits or - . _ ~; `openssl rand "
			   "-hex 24` makes a good one",
			   SECRET_MIN_BYTES, SECRET_MAX_BYTES);
	if (t.text != NULL)
		OPENSSL_cleanse(t.text, strlen(t.text));
	settings_text_fini(&t);
}

static void set_on_abort(const struct settings_slot *slot, const struct jsonc_node *node)
{
	enum on_client_abort *to = field(slot);

	if (!slot_expect(slot, node, JSONC_STRING))
		return;
	if (strcmp(node->text, "cancel") == 0)
		*to = ON_ABORT_CANCEL;
	else if (strcmp(node->text, "drain") == 0)
		*to = ON_ABORT_DRAIN;
	else
		slot_error(slot, node, "must be \"cancel\" or \"drain\"");
}

/* Routes and overlays are read by their own files. */
static void set_elsewhere(const struct settings_slot *slot, const struct jsonc_node *node)
{
	slot_expect(slot, node,
		    slot->key->type == KEY_ROUTES ? JSONC_ARRAY : JSONC_OBJECT);
}

void slot_set(const struct settings_slot *slot, const struct jsonc_node *node)
{
	static void (*const setters[KEY_TYPE_COUNT])(const struct settings_slot *,
						     const struct jsonc_node *) = {
		[KEY_U32] = set_u32,
		[KEY_U64] = set_u64,
		[KEY_SECONDS] = set_seconds,
		[KEY_BOOL] = set_bool,
		[KEY_NAME] = set_name,
		[KEY_PATH] = set_path,
		[KEY_FILE] = set_file,
		[KEY_PRIVATE_KEY] = set_private_key,
		[KEY_DIRECTORY] = set_directory,
		[KEY_WORKERS] = set_workers,
		[KEY_DATABASE] = set_database,
		[KEY_PRICE] = set_price,
		[KEY_SECRET] = set_secret,
		[KEY_LISTENERS] = slot_set_listeners,
		[KEY_CIDRS] = slot_set_cidrs,
		[KEY_UPSTREAM] = slot_set_upstream,
		[KEY_METHODS] = slot_set_methods,
		[KEY_REQUEST_HEADERS] = slot_set_headers,
		[KEY_RESPONSE_HEADERS] = slot_set_headers,
		[KEY_HEADER_NAMES] = slot_set_header_names,
		[KEY_ORIGINS] = slot_set_origins,
		[KEY_ON_ABORT] = set_on_abort,
		[KEY_ROUTES] = set_elsewhere,
		[KEY_ENVS] = set_elsewhere,
	};

	setters[slot->key->type](slot, node);
}
