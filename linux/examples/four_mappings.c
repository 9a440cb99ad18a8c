/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four kinds of mapping, told apart by trying: shared or private, of a
 * file or anonymous. A parent and its child each write a word of the same
 * mapping after the fork; who sees whose, and does the file?
 *
 * The answers are compared with what mmap(2) promises: exit status 1 if this
 * kernel does otherwise.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct kind {
	const char *name;
	int flags;
	int child_sees, parent_sees, file_sees; /* as promised; -1: no file */
};

static const struct kind kinds[] = {
	{ "shared,  file", MAP_SHARED, 1, 1, 1 },
	{ "shared,  anonymous", MAP_SHARED | MAP_ANONYMOUS, 1, 1, -1 },
	{ "private, file", MAP_PRIVATE, 0, 0, 0 },
	{ "private, anonymous", MAP_PRIVATE | MAP_ANONYMOUS, 0, 0, -1 },
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* A file of one page of zeros that has no name any more: none to clean up. */
static int zero_file(size_t bytes)
{
	FILE *f = tmpfile();

	if (!f || ftruncate(fileno(f), (off_t)bytes) < 0)
		die("temporary file");
	return fileno(f);
}

/* The child: wait for the parent's word, write one, tell what was seen. */
static void child(volatile int *word, const int go[2])
{
	char c;

	close(go[1]); /* or it would wait for itself once the parent is gone */
	if (read(go[0], &c, 1) != 1)
		_exit(2);
	word[1] = 1;
	_exit(word[0]); /* copied at fork() when 0; 1 only if shared */
}

/* Try one kind; 1 if all is as promised. */
static int try(const struct kind *k, size_t bytes)
{
	static const char *const text[] = { "-", "no", "yes" };
	int anonymous = k->flags & MAP_ANONYMOUS;
	int fd = anonymous ? -1 : zero_file(bytes), go[2];
	int status = 0, child_sees, parent_sees, in_file = -1;
	volatile int *word;

	word = mmap(NULL, bytes, PROT_READ | PROT_WRITE, k->flags, fd, 0);
	if (word == MAP_FAILED || pipe(go) < 0)
		die("mmap or pipe");

	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		child(word, go);
	}
	word[0] = 1; /* after the fork; the pipe says when it is done */
	if (write(go[1], "", 1) != 1 || wait(&status) < 0)
		die("child");
	child_sees = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
	parent_sees = word[1];
	/* read() and a shared mapping see the same page: no msync() needed */
	if (!anonymous && pread(fd, &in_file, sizeof(int), 0) != sizeof(int))
		die("pread");

	printf("%-20s %-14s %-14s %s\n", k->name, text[(child_sees == 1) + 1],
	       text[parent_sees + 1], text[in_file + 1]);
	munmap((void *)word, bytes);
	close(go[0]);
	close(go[1]);
	if (!anonymous)
		close(fd);
	return child_sees == k->child_sees && parent_sees == k->parent_sees &&
	       in_file == k->file_sees;
}

int main(void)
{
	size_t i, page = (size_t)sysconf(_SC_PAGESIZE);
	int ok = 1;

	printf("%-20s %-14s %-14s %s\n%-20s %-14s %-14s %s\n", "", "child sees",
	       "parent sees", "file", "mapping", "parent's write",
	       "child's write", "changes");
	fflush(stdout); /* or the child's copy of the buffer would hold it too */
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ok &= try(&kinds[i], page);
		fflush(stdout);
	}
	if (!ok)
		fprintf(stderr, "four_mappings: not what mmap(2) promises\n");
	return !ok;
}
