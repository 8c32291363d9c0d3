/* Where standard output goes. */
#include "gateway/cli/screen.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/check.h"
#include "gateway/cli/ago.h"
#include "gateway/cli/clean.h"

/* POSIX: the first of these that is set and not empty says which characters there are. */
static bool is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && *value != '\0')
			return strcasestr(value, "utf-8") != NULL ||
			       strcasestr(value, "utf8") != NULL;
	}
	return false;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0';
}

struct screen screen_of_output(void)
{
	const char *term = getenv("TERM");
	struct screen s = {.is_terminal = isatty(STDOUT_FILENO) == 1, .columns = 80};
	struct winsize size;

	if (!s.is_terminal)
		return s;
	s.has_colours = !is_set("NO_COLOR") && term != NULL && *term != '\0' &&
			strcmp(term, "dumb") != 0;
	s.has_blocks = is_utf8();
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		s.columns = size.ws_col;
	return s;
}

void screen_put_json(const char *text)
{
	struct sbuf out;

	if (isatty(STDOUT_FILENO) != 1) {
		fputs(text, stdout);
		return;
	}
	sbuf_init(&out, 8 * strlen(text) + 1);
	clean_json(&out, str_of(text));
	fputs(sbuf_text(&out), stdout);
	OPENSSL_cleanse(out.p, out.n);
	sbuf_fini(&out);
}

void screen_print_json_text(const char *text)
{
	screen_put_json(text);
	putchar('\n');
}

void screen_print_json(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	CHECK(text != NULL);
	screen_print_json_text(text);
	OPENSSL_cleanse(text, strlen(text));
	cJSON_free(text);
	cJSON_Delete(json);
}

static bool is_time(const char *field)
{
	size_t n = strlen(field);

	return n > 3 && strcmp(field + n - 3, "_at") == 0;
}

void screen_print_ago(const char *field, const char *value)
{
	char words[AGO_MAX];
	int64_t then;

	if (!is_time(field) || isatty(STDOUT_FILENO) != 1 || !ago_parse(value, &then))
		return;
	ago_text(words, then, time(NULL));
	printf(" (%s)", words);
}
