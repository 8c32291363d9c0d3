/* The first admin of `tollgate dev`: the user `dev`, with a key for the manager. */
#ifndef GATEWAY_DEV_DEV_ADMIN_H
#define GATEWAY_DEV_DEV_ADMIN_H

#include <stdbool.h>

#include "gateway/token/key.h"

/* The key that is kept in key_file if an admin signs in with it, else a new one of the
 * user `dev`, who is made an admin; former ones are revoked then. For the private
 * database alone. Wipe it after use. False: it complained. */
bool dev_admin_key(const char *conninfo, const char *key_file, char key[KEY_LENGTH + 1]);
/* A code with which a browser signs in as that admin, once, within PEOPLE_LINK_S. Wipe it
 * after use. False: it complained. */
bool dev_admin_code(const char *conninfo, const char *key, char code[KEY_LENGTH + 1]);

#endif
