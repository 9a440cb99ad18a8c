/* SPDX-License-Identifier: BSD-2-Clause */
/* A child process that can't be left behind. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/*
 * As fork(), but the child is killed when its parent ends, be it before the
 * child could ask for that (PR_SET_PDEATHSIG tells of later deaths only).
 */
static inline pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(127);
	}
	return pid;
}

#endif
