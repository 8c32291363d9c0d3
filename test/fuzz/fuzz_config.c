/* Fuzz target: a configuration text. What loads must dump, and its dump must load to the
 * same. */
#include <stddef.h>
#include <stdint.h>

#include "common/check.h"
#include "gateway/settings/settings.h"

#define OUT_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *variable(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "A") == 0 ? "dbname=a" : NULL;
}

static void check_round_trip(const struct settings *s)
{
	struct settings_options o = {.variable = variable, .database_optional = true};
	struct settings *again;
	struct sbuf first, second, report;

	sbuf_init(&first, OUT_MAX);
	sbuf_init(&second, OUT_MAX);
	sbuf_init(&report, OUT_MAX);
	settings_dump(s, &first);
	if (s->database != NULL && first.n <= SETTINGS_FILE_MAX) {
		again = settings_load_text("t", sbuf_view(&first), &o, &report);
		CHECK(again != NULL);
		settings_dump(again, &second);
		CHECK(str_eq(sbuf_view(&first), sbuf_view(&second)));
		settings_unref(&again);
	}
	sbuf_fini(&first);
	sbuf_fini(&second);
	sbuf_fini(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_options o = {.env = "dev",
				     .env_optional = true,
				     .allow_missing_secrets = true,
				     .database_optional = true,
				     .variable = variable};
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, OUT_MAX);
	s = settings_load_text("t", (struct str){(const char *)data, size}, &o, &report);
	CHECK(s != NULL || report.n != 0);
	CHECK(!report.overflow);
	if (s != NULL)
		check_round_trip(s);
	settings_unref(&s);
	sbuf_fini(&report);
	return 0;
}
