/* GET /api/live of a manager, by libcurl. */
#include "gateway/watch/feed.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/version.h"

#define TEXT_MAX ((size_t)1024 * 1024)
#define ID_MAX 64
#define LATER_S 2 /* until it comes back */

/* One connection. */
struct reading {
	const struct feed *feed;
	CURL *curl;
	struct sbuf text; /* an event, as far as it has come; a refusal, the whole */
	char last_id[ID_MAX];
	bool has_come; /* something has, of an answer 200 */
	bool has_ended;
};

__attribute__((format(printf, 2, 3))) static void notice(const struct reading *r,
							 const char *format, ...)
{
	struct sbuf text;
	va_list ap;

	sbuf_init(&text, TEXT_MAX);
	va_start(ap, format);
	sbuf_vprintf(&text, format, ap);
	va_end(ap);
	if (!text.overflow)
		r->feed->notice(r->feed->ctx, sbuf_text(&text));
	sbuf_fini(&text);
}

/* --- events --- */

static struct str value_of(struct str line, const char *name)
{
	size_t n = strlen(name);

	if (line.n < n + 1 || memcmp(line.p, name, n) != 0 || line.p[n] != ':')
		return (struct str){0};
	line.p += n + 1;
	line.n -= n + 1;
	if (line.n > 0 && *line.p == ' ') {
		line.p++;
		line.n--;
	}
	return line;
}

static void tell_dropped(const struct reading *r, const char *data)
{
	cJSON *json = cJSON_Parse(data);
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(json, "count");

	if (cJSON_IsNumber(count))
		notice(r, "dropped: %.0f calls did not come", count->valuedouble);
	else
		notice(r, "dropped: some calls did not come");
	cJSON_Delete(json);
}

static void tell_end(struct reading *r, const char *data)
{
	cJSON *json = cJSON_Parse(data);
	const char *reason =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "reason"));
	const char *detail =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "detail"));

	r->has_ended = true;
	notice(r, "the stream has ended: %s: %s", reason ? reason : "-",
	       detail ? detail : "-");
	cJSON_Delete(json);
}

static void take_event(struct reading *r, struct str block)
{
	struct str event = {0}, data = {0}, id;
	char *text;

	while (block.n > 0) {
		const char *end = memchr(block.p, '\n', block.n);
		size_t n = end != NULL ? (size_t)(end - block.p) : block.n;
		struct str line = {block.p, n}, value;

		if ((value = value_of(line, "event")).p != NULL)
			event = value;
		else if ((value = value_of(line, "data")).p != NULL)
			data = value;
		else if ((id = value_of(line, "id")).p != NULL)
			str_copy(r->last_id, sizeof r->last_id, id);
		n += end != NULL;
		block.p += n;
		block.n -= n;
	}
	if (data.p == NULL)
		return;
	text = xstrndup(data.p, data.n);
	if (str_eq(event, STR("request")))
		r->feed->row(r->feed->ctx, text);
	else if (str_eq(event, STR("dropped")))
		tell_dropped(r, text);
	else if (str_eq(event, STR("end")))
		tell_end(r, text);
	free(text);
}

/* --- the connection --- */

static size_t on_bytes(char *bytes, size_t one, size_t n, void *ctx)
{
	struct reading *r = ctx;
	long status = 0;
	char *end;

	(void)one;
	sbuf_add(&r->text, bytes, n);
	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	if (r->text.overflow)
		return 0;
	r->has_come |= status == 200;
	while (status == 200 && (end = memmem(r->text.p, r->text.n, "\n\n", 2)) != NULL) {
		size_t used = (size_t)(end - r->text.p);

		take_event(r, (struct str){r->text.p, used});
		used += 2;
		memmove(r->text.p, r->text.p + used, r->text.n - used);
		r->text.n -= used;
	}
	return n;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct reading *r = ctx;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return *r->feed->stop != 0;
}

static struct curl_slist *fields_of(const struct reading *r)
{
	char *bearer = xasprintf("Authorization: Bearer %s", r->feed->key);
	char *last = xasprintf("Last-Event-ID: %s", r->last_id);
	struct curl_slist *fields = curl_slist_append(NULL, bearer);

	if (r->last_id[0] != '\0')
		fields = curl_slist_append(fields, last);
	CHECK(fields != NULL);
	free(bearer);
	free(last);
	return fields;
}

static CURLcode connect_once(struct reading *r, char *why)
{
	struct curl_slist *fields = fields_of(r);
	size_t n = strlen(r->feed->url);
	bool has_slash = n > 0 && r->feed->url[n - 1] == '/';
	char *url = xasprintf("%s%sapi/live?%s", r->feed->url, has_slash ? "" : "/",
			      r->feed->query);
	CURLcode bad = CURLE_OK, code;

	r->curl = curl_easy_init();
	CHECK(r->curl != NULL);
#define SET(option, value) bad |= curl_easy_setopt(r->curl, (option), (value))
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https,http");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_CONNECTTIMEOUT, 10L);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L); /* a comment comes each 15 s */
	SET(CURLOPT_LOW_SPEED_TIME, 60L);
	SET(CURLOPT_USERAGENT, "tollgate/" TOLLGATE_VERSION);
	SET(CURLOPT_HTTPHEADER, fields);
	SET(CURLOPT_WRITEFUNCTION, on_bytes);
	SET(CURLOPT_WRITEDATA, (void *)r);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, (void *)r);
	SET(CURLOPT_ERRORBUFFER, why);
#undef SET
	CHECK(bad == CURLE_OK);
	code = curl_easy_perform(r->curl);
	curl_slist_free_all(fields);
	free(url);
	return code;
}

/* Of a refusal: the problem's detail. True: another try may be let in. */
static bool judge_refusal(const struct reading *r, long status, struct sbuf *why)
{
	cJSON *json = cJSON_ParseWithLength(r->text.p, r->text.n);
	const char *detail =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "detail"));
	const char *title =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "title"));

	sbuf_printf(why, "it answers %ld: %s", status,
		    detail  ? detail
		    : title ? title
			    : "not as a manager does");
	cJSON_Delete(json);
	return status == 429 || status >= 500;
}

/* False: it makes no sense to come back. */
static bool read_once(struct reading *r, struct sbuf *why)
{
	char error[CURL_ERROR_SIZE] = "";
	CURLcode code = connect_once(r, error);
	long status = 0;
	bool again = true;

	curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(r->curl);
	if (*r->feed->stop)
		;
	else if (status != 0 && status != 200)
		again = judge_refusal(r, status, why);
	else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		again = false;
	if (why->n == 0 && code != CURLE_OK)
		sbuf_printf(why, "%s", error[0] ? error : curl_easy_strerror(code));
	return again;
}

bool watch_feed(const struct feed *f, struct sbuf *error)
{
	struct reading r = {.feed = f};
	bool again = true;

	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
	sbuf_init(&r.text, TEXT_MAX);
	while (again && !*f->stop) {
		sbuf_reset(&r.text);
		sbuf_reset(error);
		again = read_once(&r, error);
		if (!again || *f->stop)
			break;
		notice(&r, "%s%s; again in %d s",
		       r.has_come ? "the connection was lost: " : "",
		       error->n > 0 ? sbuf_text(error) : "it has ended", LATER_S);
		sleep(LATER_S);
	}
	sbuf_fini(&r.text);
	curl_global_cleanup();
	return again;
}
