/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes on two cores, and what these cores can do at best, measured
 * right before and right after each row:
 *
 *	ping-pong	a word each way, both sides spinning
 *	futex ping-pong	the same, both sides sleeping
 *	bulk		messages without any framing, through two halves
 *
 * Two virtual cores may be near (one cache) or far, and change places at any
 * time: only ratios to limits of the same moment say anything.
 */
#include "../../child.h"
#include "loops.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE	     __attribute__((aligned(128)))
#define PING_PONGS   2048u
#define FUTEXES	     160u
#define MAX_SAMPLES  400000u
#define MAX_SLEEPS   12000u
#define HANG_SECONDS 20u
#define HALVES_BYTES (16u * 65536u)
/* For those who count system calls: this one begins and ends what counts. */
#define MARK() syscall(SYS_write, -1, "mark", 4)

/* What the two share beside the peer's memory. */
struct control {
	uint32_t here[2] LINE;	  /* barrier: how often each side came */
	uint32_t there LINE;	  /* limits: words of side 0, */
	uint32_t back LINE;	  /* and of side 1 */
	uint32_t filled[2] LINE;  /* bulk: how often each half was filled, */
	uint32_t emptied[2] LINE; /* and emptied */
	uint64_t n LINE;	  /* messages or round trips measured */
	double ns_per_tick;
	double value, ping_pong[2], limit[2], p50, p90, p99, p999, p9999;
	double reads;
	long switches[2];
	uint64_t wrong[2];
	char why[160];
	uint64_t samples[MAX_SAMPLES] LINE;
	uint8_t halves[HALVES_BYTES] LINE;
};

int bench_cpu[2];

static unsigned int row_ms; /* how long a row is to take, without limits */
static struct control *ctl;
static uint32_t times_here;

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static void meet(const struct bench *b)
{
	store(&ctl->here[b->side], ++times_here);
	while (load(&ctl->here[!b->side]) < times_here)
		sched_yield();
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static long involuntary(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

/* ---- statistics ---- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile(const uint64_t *sorted, uint64_t n, double p)
{
	return (double)sorted[(uint64_t)((double)(n - 1) * p)] *
	       ctl->ns_per_tick;
}

/* The median of the means of @block in a row: finer than the clock's steps. */
static double middle(const uint64_t *ticks, uint64_t n, uint64_t block)
{
	static uint64_t sum[MAX_SAMPLES];
	uint64_t i;

	memset(sum, 0, (n / block) * sizeof(sum[0]));
	for (i = 0; i < n / block * block; i++)
		sum[i / block] += ticks[i];
	qsort(sum, n / block, sizeof(sum[0]), by_value);
	return percentile(sum, n / block, 0.5) / (double)block;
}

/* ---- limits ---- */

/* Fewer where a row is only tried. */
static uint32_t enough(uint32_t count)
{
	return row_ms < 20 ? count / 8 : count;
}

static void wait_spinning(uint32_t *word, uint32_t value)
{
	while (load(word) != value)
		;
}

static void wait_asleep(uint32_t *word, uint32_t value)
{
	uint32_t now;

	while ((now = load(word)) != value)
		syscall(SYS_futex, word, FUTEX_WAIT, now, NULL, NULL, 0);
}

/* A round trip of one word, both sides spinning; ns. */
static double ping_pong(struct bench *b)
{
	uint32_t first = load(&ctl->there), count = enough(PING_PONGS), i;
	uint64_t start;

	meet(b);
	for (i = first + 1; i <= first + count; i++) {
		if (b->side) {
			wait_spinning(&ctl->there, i);
			store(&ctl->back, i);
			continue;
		}
		start = bench_ticks();
		store(&ctl->there, i);
		wait_spinning(&ctl->back, i);
		ctl->samples[i - first - 1] = bench_ticks() - start;
	}
	return b->side ? 0 : middle(ctl->samples, count, 64);
}

static void wake(uint32_t *word, uint32_t value)
{
	store(word, value);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/*
 * The same, both asleep; ns. Two that are awake can keep each other so, by
 * system calls that never sleep, so each trip begins when the peer is asleep.
 */
static double futex_ping_pong(struct bench *b)
{
	uint32_t first = load(&ctl->there), count = enough(FUTEXES), i;
	uint64_t start;

	meet(b);
	for (i = first + 1; i <= first + count; i++) {
		if (b->side) {
			wait_asleep(&ctl->there, i);
			wake(&ctl->back, i);
			continue;
		}
		bench_let_sleep();
		start = bench_ticks();
		wake(&ctl->there, i);
		wait_asleep(&ctl->back, i);
		ctl->samples[i - first - 1] = bench_ticks() - start;
	}
	return b->side ? 0 : middle(ctl->samples, count, 1);
}

BENCH_INLINE void fill_halves(uint32_t bytes, uint32_t per_half,
			      uint32_t halves)
{
	static uint8_t out[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	uint32_t h, j, slots = bytes > 256 ? 1 : 16;

	for (h = 0; h < halves; h++) {
		uint8_t *to = ctl->halves + (h & 1) * (HALVES_BYTES / 2);

		while (load(&ctl->emptied[h & 1]) != h / 2)
			;
		for (j = 0; j < per_half; j++) {
			uint8_t *from = out + (size_t)(j % slots) * bytes;

			BENCH_OPAQUE(from);
			memcpy(to + (size_t)j * bytes, from, bytes);
			bench_stamp(from, j);
		}
		store(&ctl->filled[h & 1], h / 2 + 1);
	}
}

BENCH_INLINE void empty_halves(uint32_t bytes, uint32_t per_half,
			       uint32_t halves)
{
	static uint8_t in[BENCH_BUFFER] __attribute__((aligned(BENCH_ALIGN)));
	uint32_t h, j, sum = 0;

	for (h = 0; h < halves; h++) {
		const uint8_t *from = ctl->halves +
				      (h & 1) * (HALVES_BYTES / 2);

		while (load(&ctl->filled[h & 1]) != h / 2 + 1)
			;
		for (j = 0; j < per_half; j++) {
			uint32_t stamp;

			memcpy(in, from + (size_t)j * bytes, bytes);
			BENCH_OPAQUE(in);
			memcpy(&stamp, in, sizeof(stamp));
			sum += stamp;
		}
		store(&ctl->emptied[h & 1], h / 2 + 1);
	}
	BENCH_OPAQUE(&sum);
}

/* A message through two halves that are handed to and fro; ns. */
static double bulk_limit(struct bench *b)
{
	uint32_t per_half = bench_depth(b->bytes) / 2;
	uint32_t halves = b->bytes <= 64 ? 2048 : b->bytes <= 256 ? 1024 : 256;
	uint64_t start;

	halves = enough(halves);
	memset(ctl->filled, 0, sizeof(ctl->filled));
	memset(ctl->emptied, 0, sizeof(ctl->emptied));
	meet(b);
	start = bench_ticks();
	if (b->side == 0) {
#define FILL(n) fill_halves(n, per_half, halves)
		BENCH_BY_SIZE(b, FILL);
	} else {
#define EMPTY(n) empty_halves(n, per_half, halves)
		BENCH_BY_SIZE(b, EMPTY);
	}
	meet(b);
	return (double)(bench_ticks() - start) * ctl->ns_per_tick /
	       ((double)per_half * halves);
}

static int is_stream(const struct bench *b)
{
	return b->suite != BENCH_ROUND_TRIP && b->suite != BENCH_BLOCKING &&
	       b->suite != BENCH_GROWTH;
}

static void limits(struct bench *b, int after)
{
	double nearness = ping_pong(b), limit = nearness;

	meet(b);
	if (b->suite == BENCH_BLOCKING)
		limit = futex_ping_pong(b);
	else if (is_stream(b))
		limit = bulk_limit(b);
	if (b->side == 0) {
		ctl->ping_pong[after] = nearness;
		ctl->limit[after] = limit;
	}
	meet(b);
}

/* ---- one side of one row ---- */

static void summarize(const struct bench *b, uint64_t n)
{
	ctl->value = middle(ctl->samples, n,
			    b->suite == BENCH_BLOCKING ? 1 : 64);
	qsort(ctl->samples, n, sizeof(ctl->samples[0]), by_value);
	ctl->p50 = percentile(ctl->samples, n, 0.5);
	ctl->p90 = percentile(ctl->samples, n, 0.9);
	ctl->p99 = percentile(ctl->samples, n, 0.99);
	ctl->p999 = percentile(ctl->samples, n, 0.999);
	ctl->p9999 = percentile(ctl->samples, n, 0.9999);
}

/* A state's or log's writer waits for nobody: the time is its own. */
static void stream(struct bench *b, uint64_t n)
{
	int waits = b->suite != BENCH_STATE && b->suite != BENCH_LOG;
	uint64_t warm = n / 20 / b->batch * b->batch, ticks, start;

	if (b->side == 0) {
		start = bench_ticks();
		b->peer->feed(b, n);
		ticks = bench_ticks() - start;
		if (!waits)
			ctl->value = (double)ticks * ctl->ns_per_tick /
				     (double)n;
		return;
	}
	b->taken = 0;
	ticks = b->peer->drain(b, n, warm);
	if (waits)
		ctl->value = (double)ticks * ctl->ns_per_tick /
			     (double)(n - warm);
	ctl->reads = (double)b->taken / (double)n;
}

/* Run @n; the involuntary switches of this side meanwhile. */
static long run(struct bench *b, uint64_t n)
{
	long before = involuntary();

	meet(b);
	if (is_stream(b))
		stream(b, n);
	else if (b->side)
		b->peer->pong(b, n);
	else
		b->peer->ping(b, n, ctl->samples);
	meet(b);
	return involuntary() - before;
}

/* How many will take row_ms, as a short run says. */
static uint64_t calibrate(struct bench *b)
{
	uint64_t n = !is_stream(b) ? 1024 : b->bytes <= 256 ? 16384 : 256;

	run(b, n);
	if (!is_stream(b) && b->side == 0)
		summarize(b, n);
	meet(b);
	if (ctl->value > 0)
		n = (uint64_t)(row_ms * 1e6 / ctl->value);
	if (!is_stream(b) && n > MAX_SAMPLES)
		n = MAX_SAMPLES;
	/* who was awake in the short run may be asleep in this one */
	if (b->suite == BENCH_BLOCKING && n > MAX_SLEEPS)
		n = MAX_SLEEPS;
	n -= n % b->batch;
	return n < 1024 ? 1024 : n;
}

static void fail(const char *what)
{
	if (!ctl->why[0])
		snprintf(ctl->why, sizeof(ctl->why), "%s", what);
}

static void side(struct bench *b)
{
	const char *problem;
	uint64_t n;

	pin(bench_cpu[b->side]);
	problem = b->peer->attach ? b->peer->attach(b) : NULL;
	if (problem) {
		fail(problem);
		_exit(1);
	}
	meet(b);
	limits(b, 0);
	n = calibrate(b);
	MARK();
	ctl->switches[b->side] = run(b, n);
	MARK();
	if (!is_stream(b) && b->side == 0)
		summarize(b, n);
	ctl->n = n;
	limits(b, 1);
	ctl->wrong[b->side] = b->wrong;
	_exit(0);
}

/* ---- both ---- */

static double measure_tick(void)
{
	struct timespec a, z;
	uint64_t start, ticks;

	clock_gettime(CLOCK_MONOTONIC, &a);
	start = bench_ticks();
	usleep(50000);
	clock_gettime(CLOCK_MONOTONIC, &z);
	ticks = bench_ticks() - start;
	return ((double)(z.tv_sec - a.tv_sec) * 1e9 +
		(double)(z.tv_nsec - a.tv_nsec)) /
	       (double)ticks;
}

static int start_control(void)
{
	if (ctl)
		return 0;
	ctl = mmap(NULL, sizeof(*ctl), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ctl == MAP_FAILED)
		return -1;
	memset(ctl, 0, sizeof(*ctl)); /* all there before anything is timed */
	ctl->ns_per_tick = measure_tick();
	return 0;
}

/* A process that ends with its parent, or when it hangs. */
static pid_t start_side(const struct bench *b, int number)
{
	struct bench mine = *b;
	pid_t pid = fork_bound();

	if (pid)
		return pid;
	alarm(HANG_SECONDS);
	mine.side = number;
	side(&mine);
	return 0;
}

/* If one fails the other would wait for ever. */
static void end_sides(const pid_t *pid, int count)
{
	int i, status, left = count;

	while (left > 0) {
		pid_t p = wait(&status);

		if (p < 0)
			return;
		left--;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			continue;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			fail("hung");
		else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
			fail(strsignal(WTERMSIG(status)));
		for (i = 0; i < count; i++)
			if (pid[i] > 0)
				kill(pid[i], SIGKILL);
	}
}

static int start_memory(struct bench *b, size_t bytes)
{
	b->fd = memfd_create("mbx-bench", 0);
	if (b->fd < 0 || ftruncate(b->fd, (off_t)bytes))
		return -1;
	b->memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
			 0);
	return b->memory == MAP_FAILED ? -1 : 0;
}

/* How much two values differ: 1 or more. */
static double drift(const double v[2])
{
	return v[0] > v[1] ? v[0] / v[1] : v[1] / v[0];
}

static void collect(struct bench_result *r)
{
	r->value = ctl->value;
	r->p50 = ctl->p50;
	r->p90 = ctl->p90;
	r->p99 = ctl->p99;
	r->p999 = ctl->p999;
	r->p9999 = ctl->p9999;
	r->count = (double)ctl->n;
	r->reads = ctl->reads;
	r->ping_pong = (ctl->ping_pong[0] + ctl->ping_pong[1]) / 2;
	r->limit = (ctl->limit[0] + ctl->limit[1]) / 2;
	r->drift = drift(ctl->ping_pong);
	if (drift(ctl->limit) > r->drift)
		r->drift = drift(ctl->limit);
	r->switches = ctl->switches[0] + ctl->switches[1];
	r->wrong = ctl->wrong[0] + ctl->wrong[1];
	snprintf(r->why, sizeof(r->why), "%s", ctl->why);
}

/* Names that a peer must have for a moment are gone before a signal ends us. */
static const char *set_up(struct bench *b)
{
	const char *problem;
	sigset_t all, was;

	if (!b->peer->setup)
		return NULL;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &was);
	problem = b->peer->setup(b);
	sigprocmask(SIG_SETMASK, &was, NULL);
	return problem;
}

int bench_pair(struct bench *b, unsigned int ms, struct bench_result *r)
{
	size_t bytes = b->peer->memory ? b->peer->memory(b) : 4096;
	pid_t pid[2] = { -1, -1 };

	row_ms = ms;
	memset(r, 0, sizeof(*r));
	if (start_control() || start_memory(b, bytes)) {
		snprintf(r->why, sizeof(r->why), "memory: %s", strerror(errno));
		return -1;
	}
	memset(ctl->here, 0, sizeof(ctl->here));
	ctl->value = ctl->reads = 0;
	ctl->why[0] = 0;
	r->skipped = set_up(b);
	if (!r->skipped) {
		pid[0] = start_side(b, 0);
		pid[1] = pid[0] > 0 ? start_side(b, 1) : -1;
		if (pid[1] < 0)
			fail("fork");
		end_sides(pid, pid[1] > 0 ? 2 : pid[0] > 0 ? 1 : 0);
		collect(r);
	}
	munmap(b->memory, bytes);
	close(b->fd);
	return r->skipped || r->why[0] ? -1 : 0;
}

/* ---- which cores ---- */

/* Whether the two are threads of one core, as far as the system says. */
static int same_core(int a, int b)
{
	char path[96];
	int core[2], i;

	for (i = 0; i < 2; i++) {
		FILE *f;

		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/topology/core_id",
			 i ? b : a);
		f = fopen(path, "r");
		if (!f || fscanf(f, "%d", &core[i]) != 1)
			core[i] = -1 - i;
		if (f)
			fclose(f);
	}
	return core[0] == core[1];
}

const char *bench_choose_cpus(void)
{
	const char *said = getenv("BENCH_CPUS");
	int i, found = 0, spare = -1;
	cpu_set_t set;
	char junk;

	if (said && *said)
		return sscanf(said, "%d,%d%c", &bench_cpu[0], &bench_cpu[1],
			      &junk) == 2 &&
				       bench_cpu[0] != bench_cpu[1]
			       ? NULL
			       : "BENCH_CPUS is not two numbers, as 0,1";
	sched_getaffinity(0, sizeof(set), &set);
	for (i = 0; i < CPU_SETSIZE && found < 2; i++) {
		if (!CPU_ISSET((size_t)i, &set))
			continue;
		if (found == 1 && same_core(bench_cpu[0], i))
			spare = spare < 0 ? i : spare;
		else
			bench_cpu[found++] = i;
	}
	if (found == 1 && spare >= 0)
		bench_cpu[found++] = spare;
	return found == 2 ? NULL : "needs two cores, this process has one";
}
