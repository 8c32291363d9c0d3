/* What a node tells the database of itself. */
#include "gateway/token/token_report.h"

#include <cjson/cJSON.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/check.h"
#include "common/clock.h"
#include "common/json_text.h"
#include "common/version.h"

static void put_hex(char *out, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void token_report_init(struct token_report *r, struct token_node node)
{
	unsigned char id[(TOKEN_REPORT_ID - 1) / 2];

	CHECK(RAND_bytes(id, sizeof id) == 1);
	put_hex(r->id, id, sizeof id);
	r->node = node;
	r->started_us = clock_wall_us();
}

/* 0: none. */
static void add_time(cJSON *to, const char *name, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[48], whole[32];
	struct tm tm;

	if (us <= 0 || gmtime_r(&seconds, &tm) == NULL) {
		cJSON_AddNullToObject(to, name);
		return;
	}
	strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof text, "%s.%06dZ", whole, (int)(us % 1000000));
	cJSON_AddStringToObject(to, name, text);
}

/* Whole numbers as text: beyond 2^53 too. */
static void add_number(cJSON *to, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)n);
	cJSON_AddStringToObject(to, name, text);
}

char *token_report_json(const struct token_report *r, const struct token_snapshot *table)
{
	uint64_t waiting_bytes = 0, dropped = 0;
	char instance[2 * TOKEN_INSTANCE_BYTES + 1];
	int64_t oldest_us = 0;
	cJSON *json = cJSON_CreateObject();

	if (r->node.usage != NULL)
		r->node.usage(r->node.ctx, &waiting_bytes, &oldest_us, &dropped);
	put_hex(instance, table->instance, TOKEN_INSTANCE_BYTES);
	cJSON_AddStringToObject(json, "id", r->id);
	cJSON_AddStringToObject(json, "name", r->node.name);
	cJSON_AddStringToObject(json, "version", TOLLGATE_VERSION);
	add_time(json, "started_at", r->started_us);
	cJSON_AddStringToObject(json, "instance", instance);
	add_number(json, "generation", table->generation);
	add_time(json, "right_at", table->right_at_us);
	add_number(json, "waiting_bytes", waiting_bytes);
	add_time(json, "oldest_at", oldest_us);
	add_number(json, "dropped", dropped);
	return json_text_take(json);
}
