/* Fetches a small document of a provider, by libcurl. */
#include "gateway/sign_in/fetch_priv.h"

#include <string.h>

#include "common/check.h"
#include "common/version.h"

void fetch_init(void)
{
	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
}

static bool is_loopback_authority(const char *authority)
{
	static const struct str hosts[] = {STR("127.0.0.1"), STR("[::1]")};
	struct str rest = str_of(authority);

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		if (!str_has_prefix(rest, hosts[i]))
			continue;
		switch (rest.n > hosts[i].n ? rest.p[hosts[i].n] : '\0') {
		case '\0':
		case ':':
		case '/':
		case '?':
			return true;
		}
	}
	return false;
}

bool fetch_url_is_allowed(const char *url)
{
	static const struct str https = STR("https://"), http = STR("http://");
	struct str s = str_of(url);
	const char *authority;
	size_t n;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '\\')
			return false;
	if (str_has_prefix(s, https))
		authority = url + https.n;
	else if (str_has_prefix(s, http) && is_loopback_authority(url + http.n))
		authority = url + http.n;
	else
		return false;
	n = strcspn(authority, "/?#");
	return n > 0 && memchr(authority, '@', n) == NULL &&
	       strchr(authority, '#') == NULL;
}

static size_t on_bytes(char *bytes, size_t one, size_t n, void *ctx)
{
	struct sbuf *body = ctx;

	(void)one;
	sbuf_add(body, bytes, n);
	return body->overflow ? 0 : n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const _Atomic bool *stop = ctx;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return stop != NULL && atomic_load(stop);
}

CURL *fetch_prepare(const struct fetch *f, struct sbuf *body, char *why)
{
	CURL *curl = curl_easy_init();
	CURLcode bad = CURLE_OK;

	CHECK(curl != NULL);
#define SET(option, value) bad |= curl_easy_setopt(curl, (option), (value))
	SET(CURLOPT_URL, f->url);
	SET(CURLOPT_PROTOCOLS_STR, "https,http");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_TIMEOUT_MS, FETCH_TIMEOUT_MS);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_USERAGENT, "tollgate/" TOLLGATE_VERSION);
	SET(CURLOPT_WRITEFUNCTION, on_bytes);
	SET(CURLOPT_WRITEDATA, (void *)body);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, (void *)(uintptr_t)f->stop);
	SET(CURLOPT_ERRORBUFFER, why);
	if (f->ca_file != NULL) {
		SET(CURLOPT_CAINFO, f->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
#undef SET
	CHECK(bad == CURLE_OK);
	return curl;
}

long fetch_status(CURL *curl, CURLcode code, const char *why, const struct sbuf *body,
		  struct sbuf *error)
{
	long status = 0;

	if (body->overflow) {
		sbuf_printf(error, "the answer has more than %zu bytes", body->cap);
		return 0;
	}
	if (code != CURLE_OK) {
		sbuf_printf(error, "%s", why[0] != '\0' ? why : curl_easy_strerror(code));
		return 0;
	}
	CHECK(curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
	if (status == 0)
		sbuf_lit(error, "there is no answer");
	return status;
}

bool fetch_get(const struct fetch *f, struct sbuf *body, struct sbuf *error)
{
	char why[CURL_ERROR_SIZE] = "";
	long status;
	CURL *curl;

	CHECK(fetch_url_is_allowed(f->url));
	curl = fetch_prepare(f, body, why);
	status = fetch_status(curl, curl_easy_perform(curl), why, body, error);
	curl_easy_cleanup(curl);
	if (status != 0 && status != 200)
		sbuf_printf(error, "the answer is %ld%s", status,
			    status >= 300 && status < 400 ? "; redirects are not followed"
							  : "");
	return status == 200;
}
