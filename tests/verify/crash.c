/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Death after every instruction of every call: a child is stepped through its
 * calls by ptrace. What stands in the shared region after an instruction is what
 * SIGKILL there would leave. Wherever that has changed, and wherever a call has
 * returned, new lives begin on a copy, in a process of their own that has the
 * other side's private memory, and an oracle looks at what becomes of it.
 *
 *   crash step STRIDE		the stepped one dies; so may both
 *   crash other STRIDE PACE	the other one dies and begins anew, at every
 *				PACEth instruction, or thereabouts; the stepped one goes on
 *   crash kill STRIDE PACE	SIGKILL itself, at every PACEth instruction
 *
 * The last two with calls on channels only, not whole lives. Every STRIDEth of
 * the ways a queue can stand is tried. With CALLS only those
 * of such a name. Exits with 77 where ptrace is not allowed.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "../child.h"
#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANG_SECONDS 60 /* a recovery takes a millisecond */

struct desk *desk;
uint8_t *region;
int stepped;

static pid_t parent;
static const struct act *act;
static struct situation now;
static uint32_t stride = 1, pace = 1;
static const char *only;
static uint64_t scenes, calls, instructions, snapshots, recoveries, kills,
	rebirths;
static uint8_t last[REGION_BYTES];
static struct desk met; /* in all scenes */

void mark(void)
{
	if (!stepped)
		return;
	desk->at_mark = 1;
	raise(SIGSTOP);
	desk->at_mark = 0;
}

static void describe(const char *how)
{
	printf("FAIL: %s, %s, %s; %u passed, %u queued%s%s: %s\n", act->name,
	       now.lib	    ? "libmbx"
	       : now.memory ? "common/"
			    : "common/ by words",
	       how, now.warm, now.queued, now.asleep ? ", peer asleep" : "",
	       now.held ? ", one in hand" : "",
	       *desk->why ? desk->why : "killed or hung");
	exit(1);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(desk->why, sizeof(desk->why), fmt, ap);
	va_end(ap);
	if (getpid() == parent)
		describe("before the calls");
	_exit(1);
}

/* ---- recoveries ---- */

static void recover_in_child(int both, int other_first)
{
	struct desk was = *desk;
	int status;
	pid_t pid = fork_bound();

	if (pid == 0) {
		alarm(HANG_SECONDS);
		memcpy(last, region, REGION_BYTES);
		if (mmap(region, REGION_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			 0) != region)
			_exit(2);
		memcpy(region, last, REGION_BYTES);
		recover(act, both, other_first);
		_exit(0);
	}
	recoveries++;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork: %s", strerror(errno));
	if (status)
		describe(both ? "both dead" : "the other side lives on");
	met.repeats += desk->repeats;
	*desk = was;
}

/* Nothing new: neither in the region nor in what the sides were told. */
static int is_known(void)
{
	static struct desk told;
	struct desk tells = *desk;

	tells.in_call = tells.at_mark = 0;
	tells.padding = tells.full = tells.asleep = 0;
	if (memcmp(last, region, REGION_BYTES) == 0 &&
	    memcmp(&tells, &told, sizeof(told)) == 0)
		return 1;
	memcpy(last, region, REGION_BYTES);
	told = tells;
	return 0;
}

static void recover_all_ways(void)
{
	int way;

	snapshots++;
	for (way = 0; way < 4; way++)
		recover_in_child(way & 1, way >> 1);
}

/* ---- stepping ---- */

static void no_ptrace(const char *why)
{
	printf("ptrace is not allowed here: %s\n", why);
	exit(77);
}

static pid_t start(void)
{
	pid_t pid = fork_bound();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(77);
		stepped = 1;
		act->calls();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid)
		fail("fork: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		no_ptrace(strerror(EPERM));
	if (!WIFSTOPPED(status))
		describe("before its first call");
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL);
	return pid;
}

/* Go on, by one instruction or up to the next stop: 0 when it has ended. */
static int go(pid_t pid, enum __ptrace_request how)
{
	int status;

	if (ptrace(how, pid, NULL, NULL) || waitpid(pid, &status, 0) != pid)
		no_ptrace(strerror(errno));
	if (WIFSTOPPED(status)) {
		int sig = WSTOPSIG(status);

		/* a stop and its end may come from elsewhere, too */
		if (sig == SIGTRAP || sig == SIGSTOP || sig == SIGCONT)
			return 1;
		snprintf(desk->why, sizeof(desk->why), "signal %d", sig);
	} else if (status == 0) {
		return 0;
	}
	describe("while it lives");
	return 0;
}

/* Up to the next mark, or the end (0). */
static int to_mark(pid_t pid)
{
	while (go(pid, PTRACE_CONT))
		if (desk->at_mark)
			return 1;
	return 0;
}

/* From a mark into the call, or on in the call: 0 once it has returned. */
static int step(pid_t pid)
{
	int was_in = (int)desk->in_call;

	do {
		if (!go(pid, PTRACE_SINGLESTEP))
			return 0;
	} while (!was_in && !desk->in_call);
	return (int)desk->in_call;
}

/* ---- the three methods, a scene each ---- */

static void step_scene(void)
{
	pid_t pid = start();

	do {
		if (!is_known())
			recover_all_ways();
		calls++;
		while (step(pid)) {
			instructions++;
			if (!is_known())
				recover_all_ways();
		}
	} while (to_mark(pid));
	if (!is_known())
		recover_all_ways();
}

/* Of what is long, rather the beginning: each time all has to be stepped. */
static uint32_t after(uint32_t k)
{
	return k + pace + (now.lib ? k / 4 : 0);
}

/*
 * Each call anew up to each instruction, and there @what happens: 0 if the child
 * is no more.
 */
static void at_each_instruction(int (*what)(pid_t pid))
{
	uint32_t call, k, left, done = 0;
	pid_t pid;

	for (call = 0; !done; call++)
		for (k = 1;; k = after(k)) {
			set_up(act, &now);
			pid = start();
			for (left = call; left && to_mark(pid); left--)
				;
			if (left) { /* there are no more calls */
				done = 1;
				break;
			}
			for (left = k; left && step(pid); left--)
				;
			instructions += k - left;
			if (!what(pid))
				waitpid(pid, NULL, 0);
			recover_in_child(k & 1, k >> 1 & 1);
			if (left) { /* it had returned already */
				calls++;
				break;
			}
		}
}

static int other_dies(pid_t pid)
{
	rebirths++;
	other_reborn(act);
	while (to_mark(pid))
		other_goes_on(act);
	return 1;
}

static void other_scene(void)
{
	at_each_instruction(other_dies);
}

static int really(pid_t pid)
{
	kills++;
	kill(pid, SIGKILL);
	return 0;
}

static void kill_scene(void)
{
	at_each_instruction(really);
}

/* ---- all situations ---- */

static const struct {
	const char *name;
	void (*scene)(void);
} methods[] = {
	{ "step", step_scene },
	{ "other", other_scene },
	{ "kill", kill_scene },
};

static uint32_t count;

static void try(void (*scene)(void))
{
	scenes++;
	set_up(act, &now);
	scene();
	met.padding += desk->padding;
	met.full += desk->full;
	met.asleep += desk->asleep;
}

/* How the queue may stand; of so many scenes only every STRIDEth. */
static void try_queues(void (*scene)(void))
{
	for (now.warm = 0; now.warm < 7; now.warm++)
		for (now.queued = 0; now.queued < 6; now.queued++)
			for (now.asleep = 0; now.asleep < 2; now.asleep++)
				for (now.held = 0; now.held < 2; now.held++)
					if (count++ % stride == 0)
						try(scene);
}

static void try_all(void (*scene)(void))
{
	int by;

	for (act = acts; act->name; act++)
		for (by = 0; by < 3; by++) {
			now.lib = by == 2;
			now.memory = by == 1;
			now.warm = now.queued = now.asleep = now.held = 0;
			if (only && !strstr(act->name, only))
				continue;
			/* again and again up to there would take hours */
			if (scene != step_scene && act->kind >= LIFE)
				continue;
			if (act->kind == QUEUE)
				try_queues(scene);
			else
				try(scene);
		}
}

static void report(void)
{
	printf("%llu scenes, %llu calls, %llu instructions",
	       (unsigned long long)scenes, (unsigned long long)calls,
	       (unsigned long long)instructions);
	if (snapshots)
		printf(", %llu snapshots", (unsigned long long)snapshots);
	if (rebirths)
		printf(", %llu deaths of the other side",
		       (unsigned long long)rebirths);
	if (kills)
		printf(", %llu kills", (unsigned long long)kills);
	printf(", %llu recoveries; met: padding %u, full %u, asleep %u, "
	       "repeats %u\n",
	       (unsigned long long)recoveries, met.padding, met.full,
	       met.asleep, met.repeats);
}

int main(int argc, char **argv)
{
	uint32_t i;

	desk = mmap(NULL, sizeof(*desk), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	region = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (desk == MAP_FAILED || region == MAP_FAILED)
		return 2;
	parent = getpid();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2)
		stride = (uint32_t)atoi(argv[2]);
	if (argc > 3)
		pace = (uint32_t)atoi(argv[3]);
	if (argc > 4)
		only = argv[4];
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (argc > 1 && strcmp(argv[1], methods[i].name) == 0) {
			try_all(methods[i].scene);
			report();
			return 0;
		}
	printf("usage: crash step|other|kill STRIDE [PACE [CALLS]]\n");
	return 2;
}
