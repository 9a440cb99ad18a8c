/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An integer shared by name, the second of two programs: opens what
 * shm_counter_a created, and adds one.
 *
 *	shm_counter_b /counter
 *
 * The atomic addition is enough between processes of one computer. Between
 * cores of different kinds it is not, as a bus need not carry it; there each
 * word has one writer: see mbx_counter.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *name, const char *why)
{
	fprintf(stderr, "shm_counter_b: %s: %s\n", name, why);
	return 1;
}

static int add_one(const char *name, int fd)
{
	atomic_int *counter;
	struct stat st;
	int was;

	/*
	 * The creator may stand between shm_open() and ftruncate(). Touching a
	 * page behind the end of the object is SIGBUS, so look first.
	 */
	if (fstat(fd, &st) < 0)
		return fail(name, strerror(errno));
	if (st.st_size != sizeof(*counter))
		return fail(name, "holds no counter (yet)");
	counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);
	if (counter == MAP_FAILED)
		return fail(name, strerror(errno));
	was = atomic_fetch_add(counter, 1);
	printf("counter was %d, is %d\n", was, was + 1);
	munmap(counter, sizeof(*counter));
	return 0;
}

int main(int argc, char **argv)
{
	int fd, status;

	if (argc != 2 || strrchr(argv[1], '/') != argv[1] || !argv[1][1]) {
		fprintf(stderr, "usage: shm_counter_b /NAME "
				"(one slash, in front)\n");
		return 2;
	}
	fd = shm_open(argv[1], O_RDWR, 0);
	if (fd < 0 && errno == ENOENT)
		return fail(argv[1], "not there; start shm_counter_a first");
	if (fd < 0)
		return fail(argv[1], strerror(errno));
	status = add_one(argv[1], fd);
	close(fd); /* the name stays: it is its creator's to remove */
	return status;
}
