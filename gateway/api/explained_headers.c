/* Which fields the gateway adds to a request, changes and removes. */
#include "gateway/api/explained_headers.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>

#include "common/check.h"
#include "common/clock.h"
#include "gateway/token/key_text.h"

#define HEAD_MAX (256u << 10)
#define NAME_MAX_BYTES 256

/* A line of a head, "Name: value"; *rest goes on behind it. False: the empty line. */
static bool next_field(struct str *rest, struct str *name, struct str *value)
{
	const char *end = memmem(rest->p, rest->n, "\r\n", 2), *colon;
	size_t n;

	CHECK(end != NULL);
	n = (size_t)(end - rest->p);
	colon = memchr(rest->p, ':', n);
	if (n == 0)
		return false;
	CHECK(colon != NULL);
	*name = (struct str){rest->p, (size_t)(colon - rest->p)};
	*value = str_trim((struct str){colon + 1, n - name->n - 1});
	*rest = (struct str){end + 2, rest->n - n - 2};
	return true;
}

static const struct http_field *find(const struct request_head *h, struct str name)
{
	for (unsigned i = 0; i < h->n_fields; i++)
		if (str_ieq(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

/* Once each. A name that holds a key is none that may be told. */
static void add_name(cJSON *list, struct str name, struct str key)
{
	char text[NAME_MAX_BYTES];
	const cJSON *one;

	if (key_in_text(name, key) || !str_copy(text, sizeof text, name))
		return;
	cJSON_ArrayForEach(one, list) if (str_ieq(str_of(one->valuestring), name)) return;
	CHECK(cJSON_AddItemToArray(list, cJSON_CreateString(text)));
}

static void compare(const struct forward_request *f, struct str head, cJSON *out)
{
	cJSON *added = cJSON_AddArrayToObject(out, "added");
	cJSON *changed = cJSON_AddArrayToObject(out, "changed");
	cJSON *removed = cJSON_AddArrayToObject(out, "removed");
	uint64_t kept[(REQUEST_FIELDS_MAX + 63) / 64] = {0};
	struct str name, value;

	CHECK(added != NULL && changed != NULL && removed != NULL);
	while (next_field(&head, &name, &value)) {
		const struct http_field *had = find(f->head, name);

		if (had == NULL)
			add_name(added, name, f->keys->key);
		else if (!str_eq(had->value, value))
			add_name(changed, name, f->keys->key);
		for (unsigned i = 0; i < f->head->n_fields; i++)
			if (str_ieq(f->head->fields[i].name, name))
				kept[i / 64] |= UINT64_C(1) << (i % 64);
	}
	for (unsigned i = 0; i < f->head->n_fields; i++)
		if (!(kept[i / 64] >> (i % 64) & 1))
			add_name(removed, f->head->fields[i].name, f->keys->key);
}

cJSON *explained_headers(const struct forward_request *given)
{
	struct forward_request f = *given;
	cJSON *out = cJSON_CreateObject();
	struct exchange_ids ids;
	struct id_source source;
	struct sbuf head;
	struct str lines;
	const char *first;

	CHECK(out != NULL);
	id_source_init(&source);
	exchange_ids_make(&ids, f.head, clock_wall_us(), &source);
	f.ids = &ids;
	sbuf_init(&head, HEAD_MAX);
	/* All at once: growing would leave what it holds in freed memory. */
	CHECK(sbuf_reserve(&head, HEAD_MAX) != NULL);
	forward_request_head(&head, &f);
	CHECK(!head.overflow);
	first = memmem(head.p, head.n, "\r\n", 2);
	CHECK(first != NULL);
	lines = (struct str){first + 2, head.n - (size_t)(first + 2 - head.p)};
	compare(&f, lines, out);
	CHECK(cJSON_AddBoolToObject(out, "secret_missing", f.route->secret_missing));
	OPENSSL_cleanse(head.p, head.room);
	sbuf_fini(&head);
	return out;
}
