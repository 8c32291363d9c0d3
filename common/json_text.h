/* A cJSON value's text. Pure: any thread. */
#ifndef COMMON_JSON_TEXT_H
#define COMMON_JSON_TEXT_H

struct cJSON;

/* The text, without blanks; the value is deleted. The caller frees it with free(). */
char *json_text_take(struct cJSON *json);

#endif
