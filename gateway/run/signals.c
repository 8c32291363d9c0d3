/* The signals that the main thread waits for. */
#include "gateway/run/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "common/check.h"

static void waited_for(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void signals_block(void)
{
	sigset_t set;

	waited_for(&set);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	signal(SIGPIPE, SIG_IGN);
}

int signals_wait(uint32_t ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
	sigset_t set;
	int signal_number;

	waited_for(&set);
	do
		signal_number = sigtimedwait(&set, NULL, ms > 0 ? &time : NULL);
	while (signal_number < 0 && errno == EINTR);
	return signal_number > 0 ? signal_number : 0;
}

bool signals_stop_within(uint32_t ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
	sigset_t set;

	waited_for(&set);
	sigdelset(&set, SIGHUP);
	return sigtimedwait(&set, NULL, &time) > 0;
}
