/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the emulated Linux and its CPU make of accesses that nobody should make.
 *
 * Usage: mapping refused ADDRESS	    the kernel does not map that page
 *	  mapping stores REGION		    those where the peer writes fault,
 *					    those where this side does do not
 *	  mapping unaligned HOW REGION	    a load at an odd address "faults",
 *					    or "passes"
 *	  mapping host REGION		    prints a sum of all that is the
 *					    host's to write
 * Exits with 0 if so, else with 1 and what happened instead.
 */
#include <mbx/mbx.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int refused(const char *address)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	void *page;

	if (fd < 0) {
		perror("/dev/mem");
		return 1;
	}
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    strtoll(address, NULL, 0));
	if (page == MAP_FAILED && errno == EPERM)
		return 0;
	printf("%s: %s, not EPERM\n", address,
	       page == MAP_FAILED ? strerror(errno) : "mapped");
	return 1;
}

/* The signal that ends a child which makes that access; 0: none. */
static int signal_of(void (*access)(void *), void *at)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		access(at);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int expect(const char *what, int sig, int want)
{
	printf("%s: %s\n", what, sig ? strsignal(sig) : "no signal");
	return sig != want;
}

/* The value that is there: on a page that is writable this changes nothing. */
static void store_same(void *at)
{
	volatile uint32_t *word = at;

	*word = *word;
}

static int stores(const char *region)
{
	struct mbx_options observe = { .observe = 1 };
	const struct mbx_link *l;
	struct mbx *m;
	int wrong, i;

	for (i = wrong = 0; i < 2; i++) {
		if (mbx_open(&m, region, i ? &observe : NULL) < 0) {
			puts(mbx_errmsg());
			return 1;
		}
		l = mbx_get_link(m);
		wrong |= expect(i ? "observer, superblock" : "superblock",
				signal_of(store_same, (void *)l->is.base),
				SIGSEGV);
		wrong |= expect(
			i ? "observer, remote" : "remote section",
			signal_of(store_same, (void *)(l->is.base +
						       l->section[MBX_REMOTE])),
			SIGSEGV);
		wrong |= expect(
			i ? "observer, host" : "host section",
			signal_of(store_same,
				  (void *)(l->is.base + l->section[MBX_HOST])),
			i ? SIGSEGV : 0);
		mbx_close(m);
	}
	return wrong;
}

static void load_odd(void *at)
{
	uint32_t value;

#ifdef __aarch64__
	__asm__ volatile("ldr %w0, [%1, #1]" : "=r"(value) : "r"(at));
#else
	memcpy(&value, (char *)at + 1, sizeof(value));
#endif
	(void)value;
}

static int unaligned(const char *how, const char *region)
{
	struct mbx_region r;

	if (mbx_region_open(&r, region, MBX_REGION_READ, 0) < 0) {
		puts(mbx_errmsg());
		return 1;
	}
	return expect("unaligned load", signal_of(load_odd, r.base),
		      strcmp(how, "faults") == 0 ? SIGBUS : 0);
}

/* A word's place counts. */
static int print_host(const char *region)
{
	struct mbx_options observe = { .observe = 1 };
	const struct mbx_link *l;
	uint32_t off, end, sum = 0;
	struct mbx *m;

	if (mbx_open(&m, region, &observe) < 0) {
		puts(mbx_errmsg());
		return 1;
	}
	l = mbx_get_link(m);
	end = l->section[MBX_HOST] < l->section[MBX_REMOTE]
		      ? l->section[MBX_REMOTE]
		      : l->end_off;
	for (off = l->section[MBX_HOST]; off < end; off += 4)
		sum = sum * 31 + mbx_ld((void *)(l->is.base + off));
	printf("%u\n", sum);
	mbx_close(m);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "refused") == 0)
		return refused(argv[2]);
	if (argc == 3 && strcmp(argv[1], "stores") == 0)
		return stores(argv[2]);
	if (argc == 4 && strcmp(argv[1], "unaligned") == 0)
		return unaligned(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "host") == 0)
		return print_host(argv[2]);
	fprintf(stderr, "usage: see the top of mapping.c\n");
	return 2;
}
