/* What `tollgate doctor` looks at, and what it finds. Main thread; all of it may wait. */
#ifndef GATEWAY_DOCTOR_FINDINGS_H
#define GATEWAY_DOCTOR_FINDINGS_H

#include <cjson/cJSON.h>

#include "common/pg_sync.h"
#include "gateway/settings/settings.h"

enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
	const struct settings *settings; /* NULL: there is no configuration */
	struct pg_sync *db;              /* NULL: there is no session */
	const char *journal;             /* its folder; NULL: there is none */
	cJSON *checks;                   /* {check, result, text, fix} */
	bool failed;
};

/* One line. fix: what to do, NULL where the result is DOCTOR_OK. */
void doctor_tell(struct doctor *d, const char *check, enum doctor_result result,
		 const char *fix, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

#endif
