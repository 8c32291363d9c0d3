/* What a browser brings that signs in, and what it is given. */
#include "gateway/api/browser.h"

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/check.h"
#include "common/json_text.h"
#include "common/net.h"
#include "common/utf8.h"
#include "gateway/api/identity_json.h"
#include "gateway/manager/bearer.h"
#include "gateway/manager/identities.h"
#include "gateway/token/key_text.h"

static const char *prefix(const struct call *c)
{
	return identities_are_secure(call_context(c)->settings) ? "__Host-" : "";
}

void browser_keep(struct call *c, const char *name, const char *value, const char *age)
{
	bool secure = *prefix(c) != '\0';
	char *text = xasprintf("%s%s=%s; Path=/; Max-Age=%s; HttpOnly; SameSite=Lax%s",
			       prefix(c), name, value, age, secure ? "; Secure" : "");

	call_set_field(c, "Set-Cookie", text);
	OPENSSL_cleanse(text, strlen(text));
	free(text);
}

struct str browser_kept(const struct call *c, const char *name)
{
	struct str value = {NULL, 0};
	char *full = xasprintf("%s%s", prefix(c), name);
	unsigned n = bearer_cookies(call_head(c), str_of(full), &value);

	free(full);
	return n == 1 ? value : (struct str){NULL, 0};
}

void browser_keep_session(struct call *c, const char *value, const char *age)
{
	browser_keep(c, BEARER_COOKIE, value, age);
}

void browser_agent(const struct call *c, char to[BROWSER_AGENT_MAX + 1])
{
	const struct http_field *f =
		request_head_field(call_head(c), HTTP_H_USER_AGENT, NULL);
	char hidden[KEY_TEXT_ROOM];
	struct str s = {NULL, 0};
	size_t n = 0, length;

	if (f != NULL)
		s = key_text_hidden(f->value, (struct str){NULL, 0}, hidden);
	for (size_t at = 0; at < s.n; at += length ? length : 1) {
		length = utf8_length((const unsigned char *)s.p + at, s.n - at);
		if (n + (length ? length : 1) > BROWSER_AGENT_MAX)
			break;
		memcpy(to + n, length ? s.p + at : "?", length ? length : 1);
		n += length ? length : 1;
	}
	to[n] = '\0';
}

char *browser_actor(const struct call *c)
{
	cJSON *actor = cJSON_CreateObject();
	char address[NET_ADDR_TEXT_MAX];

	net_ip_text(call_client(c), address);
	if (*address != '\0')
		json_add_text(actor, "address", address);
	json_add_text(actor, "request_id", call_request_id(c));
	return json_text_take(actor);
}

void browser_hash(const char *secret, unsigned char hash[KEY_HASH_BYTES])
{
	struct key_hasher *hasher = key_hasher_new();

	key_hash(hasher, str_of(secret), hash);
	key_hasher_free(&hasher);
}
