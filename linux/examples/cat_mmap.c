/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cat, with mmap() instead of read(): the file becomes an array.
 *
 * What read() would not have to think of: a length of 0 cannot be mapped, only
 * files have pages (pipes and directories have not), and if somebody truncates
 * the file meanwhile, touching what is gone raises SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *name, const char *why)
{
	fprintf(stderr, "cat_mmap: %s: %s\n", name, why);
	return 1;
}

/* write() may take less than it is given. */
static int write_all(const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(STDOUT_FILENO, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static int cat(const char *name, int fd)
{
	struct stat st;
	size_t bytes;
	void *data;
	int err;

	if (fstat(fd, &st) < 0)
		return fail(name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(name, "only a regular file can be mapped; use cat");
	bytes = (size_t)st.st_size;
	if (bytes == 0)
		return 0; /* nothing to print, and mmap() would say EINVAL */

	/* for reading, private and shared are the same; private asks less */
	data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return fail(name, strerror(errno));
	err = write_all(data, bytes) < 0 ? errno : 0;
	munmap(data, bytes);
	return err ? fail("standard output", strerror(err)) : 0;
}

int main(int argc, char **argv)
{
	int fd, status;

	if (argc != 2) {
		fprintf(stderr, "usage: cat_mmap FILE\n");
		return 2;
	}
	/* O_NONBLOCK: a FIFO that nobody writes would hold us up in open() */
	fd = open(argv[1], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail(argv[1], strerror(errno));
	status = cat(argv[1], fd);
	close(fd);
	return status;
}
