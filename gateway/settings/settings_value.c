/* Values of the configuration: each type of the key table from its node to its field. */
#include <grp.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/pg_conninfo.h"
#include "gateway/settings/settings_file.h"
#include "gateway/settings/settings_priv.h"

#define NAME_MAX_BYTES 64
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:"
#define SECRET_MIN_BYTES 16
#define SECRET_MAX_BYTES 256

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

static void *field(const struct settings_slot *slot)
{
	return settings_key_field(slot->key, slot->place, slot->base);
}

/* --- strings --- */

bool settings_is_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= NAME_MAX_BYTES && strspn(s, NAME_CHARS) == n;
}

/* Takes over t's text. */
static void store_text(const struct settings_slot *slot, struct settings_text *t)
{
	char **to = field(slot);

	free(*to);
	*to = t->text;
	t->text = NULL;
}

static void name_error(const struct settings_slot *slot, const struct jsonc_node *node,
		       const struct settings_text *t)
{
	char name[NAME_MAX_BYTES + 1] = "";

	snprintf(name, sizeof name, "%s", slot_shown(node, t));
	for (char *p = name; *p != '\0'; p++)
		if (strchr(NAME_CHARS, *p) == NULL)
			*p = '-';
	slot_error(
		slot, node,
		"must be 1 to %d letters, digits or . _ - :; write \"%s\", for instance",
		NAME_MAX_BYTES, *name && !t->secret ? name : slot->key->example);
}

static void set_name(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;

	if (!slot_text(slot, node, 0, &t))
		return;
	if (settings_is_name(t.text))
		store_text(slot, &t);
	else if (strcmp(t.text, "*") == 0 && strcmp(slot->key->name, "scope") == 0)
		slot_error(slot, node,
			   "\"*\" is what a key may hold, not what a route asks for; "
			   "leave scope out to let every valid key in");
	else
		name_error(slot, node, &t);
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

static bool holds_anything(const char *path)
{
	(void)path;
	return true;
}

/* Which keys are in it is told when they are read, again and again. */
static void set_keys_file(const struct settings_slot *slot, const struct jsonc_node *node)
{
	set_pem(slot, node, holds_anything, "");
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
	else if (t.text[0] != '\0' && o->database_unused)
		slot_warn(slot, node, "%s; `tollgate dev` does not use it", why);
	else if (t.text[0] != '\0')
		slot_error(slot, node, "%s", why);
	else if (!optional)
		slot_error(slot, node,
			   "is empty; write postgresql://user:password@host:5432/name");
	settings_text_fini(&t);
}

static void set_mode(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;
	size_t n;

	if (!slot_text(slot, node, 0, &t))
		return;
	n = strlen(t.text);
	if (n >= 3 && n <= 4 && strspn(t.text, "01234567") == n &&
	    strtoul(t.text, NULL, 8) <= 0777)
		*(uint32_t *)field(slot) = (uint32_t)strtoul(t.text, NULL, 8);
	else
		slot_error(slot, node,
			   "must be a mode of three octal digits; write \"%s\"",
			   slot->key->example);
	settings_text_fini(&t);
}

bool settings_group_id(const char *group, gid_t *id)
{
	const struct group *known = getgrnam(group);
	uint64_t number;

	if (known != NULL)
		*id = known->gr_gid;
	else if (str_to_u64(str_of(group), &number) && number < UINT32_MAX)
		*id = (gid_t)number;
	else
		return false;
	return true;
}

static void set_group(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings_text t;
	gid_t id;

	if (!slot_text(slot, node, 0, &t))
		return;
	if (slot->loader->dry || settings_group_id(t.text, &id))
		store_text(slot, &t);
	else
		slot_error(
			slot, node,
			"there is no group \"%.64s\" on this machine; leave it out, or "
			"name one that `getent group` lists",
			slot_shown(node, &t));
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
	struct settings_text t;

	if (!slot_text(slot, node, 0, &t))
		return;
	if (strcmp(t.text, "cancel") == 0)
		*to = ON_ABORT_CANCEL;
	else if (strcmp(t.text, "drain") == 0)
		*to = ON_ABORT_DRAIN;
	else
		slot_error(slot, node,
			   "must be \"cancel\" or \"drain\"; write \"cancel\"");
	settings_text_fini(&t);
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
		[KEY_U32] = slot_set_scalar,
		[KEY_U64] = slot_set_scalar,
		[KEY_SECONDS] = slot_set_scalar,
		[KEY_BOOL] = slot_set_scalar,
		[KEY_NAME] = set_name,
		[KEY_PATH] = slot_set_path,
		[KEY_FILE] = set_file,
		[KEY_PRIVATE_KEY] = set_private_key,
		[KEY_DIRECTORY] = set_directory,
		[KEY_MODE] = set_mode,
		[KEY_GROUP] = set_group,
		[KEY_WORKERS] = slot_set_scalar,
		[KEY_DATABASE] = set_database,
		[KEY_PRICE] = slot_set_scalar,
		[KEY_SECRET] = set_secret,
		[KEY_LISTENERS] = slot_set_listeners,
		[KEY_CIDRS] = slot_set_cidrs,
		[KEY_UPSTREAM] = slot_set_upstream,
		[KEY_METHODS] = slot_set_methods,
		[KEY_CREDENTIALS] = slot_set_credentials,
		[KEY_REQUEST_HEADERS] = slot_set_headers,
		[KEY_RESPONSE_HEADERS] = slot_set_headers,
		[KEY_HEADER_NAMES] = slot_set_header_names,
		[KEY_PROTOCOLS] = slot_set_protocols,
		[KEY_ORIGINS] = slot_set_origins,
		[KEY_OWN_ORIGIN] = slot_set_own_origin,
		[KEY_HOSTS] = slot_set_plain_list,
		[KEY_TEXT] = slot_set_plain,
		[KEY_TEXTS] = slot_set_plain_list,
		[KEY_KEYS_URL] = slot_set_plain,
		[KEY_KEYS_FILE] = set_keys_file,
		[KEY_ISSUER_KIND] = slot_set_word,
		[KEY_ALGORITHMS] = slot_set_algorithms,
		[KEY_ROLE] = slot_set_word,
		[KEY_CLIENT_AUTH] = slot_set_word,
		[KEY_CLIENT_SECRET] = slot_set_client_secret,
		[KEY_ON_ABORT] = set_on_abort,
		[KEY_ISSUERS] = slot_set_issuers,
		[KEY_PROVIDERS] = slot_set_providers,
		[KEY_RULES] = slot_set_rules,
		[KEY_ROUTES] = set_elsewhere,
		[KEY_ENVS] = set_elsewhere,
	};

	setters[slot->key->type](slot, node);
}
