/* `tollgate demo`: only the demo upstreams of `tollgate dev`, for tests and benches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net.h"
#include "gateway/cli/clean.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/dev/demo.h"

#define FREE_PORT "127.0.0.1:0"

static void print_ready(void *ctx, const struct demo_addresses *bound)
{
	(void)ctx;
	printf("demo http://%s\nmock http://%s\n", bound->demo.text, bound->mock.text);
	fflush(stdout);
}

/* The echo shows what it receives, credentials too: it is for this machine alone. */
static bool parse_loopback(const struct cli_call *c, struct net_listen *out,
			   const char *text)
{
	struct net_ip ip;
	const char *why;

	if (!net_parse_listen(out, text, &why)) {
		cli_usage_error(c, "%s: %s", cli_shown(text), why);
		return false;
	}
	net_ip_of_sockaddr(&ip, (const struct sockaddr *)&out->sa);
	if (ip.family != 0 && net_ip_is_loopback(&ip))
		return true;
	cli_usage_error(c, "%s: only loopback addresses are allowed", text);
	return false;
}

static int run(const struct cli_call *c)
{
	const char *demo = cli_text(c, "listen"), *mock = cli_text(c, "mock-listen");
	struct demo_addresses listen;
	const char *why;

	if (!parse_loopback(c, &listen.demo, demo ? demo : FREE_PORT) ||
	    !parse_loopback(c, &listen.mock, mock ? mock : FREE_PORT))
		return 2;
	if (demo_run(&listen, print_ready, NULL, &why))
		return 0;
	return cli_fail(c, "%s: %s", why, strerror(errno));
}

const struct cli_command *cli_demo(void)
{
	static const struct cli_option options[] = {
		CLI_OPTION("listen", CLI_TEXT, "ADDRESS:PORT",
			   "the demo's; port 0, as without it, is a free one"),
		CLI_OPTION("mock-listen", CLI_TEXT, "ADDRESS:PORT", "the mock's"),
		{0},
	};
	static const struct cli_command command = {
		.name = "demo",
		.summary = "run only the demo upstreams of `dev`, for tests",
		.text = "Serves the demo upstream and the mock of paid APIs until SIGTERM "
			"or Ctrl-C, and prints their two addresses when it accepts. "
			"Loopback addresses only.",
		.more = "demo:\n"
			"  /status/N  /delay/MS  /stream?events=20&interval_ms=50\n"
			"  /bytes/N[?chunked=1]  /upload[?rate=BYTES_PER_S]\n"
			"  /abort/N[?chunked=1]  /ws  any other path: echo\n"
			"mock:\n"
			"  .../chat/completions  .../completions  .../responses\n"
			"  .../embeddings  .../models  .../jobs  .../tasks\n",
		.options = options,
		.examples = {"tollgate demo", "tollgate demo --listen 127.0.0.1:9001"},
		.fails = "if an address is in use",
		.run = run,
	};

	return &command;
}
