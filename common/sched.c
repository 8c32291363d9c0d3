/* How the kernel's scheduler treats a thread. */
#include "common/sched.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The least that Linux grants. A thread that wakes up takes the place of one with a
 * longer slice before that one's ends (since 6.12; until then, and by default, up to 3 ms
 * later). */
#define SLICE_NS 100000u

void sched_ask_short_slices(void)
{
	struct sched_attr how = {.size = sizeof how};

	if (syscall(SYS_sched_getattr, 0, &how, sizeof how, 0) != 0 ||
	    how.sched_policy != SCHED_NORMAL)
		return;
	how.size = sizeof how;
	how.sched_runtime = SLICE_NS;
	syscall(SYS_sched_setattr, 0, &how, 0);
}
