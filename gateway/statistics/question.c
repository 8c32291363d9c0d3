/* The questions' names. */
#include "gateway/statistics/question.h"

#include <string.h>

#define QUESTION_NAME(id, name, what) {name, what},
static const struct {
	const char *name, *summary;
} questions[] = {QUESTIONS(QUESTION_NAME)};

bool question_named(const char *name, enum question_kind *kind)
{
	for (size_t i = 0; i < QUESTION_COUNT; i++) {
		*kind = (enum question_kind)i;
		if (strcmp(questions[i].name, name) == 0)
			return true;
	}
	return false;
}

const char *question_name(enum question_kind kind)
{
	return questions[kind].name;
}

const char *question_summary(enum question_kind kind)
{
	return questions[kind].summary;
}
