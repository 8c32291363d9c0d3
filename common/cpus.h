/* How many processors there are for this process. */
#ifndef COMMON_CPUS_H
#define COMMON_CPUS_H

/* Those of its affinity mask, however many the machine has, but no more than the CPU
 * quotas of its control groups come to, rounded up: with a quota of 1.5 it is 2. At least
 * 1. Any thread; reads files. */
unsigned cpus_usable(void);

/* The quota alone, with proc in place of /proc/self: `mountinfo` and `cgroup` in it. The
 * least of the process's groups and those above them, in both versions of control groups
 * (kernel: Documentation/admin-guide/cgroup-v2.rst, cpu.max; scheduler/sched-bwc.rst).
 * 0: none. */
unsigned cpus_quota(const char *proc);

#endif
