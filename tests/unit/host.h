/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of libmbx: a region with every kind of channel, and a child. */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#define _GNU_SOURCE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbx/mbx.h>

#include "../child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000 /* a hang, not a slow machine */

#define HOST_CHANNELS(CHANNEL)                                                 \
	CHANNEL(UP, "up", MBX_QUEUE(MBX_H2R, 64, 8, MBX_BLOCK, ""))            \
	CHANNEL(DOWN, "down", MBX_QUEUE(MBX_R2H, 64, 8, MBX_BLOCK, ""))        \
	CHANNEL(FAILS, "fails", MBX_QUEUE(MBX_H2R, 16, 2, MBX_FAIL, ""))       \
	CHANNEL(DROPS, "drops", MBX_QUEUE(MBX_H2R, 16, 2, MBX_DROP, ""))       \
	CHANNEL(VALUE, "value", MBX_STATE(MBX_R2H, 8, 4, "u32 a, u32 b"))      \
	CHANNEL(LINES, "lines", MBX_LOG(MBX_R2H, 24, 8))                       \
	CHANNEL(ADD, "add", MBX_CALL(MBX_H2R, 8, 4, 2, "u32 a, u32 b -> u32 s"))
MBX_DECLARE_CHANNELS(host_channels, HOST_CHANNELS);

/* As assert_int_equal(), but what the library says is seen when it fails. */
#define assert_mbx(expr, want)                                                 \
	do {                                                                   \
		int got_ = (expr);                                             \
		if (got_ != (want))                                            \
			print_message("%s: %d: %s\n", #expr, got_,             \
				      mbx_errmsg());                           \
		assert_int_equal(got_, want);                                  \
	} while (0)

/* In a child, where cmocka's asserts have nobody to report to. */
#define child_check(expr)                                                      \
	do {                                                                   \
		if (!(expr)) {                                                 \
			fprintf(stderr, "%s:%d: child: %s: %s\n", __FILE__,    \
				__LINE__, #expr, mbx_errmsg());                \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static inline const char *test_region(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "shm:/mbx-test-%d", getpid());
	return name;
}

/* What a test that failed has left is not for the next one to trip over. */
static inline int remove_region(void **state)
{
	(void)state;
	mbx_region_remove(test_region());
	return 0;
}

#define region_test(name) cmocka_unit_test_teardown(name, remove_region)

/* To map it is the error @want, explained by what @says. */
static inline void region_refused(const char *name, unsigned int flags,
				  size_t bytes, int want, const char *says)
{
	struct mbx_region r;
	int err = mbx_region_open(&r, name, flags, bytes);

	if (err == 0)
		mbx_region_close(&r);
	if (err != want || !strstr(mbx_errmsg(), says))
		print_message("%s: \"%s\" does not say \"%s\"\n",
			      name ? name : "no name", mbx_errmsg(), says);
	assert_int_equal(err, want);
	assert_non_null(strstr(mbx_errmsg(), says));
	assert_null(r.base);
	assert_int_equal(r.fd, -1);
}

/* Run @body(@region) in a child that does not outlive the test. */
static inline pid_t spawn(void (*body)(const char *region), const char *region)
{
	pid_t pid;

	pid = fork_bound();
	if (pid == 0) {
		body(region);
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static inline void reap(pid_t pid, int want_status)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, want_status);
}

/* The region's owner in this process: the remote, as firmware would be. */
static inline struct mbx *open_owner(const char *region)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *m;

	assert_mbx(mbx_open(&m, region, &o), 0);
	return m;
}

static inline struct mbx *open_host(const char *region)
{
	struct mbx_options o = { .timeout_ms = PATIENCE_MS };
	struct mbx *m;

	assert_mbx(mbx_open(&m, region, &o), 0);
	return m;
}

static inline struct mbx_end *open_end(struct mbx *m, const char *name)
{
	struct mbx_end *e;

	assert_mbx(mbx_end_open(m, name, &e), 0);
	return e;
}

/* Two sides in one process: let each see the other. */
static inline void bring_up(struct mbx *a, struct mbx *b)
{
	int i;

	for (i = 0; i < 4; i++) {
		mbx_poll(a);
		mbx_poll(b);
	}
	assert_true(mbx_get_link(a)->peer_session);
	assert_true(mbx_get_link(b)->peer_session);
}

#endif
