/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An integer shared by name, the first of two programs: creates it, waits and
 * shows each change that shm_counter_b makes. Ctrl-C ends it and removes it.
 *
 *	shm_counter_a /counter
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

static int fail(const char *name, const char *why)
{
	fprintf(stderr, "shm_counter_a: %s: %s\n", name, why);
	return 1;
}

static void show_changes(const atomic_int *counter)
{
	const struct timespec ms10 = { .tv_nsec = 10000000 };
	int shown = 0, now;

	for (; !stop; nanosleep(&ms10, NULL)) {
		now = atomic_load(counter);
		if (now == shown)
			continue;
		printf("counter is %d\n", now);
		shown = now;
	}
}

/* Give the new object @fd a size, without which there is no page to touch. */
static int share(const char *name, int fd)
{
	atomic_int *counter;

	if (ftruncate(fd, sizeof(*counter)) < 0)
		return fail(name, strerror(errno));
	counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);
	if (counter == MAP_FAILED)
		return fail(name, strerror(errno));
	printf("counter is 0; now run: shm_counter_b %s\n", name);
	show_changes(counter);
	munmap(counter, sizeof(*counter));
	return 0;
}

int main(int argc, char **argv)
{
	const struct sigaction act = { .sa_handler = on_signal };
	int fd, status;

	if (argc != 2 || strrchr(argv[1], '/') != argv[1] || !argv[1][1]) {
		fprintf(stderr, "usage: shm_counter_a /NAME "
				"(one slash, in front)\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* before there is something to clean up */
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);

	/* O_EXCL: never take over what another made; 0600: ours alone */
	fd = shm_open(argv[1], O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == EEXIST)
		return fail(argv[1], "exists already: another is running, or "
				     "was killed (then remove it in /dev/shm)");
	if (fd < 0)
		return fail(argv[1], strerror(errno));
	status = share(argv[1], fd);
	close(fd);
	shm_unlink(argv[1]);
	return status;
}
