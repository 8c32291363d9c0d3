/* What asking for one document and running many errands share. */
#ifndef GATEWAY_SIGN_IN_FETCH_PRIV_H
#define GATEWAY_SIGN_IN_FETCH_PRIV_H

#include <curl/curl.h>

#include "gateway/sign_in/fetch.h"

/* All that is set for either. why: CURL_ERROR_SIZE bytes; both outlive the handle. */
CURL *fetch_prepare(const struct fetch *f, struct sbuf *body, char *why);
/* 0: error says why there is no answer; else its status. */
long fetch_status(CURL *curl, CURLcode code, const char *why, const struct sbuf *body,
		  struct sbuf *error);

#endif
