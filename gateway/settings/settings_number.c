/* Numbers and switches of the configuration, as they are or from one variable. */
#include <math.h>
#include <string.h>

#include "common/check.h"
#include "common/cpus.h"
#include "gateway/settings/settings_priv.h"

static void *field(const struct settings_slot *slot)
{
	return settings_key_field(slot->key, slot->place, slot->base);
}

static void range_error(const struct settings_slot *slot, const struct jsonc_node *node)
{
	const struct settings_key *k = slot->key;
	double scale = k->type == KEY_SECONDS ? 1000 : 1;

	slot_error(slot, node, "%.40s is out of range; give %.16g to %.16g %s%s",
		   node->text, (double)k->min / scale, (double)k->max / scale, k->unit,
		   (k->flags & KEY_ZERO) != 0 ? ", or 0 for no limit"
		   : k->type == KEY_WORKERS   ? ", or \"auto\""
					      : "");
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
		slot_error(slot, node,
			   "%.40s is no whole number; %s have no fractions, round it",
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

/* true: all of them. */
static void set_credentials(const struct settings_slot *slot,
			    const struct jsonc_node *node)
{
	if (node->type == JSONC_BOOL)
		*(uint64_t *)field(slot) = node->boolean ? SETTINGS_CREDENTIALS : 0;
	else
		slot_type_error(slot, node, JSONC_BOOL,
				"true, false or an array of headers");
}

static unsigned automatic_workers(const struct settings_key *k)
{
	unsigned n = cpus_usable();

	return n < k->max ? n : (unsigned)k->max;
}

static void set_workers(const struct settings_slot *slot, const struct jsonc_node *node)
{
	struct settings *s = slot->base;
	uint64_t v;

	if (node->type == JSONC_STRING && strcmp(node->text, "auto") == 0) {
		v = automatic_workers(slot->key);
		s->workers_automatic = true;
	} else if (node->type != JSONC_NUMBER) {
		slot_type_error(slot, node, JSONC_NUMBER, "a number or \"auto\"");
		return;
	} else if (!number_value(slot, node, 1, &v)) {
		return;
	} else {
		s->workers_automatic = false;
	}
	s->workers = (unsigned)v;
}

/* --- from a variable --- */

static void no_fault(void *ctx, struct jsonc_pos pos, const char *text)
{
	(void)ctx;
	(void)pos;
	(void)text;
}

/* Is the text one ${...} and nothing else? */
static bool is_one_variable(const char *text)
{
	const char *close = strchr(text, '}');

	return strncmp(text, "${", 2) == 0 && close != NULL && close[1] == '\0';
}

static bool is_switch(const struct settings_key *k)
{
	return k->type == KEY_BOOL || k->type == KEY_CREDENTIALS;
}

/* Reads a variable's value as the file would be read, without white space or comments.
 * False: not what is wanted. */
static bool read_scalar(const struct settings_key *k, const char *value,
			struct jsonc_node *made)
{
	struct jsonc_sink quiet = {no_fault, NULL};
	struct jsonc_node *read;
	bool ok;

	if (is_switch(k)) {
		made->type = JSONC_BOOL;
		made->boolean = strcmp(value, "true") == 0;
		return made->boolean || strcmp(value, "false") == 0;
	}
	if (strspn(value, "0123456789+-.eE") != strlen(value))
		return false;
	read = jsonc_parse(str_of(value), &quiet);
	ok = read != NULL && read->type == JSONC_NUMBER;
	if (ok) {
		made->type = JSONC_NUMBER;
		made->number = read->number;
	}
	jsonc_free(&read);
	return ok;
}

/* *made stands for node, with the value of its variable; messages show the variable. */
static bool expand_scalar(const struct settings_slot *slot, const struct jsonc_node *node,
			  struct jsonc_node *made)
{
	static char automatic[] = "auto";
	struct settings_text t;
	bool ok;

	if (!slot_text(slot, node, 0, &t))
		return false;
	*made = *node;
	ok = read_scalar(slot->key, t.text, made);
	if (!ok && slot->key->type == KEY_WORKERS && strcmp(t.text, automatic) == 0) {
		made->text = automatic;
		ok = true;
	} else if (!ok) {
		slot_error(
			slot, node,
			"%.140s must hold %s, without quotes, blanks or units; set it to "
			"%s",
			node->text, is_switch(slot->key) ? "true or false" : "a number",
			slot_default_example(slot, (struct str){NULL, 0}, ""));
	}
	settings_text_fini(&t);
	return ok;
}

void slot_set_scalar(const struct settings_slot *slot, const struct jsonc_node *node)
{
	static void (*const setters[])(const struct settings_slot *,
				       const struct jsonc_node *) = {
		[KEY_U32] = set_u32,
		[KEY_U64] = set_u64,
		[KEY_SECONDS] = set_seconds,
		[KEY_PRICE] = set_price,
		[KEY_BOOL] = set_bool,
		[KEY_WORKERS] = set_workers,
		[KEY_CREDENTIALS] = set_credentials,
	};
	struct jsonc_node made;

	if (node->type == JSONC_STRING && is_one_variable(node->text)) {
		if (!expand_scalar(slot, node, &made))
			return;
		node = &made;
	}
	setters[slot->key->type](slot, node);
}
