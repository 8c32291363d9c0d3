/* Keeps a disk busy: N processes write and fsync in a folder, until SIGTERM.
 *
 *   disk_hog DIRECTORY N      prints a line when it runs, at the end
 *                             {"syncs": ..., "bytes": ...} */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE (64u * 1024)
#define FILE_BYTES (64u << 20)
#define PROCESSES_MAX 64

static struct {
	_Atomic uint64_t syncs, bytes;
	_Atomic int stop;
} * shared;

static void on_signal(int sig)
{
	(void)sig;
	shared->stop = 1;
}

static int write_on(const char *directory, int number)
{
	char name[32], *piece = aligned_alloc(4096, PIECE);
	int folder = open(directory, O_RDONLY | O_DIRECTORY), fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(name, sizeof name, "hog-%d", number);
	/* Past the kernel's memory where the file system can: it is the disk that shall
	 * be busy. */
	fd = openat(folder, name, O_CREAT | O_TRUNC | O_RDWR | O_DIRECT, 0600);
	if (fd < 0)
		fd = openat(folder, name, O_CREAT | O_TRUNC | O_RDWR, 0600);
	if (piece == NULL || fd < 0)
		return 1;
	memset(piece, number, PIECE);
	for (off_t at = 0; !shared->stop; at = (at + PIECE) % FILE_BYTES) {
		if (at == 0 && ftruncate(fd, 0) != 0)
			return 1;
		if (pwrite(fd, piece, PIECE, at) != PIECE || fsync(fd) != 0)
			return 1;
		shared->syncs++;
		shared->bytes += PIECE;
	}
	unlinkat(folder, name, 0);
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0, status = 0, failed = 0;

	if (n < 1 || n > PROCESSES_MAX)
		return 2;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	signal(SIGTERM, on_signal);
	for (int i = 0; i < n; i++)
		if (fork() == 0)
			_exit(write_on(argv[1], i));
	printf("runs\n");
	fflush(stdout);
	while (wait(&status) > 0 || errno == EINTR)
		failed |= status;
	printf("{\"syncs\": %llu, \"bytes\": %llu}\n", (unsigned long long)shared->syncs,
	       (unsigned long long)shared->bytes);
	return failed != 0;
}
