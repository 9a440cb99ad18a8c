/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: bench [--quick] [--seconds N] [--only PATTERN]
 * CSV goes to stdout; PATTERN, as of file names, is for SUITE/CASE/BYTES. Nothing
 * is repeated after N seconds.
 *
 * All rows, several times over, each repeat in a process pair of its own. What
 * was disturbed is dropped, tried again a bounded number of times, and counted.
 * The value of a row is the median of its repeats in the placement that most of
 * them had; its ratio that of each repeat's ratio to its own limits.
 */
#include "bench.h"

#include <mbx/channel.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROWS    400
#define MAX_REPEATS 9
/*
 * Two virtual cores are "far" if a cache line's round trip takes so many times
 * the run's best, or longer than any through a cache that both share.
 */
#define FAR	      2.0
#define FAR_NS	      250.0
#define MAX_DRIFT     1.25
#define MAX_SWITCHES  2
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	struct bench bench;
	char name[64];
	struct bench_result kept[MAX_REPEATS];
	struct bench_result disturbed; /* the last one, if none was kept */
	int count, dropped;
	char skipped[160];
};

static struct row rows[MAX_ROWS];
static int row_count;
static const char *only;
static int repeats = 5, retries = 2;
static unsigned int row_ms = 60;
static double seconds = 150; /* then nothing is repeated any more */

static const char *const suite_names[BENCH_SUITES] = {
	"round trip", "blocking round trip",
	"throughput", "batched",
	"in place",   "state",
	"log",	      "growth",
};

static const char *const limit_names[BENCH_SUITES] = {
	"ping-pong", "futex ping-pong", "bulk", "bulk", "bulk", "bulk",
	"bulk",	     "ping-pong",
};

static const struct {
	const char *name;
	const struct bench_peer *peers;
} families[] = {
	{ "mbx", bench_mbx },
	{ "the kernel's", bench_kernel },
	{ "DPDK rte_ring (libdpdk-dev)", bench_rte_ring },
	{ "Boost (libboost-dev)", bench_boost },
	{ "ZeroMQ (libzmq3-dev)", bench_zeromq },
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- which rows ---- */

/* @grown: what grows in this row, and how far; or "". */
static struct row *add_row(const struct bench_peer *peer, enum bench_suite s,
			   uint32_t bytes, const char *grown)
{
	struct row *r = &rows[row_count];
	uint32_t per_page = bytes < 4096 ? 4096 / bytes : 1;
	char where[128];

	if (row_count == MAX_ROWS)
		abort();
	r->bench = (struct bench){ .peer = peer, .suite = s, .bytes = bytes };
	r->bench.batch = peer->batch ? peer->batch : per_page;
	snprintf(r->name, sizeof(r->name), "%s%s", peer->name, grown);
	snprintf(where, sizeof(where), "%s/%s/%u", suite_names[s], r->name,
		 (unsigned int)bytes);
	if (!only || fnmatch(only, where, 0) == 0)
		row_count++;
	return r;
}

static void add_sizes(const struct bench_peer *peer, enum bench_suite s)
{
	static const uint32_t sizes[] = { 16, 64, 256, 4096, 65536 };
	static const uint32_t largest[BENCH_SUITES] = {
		256, 16, 65536, 256, 65536, 4096, 256, 16
	};
	size_t i;

	if (peer->only_bytes) {
		add_row(peer, s, peer->only_bytes, "");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(sizes) && sizes[i] <= largest[s]; i++)
		if (!peer->max_bytes || sizes[i] <= peer->max_bytes)
			add_row(peer, s, sizes[i], "");
}

static void add_growth(const struct bench_peer *peer)
{
	static const struct {
		const char *what;
		size_t where; /* in struct bench */
		uint32_t unit, count, value[5];
	} grows[] = {
		{ "ring KiB",
		  offsetof(struct bench, ring_bytes),
		  1024,
		  5,
		  { 4, 64, 1024, 65536, 1020 * 1024 } },
		{ "channels",
		  offsetof(struct bench, channels),
		  1,
		  4,
		  { 2, 10, 100, 1000 } },
		{ "observers",
		  offsetof(struct bench, observers),
		  1,
		  4,
		  { 0, 1, 10, 100 } },
	};
	char grown[40];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(grows); i++)
		for (j = 0; j < grows[i].count; j++) {
			uint32_t value = grows[i].value[j] * grows[i].unit;
			struct row *r;

			snprintf(grown, sizeof(grown), " %s %u", grows[i].what,
				 (unsigned int)grows[i].value[j]);
			r = add_row(peer, BENCH_GROWTH, 16, grown);
			memcpy((char *)&r->bench + grows[i].where, &value,
			       sizeof(value));
		}
}

static void add_suite(enum bench_suite s)
{
	const struct bench_peer *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (p = families[i].peers; p && p->name; p++) {
			if (!(p->suites >> s & 1))
				continue;
			if (s == BENCH_GROWTH)
				add_growth(p);
			else
				add_sizes(p, s);
		}
}

/* ---- measuring ---- */

static int is_disturbed(const struct bench_result *r)
{
	return r->switches > MAX_SWITCHES || r->drift > MAX_DRIFT;
}

static void measure(struct row *row, int again)
{
	struct bench_result r;

	for (;;) {
		struct bench b = row->bench;

		if (bench_pair(&b, row_ms, &r)) {
			snprintf(row->skipped, sizeof(row->skipped), "%s",
				 r.skipped ? r.skipped : r.why);
			return;
		}
		if (r.wrong) {
			snprintf(row->skipped, sizeof(row->skipped),
				 "%llu messages were wrong",
				 (unsigned long long)r.wrong);
			return;
		}
		if (!is_disturbed(&r)) {
			row->kept[row->count++] = r;
			return;
		}
		row->disturbed = r;
		row->dropped++;
		if (again-- <= 0)
			return;
	}
}

/* Time that is left: 1 for all, 0 for what has no figure yet, -1 for nothing. */
static int time_left(double start)
{
	double used = now() - start;

	return used < seconds ? 1 : used < seconds * 1.2 ? 0 : -1;
}

static void measure_row(struct row *row, double start, int again)
{
	int left = time_left(start);

	if (row->skipped[0])
		return;
	if (left > 0 || (left == 0 && !row->count && !row->dropped))
		measure(row, left > 0 ? again : 0);
	else if (!row->count && !row->dropped)
		snprintf(row->skipped, sizeof(row->skipped),
			 "no time left: this computer is busy");
}

static void measure_all(void)
{
	double start = now();
	int pass, i;

	for (pass = 0; pass < repeats; pass++)
		for (i = 0; i < row_count; i++) {
			if (isatty(2))
				fprintf(stderr,
					"\r\033[Kpass %d of %d: %d of %d, %s",
					pass + 1, repeats, i + 1, row_count,
					rows[i].name);
			/* first a figure for every row */
			measure_row(&rows[i], start, pass ? retries : 0);
		}
	if (isatty(2))
		fprintf(stderr, "\r\033[K");
}

/* ---- results ---- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median of one double of each result. */
#define MEDIAN(r, n, expression)                                               \
	median_of(r, n, offsetof(struct bench_result, expression))

static double median_of(const struct bench_result *r, int n, size_t offset)
{
	double v[MAX_REPEATS];
	int i;

	for (i = 0; i < n; i++)
		memcpy(&v[i], (const char *)&r[i] + offset, sizeof(v[i]));
	qsort(v, (size_t)n, sizeof(v[0]), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double median_ratio(const struct bench_result *r, int n, int inverse)
{
	double v[MAX_REPEATS];
	int i;

	for (i = 0; i < n; i++)
		v[i] = inverse ? r[i].limit / r[i].value
			       : r[i].value / r[i].limit;
	qsort(v, (size_t)n, sizeof(v[0]), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double nearest(void)
{
	double best = 1e9;
	int i, j;

	for (i = 0; i < row_count; i++)
		for (j = 0; j < rows[i].count; j++)
			if (rows[i].kept[j].ping_pong < best)
				best = rows[i].kept[j].ping_pong;
	for (i = 0; i < row_count; i++)
		if (rows[i].dropped && rows[i].disturbed.ping_pong < best)
			best = rows[i].disturbed.ping_pong;
	return best;
}

static int is_far(const struct bench_result *r, double near)
{
	return r->ping_pong > near * FAR || r->ping_pong > FAR_NS;
}

/* Keep the repeats of the commoner placement; whether it is the far one. */
static int one_placement(struct row *row, double near)
{
	struct bench_result kept[MAX_REPEATS];
	int far = 0, n = 0, i, keep_far;

	for (i = 0; i < row->count; i++)
		far += is_far(&row->kept[i], near);
	keep_far = far > row->count - far;
	for (i = 0; i < row->count; i++)
		if (is_far(&row->kept[i], near) == keep_far)
			kept[n++] = row->kept[i];
	memcpy(row->kept, kept, sizeof(kept[0]) * (size_t)n);
	row->count = n;
	return keep_far;
}

static void line(const struct row *row, const char *metric, double value,
		 const char *unit, const char *reference, double ratio)
{
	printf("%s,%s,%u,%s,%.4g,%s,%s,", suite_names[row->bench.suite],
	       row->name, (unsigned int)row->bench.bytes, metric, value, unit,
	       reference);
	if (ratio > 0)
		printf("%.4f", ratio);
	printf("\n");
}

static void round_trip_lines(const struct row *row, const char *reference)
{
	const struct bench_result *r = row->kept;
	int n = row->count;

	line(row, "round trip", MEDIAN(r, n, value), "ns", reference,
	     median_ratio(r, n, 0));
	line(row, "limit", MEDIAN(r, n, limit), "ns", reference, 0);
	line(row, "count", MEDIAN(r, n, count), "", "", 0);
	line(row, "p50", MEDIAN(r, n, p50), "ns", "", 0);
	line(row, "p90", MEDIAN(r, n, p90), "ns", "", 0);
	line(row, "p99", MEDIAN(r, n, p99), "ns", "", 0);
	line(row, "p99.9", MEDIAN(r, n, p999), "ns", "", 0);
	line(row, "p99.99", MEDIAN(r, n, p9999), "ns", "", 0);
}

static void stream_lines(const struct row *row, const char *reference)
{
	const struct bench_result *r = row->kept;
	int n = row->count;

	line(row, "throughput", 1e3 / MEDIAN(r, n, value), "M/s", reference,
	     median_ratio(r, n, 1));
	line(row, "limit", 1e3 / MEDIAN(r, n, limit), "M/s", reference, 0);
	if (row->bench.suite == BENCH_STATE || row->bench.suite == BENCH_LOG)
		line(row, "reads", MEDIAN(r, n, reads), "per write", "", 0);
}

/* Rows whose every repeat was disturbed are shown, and marked so. */
static void report(struct row *row, double near)
{
	int disturbed = row->count == 0, far;
	char reference[64];

	if (row->skipped[0]) {
		char *c;

		for (c = row->skipped; *c; c++)
			if (*c == ',')
				*c = ';';
		printf("%s,%s,%u,skipped,,,%s,\n",
		       suite_names[row->bench.suite], row->name,
		       (unsigned int)row->bench.bytes, row->skipped);
		return;
	}
	if (disturbed) {
		row->kept[0] = row->disturbed;
		row->count = 1;
	}
	far = one_placement(row, near);
	snprintf(reference, sizeof(reference), "%s %s%s",
		 limit_names[row->bench.suite], far ? "far" : "near",
		 disturbed ? " disturbed" : "");
	if (row->bench.suite == BENCH_ROUND_TRIP ||
	    row->bench.suite == BENCH_BLOCKING ||
	    row->bench.suite == BENCH_GROWTH)
		round_trip_lines(row, reference);
	else
		stream_lines(row, reference);
}

static int report_all(void)
{
	int i, kept = 0, dropped = 0, disturbed = 0, wrong = 0;
	double near = nearest();

	for (i = 0; i < row_count; i++) {
		kept += rows[i].count;
		dropped += rows[i].dropped;
		disturbed += rows[i].count == 0 && !rows[i].skipped[0];
		wrong += strstr(rows[i].skipped, "wrong") != NULL;
	}
	printf("run,repeats kept,0,count,%d,,,\n", kept);
	printf("run,repeats dropped,0,count,%d,,,\n", dropped);
	printf("run,rows disturbed,0,count,%d,,,\n", disturbed);
	printf("run,ping-pong nearest,0,round trip,%.1f,ns,,\n", near);
	for (i = 0; i < row_count; i++)
		report(&rows[i], near);
	return wrong;
}

static void name_missing(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (!families[i].peers)
			printf("run,%s,0,skipped,,,not installed,\n",
			       families[i].name);
}

int main(int argc, char **argv)
{
	const char *problem = bench_choose_cpus();
	int s, i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--quick")) {
			repeats = 1;
			retries = 0;
			row_ms = 10;
			seconds = 60;
		} else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
			only = argv[++i];
		} else if (!strcmp(argv[i], "--seconds") && i + 1 < argc) {
			seconds = atof(argv[++i]);
		} else {
			fprintf(stderr, "usage: bench [--quick] [--seconds N] "
					"[--only PATTERN]\n");
			return 2;
		}
	}
	if (problem) {
		fprintf(stderr, "bench: %s\n", problem);
		return 77;
	}
	for (s = 0; s < BENCH_SUITES; s++)
		add_suite((enum bench_suite)s);
	printf("suite,case,bytes,metric,value,unit,reference,ratio\n");
	name_missing();
	measure_all();
	return report_all() ? 1 : 0;
}
