/* What the parts of loading share: the file at hand, its options, its faults. */
#ifndef GATEWAY_SETTINGS_SETTINGS_PRIV_H
#define GATEWAY_SETTINGS_SETTINGS_PRIV_H

#include "gateway/settings/settings.h"
#include "gateway/settings/settings_faults.h"
#include "gateway/settings/settings_keys.h"

#define SETTINGS_ROUTES_MAX 1000
#define SETTINGS_ENDPOINTS_MAX 16 /* addresses of one upstream */
#define SETTINGS_ISSUERS_MAX 16   /* and as many providers */
#define SETTINGS_LIST_MAX 256     /* elements of any other array */

struct settings_loader {
	const char *file;
	const struct settings_options *options;
	struct settings_faults faults;
	/* An overlay that is not asked for: keys, types and ranges are checked, variables
	 * and files are not looked up, and nothing is required. */
	bool dry;
	char where[192]; /* put before key names in faults: "" or "routes.openai." */
};

/* Value of one key at `base`, which is the place's struct. */
struct settings_slot {
	struct settings_loader *loader;
	const struct settings_key *key;
	enum settings_place place;
	void *base;
	const char *item; /* a header of the key's map, for faults; NULL: none */
};

/* --- settings_value.c: single values --- */

/* Report "<where><key>: <text>" at node. */
void slot_error(const struct settings_slot *slot, const struct jsonc_node *node,
		const char *format, ...) __attribute__((format(printf, 3, 4)));
void slot_warn(const struct settings_slot *slot, const struct jsonc_node *node,
	       const char *format, ...) __attribute__((format(printf, 3, 4)));
/* 1 to 64 letters, digits, . _ - and : */
bool settings_is_name(const char *s);
/* Reads node into the slot; faults are reported and leave the field as it was. */
void slot_set(const struct settings_slot *slot, const struct jsonc_node *node);

/* --- settings_number.c: numbers and switches --- */

void slot_set_scalar(const struct settings_slot *slot, const struct jsonc_node *node);

/* --- settings_advice.c: what messages advise to write --- */

#define EXAMPLE_ROUTE                                                                    \
	"{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": "                   \
	"\"http://127.0.0.1:9001\"}"
#define EXAMPLE_FILE                                                                     \
	"{\"database\": \"postgresql://user:password@host:5432/name\", \"routes\": "     \
	"[" EXAMPLE_ROUTE "]}"

/* False, and reported with what to write instead, if node is of another type. */
bool slot_expect(const struct settings_slot *slot, const struct jsonc_node *node,
		 enum jsonc_type type);
/* Reports that node is not must_be, and what to write instead. */
void slot_type_error(const struct settings_slot *slot, const struct jsonc_node *node,
		     enum jsonc_type wanted, const char *must_be);
/* Reports that object lacks the key, and what to add. */
void slot_missing_error(const struct settings_slot *slot,
			const struct jsonc_node *object);
/* The port of the key's example. */
uint16_t slot_example_port(const struct settings_slot *slot);
/* What a variable of the key's value may be by default, standing between before and
 * after; NULL if nothing is sure to pass. */
const char *slot_default_example(const struct settings_slot *slot, struct str before,
				 const char *after);

/* --- settings_read.c: objects --- */

/* Reads every key of that place from an object, with defaults for what is absent. Values
 * that both places have are inherited from `top` for a route. */
void settings_read_keys(struct settings_loader *l, const struct jsonc_node *object,
			enum settings_place place, void *base,
			const struct settings *top);
/* Reports unknown keys. overlay: also those that an environment should not change. */
void settings_check_names(struct settings_loader *l, const struct jsonc_node *object,
			  enum settings_place place, bool overlay);

/* --- settings_expand.c: strings with variables, secrets from files --- */

struct settings_text {
	char *text;  /* the caller's to free; NULL if there is none */
	bool secret; /* holds a variable's or a file's content */
	/* a variable is unset or a file absent, and the caller allowed it */
	bool missing;
};

enum {
	TEXT_FILE = 1,
	TEXT_MAY_MISS = 2,
	TEXT_QUIET = 4, /* and without a warning */
	TEXT_PATH = 8,  /* the path inside {"file": } */
};

/* Expands a string node, or with TEXT_FILE also {"file": "path"}. False: reported (but
 * not in a dry run), or missing as TEXT_MAY_MISS allows. */
bool slot_text(const struct settings_slot *slot, const struct jsonc_node *node,
	       unsigned flags, struct settings_text *out);
void settings_text_fini(struct settings_text *t);
/* What a message may quote of t: where a variable went into it, the text before that. */
const char *slot_shown(const struct jsonc_node *node, const struct settings_text *t);

/* --- settings_path.c --- */

void slot_set_path(const struct settings_slot *slot, const struct jsonc_node *node);

/* --- settings_list.c --- */

void slot_set_listeners(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_cidrs(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_methods(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_credentials(const struct settings_slot *slot,
			  const struct jsonc_node *node);

/* --- settings_upstream.c, settings_headers.c: values of routes --- */

void slot_set_upstream(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_headers(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_header_names(const struct settings_slot *slot,
			   const struct jsonc_node *node);
void slot_set_protocols(const struct settings_slot *slot, const struct jsonc_node *node);
/* Frees those that hold secrets, which an upstream that stands in must not get. */
void settings_headers_drop_secrets(struct settings_headers *headers);
void settings_headers_fini(struct settings_headers *headers);
void settings_names_fini(struct settings_names *names);
/* Points a route to url instead of its own upstream. */
void settings_route_replace_upstream(struct settings_route *route, const char *url);
void settings_endpoints_fini(struct settings_route *route);

/* --- settings_sign_in.c: the manager's names, issuers and rules --- */

/* What is wrong with a URL that is fetched; NULL: nothing. */
const char *settings_fetched_url_fault(const char *s);
/* "\"key\": what is wrong" at the element's member, or the element. */
void settings_item_error(struct settings_loader *l, const struct jsonc_node *item,
			 const char *key, const char *text);
/* Reads one element of an array of objects into base. False: there are faults, or no
 * values (dry). example: an element, for messages. */
bool settings_read_item(struct settings_loader *l, const struct jsonc_node *node,
			enum settings_place place, void *base, const char *example);
/* Puts "sign_in.issuers[0]." behind l->where; returns how long that was. */
size_t slot_enter(const struct settings_slot *slot, size_t i);
/* An array of at most so many elements. */
bool slot_fits(const struct settings_slot *slot, const struct jsonc_node *node,
	       size_t most);

void slot_set_own_origin(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_plain(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_plain_list(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_word(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_algorithms(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_issuers(const struct settings_slot *slot, const struct jsonc_node *node);
void slot_set_rules(const struct settings_slot *slot, const struct jsonc_node *node);
/* Reports rules of issuers that there are not. */
void settings_check_rules(struct settings_loader *l, const struct jsonc_node *root,
			  const struct settings *s);
void settings_sign_in_fini(struct settings_sign_in *sign_in);

/* --- settings_providers.c --- */

void slot_set_client_secret(const struct settings_slot *slot,
			    const struct jsonc_node *node);
void slot_set_providers(const struct settings_slot *slot, const struct jsonc_node *node);
/* Reports providers without manager.public_url. */
void settings_check_providers(struct settings_loader *l, const struct jsonc_node *root,
			      const struct settings *s);
void settings_providers_fini(struct settings_sign_in *sign_in);

/* --- settings_cors.c --- */

/* NULL if a browser may send it as Origin, else what to do. */
const char *settings_origin_fault(const char *origin);

void slot_set_origins(const struct settings_slot *slot, const struct jsonc_node *node);
/* Reports what does not go together; node is the route, r what was read of it. */
void settings_check_cors(struct settings_loader *l, const struct jsonc_node *node,
			 const struct settings_route *r);
void settings_cors_fini(struct settings_cors *cors);

/* --- settings_overlay.c --- */

/* Checks all overlays and merges the one that is asked for into root. */
void settings_apply_overlay(struct settings_loader *l, struct jsonc_node *root);

/* --- settings.c --- */

/* Frees what s holds, wiping secrets. */
void settings_fini(struct settings *s);

/* --- settings_route.c --- */

void settings_read_routes(struct settings_loader *l, const struct jsonc_node *root,
			  struct settings *s);
/* One route of an overlay: its names, and in a dry run its values. is_new: it changes no
 * route of the file. */
void settings_check_route(struct settings_loader *l, const struct jsonc_node *node,
			  size_t index, bool is_new);
void settings_route_fini(struct settings_route *route);

#endif
