/* Writing straight to stderr or standard output, whatever reads there. */
#include "common/console.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"

bool console_takes(int fd, uint32_t within_ms)
{
	uint64_t now = clock_mono_us(), deadline = now + (uint64_t)within_ms * 1000;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int n;

	while ((n = poll(&p, 1, (int)((deadline - now) / 1000))) < 0 && errno == EINTR) {
		now = clock_mono_us();
		if (now > deadline)
			now = deadline;
	}
	return n > 0;
}

/* There is nobody to tell if the descriptor is gone. */
void console_write(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

/* systemd.exec(5): "the device and inode numbers of the file descriptor, separated by a
 * colon". Whoever redirects stderr elsewhere leaves the variable as it is. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48];
	struct stat st;

	if (stream == NULL || fstat(fd, &st) != 0)
		return false;
	snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return strcmp(stream, own) == 0;
}

size_t console_put_priority(char out[CONSOLE_PRIORITY_BYTES], char number)
{
	const char text[CONSOLE_PRIORITY_BYTES] = {'<', number, '>'};

	if (!is_journal(STDERR_FILENO))
		return 0;
	memcpy(out, text, sizeof text);
	return sizeof text;
}
