/* The gateway as a service. */
#include "gateway/run/serve.h"

#include "common/log.h"
#include "gateway/run/run.h"

#define REPORT_MAX (1u << 20)

/* NULL: there are errors, which it told. */
static struct settings *load(const struct serve_options *o)
{
	struct env_file *variables = env_file_new();
	struct settings_options options = {
		.env = o->env, .variable = env_file_variable, .variable_ctx = variables};
	struct settings *s = NULL;
	struct sbuf report;

	sbuf_init(&report, REPORT_MAX);
	if (env_file_list_read(&o->env_files, variables, &report))
		s = settings_load(o->config, &options, &report);
	env_file_free(&variables);
	if (report.n > 0)
		log_text(s != NULL ? LOG_WARN : LOG_ERROR, sbuf_view(&report));
	sbuf_fini(&report);
	return s;
}

static struct settings *load_again(void *ctx)
{
	const struct serve_options *o = ctx;
	struct settings *s = load(o);

	if (o->env_files.n == 0)
		log_info(
			"reload: variables stay as they were at the start; those of a file "
			"(--env-file) would be read again");
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
