/* A cJSON value's text. */
#include "common/json_text.h"

#include <cjson/cJSON.h>

#include "common/check.h"

char *json_text_take(struct cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json); /* of malloc: nothing sets its hooks */

	CHECK(text != NULL);
	cJSON_Delete(json);
	return text;
}
