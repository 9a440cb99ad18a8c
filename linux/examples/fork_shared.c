/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parent and child over an anonymous shared mapping: no name, no file, nothing
 * to remove. Both add to two counters, one in the mapping and one in ordinary
 * memory, of which fork() gives each its own copy.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMES 100000

static void count(atomic_int *shared, int *ordinary)
{
	int i;

	for (i = 0; i < TIMES; i++) {
		atomic_fetch_add(shared, 1);
		(*ordinary)++;
	}
}

int main(void)
{
	int ordinary = 0, status = 0, total;
	atomic_int *shared;
	pid_t child;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("fork_shared: mmap");
		return 1;
	}
	child = fork(); /* mapped before the fork: both have it, at one address */
	if (child < 0) {
		perror("fork_shared: fork");
		return 1;
	}
	count(shared, &ordinary);
	if (child == 0)
		_exit(0);
	if (waitpid(child, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "fork_shared: the child failed\n");
		return 1;
	}
	total = atomic_load(shared);
	printf("shared %d, ordinary %d\n", total, ordinary);
	munmap(shared, sizeof(*shared));
	return total != 2 * TIMES || ordinary != TIMES;
}
