/* `tollgate demo`: only the demo upstreams of `tollgate dev`, for tests and benches. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/check.h"
#include "common/net.h"
#include "gateway/cli/cli.h"
#include "gateway/cli/cli_options.h"
#include "gateway/dev/demo.h"

static const char help[] =
	"usage: tollgate demo [--listen ADDRESS:PORT] [--mock-listen ADDRESS:PORT]\n\n"
	"Serves the demo upstream and the mock of paid APIs until SIGTERM or Ctrl-C, and prints\n"
	"their two addresses when it accepts. Loopback addresses only; port 0 (the default)\n"
	"picks a free one.\n\n"
	"demo:  /status/N  /delay/MS  /stream?events=20&interval_ms=50  /bytes/N[?chunked=1]\n"
	"       /upload[?rate=BYTES_PER_S]  /abort/N[?chunked=1]  /ws  any other path: echo\n"
	"mock:  .../chat/completions  .../completions  .../responses  .../embeddings\n"
	"       .../models  .../jobs  .../tasks\n";

static void print_ready(void *ctx, const struct demo_addresses *bound)
{
	(void)ctx;
	printf("demo http://%s\nmock http://%s\n", bound->demo.text, bound->mock.text);
	fflush(stdout);
}

/* The echo shows what it receives, credentials too: it is for this machine alone. */
static bool parse_loopback(struct net_listen *out, const char *text)
{
	struct net_ip ip;
	const char *why;

	if (!net_parse_listen(out, text, &why)) {
		fprintf(stderr, "tollgate demo: %s: %s\n", text, why);
		return false;
	}
	net_ip_of_sockaddr(&ip, (const struct sockaddr *)&out->sa);
	if (ip.family != 0 && net_ip_is_loopback(&ip))
		return true;
	fprintf(stderr, "tollgate demo: %s: only loopback addresses are allowed\n", text);
	return false;
}

int cli_demo(int argc, char **argv)
{
	static const struct option options[] = {
		{"listen", required_argument, NULL, 'l'},
		{"mock-listen", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *demo = "127.0.0.1:0", *mock = "127.0.0.1:0", *why;
	struct demo_addresses listen;
	int opt;

	while ((opt = cli_next_option(argc, argv, options)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (opt != 'l' && opt != 'm')
			return 2;
		*(opt == 'l' ? &demo : &mock) = optarg;
	}
	if (optind < argc) {
		fprintf(stderr, "tollgate demo: '%s' is not expected\n",
			cli_shown(argv[optind]));
		return 2;
	}
	if (!parse_loopback(&listen.demo, demo) || !parse_loopback(&listen.mock, mock))
		return 2;
	if (demo_run(&listen, print_ready, NULL, &why))
		return 0;
	fprintf(stderr, "tollgate demo: %s: %s\n", why, strerror(errno));
	return 1;
}
