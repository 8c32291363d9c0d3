/* Loading: text, tree, overlay, keys, routes; all faults are collected on the way. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/tls.h"
#include "gateway/journal/group.h"
#include "gateway/settings/settings_file.h"
#include "gateway/settings/settings_priv.h"

#define WHOLE_FILE ((struct jsonc_pos){0, 0})

static void on_syntax_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	struct settings_loader *l = ctx;

	if (strcmp(text, JSONC_EMPTY) == 0)
		faults_error(&l->faults, WHOLE_FILE, "%s; write " EXAMPLE_FILE, text);
	else
		faults_error(&l->faults, pos, "%s", text);
}

static char *host_name(void)
{
	char name[65] = "";

	if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0')
		return xstrdup("localhost");
	return xstrdup(name);
}

static void fill_outer(struct settings_loader *l, struct settings *s)
{
	const struct settings_options *o = l->options;

	s->file = xstrdup(l->file);
	s->env = o->env ? xstrdup(o->env) : NULL;
	if (o->database != NULL)
		s->database = xstrdup(o->database);
	if (s->node == NULL)
		s->node = host_name();
	if (o->state_dir != NULL) {
		free(s->state_dir);
		s->state_dir = xstrdup(o->state_dir);
	}
}

/* One socket cannot serve two ends. Port 0 is a free one each time. */
static void check_apart(struct settings_loader *l, struct jsonc_pos pos,
			const struct settings_listeners *later, const char *name,
			const struct settings_listeners *first)
{
	for (size_t i = 0; i < later->n; i++) {
		const struct net_listen *m = &later->items[i];

		for (size_t j = 0; j < first->n; j++)
			if (m->len == first->items[j].len && !net_listen_is_any_port(m) &&
			    memcmp(&m->sa, &first->items[j].sa, m->len) == 0)
				faults_error(
					&l->faults, pos,
					"%s: %s is taken by listen; give another port",
					name, m->text);
	}
}

static struct jsonc_pos place_of(const struct jsonc_node *root, const char *group,
				 const char *key)
{
	const struct jsonc_node *outer = jsonc_get(root, group);
	const struct jsonc_node *node = outer ? jsonc_get(outer, key) : NULL;

	if (node != NULL)
		return node->pos;
	return outer ? outer->pos : root->pos;
}

static void check_tls(struct settings_loader *l, const struct jsonc_node *root,
		      const struct settings *s)
{
	static const unsigned char no_tickets[TLS_TICKET_KEY_BYTES];
	char why[256];
	SSL_CTX *ctx;

	if (s->tls_listen.n == 0)
		return;
	if (s->tls_certificate == NULL || s->tls_key == NULL) {
		if (l->faults.errors == 0)
			faults_error(
				&l->faults, place_of(root, "tls", "listen"),
				"tls.listen: needs tls.certificate and tls.key; name both files");
		return;
	}
	ctx = tls_server_ctx_new(s->tls_certificate, s->tls_key, no_tickets, why,
				 sizeof why);
	if (ctx == NULL)
		faults_error(&l->faults, place_of(root, "tls", "key"),
			     "tls.key: does not go with tls.certificate: %s; renew both",
			     why);
	SSL_CTX_free(ctx);
}

static void check_listeners(struct settings_loader *l, const struct jsonc_node *root,
			    const struct settings *s)
{
	check_apart(l, place_of(root, "manager", "listen"), &s->manager_listen,
		    "manager.listen", &s->listen);
	check_apart(l, place_of(root, "tls", "listen"), &s->tls_listen, "tls.listen",
		    &s->listen);
	check_apart(l, place_of(root, "tls", "listen"), &s->tls_listen, "tls.listen",
		    &s->manager_listen);
	if (!l->dry)
		check_tls(l, root, s);
}

/* Less than what is there from the start leaves no room for any event to wait. */
static void check_journal(struct settings_loader *l, const struct jsonc_node *root,
			  const struct settings *s)
{
	uint64_t least = usage_group_least_bytes(s->workers + 1, s->journal.ring_bytes);

	if (l->faults.errors == 0 && s->journal.max_bytes < least)
		faults_error(&l->faults, place_of(root, "usage", "journal_bytes"),
			     "usage.journal_bytes: the files of %u workers%s and the "
			     "manager alone take %llu bytes; give more, lower "
			     "usage.ring_bytes, or write %s",
			     s->workers,
			     s->workers_automatic ? " (\"auto\" on this machine)" : "",
			     (unsigned long long)least,
			     s->workers_automatic ? "a number for workers"
						  : "fewer workers");
}

static void read_tree(struct settings_loader *l, struct jsonc_node *root,
		      struct settings *s)
{
	if (root->type != JSONC_OBJECT) {
		faults_error(&l->faults, root->pos,
			     "the file must hold one object, is %s; write " EXAMPLE_FILE,
			     jsonc_type_name(root->type));
		return;
	}
	settings_apply_overlay(l, root);
	settings_check_names(l, root, AT_TOP, false);
	settings_read_keys(l, root, AT_TOP, s, NULL);
	fill_outer(l, s);
	check_listeners(l, root, s);
	check_journal(l, root, s);
	settings_read_routes(l, root, s);
	settings_check_rules(l, root, s);
	settings_check_providers(l, root, s);
}

static struct settings *load(struct settings_loader *l, struct str text)
{
	struct jsonc_sink sink = {on_syntax_fault, l};
	struct settings *s = xcalloc(1, sizeof *s);
	struct jsonc_node *root = NULL;

	s->refs = 1;
	if (text.n > SETTINGS_FILE_MAX)
		faults_error(&l->faults, WHOLE_FILE, "larger than %u bytes; shorten it",
			     SETTINGS_FILE_MAX);
	else
		root = jsonc_parse(text, &sink);
	if (root != NULL)
		read_tree(l, root, s);
	jsonc_free(&root);
	if (l->faults.errors != 0)
		settings_unref(&s);
	return s;
}

static const struct settings_options no_options;

struct settings *settings_load_text(const char *file, struct str text,
				    const struct settings_options *options,
				    struct sbuf *report)
{
	struct settings_loader l = {.file = file,
				    .options = options ? options : &no_options};
	struct settings *s = load(&l, text);

	faults_write(&l.faults, file, report);
	return s;
}

struct settings *settings_load(const char *file, const struct settings_options *options,
			       struct sbuf *report)
{
	struct settings *s;
	const char *why;
	char *text;
	size_t n;

	if (!settings_file_read(file, SETTINGS_FILE_MAX, &text, &n, &why)) {
		sbuf_printf(report, "%s: error: cannot be read: %s; ",
			    settings_file_shown(file), why);
		settings_file_advise(report, file, errno);
		sbuf_lit(report, "\n");
		return NULL;
	}
	s = settings_load_text(file, (struct str){text, n}, options, report);
	OPENSSL_cleanse(text, n);
	free(text);
	return s;
}
