/* Running other programs: as another user where needed, never outliving this one. */
#ifndef GATEWAY_DEV_CHILD_H
#define GATEWAY_DEV_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "common/str.h"

struct child_user {
	bool change; /* false: this process's own user */
	uid_t uid;
	gid_t gid;
};

struct child_options {
	const char *const *argv; /* argv[0] is the program's path; NULL at the end */
	struct child_user user;
	int parent_death_signal; /* sent to it when the thread that started it ends */
	int output_fd;           /* its standard output and error; -1: this process's */
	const char *
		more_environment; /* "NAME=value" or NULL; locale variables are cleared */
};

/* Starts it in a session of its own (a Ctrl-C at the terminal is not meant for it), in /,
 * without any signal blocked, with umask 077 and no other files. Any thread: between fork
 * and exec only what is safe then is done. -1: errno. */
pid_t child_start(const struct child_options *o);
/* Runs it to its end; its output goes to *out (capped by the caller's sbuf, the rest is
 * dropped). Returns the exit status; 128 + N when signal N ended it; -1: errno. */
int child_run(struct child_options *o, struct sbuf *out);
/* Whether that user may enter the folder. Before any other thread is started. */
bool child_user_can_enter(const struct child_user *user, const char *folder);
/* Waits for pid up to timeout_ms. True: it ended; *status (may be NULL) as waitpid
 * says. */
bool child_wait(pid_t pid, uint32_t timeout_ms, int *status);

#endif
