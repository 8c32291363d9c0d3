/* Settings: every fault and warning, with its place and its exact text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"
#include "gateway/settings/settings.h"

struct fault_case {
	const char *text; /* put into the case's frame, whose first line ends before it */
	const char *report; /* without the file's name; "" is a file without any fault */
};

/* Keys of the top level. */
static const struct fault_case top_cases[] = {
	{"\"listen\": 5",
	 "2:11: error: listen: must be an address or an array of addresses, is a number; write \"127.0.0.1:5\"\n"},
	{"\"listen\": []", "2:11: error: listen: is empty; write [\"127.0.0.1:8787\"]\n"},
	{"\"listen\": [\"localhost:80\", \"127.0.0.1:0\"]",
	 "2:12: error: listen: \"localhost:80\": the host must be a literal address, or * for all; names are not resolved; write \"127.0.0.1:80\"\n"},
	{"\"listen\": [\"127.0.0.1:80\", \"127.0.0.1:80\"]",
	 "2:28: error: listen: 127.0.0.1:80 is listed twice; remove one\n"},
	{"\"listen\": [\"127.0.0.1:0\", \"127.0.0.1:0\", \"unix:/run/t.sock\"]", ""},
	{"\"listen\": [80]",
	 "2:12: error: listen: must be an address, is a number; write \"127.0.0.1:80\"\n"},
	{"\"manager\": {\"listen\": \"nope\"}",
	 "2:23: error: manager.listen: \"nope\": needs a port from 0 to 65535; write \"127.0.0.1:8000\"\n"},
	{"\"manager\": [\"127.0.0.1:8000\"]",
	 "2:12: error: manager: must be an object, is an array; write {}, and its keys inside\n"},
	{"\"workers\": \"four\"",
	 "2:12: error: workers: must be a number or \"auto\", is a string; write \"auto\"\n"},
	{"\"workers\": 0",
	 "2:12: error: workers: 0 is out of range; give 1 to 256 threads, or \"auto\"\n"},
	{"\"workers\": 256", ""},
	{"\"workers\": 257",
	 "2:12: error: workers: 257 is out of range; give 1 to 256 threads, or \"auto\"\n"},
	{"\"workers\": 1.5",
	 "2:12: error: workers: 1.5 is no whole number; threads have no fractions, round it\n"},
	{"\"workers\": -1",
	 "2:12: error: workers: -1 is out of range; give 1 to 256 threads, or \"auto\"\n"},
	{"\"workers\": true",
	 "2:12: error: workers: must be a number or \"auto\", is true or false; write \"auto\"\n"},
	{"\"node\": \"\"",
	 "2:9: error: node: must be 1 to 64 letters, digits or . _ - :; write \"tollgate-1\", for instance\n"},
	{"\"node\": \"a b\"",
	 "2:9: error: node: must be 1 to 64 letters, digits or . _ - :; write \"a-b\", for instance\n"},
	{"\"node\": \"n-1.example:7\"", ""},
	{"\"trusted_proxies\": [\"10.0.0.0/8\", \"10.0.0.1/8\", \"x\"]",
	 "2:35: error: trusted_proxies: \"10.0.0.1/8\": bits after the prefix are set; write 10.0.0.0/8 or a single address\n"
	 "2:49: error: trusted_proxies: \"x\": not a literal IPv4 or IPv6 address; write 10.0.0.0/8 or a single address\n"},
	{"\"trusted_proxies\": [\"0.0.0.0/0\"]",
	 "2:21: warning: trusted_proxies: 0.0.0.0/0 trusts every peer to name the "
	 "client's address; list your proxies only\n"},
	{"\"usage\": {\"ingest\": {\"secret\": \"short\"}}",
	 "2:32: error: usage.ingest.secret: must be 16 to 256 letters, digits or - . _ "
	 "~; `openssl rand -hex 24` makes a good one\n"},
	{"\"usage\": {\"ingest\": {\"secret\": \"0123456789abcde/\"}}",
	 "2:32: error: usage.ingest.secret: must be 16 to 256 letters, digits or - . _ "
	 "~; `openssl rand -hex 24` makes a good one\n"},
	{"\"usage\": {\"ingest\": {\"secret\": \"0123456789aBcd~_\"}}", ""},
	{"\"usage\": {\"ingest\": {\"secret\": \"${NOT_SET:-}\"}}", ""},
	{"\"usage\": {\"ingest\": {\"secert\": \"0123456789abcdef\"}}",
	 "2:22: error: usage.ingest.secert: unknown key; did you mean "
	 "usage.ingest.secret?\n"},
	{"\"usage\": {\"ingest\": true}",
	 "2:21: error: usage.ingest: must be an object, is true or false; write {}, and its keys inside\n"},
	{"\"usage\": {\"ingest\": {\"allow\": [\"::/0\", \"127.0.0.0/8\", \"10.0.0.0/8\"]}}",
	 "2:32: warning: usage.ingest.allow: ::/0 lets everyone in; list your callers only, or set usage.ingest.secret\n"
	 "2:40: warning: usage.ingest.allow: 127.0.0.0/8 has no effect: callers on this machine are let in anyway, unless they come through a proxy; leave it out\n"},
	{"\"trusted_proxies\": \"10.0.0.0/8\"",
	 "2:20: error: trusted_proxies: must be an array, is a string; write [\"10.0.0.0/8\"]\n"},
	{"\"trust_x_real_ip\": \"yes\"",
	 "2:20: error: trust_x_real_ip: must be true or false, is a string; write true\n"},
	{"\"trust_cf_connecting_ip\": 1",
	 "2:27: error: trust_cf_connecting_ip: must be true or false, is a number; write true\n"},
	{"\"limits\": {\"head_bytes\": 1023}",
	 "2:26: error: limits.head_bytes: 1023 is out of range; give 1024 to 65536 bytes\n"},
	{"\"limits\": {\"head_bytes\": 65537}",
	 "2:26: error: limits.head_bytes: 65537 is out of range; give 1024 to 65536 bytes\n"},
	{"\"limits\": {\"head_bytes\": 1024, \"headers\": 200, \"body_bytes\": 1125899906842624, \"connections\": 1000000}",
	 ""},
	{"\"limits\": {\"head_bytes\": 0}",
	 "2:26: error: limits.head_bytes: 0 is out of range; give 1024 to 65536 bytes\n"},
	{"\"limits\": {\"headers\": 201, \"connections\": 0}",
	 "2:23: error: limits.headers: 201 is out of range; give 1 to 200 headers\n"
	 "2:43: error: limits.connections: 0 is out of range; give 1 to 1000000 connections\n"},
	{"\"limits\": {\"body_bytes\": 1e30}",
	 "2:26: error: limits.body_bytes: 1e30 is out of range; give 1 to "
	 "1125899906842624 bytes, or 0 for no limit\n"},
	{"\"limits\": {\"body_bytes\": -0}", ""},
	{"\"limits\": {\"body_bytes\": 10.5}",
	 "2:26: error: limits.body_bytes: 10.5 is no whole number; bytes have no fractions, round it\n"},
	{"\"limits\": {\"body_bytes\": \"1MB\"}",
	 "2:26: error: limits.body_bytes: must be a number, is a string; write 1048576\n"},
	{"\"limits\": 5",
	 "2:11: error: limits: must be an object, is a number; write {}, and its keys inside\n"},
	{"\"limits\": {}", ""},
	{"\"timeouts\": {\"head_s\": 0}",
	 "2:24: error: timeouts.head_s: 0 is out of range; give 0.1 to 3600 seconds\n"},
	{"\"timeouts\": {\"head_s\": 0.1, \"body_s\": 0, \"total_s\": 604800}", ""},
	{"\"timeouts\": {\"head_s\": 0.0999}",
	 "2:24: error: timeouts.head_s: 0.0999 is out of range; give 0.1 to 3600 seconds\n"},
	{"\"timeouts\": {\"total_s\": 604801}",
	 "2:25: error: timeouts.total_s: 604801 is out of range; give 0.01 to 604800 "
	 "seconds, or 0 for no limit\n"},
	{"\"timeouts\": {\"body_s\": 0.0001}",
	 "2:24: error: timeouts.body_s: 0.0001 is out of range; give 0.1 to 86400 "
	 "seconds, or 0 for no limit\n"},
	{"\"timeouts\": {\"idle_s\": 1e999}",
	 "2:24: error: timeouts.idle_s: 1e999 is out of range; give 0.01 to 86400 "
	 "seconds, or 0 for no limit\n"},
	{"\"timeouts\": {\"connect_s\": null}",
	 "2:27: error: timeouts.connect_s: must be a number, is null; leave it out, or write 5\n"},
	{"\"pools\": {\"idle_s\": 61}",
	 "2:21: warning: pools.idle_s: many servers close idle connections sooner than "
	 "this; keep it below the upstream's own time\n"},
	{"\"pools\": {\"idle_s\": 3601}",
	 "2:21: error: pools.idle_s: 3601 is out of range; give 0.1 to 3600 seconds\n"},
	{"\"pools\": {\"idle_connections\": 0, \"max_requests\": 0, \"max_age_s\": 0}",
	 ""},
	{"\"tokens\": {\"max_stale_s\": 0.5, \"poll_s\": 0}",
	 "2:27: error: tokens.max_stale_s: 0.5 is out of range; give 1 to 2592000 seconds\n"
	 "2:42: error: tokens.poll_s: 0 is out of range; give 0.1 to 3600 seconds\n"},
	{"\"usage\": {\"ring_bytes\": 65535, \"sync_ms\": 5}",
	 "2:25: error: usage.ring_bytes: 65535 is out of range; give 65536 to 67108864 bytes\n"
	 "2:43: error: usage.sync_ms: 5 is out of range; give 10 to 60000 milliseconds\n"},
	{"\"workers\": 2, \"usage\": {\"journal_bytes\": 2777087, \"ring_bytes\": 65537}",
	 "2:42: error: usage.journal_bytes: the files of 2 workers and the manager alone "
	 "take 2777088 bytes; give more, lower usage.ring_bytes, or write fewer workers\n"},
	{"\"workers\": 2, \"usage\": {\"journal_bytes\": 2777088, \"ring_bytes\": 65537}",
	 ""},
	{"\"access_log\": \"on\"",
	 "2:15: error: access_log: must be true or false, is a string; write true\n"},
	{"\"state_dir\": 1",
	 "2:14: error: state_dir: must be a string, is a number; write \"1\"\n"},
	{"\"state_dir\": \"\"", ""},
	{"\"listne\": \"127.0.0.1:1\"",
	 "2:1: error: listne: unknown key; did you mean listen?\n"},
	{"\"limits\": {\"head_byte\": 2000}",
	 "2:12: error: limits.head_byte: unknown key; did you mean limits.head_bytes?\n"},
	{"\"Limits\": {}", "2:1: error: Limits: unknown key; did you mean limits?\n"},
	{"\"first_byte_s\": 10",
	 "2:1: error: first_byte_s: unknown key; did you mean timeouts.first_byte_s?\n"},
	{"\"timeout\": {\"first_byte_s\": 1}",
	 "2:1: error: timeout: unknown key; did you mean timeouts?\n"},
	{"\"strip_prefix\": true",
	 "2:1: error: strip_prefix: belongs inside a route; move it there\n"},
	{"\"set_headers\": {}",
	 "2:1: error: set_headers: belongs inside a route; move it there\n"},
	{"\"tls\": {\"ca_file\": \"x\"}",
	 "2:9: error: tls.ca_file: belongs inside a route; move it there\n"},
	{"\"tls\": {\"listen\": [\"127.0.0.1:1\"]}",
	 "2:19: error: tls.listen: needs tls.certificate and tls.key; name both files\n"},
	{"\"tls\": {\"listen\": [\"127.0.0.1:8787\"], \"key\": \"/dev/null\"}",
	 "2:19: error: tls.listen: 127.0.0.1:8787 is taken by listen; give another port\n"
	 "2:46: error: tls.key: the file /dev/null holds no private key without a passphrase; it must be in PEM form\n"},
	{"\"zzzzzzzz\": 1",
	 "2:1: error: zzzzzzzz: unknown key; docs/configuration.md lists all keys\n"},
	{"\"limits.headers\": 5",
	 "2:1: error: limits.headers: unknown key; a dot does not nest, write { } inside { }\n"},
	{"\"limits\": {\"head.bytes\": 5000}",
	 "2:12: error: limits.head.bytes: unknown key; a dot does not nest, write { } inside { }\n"},
	{"\"a\\nb\": 1",
	 "2:1: error: a\\x0ab: unknown key; docs/configuration.md lists all keys\n"},
	{"\"limits\": {\"limits\": {\"headers\": 1}}",
	 "2:12: error: limits.limits: unknown key; docs/configuration.md lists all keys\n"},
	{"\"node\": \"${NODE}\"",
	 "2:9: error: node: the variable NODE is not set or empty; set it, or write ${NODE:-tollgate-1}\n"},
	{"\"node\": \"${EMPTY}\"",
	 "2:9: error: node: the variable EMPTY is not set or empty; set it, or write ${EMPTY:-tollgate-1}\n"},
	{"\"node\": \"${NODE:-}\"",
	 "2:9: error: node: must be 1 to 64 letters, digits or . _ - :; write \"tollgate-1\", for instance\n"},
	{"\"node\": \"${NODE:-x}${KEY}\"", ""},
	{"\"node\": \"${1X}\"",
	 "2:9: error: node: what stands in ${...} is no variable's name; write ${NAME} "
	 "or ${NAME:-default}, or $${ for a literal ${\n"},
	{"\"node\": \"${}\"",
	 "2:9: error: node: what stands in ${...} is no variable's name; write ${NAME} "
	 "or ${NAME:-default}, or $${ for a literal ${\n"},
	{"\"node\": \"${a b}\"",
	 "2:9: error: node: what stands in ${...} is no variable's name; write ${NAME} "
	 "or ${NAME:-default}, or $${ for a literal ${\n"},
	{"\"node\": \"${KEY\"",
	 "2:9: error: node: \"${\" is not closed; end it with }, or write $${ for a literal ${\n"},
	{"\"node\": \"${A:-${B}}\"",
	 "2:9: error: node: ${...} inside ${...} is not expanded; write one variable, or "
	 "a plain default\n"},
	{"\"node\": \"$KEY\"", "2:9: error: node: $KEY is not expanded; write ${KEY}\n"},
	{"\"node\": \"$${KEY}\"",
	 "2:9: error: node: must be 1 to 64 letters, digits or . _ - :; write \"--KEY-\", for instance\n"},
	{"\"node\": \"${A}${B}\"",
	 "2:9: error: node: the variable A is not set or empty; set it, or write ${A:-default}\n"
	 "2:9: error: node: the variable B is not set or empty; set it, or write ${B:-default}\n"},
	{"\"env\": []",
	 "2:8: error: env: must be an object, is an array; write {\"dev\": {}}\n"},
	{"\"env\": {\"dev\": 1}",
	 "2:16: error: env.dev: must be an object, is a number; write {}\n"},
	{"\"env\": {\"dev\": {\"lisen\": \"127.0.0.1:1\", \"limits\": {\"headers\": 0}, \"env\": {}}}",
	 "2:17: error: env.dev.lisen: unknown key; did you mean listen?\n"
	 "2:52: warning: env.dev.limits.headers: an environment should change addresses and secrets, not behaviour; move it out of env\n"
	 "2:63: error: env.dev.limits.headers: 0 is out of range; give 1 to 200 headers\n"
	 "2:67: error: env.dev.env: an environment cannot hold environments; move it to the top level\n"},
	{"\"env\": {\"dev\": {\"routes\": [{\"name\": \"b\", \"upstream\": \"http://x\"}]}}",
	 "2:37: error: env.dev.routes: there is no route \"b\" to change; correct the "
	 "name, or add a path\n"},
	{"\"env\": {\"dev\": {\"routes\": [{\"upstream\": \"http://x\"}, 5]}}",
	 "2:28: error: env.dev.routes[0]: must be an object with the name of the route that it changes; write {\"name\": \"a\"}\n"
	 "2:54: error: env.dev.routes[1]: must be an object with the name of the route that it changes; write {\"name\": \"a\"}\n"},
	{"\"env\": {\"dev\": {\"routes\": [{\"name\": \"a\", \"upstream\": \"ftp://x\", \"paths\": 1, \"strip_prefix\": false}]}}",
	 "2:54: error: env.dev.routes.a.upstream: the URL is no http:// or https:// URL; write it in full, as https://api.example/v1\n"
	 "2:65: error: env.dev.routes.a.paths: unknown key; did you mean path?\n"
	 "2:77: warning: env.dev.routes.a.strip_prefix: an environment should change addresses and secrets, not behaviour; move it out of env\n"},
	{"\"env\": {\"dev\": {\"database\": \"${UNSET}\", \"node\": \"${UNSET}\", "
	 "\"routes\": [{\"name\": \"a\", \"set_headers\": {\"X\": {\"file\": "
	 "\"nope\"}}}]}}",
	 ""},
	{"\"database\": \"dbname=y\"",
	 "2:1: error: duplicate key \"database\", first on line 1; remove one of them\n"},
	{"\"routes\": []",
	 "2:1: error: duplicate key \"routes\", first on line 1; remove one of them\n"},
	{"\"listen\": \"127.0.0.1:8000\"",
	 "1:1: error: manager.listen: 127.0.0.1:8000 is taken by listen; give another port\n"},
	{"\"manager\": {\"listen\": [\"[::1]:0\", \"unix:/run/a.sock\"]}, \"listen\": [\"[::1]:0\", \"unix:/run/a.sock\"]",
	 "2:23: error: manager.listen: unix:/run/a.sock is taken by listen; give another port\n"},
};

/* Keys of a route. */
static const struct fault_case route_cases[] = {
	{"\"paht\": 1", "2:1: error: routes.r.paht: unknown key; did you mean path?\n"},
	{"\"limits\": {\"headers\": 5}",
	 "2:12: error: routes.r.limits.headers: cannot be set per route; move it to the top level\n"},
	{"\"limits\": {\"connections\": 5}",
	 "2:12: error: routes.r.limits.connections: cannot be set per route; move it to "
	 "the top level\n"},
	{"\"timeouts\": {\"head_s\": 1, \"drain_s\": 1, \"keep_alive_s\": 1}",
	 "2:14: error: routes.r.timeouts.head_s: cannot be set per route; move it to the top level\n"
	 "2:27: error: routes.r.timeouts.drain_s: cannot be set per route; move it to the top level\n"
	 "2:41: error: routes.r.timeouts.keep_alive_s: cannot be set per route; move it to the top level\n"},
	{"\"listen\": \"127.0.0.1:1\"",
	 "2:1: error: routes.r.listen: cannot be set per route; move it to the top level\n"},
	{"\"timeouts\": {\"total_s\": 0.001}",
	 "2:25: error: routes.r.timeouts.total_s: 0.001 is out of range; give 0.01 to "
	 "604800 seconds, or 0 for no limit\n"},
	{"\"methods\": []",
	 "2:12: error: routes.r.methods: is empty, so nothing could reach this route; "
	 "list methods, or leave the key out for all\n"},
	{"\"methods\": [\"get\", \"FETCH\", \"GETT\", \"GET\", \"GET\"]",
	 "2:13: error: routes.r.methods: \"get\" is none of GET HEAD POST PUT PATCH DELETE OPTIONS; did you mean GET?\n"
	 "2:20: error: routes.r.methods: \"FETCH\" is none of GET HEAD POST PUT PATCH DELETE OPTIONS; did you mean PATCH?\n"
	 "2:29: error: routes.r.methods: \"GETT\" is none of GET HEAD POST PUT PATCH DELETE OPTIONS; did you mean GET?\n"
	 "2:44: error: routes.r.methods: GET is listed twice; remove one\n"},
	{"\"upgrade_protocols\": [\"h2c\", \"HTTP/2.0\", \"Tls/1.3\", \"a b\", \"irc/\", \"irc/2.0\"]",
	 "2:23: error: routes.r.upgrade_protocols: \"h2c\" is HTTP again, whose calls would pass without a key; remove it\n"
	 "2:30: error: routes.r.upgrade_protocols: \"HTTP/2.0\" is HTTP again, whose calls would pass without a key; remove it\n"
	 "2:42: error: routes.r.upgrade_protocols: \"Tls/1.3\" is HTTP again, whose calls would pass without a key; remove it\n"
	 "2:53: error: routes.r.upgrade_protocols: \"a b\" is no protocol; write it as in Upgrade: websocket, for instance\n"
	 "2:60: error: routes.r.upgrade_protocols: \"irc/\" is no protocol; write it as in Upgrade: websocket, for instance\n"},
	{"\"upgrade_protocols\": []", ""},
	{"\"upgrade_protocols\": \"websocket\"",
	 "2:22: error: routes.r.upgrade_protocols: must be an array, is a string; write [\"websocket\"]\n"},
	{"\"methods\": \"GET\"",
	 "2:12: error: routes.r.methods: must be an array, is a string; write [\"GET\"]\n"},
	{"\"methods\": [1]",
	 "2:13: error: routes.r.methods: must be a string, is a number; write \"GET\"\n"},
	{"\"forward_credentials\": [\"cookie\"]", ""},
	{"\"forward_credentials\": [\"Cookie\", \"X-GOOG-API-KEY\"]", ""},
	{"\"forward_credentials\": []",
	 "2:24: error: routes.r.forward_credentials: is empty; write false, or list headers\n"},
	{"\"forward_credentials\": \"cookie\"",
	 "2:24: error: routes.r.forward_credentials: must be an array, is a string; write [\"cookie\"]\n"},
	{"\"forward_credentials\": 1",
	 "2:24: error: routes.r.forward_credentials: must be true, false or an array of headers, is a number; write true\n"},
	{"\"forward_credentials\": [\"coookie\", \"X-API-Key\", \"api-key\", \"cookie\", \"Cookie\"]",
	 "2:25: error: routes.r.forward_credentials: \"coookie\" is none of Authorization, Cookie, Proxy-Authorization, X-Goog-Api-Key; did you mean cookie?\n"
	 "2:36: error: routes.r.forward_credentials: \"X-API-Key\" holds the caller's key, which is never sent on; remove it\n"
	 "2:49: error: routes.r.forward_credentials: \"api-key\" is none of Authorization, Cookie, Proxy-Authorization, X-Goog-Api-Key; remove it: other headers are sent on anyway\n"
	 "2:70: error: routes.r.forward_credentials: Cookie is listed twice; remove one\n"},
	{"\"price_per_call\": 0.000001", ""},
	{"\"price_per_call\": 1000000", ""},
	{"\"price_per_call\": -1",
	 "2:19: error: routes.r.price_per_call: -1 is out of range; give 0 to 1000000\n"},
	{"\"price_per_call\": 1e300", "2:19: error: routes.r.price_per_call: 1e300 is "
				      "out of range; give 0 to 1000000\n"},
	{"\"price_per_call\": 0.0000015",
	 "2:19: error: routes.r.price_per_call: 0.0000015 has more than six decimals; round it\n"},
	{"\"price_per_call\": \"0.1\"",
	 "2:19: error: routes.r.price_per_call: must be a number, is a string; write 0.1\n"},
	{"\"scope\": \"*\"",
	 "2:10: error: routes.r.scope: \"*\" is what a key may hold, not what a route "
	 "asks for; leave scope out to let every valid key in\n"},
	{"\"scope\": \"\"",
	 "2:10: error: routes.r.scope: must be 1 to 64 letters, digits or . _ - :; write \"test\", for instance\n"},
	{"\"scope\": \"a b\"",
	 "2:10: error: routes.r.scope: must be 1 to 64 letters, digits or . _ - :; write \"a-b\", for instance\n"},
	{"\"strip_prefix\": \"true\"",
	 "2:17: error: routes.r.strip_prefix: must be true or false, is a string; write true\n"},
	{"\"on_client_abort\": \"ignore\"",
	 "2:20: error: routes.r.on_client_abort: must be \"cancel\" or \"drain\"; write \"cancel\"\n"},
	{"\"on_client_abort\": 1",
	 "2:20: error: routes.r.on_client_abort: must be a string, is a number; write \"cancel\"\n"},
	{"\"set_headers\": []",
	 "2:16: error: routes.r.set_headers: must be an object, is an array; write {\"X-Name\": \"value\"}\n"},
	{"\"set_headers\": {\"A b\": \"x\", \"\": \"y\"}",
	 "2:17: error: routes.r.set_headers: \"A b\" is no header name; write letters, digits and -\n"
	 "2:29: error: routes.r.set_headers: \"\" is no header name; write letters, digits and -\n"},
	{"\"set_headers\": {\"Content-Length\": \"1\", \"transfer-encoding\": \"x\", \"Connection\": \"x\", \"Host\": \"h\", \"Expect\": \"x\", \"TE\": \"x\"}",
	 "2:17: error: routes.r.set_headers: \"Content-Length\" frames the body, which the gateway does itself; remove it\n"
	 "2:40: error: routes.r.set_headers: \"transfer-encoding\" frames the body, which the gateway does itself; remove it\n"
	 "2:66: error: routes.r.set_headers: \"Connection\" is hop-by-hop, which the gateway handles itself; remove it\n"
	 "2:98: error: routes.r.set_headers: \"Expect\" is answered by the gateway itself; remove it\n"
	 "2:113: error: routes.r.set_headers: \"TE\" is hop-by-hop, which the gateway handles itself; remove it\n"},
	{"\"set_headers\": {\"Host\": \"example.com:8080\"}", ""},
	{"\"set_headers\": {\"host\": \"exa mple\"}",
	 "2:25: error: routes.r.set_headers.host: the value is no host or host:port; correct it\n"},
	{"\"set_headers\": {\"Host\": \"\"}",
	 "2:25: error: routes.r.set_headers.Host: the value is no host or host:port; correct it\n"},
	{"\"set_headers\": {\"X-A\": \"a\\nb\"}",
	 "2:24: error: routes.r.set_headers.X-A: the value holds a control character "
	 "(line break, tab, ...); remove it\n"},
	{"\"set_headers\": {\"X-A\": \"a\\tb\"}",
	 "2:24: error: routes.r.set_headers.X-A: the value holds a control character "
	 "(line break, tab, ...); remove it\n"},
	{"\"set_headers\": {\"X-A\": \"${BREAK}\"}",
	 "2:24: error: routes.r.set_headers.X-A: the value holds a control character "
	 "(line break, tab, ...); remove it\n"},
	{"\"set_headers\": {\"X-A\": \" a\"}",
	 "2:24: error: routes.r.set_headers.X-A: the value begins or ends with a space; remove it\n"},
	{"\"set_headers\": {\"X-A\": \"1\", \"x-a\": \"2\"}",
	 "2:29: error: routes.r.set_headers: x-a is given twice, header names have no "
	 "case; remove one\n"},
	{"\"set_headers\": {\"X-A\": 5}",
	 "2:24: error: routes.r.set_headers.X-A: must be a string or {\"file\": \"path\"}, is a number; write \"5\"\n"},
	{"\"set_headers\": {\"X-A\": {\"file\": 5}}",
	 "2:24: error: routes.r.set_headers.X-A: an object here must be {\"file\": \"path\"}; or write \"value\"\n"},
	{"\"set_headers\": {\"X-A\": {\"fil\": \"x\"}}",
	 "2:24: error: routes.r.set_headers.X-A: an object here must be {\"file\": \"path\"}; or write \"value\"\n"},
	{"\"set_headers\": {\"X-A\": {\"file\": \"x\", \"mode\": 1}}",
	 "2:24: error: routes.r.set_headers.X-A: an object here must be {\"file\": \"path\"}; or write \"value\"\n"},
	{"\"set_headers\": {\"X-A\": {\"file\": \"/nonexistent/x\"}}",
	 "2:24: error: routes.r.set_headers.X-A: the file /nonexistent/x cannot be used: No such file or directory; give the path of a file that is there\n"},
	{"\"set_headers\": {\"X-A\": {\"file\": \"/\"}}",
	 "2:24: error: routes.r.set_headers.X-A: the file / cannot be used: it is a folder; name a file\n"},
	{"\"set_headers\": {\"X-A\": {\"file\": \"/dev/zero\"}}",
	 "2:24: error: routes.r.set_headers.X-A: the file /dev/zero cannot be used: it is not a regular file; save its content as a file, and name that\n"},
	{"\"set_headers\": {\"Authorization\": \"Bearer sk-1\"}",
	 "2:34: warning: routes.r.set_headers.Authorization: a credential in clear; "
	 "write ${VARIABLE} or {\"file\": \"path\"}, so that this file can be shared\n"},
	{"\"set_headers\": {\"Authorization\": \"Bearer ${NOPE}\"}",
	 "2:34: error: routes.r.set_headers.Authorization: the variable NOPE is not set "
	 "or empty; set it, or write ${NOPE:-default}\n"},
	{"\"set_headers\": {\"Authorization\": \"Bearer ${KEY}\", \"X-Api-Key\": \"${KEY}\"}",
	 ""},
	{"\"remove_headers\": \"X\"",
	 "2:19: error: routes.r.remove_headers: must be an array, is a string; write [\"X\"]\n"},
	{"\"remove_headers\": [\"Host\", \"Content-Length\", \"X Y\", 5, \"Ok\"]",
	 "2:20: error: routes.r.remove_headers: \"Host\" is in every request; remove it here\n"
	 "2:28: error: routes.r.remove_headers: \"Content-Length\" frames the body, which the gateway does itself; remove it\n"
	 "2:46: error: routes.r.remove_headers: \"X Y\" is no header name; write letters, digits and -\n"
	 "2:53: error: routes.r.remove_headers: must be a string, is a number; write \"X-Name\"\n"},
	{"\"response_headers\": {\"set\": {\"Transfer-Encoding\": \"x\", \"X-A\": \"\\u0007\"}, \"remove\": [\"Connection\"]}",
	 "2:30: error: routes.r.response_headers.set: \"Transfer-Encoding\" frames the body, which the gateway does itself; remove it\n"
	 "2:63: error: routes.r.response_headers.set.X-A: the value holds a control character (line break, tab, ...); remove it\n"
	 "2:85: error: routes.r.response_headers.remove: \"Connection\" is hop-by-hop, which the gateway handles itself; remove it\n"},
	{"\"response_headers\": {\"Set\": {}}",
	 "2:22: error: routes.r.response_headers.Set: unknown key; did you mean "
	 "response_headers.set?\n"},
	{"\"response_headers\": []",
	 "2:21: error: routes.r.response_headers: must be an object, is an array; write {}, and its keys inside\n"},
	{"\"tls\": {\"ca_file\": \"/nonexistent/ca.pem\"}",
	 "2:20: error: routes.r.tls.ca_file: the file /nonexistent/ca.pem cannot be "
	 "read; correct the path or its permissions\n"},
	{"\"tls\": {\"ca_file\": \"/etc/passwd\"}",
	 "2:20: error: routes.r.tls.ca_file: the file /etc/passwd holds no certificates; "
	 "it must be in PEM form\n"},
	{"\"forward_client_info\": null",
	 "2:24: error: routes.r.forward_client_info: must be true or false, is null; leave it out, or write false\n"},
	{"\"pools\": {\"idle_s\": 120}",
	 "2:21: warning: routes.r.pools.idle_s: many servers close idle connections "
	 "sooner than this; keep it below the upstream's own time\n"},
};

/* Of a route's cors. */
static const struct fault_case cors_cases[] = {
	{"\"cors\": []",
	 "2:9: error: routes.r.cors: must be an object, is an array; write {\"origins\": [\"https://app.example\"]}\n"},
	{"\"cors\": {}", "2:9: error: routes.r.cors.origins: is missing; list the "
			 "origins whose pages may call, or [\"*\"] for all\n"},
	{"\"cors\": {\"credentials\": true}",
	 "2:9: error: routes.r.cors.origins: is missing; list the origins whose pages "
	 "may call, or [\"*\"] for all\n"},
	{"\"cors\": {\"origins\": \"*\"}",
	 "2:21: error: routes.r.cors.origins: must be an array, is a string; write [\"*\"]\n"},
	{"\"cors\": {\"origins\": []}",
	 "2:21: error: routes.r.cors.origins: is empty; list origins, or leave cors out "
	 "to leave CORS to the upstream\n"},
	{"\"cors\": {\"origin\": [\"*\"]}",
	 "2:9: error: routes.r.cors.origins: is missing; list the origins whose pages may call, or [\"*\"] for all\n"
	 "2:10: error: routes.r.cors.origin: unknown key; did you mean cors.origins?\n"},
	{"\"cors\": {\"origins\": [1, \"https://a\", \"https://a\"]}",
	 "2:22: error: routes.r.cors.origins: must be a string, is a number; write \"https://app.example\"\n"
	 "2:38: error: routes.r.cors.origins: \"https://a\" is listed twice; remove one\n"},
	{"\"cors\": {\"origins\": [\"null\", \"https://*.a\", \"https://A\", \"a.example\", \"://a\", \"https:/a\", \"https://\"]}",
	 "2:22: error: routes.r.cors.origins: \"null\" is sent by pages of anyone; list real origins\n"
	 "2:30: error: routes.r.cors.origins: \"https://*.a\" holds *; list each origin, or \"*\" alone for all\n"
	 "2:45: error: routes.r.cors.origins: \"https://A\" has upper-case letters; browsers send lower case\n"
	 "2:58: error: routes.r.cors.origins: \"a.example\" has no scheme; write https://app.example\n"
	 "2:71: error: routes.r.cors.origins: \"://a\" has no scheme; write https://app.example\n"
	 "2:79: error: routes.r.cors.origins: \"https:/a\" has no scheme; write https://app.example\n"
	 "2:91: error: routes.r.cors.origins: \"https://\" has no valid host; write https://app.example or http://localhost:5173\n"},
	{"\"cors\": {\"origins\": [\"https://a/\", \"https://u@a\", \"https://a?b\", "
	 "\"https://a b\", \"https://a:\", \"https://a:123456\", \"https://[::1\", "
	 "\"https://a\xc3\xa9\"]}",
	 "2:22: error: routes.r.cors.origins: \"https://a/\" holds more than scheme, host and port; write https://app.example\n"
	 "2:36: error: routes.r.cors.origins: \"https://u@a\" holds more than scheme, host and port; write https://app.example\n"
	 "2:51: error: routes.r.cors.origins: \"https://a?b\" holds more than scheme, host and port; write https://app.example\n"
	 "2:66: error: routes.r.cors.origins: \"https://a b\" has no valid host; write https://app.example or http://localhost:5173\n"
	 "2:81: error: routes.r.cors.origins: \"https://a:\" has no valid host; write https://app.example or http://localhost:5173\n"
	 "2:95: error: routes.r.cors.origins: \"https://a:123456\" has no valid host; write https://app.example or http://localhost:5173\n"
	 "2:115: error: routes.r.cors.origins: \"https://[::1\" has no valid host; write https://app.example or http://localhost:5173\n"
	 "2:131: error: routes.r.cors.origins: \"https://a\xc3\xa9\" has no valid host; write https://app.example or http://localhost:5173\n"},
	{"\"cors\": {\"origins\": [\"http://a:80\", \"https://a:443\", \"http://a:443\", \"https://a:80\"]}",
	 "2:22: error: routes.r.cors.origins: \"http://a:80\" names the scheme's own port, which browsers leave out; remove it\n"
	 "2:37: error: routes.r.cors.origins: \"https://a:443\" names the scheme's own port, which browsers leave out; remove it\n"},
	{"\"cors\": {\"origins\": [\"*\", \"https://a\"]}",
	 "2:21: error: routes.r.cors.origins: \"*\" stands for all; remove it or the others\n"},
	{"\"cors\": {\"origins\": [\"*\"], \"credentials\": true}",
	 "2:43: error: routes.r.cors.credentials: cannot be true for the pages of "
	 "anyone; list the origins instead of \"*\"\n"},
	{"\"cors\": {\"origins\": [\"*\"], \"headers\": []}",
	 "2:39: error: routes.r.cors.headers: is empty, so no page could send a key; "
	 "list headers, or leave the key out for all\n"},
	{"\"cors\": {\"origins\": [\"*\"], \"headers\": [\"*\", \"a b\"]}",
	 "2:39: error: routes.r.cors.headers: \"*\" does not stand for Authorization; leave the key out for all\n"
	 "2:45: error: routes.r.cors.headers: \"a b\" is no header name; write letters, digits and -\n"},
	{"\"cors\": {\"origins\": [\"https://a\"], \"expose_headers\": [\"*\"], \"credentials\": true}",
	 "2:54: error: routes.r.cors.expose_headers: \"*\" means nothing with "
	 "credentials; list headers\n"},
	{"\"cors\": {\"origins\": [\"*\"], \"expose_headers\": [\"*\"]}", ""},
	{"\"cors\": {\"origins\": [\"*\"], \"methods\": [\"PUT\", \"GET\"]}, \"methods\": [\"GET\"]",
	 "2:39: error: routes.r.cors.methods: PUT is not among the route's methods; "
	 "remove it here or add it there\n"},
	{"\"cors\": {\"origins\": [\"*\"], \"max_age_s\": 86401}",
	 "2:41: error: routes.r.cors.max_age_s: 86401 is out of range; give 0 to 86400 seconds\n"},
	{"\"cors\": {\"origins\": [\"*\"]}, \"response_headers\": {\"set\": {\"access-control-allow-origin\": \"x\"}}",
	 "2:49: error: routes.r.response_headers: Access-Control-* headers are written "
	 "by cors; remove them here\n"},
	{"\"cors\": {\"origins\": [\"*\"]}, \"response_headers\": {\"remove\": [\"Access-Control-Max-Age\"]}",
	 "2:49: error: routes.r.response_headers: Access-Control-* headers are written "
	 "by cors; remove them here\n"},
	{"\"response_headers\": {\"set\": {\"Access-Control-Allow-Origin\": \"x\"}}", ""},
};

/* Whole routes. */
static const struct fault_case routes_cases[] = {
	{"5",
	 "2:1: error: routes[0]: must be an object, is a number; write {\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": \"http://127.0.0.1:9001\"}\n"},
	{"{}",
	 "2:1: error: routes[0].name: is missing; add \"name\": \"test\" (what the route is called in logs and overlays; unique)\n"
	 "2:1: error: routes[0].path: is missing; add \"path\": \"/api/test\" (prefix of the paths that the route takes, on segment borders; unique)\n"
	 "2:1: error: routes[0].upstream: is missing; add \"upstream\": \"http://127.0.0.1:9001\" (URL to send to, or an array of URLs that differ in host and port only)\n"},
	{"{\"name\": \"a\"}",
	 "2:1: error: routes.a.path: is missing; add \"path\": \"/api/test\" (prefix of the paths that the route takes, on segment borders; unique)\n"
	 "2:1: error: routes.a.upstream: is missing; add \"upstream\": \"http://127.0.0.1:9001\" (URL to send to, or an array of URLs that differ in host and port only)\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}, {\"name\": \"a\", \"path\": \"/b\", \"upstream\": \"http://h\"}",
	 "2:63: error: routes.a.name: another route has this name; rename one\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}, {\"name\": \"b\", \"path\": \"/a\", \"upstream\": \"http://h\"}",
	 "2:76: error: routes.b.path: route a has this path already, so nothing reaches "
	 "this one; change one\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}, {\"name\": \"b\", \"path\": \"/A\", \"upstream\": \"http://h\"}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"a\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: must begin with /; write \"/a\"\n"},
	{"{\"name\": \"a\", \"path\": \"\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: must begin with /; write \"/\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a/\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: ends in /; the prefix matches whole segments anyway; write \"/a\"\n"},
	{"{\"name\": \"a\", \"path\": \"/\", \"upstream\": \"http://h\"}", ""},
	{"{\"name\": \"a\", \"path\": \"/a//b\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds an empty segment //; write \"/a/b\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a/../b\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds a . or .. segment; write \"/b\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a/.\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds a . or .. segment; write \"/a\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a/...\", \"upstream\": \"http://h\"}", ""},
	{"{\"name\": \"a\", \"path\": \"/a/.b\", \"upstream\": \"http://h\"}", ""},
	{"{\"name\": \"a\", \"path\": \"/a%2fb\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds % or \\; prefixes are matched as they are; write \"/a-2fb\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a\\\\b\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds % or \\; prefixes are matched as they are; write \"/a/b\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a b\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds a space, a control or a non-ASCII character; write \"/a-b\"\n"},
	{"{\"name\": \"a\", \"path\": \"/\303\251\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds a space, a control or a non-ASCII character; write \"/--\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a?b\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds ?, # or *; it is a plain prefix, a query or a pattern cannot match; write \"/a\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a*\", \"upstream\": \"http://h\"}",
	 "2:23: error: routes.a.path: holds ?, # or *; it is a plain prefix, a query or a pattern cannot match; write \"/a\"\n"},
	{"{\"name\": \"a\", \"path\": \"/health\", \"upstream\": \"http://h\"}",
	 "2:23: warning: routes.a.path: /health and /ready are answered by the gateway "
	 "itself; only paths below reach this route\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"https://192.0.2.1\", \"set_headers\": {\"host\": \"api.example\"}}",
	 "2:41: warning: routes.a.upstream: its certificate has to name the address, and SNI is not sent, although set_headers says another Host; write the name in the URL\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": [\"https://h\", \"https://[2001:db8::1]:8443\"], \"set_headers\": {\"Host\": \"h\"}}",
	 "2:41: warning: routes.a.upstream: its certificate has to name the address, and SNI is not sent, although set_headers says another Host; write the name in the URL\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"https://[2001:db8::1]:8443\", \"set_headers\": {\"Host\": \"[2001:db8::1]:8443\"}}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"https://192.0.2.1:8443\", \"set_headers\": {\"Host\": \"192.0.2.1\"}}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"https://192.0.2.1\", \"set_headers\": {\"Host\": \"192.0.2.10\"}}",
	 "2:41: warning: routes.a.upstream: its certificate has to name the address, and SNI is not sent, although set_headers says another Host; write the name in the URL\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://192.0.2.1\", \"set_headers\": {\"Host\": \"api.example\"}}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"https://h\", \"set_headers\": {\"Host\": \"api.example\"}}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/v1\", \"upstream\": \"http://h/v1\", \"strip_prefix\": false}",
	 "2:42: warning: routes.a.upstream: calls to /v1 go to /v1/v1, the prefix twice; "
	 "drop it from the URL, or leave strip_prefix true\n"},
	{"{\"name\": \"a\", \"path\": \"/v1/x\", \"upstream\": \"http://h/v1\", \"strip_prefix\": false}",
	 "2:44: warning: routes.a.upstream: calls to /v1/x go to /v1/v1/x, the prefix "
	 "twice; drop it from the URL, or leave strip_prefix true\n"},
	{"{\"name\": \"a\", \"path\": \"/v1\", \"upstream\": \"http://h/api/v1\", \"strip_prefix\": false}",
	 "2:42: warning: routes.a.upstream: calls to /v1 go to /api/v1/v1, the prefix "
	 "twice; drop it from the URL, or leave strip_prefix true\n"},
	{"{\"name\": \"a\", \"path\": \"/v1\", \"upstream\": \"http://h/v1x\", \"strip_prefix\": false}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/v1\", \"upstream\": \"http://h/v1\"}", ""},
	{"{\"name\": \"a\", \"path\": \"/\", \"upstream\": \"http://h/v1\", \"strip_prefix\": false}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"h\"}",
	 "2:41: error: routes.a.upstream: the URL is no http:// or https:// URL; write it in full, as https://api.example/v1\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": 5}",
	 "2:41: error: routes.a.upstream: must be a URL or an array of URLs, is a number; write \"http://127.0.0.1:5\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": []}",
	 "2:41: error: routes.a.upstream: has 0 URLs; give 1 to 16, as in [\"http://127.0.0.1:9001\"]\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": [\"http://h\", \"https://h\", \"http://h/b\", \"http://h:80/\", \"http://h2\", 7]}",
	 "2:54: error: routes.a.upstream: the URL differs from the first one in scheme or path; make them the same, or make it a route of its own\n"
	 "2:67: error: routes.a.upstream: the URL differs from the first one in scheme or path; make them the same, or make it a route of its own\n"
	 "2:81: error: routes.a.upstream: h is listed twice; remove one\n"
	 "2:110: error: routes.a.upstream: must be a string, is a number; write \"http://127.0.0.1:7\"\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://user:secret@h\"}",
	 "2:41: error: routes.a.upstream: the URL holds a user name or password; put "
	 "credentials into set_headers\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h?x=1\"}",
	 "2:41: error: routes.a.upstream: the URL holds a query; leave it out, the "
	 "caller's is sent on\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://${HOST}:8080/v1/\"}",
	 ""},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://127.0.0.1:8787\"}",
	 "2:41: warning: routes.a.upstream: is the gateway itself, calls would go round; "
	 "give the service's own port\n"},
	{"{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://localhost:8787\", \"tls\": {\"ca_file\": \"x\"}}",
	 "2:85: error: routes.a.tls.ca_file: the file x cannot be read; correct the path "
	 "or its permissions\n"},
	{"{\"name\": \"a b\", \"path\": \"/a\", \"upstream\": \"http://h\", \"methods\": []}",
	 "2:10: error: routes.a b.name: must be 1 to 64 letters, digits or . _ - :; write \"a-b\", for instance\n"
	 "2:66: error: routes.a b.methods: is empty, so nothing could reach this route; list methods, or leave the key out for all\n"},
};

/* Whole files. */
static const struct fault_case whole_cases[] = {
	{"[]",
	 "1:1: error: the file must hold one object, is an array; write {\"database\": \"postgresql://user:password@host:5432/name\", \"routes\": [{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": \"http://127.0.0.1:9001\"}]}\n"},
	{"\"x\"",
	 "1:1: error: the file must hold one object, is a string; write {\"database\": \"postgresql://user:password@host:5432/name\", \"routes\": [{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": \"http://127.0.0.1:9001\"}]}\n"},
	{"{}",
	 "1:1: error: database: is missing; add \"database\": \"postgresql://user:password@host:5432/name\" (PostgreSQL, as a postgresql:// URL or keyword=value pairs)\n"
	 "1:1: error: routes: is missing; add \"routes\": [{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": \"http://127.0.0.1:9001\"}] (what is proxied where, an array)\n"},
	{"{\"database\": \"dbname=x\"}",
	 "1:1: error: routes: is missing; add \"routes\": [{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": \"http://127.0.0.1:9001\"}] (what is proxied where, an array)\n"},
	{"{\"database\": \"\", \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}]}",
	 "1:14: error: database: is empty; write "
	 "postgresql://user:password@host:5432/name\n"},
	{"{\"database\": \"postgres//u:secret@h\", \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}]}",
	 "1:14: error: database: the database is neither a postgresql:// URL nor a list of "
	 "keyword=value; are special characters in the password percent-encoded?\n"},
	{"{\"database\": \"postgresql://u:p/w@h/d\", \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}]}",
	 "1:14: error: database: the database's URL holds an @ that does not stand before "
	 "the host; percent-encode special characters of the password (@ as %40, / as %2F, ? "
	 "as %3F) and of names\n"},
	{"{\"database\": {\"file\": \"/nonexistent\"}, \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}]}",
	 "1:14: error: database: the file /nonexistent cannot be used: No such file or directory; give the path of a file that is there\n"},
	{"{\"database\": 5, \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}]}",
	 "1:14: error: database: must be a string or {\"file\": \"path\"}, is a number; write \"postgresql://user:password@host:5432/name\"\n"},
	{"{\"database\": \"dbname=x\", \"routes\": {}}",
	 "1:36: error: routes: must be an array, is an object; write [{\"name\": \"test\", \"path\": \"/api/test\", \"upstream\": \"http://127.0.0.1:9001\"}]\n"},
	{"{\"database\": \"dbname=x\", \"database\": \"dbname=y\", \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"}]}",
	 "1:26: error: duplicate key \"database\", first on line 1; remove one of them\n"},
	{"{\"database\": \"dbname=x\", \"routes\": [{\"name\": \"a\", \"path\": \"/a\", \"upstream\": \"http://h\"},]}",
	 "1:88: error: a comma before ']'; remove it\n"},
};

static const char *variable(void *ctx, const char *name)
{
	static const char *const values[][2] = {{"KEY", "k3y"},
						{"EMPTY", ""},
						{"BREAK", "a\r\nX: y"},
						{"HOST", "upstream.test"}};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (strcmp(values[i][0], name) == 0)
			return values[i][1];
	return NULL;
}

/* The report with each line's "t.json:" cut off, after checking that it is there. */
static char *cut_names(const struct sbuf *report)
{
	char *out = xcalloc(1, report->n + 1), *to = out;
	struct str rest = sbuf_view(report);

	while (rest.n != 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n;

		assert_non_null(end);
		assert_true(str_has_prefix(rest, STR("t.json:")));
		n = (size_t)(end - rest.p) + 1;
		memcpy(to, rest.p + 7, n - 7);
		to += n - 7;
		rest = (struct str){end + 1, rest.n - n};
	}
	return out;
}

static void check_case(const char *before, const struct fault_case *c, const char *after)
{
	struct settings_options options = {.variable = variable};
	char *text = xasprintf("%s%s%s", before, c->text, after), *report_text;
	struct settings *s;
	struct sbuf report;

	sbuf_init(&report, 65536);
	s = settings_load_text("t.json", str_of(text), &options, &report);
	report_text = cut_names(&report);
	assert_string_equal(report_text, c->report);
	assert_int_equal(s == NULL, strstr(report_text, ": error: ") != NULL);
	settings_unref(&s);
	assert_null(s);
	free(report_text);
	free(text);
	sbuf_fini(&report);
}

static void check_cases(const char *before, const struct fault_case *cases, size_t n,
			const char *after)
{
	for (size_t i = 0; i < n; i++)
		check_case(before, &cases[i], after);
}

static void test_top_level(void **state)
{
	(void)state;
	check_cases(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"a\",\"path\":\"/a\",\"upstream\":\"http://h\"}],\n",
		top_cases, ARRAY_LEN(top_cases), "}");
}

static void test_one_route(void **state)
{
	(void)state;
	check_cases(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"r\",\"path\":\"/r\",\"upstream\":\"http://h\",\n",
		route_cases, ARRAY_LEN(route_cases), "}]}");
	check_cases(
		"{\"database\":\"dbname=x\",\"routes\":[{\"name\":\"r\",\"path\":\"/r\",\"upstream\":\"http://h\",\n",
		cors_cases, ARRAY_LEN(cors_cases), "}]}");
}

static void test_routes(void **state)
{
	(void)state;
	check_cases("{\"database\":\"dbname=x\",\"routes\":[\n", routes_cases,
		    ARRAY_LEN(routes_cases), "]}");
}

static void test_whole_files(void **state)
{
	(void)state;
	check_cases("", whole_cases, ARRAY_LEN(whole_cases), "");
}

static void test_all_at_once_in_order(void **state)
{
	static const struct fault_case c = {
		"{\n"
		"  \"workers\": 0,\n"
		"  \"routes\": [\n"
		"    {\"name\": \"a\", \"upstream\": \"http://h\", \"path\": \"x\"}\n"
		"  ],\n"
		"  \"wrokers\": 1,\n"
		"  \"listen\": \"x\"\n"
		"}\n",
		"1:1: error: database: is missing; add \"database\": \"postgresql://user:password@host:5432/name\" (PostgreSQL, as a postgresql:// URL or keyword=value pairs)\n"
		"2:14: error: workers: 0 is out of range; give 1 to 256 threads, or \"auto\"\n"
		"4:51: error: routes.a.path: must begin with /; write \"/x\"\n"
		"6:3: error: wrokers: unknown key; did you mean workers?\n"
		"7:13: error: listen: \"x\": needs a port from 0 to 65535; write \"127.0.0.1:8787\"\n"};

	(void)state;
	check_case("", &c, "");
}

static void test_many_faults_are_cut(void **state)
{
	struct sbuf text, report;
	size_t lines = 0;

	(void)state;
	sbuf_init(&text, 65536);
	sbuf_init(&report, 65536);
	sbuf_lit(&text, "{");
	for (unsigned i = 0; i < 300; i++)
		sbuf_printf(&text, "\"zzzzzzzz%u\":1,\n", i);
	sbuf_lit(&text, "\"database\":\"dbname=x\",\"routes\":[]}");
	assert_null(settings_load_text("t", sbuf_view(&text), NULL, &report));
	for (size_t i = 0; i < report.n; i++)
		lines += report.p[i] == '\n';
	assert_int_equal(lines, 201);
	sbuf_add(&report, "", 1);
	assert_non_null(
		strstr(report.p, "t: error: 101 more faults; correct the first ones\n"));
	sbuf_fini(&text);
	sbuf_fini(&report);
}

/* Where a name is cut inside a character, and where a whole message is. */
static void test_long_faults_are_cut(void **state)
{
	static const char *const ends[] = {"\xe8\xaa\xbf: unknown key",
					   "\xbf\\xe8\\xaa: unknown key",
					   "\xbf\\xe8: unknown key"};
	struct sbuf text, report;

	(void)state;
	for (unsigned shift = 0; shift < ARRAY_LEN(ends); shift++) {
		sbuf_init(&text, 1 << 20);
		sbuf_init(&report, 1 << 20);
		sbuf_printf(&text, "{\"%.*s", (int)shift, "xx");
		for (unsigned i = 0; i < 1000; i++)
			sbuf_lit(&text, "\xe8\xaa\xbf");
		sbuf_printf(&text,
			    "\":1,\"routes\":[{\"tls\":{\"ca_file\":\"/%02000u\"}}]}", 1);
		assert_null(settings_load_text("t", sbuf_view(&text), NULL, &report));
		sbuf_add(&report, "", 1);
		assert_non_null(strstr(report.p, ends[shift]));
		assert_non_null(strstr(report.p, "0000...\n"));
		assert_true(report.n < 2000);
		sbuf_fini(&text);
		sbuf_fini(&report);
	}
}

static void test_file_faults(void **state)
{
	struct sbuf report, big;

	(void)state;
	sbuf_init(&report, 65536);
	assert_null(settings_load("/nonexistent/t.json", NULL, &report));
	assert_true(
		str_eq(sbuf_view(&report),
		       STR("/nonexistent/t.json: error: cannot be read: No such file or "
			   "directory; give the path of a file that is there\n")));
	sbuf_reset(&report);
	assert_null(settings_load("/", NULL, &report));
	assert_true(
		str_eq(sbuf_view(&report),
		       STR("/: error: cannot be read: it is a folder; name a file\n")));
	sbuf_reset(&report);
	sbuf_init(&big, SETTINGS_FILE_MAX + 1);
	memset(sbuf_reserve(&big, SETTINGS_FILE_MAX + 1), ' ', SETTINGS_FILE_MAX + 1);
	assert_null(settings_load_text("t", (struct str){big.p, SETTINGS_FILE_MAX + 1},
				       NULL, &report));
	assert_true(str_eq(sbuf_view(&report),
			   STR("t: error: larger than 1048576 bytes; shorten it\n")));
	sbuf_fini(&big);
	sbuf_fini(&report);
}

/* What must never show up in a report. */
static void test_reports_quote_no_secret(void **state)
{
	static const char *const texts[] = {
		"{\"database\":\"postgres//u:hunter2@h\"}",
		"{\"database\":\"postgresql://u:hunter2/x@h\"}",
		"{\"database\":\"hunter2\"}",
		"{\"routes\":[{\"upstream\":\"https://hunter2@h\"}]}",
		"{\"routes\":[{\"upstream\":\"https://u:hunter2\"}]}",
		"{\"routes\":[{\"upstream\":\"https://h/?k=hunter2\"}]}",
		"{\"routes\":[{\"set_headers\":{\"X\":\"hunter2\\n\"}}]}",
		"{\"routes\":[{\"set_headers\":{\"X\":\"${hunter2.}\"}}]}",
		"{\"routes\":[{\"set_headers\":{\"Authorization\":\"hunter2\"}}]}",
		"{\"routes\":[{\"set_headers\":{\"X\":\"hunter2",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sbuf report;

		sbuf_init(&report, 65536);
		assert_null(settings_load_text("t", str_of(texts[i]), NULL, &report));
		assert_null(memmem(report.p, report.n, "hunter2", 7));
		assert_true(report.n != 0);
		sbuf_fini(&report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top_level),
		cmocka_unit_test(test_one_route),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_whole_files),
		cmocka_unit_test(test_all_at_once_in_order),
		cmocka_unit_test(test_many_faults_are_cut),
		cmocka_unit_test(test_long_faults_are_cut),
		cmocka_unit_test(test_file_faults),
		cmocka_unit_test(test_reports_quote_no_secret),
	};

	return cmocka_run_group_tests_name("settings faults", tests, NULL, NULL);
}
