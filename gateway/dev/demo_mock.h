/* The mock of paid APIs: answers shaped like OpenAI's, Perplexity's and CloudConvert's,
 * at no cost and without any key.
 *
 *   .../chat/completions   a completion, or chunks with `data: [DONE]` when "stream" is
 *                          true; with Perplexity's fields when "model" starts with
 *                          "sonar"
 *   .../completions, .../responses, .../embeddings, .../models
 *   .../jobs, .../tasks, .../jobs/ID   as CloudConvert answers
 *   anything else          a JSON object that says so
 *
 * Header fields are never shown: a route's credentials go nowhere. */
#ifndef GATEWAY_DEV_DEMO_MOCK_H
#define GATEWAY_DEV_DEMO_MOCK_H

#include "gateway/dev/demo_server.h"

const struct demo_endpoint *demo_mock_route(const struct request_head *h);

#endif
