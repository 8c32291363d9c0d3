/* Who calls, and what they may. */
#include "gateway/manager/identity.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/check.h"

struct identity *identity_ref(struct identity *i)
{
	i->refs++;
	return i;
}

void identity_unref(struct identity **identity)
{
	struct identity *i = *identity;

	*identity = NULL;
	if (i == NULL || --i->refs > 0)
		return;
	for (size_t t = 0; t < i->n_teams; t++)
		free(i->teams[t].name);
	free(i->teams);
	free(i->name);
	free(i->email);
	free(i->issuer);
	free(i->subject);
	free(i->acting);
	free(i->until);
	free(i);
}

bool identity_has_rights(const struct identity *i)
{
	return i->user_id != 0 && (i->is_admin || i->sees_all || i->n_teams > 0);
}

bool identity_manages(const struct identity *i)
{
	if (i->user_id == 0)
		return false;
	for (size_t t = 0; t < i->n_teams; t++)
		if (i->teams[t].is_manager)
			return true;
	return i->is_admin;
}

struct cJSON *identity_actor(const struct identity *i, const char *address,
			     struct str request_id)
{
	char id[24], text[64];
	cJSON *actor = cJSON_CreateObject();

	/* Its digits: as a number it would lose some beyond 2^53. */
	snprintf(id, sizeof id, "%" PRId64, i->user_id);
	snprintf(text, sizeof text, STR_FMT, STR_ARG(request_id));
	CHECK(cJSON_AddRawToObject(actor, "user_id", id) &&
	      cJSON_AddStringToObject(actor, "name", i->name) &&
	      cJSON_AddStringToObject(actor, "request_id", text));
	/* Callers at a unix socket have none. */
	if (*address != '\0')
		CHECK(cJSON_AddStringToObject(actor, "address", address));
	if (i->acting != NULL)
		CHECK(cJSON_AddStringToObject(actor, "acting", i->acting));
	return actor;
}
