/* The gateway as a service. */
#include "gateway/run/serve.h"

#include "common/log.h"
#include "gateway/run/run.h"

#define REPORT_MAX (1u << 20)

/* NULL: there are errors, which it told. */
static struct settings *load(const struct serve_options *o)
{
	struct settings_options options = {.env = o->env};
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, REPORT_MAX);
	s = settings_load(o->config, &options, &report);
	if (report.n > 0)
		log_text(s != NULL ? LOG_WARN : LOG_ERROR, sbuf_view(&report));
	sbuf_fini(&report);
	return s;
}

static struct settings *load_again(void *ctx)
{
	struct settings *s = load(ctx);

	if (s == NULL)
		log_error(
			"reload: the configuration has errors; the old one stays in force");
	return s;
}

int serve(const struct serve_options *o)
{
	struct serve_options again = *o;
	struct run_options run = {.reload = load_again, .ctx = &again};

	if (!log_start())
		return 1;
	run.settings = load(o);
	return run.settings != NULL ? run_gateway(&run) : 1;
}
