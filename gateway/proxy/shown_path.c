/* A request's path as it may be seen, in a log or in an answer. */
#include "gateway/proxy/shown_path.h"

#include <stdio.h>
#include <string.h>

#include "common/http.h"
#include "common/log.h"
#include "gateway/token/key_text.h"

#define PATH_MAX_SHOWN 160

/* UTF-8 as it goes upstream: percent-encoded. */
static void escape_path(char *out, size_t size, struct str path)
{
	char text[3 * PATH_MAX_SHOWN];

	path.n = path.n < PATH_MAX_SHOWN ? path.n : PATH_MAX_SHOWN;
	if (!http_is_target(path))
		path = (struct str){text, http_encode_high(text, path)};
	log_escape(out, size, path);
}

/* The manager's address with its secret, sent to the wrong port. */
static bool is_ingest(struct str path)
{
	struct str end = STR("/api/usage-log");

	return str_has_prefix(path, STR("/api/usage-log/")) ||
	       (path.n > end.n && memcmp(path.p + path.n - end.n, end.p, end.n) == 0);
}

void shown_path(char *out, size_t size, struct str path, struct str key)
{
	if (is_ingest(path))
		snprintf(out, size, "/api/usage-log/***");
	else if (key_in_text(path, key))
		snprintf(out, size, "(path holds a key)");
	else
		escape_path(out, size, path);
}
