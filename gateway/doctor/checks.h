/* What `tollgate doctor` looks at; each tells what it finds. Main thread; all of it may
 * wait. */
#ifndef GATEWAY_DOCTOR_CHECKS_H
#define GATEWAY_DOCTOR_CHECKS_H

#include "gateway/doctor/findings.h"

void doctor_database(struct doctor *d); /* database, role, schema, clock */
void doctor_ports(struct doctor *d);
void doctor_upstreams(struct doctor *d);
void doctor_disk(struct doctor *d); /* disk, journal */

#endif
