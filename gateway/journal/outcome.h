/* How exchanges end, and whose fault that is: the table outcomes.def, which SQL knows as
 * usage_outcomes(). Pure. */
#ifndef GATEWAY_JOURNAL_OUTCOME_H
#define GATEWAY_JOURNAL_OUTCOME_H

#include <stdbool.h>

#include "common/str.h"

enum usage_fault {
	USAGE_FAULT_NONE,
	USAGE_FAULT_OURS,
	USAGE_FAULT_UPSTREAM,
	USAGE_FAULT_CLIENT,
};

/* Is it one of the table's words? Those are all that this program records. */
bool usage_outcome_is_known(struct str word);
/* Whose fault; of a word that others have written, the upstream's. */
enum usage_fault usage_outcome_fault(struct str word);

#endif
