/* How exchanges end, and whose fault that is. */
#include "gateway/journal/outcome.h"

#include "common/check.h"

static const struct outcome {
	const char *word;
	enum usage_fault fault;
} outcomes[] = {
#define OUTCOME(word, fault) {word, USAGE_FAULT_##fault},
#include "gateway/journal/outcomes.def"
#undef OUTCOME
};

static const struct outcome *find(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		if (str_eq(word, str_of(outcomes[i].word)))
			return &outcomes[i];
	return NULL;
}

bool usage_outcome_is_known(struct str word)
{
	return find(word) != NULL;
}

enum usage_fault usage_outcome_fault(struct str word)
{
	const struct outcome *o = find(word);

	return o != NULL ? o->fault : USAGE_FAULT_UPSTREAM;
}
