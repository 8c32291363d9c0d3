/* What program this is. */
#include "gateway/cli/version.h"

#include <cjose/version.h>
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "build/gen/commit.h"
#include "common/version.h"

int cli_print_version(void)
{
	int pq = PQlibVersion();

	printf("tollgate " TOLLGATE_VERSION "%s" TOLLGATE_COMMIT "%s\n",
	       *TOLLGATE_COMMIT ? " (" : "", *TOLLGATE_COMMIT ? ")" : "");
	printf("libevent %s\n", event_get_version());
	printf("OpenSSL %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
	printf("libpq %d.%d\n", pq / 10000, pq % 10000);
	printf("cJSON %s\n", cJSON_Version());
	printf("libcurl %s\n", curl_version_info(CURLVERSION_NOW)->version);
	printf("libcjose %s\n", cjose_version());
	return 0;
}
