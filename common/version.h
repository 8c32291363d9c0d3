/* Which Tollgate this is. */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define TOLLGATE_VERSION "0.1.0"

#endif
