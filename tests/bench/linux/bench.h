/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Linux benchmark: what its files share.
 *
 * A peer (mbx, a ring of somebody else's, a way of the kernel's) is a row of a
 * table of functions. It brings its own loops, made from those in loops.h with
 * its send and receive inlined, so that no peer pays for an indirect call. Each
 * row runs in two fresh processes, pinned to two cores, that share one unnamed
 * piece of memory: whatever becomes of them, nothing is left behind.
 */
#ifndef MBX_BENCH_H
#define MBX_BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bench_suite {
	BENCH_ROUND_TRIP, /* both sides spin */
	BENCH_BLOCKING,	  /* both sides sleep */
	BENCH_THROUGHPUT, /* copied, each message visible at once */
	BENCH_BATCHED,	  /* copied, visible by the batch */
	BENCH_IN_PLACE,	  /* made and read in the ring itself */
	BENCH_STATE,
	BENCH_LOG,
	BENCH_GROWTH, /* round trips as something grows */
	BENCH_SUITES,
};

struct bench_peer;

/* One row; each of its two processes has a copy. */
struct bench {
	const struct bench_peer *peer;
	enum bench_suite suite;
	uint32_t bytes; /* of one message */
	uint32_t batch; /* messages made visible together */
	uint32_t ring_bytes, channels, observers; /* growth; 0: the usual */
	int side;				  /* 0 pings or feeds */
	int fd;					  /* the shared memory */
	uint8_t *memory; /* the same, mapped; as many bytes as asked for */
	uint64_t taken;	 /* drain, state: reads that were made meanwhile */
	uint64_t wrong;	 /* messages that were not what was due */
};

struct bench_peer {
	const char *name;
	unsigned int suites; /* 1 << enum bench_suite */
	uint32_t only_bytes; /* 0: any size up to max_bytes */
	uint32_t max_bytes;  /* 0: no limit */
	uint32_t batch;	     /* 0: as many as 4 KiB hold */
	size_t (*memory)(const struct bench *b); /* shared bytes needed */
	/* before the fork; NULL: nothing to do. 0, or a reason to skip it */
	const char *(*setup)(struct bench *b);
	/* in each process. 0, or what went wrong */
	const char *(*attach)(struct bench *b);
	void (*ping)(struct bench *b, uint64_t n, uint64_t *ticks);
	void (*pong)(struct bench *b, uint64_t n);
	void (*feed)(struct bench *b, uint64_t n);
	/* returns the ticks that all but the first @warm messages took */
	uint64_t (*drain)(struct bench *b, uint64_t n, uint64_t warm);
};

/* Tables of peers, each ended by a row without a name. */
extern const struct bench_peer bench_mbx[], bench_kernel[];
/* Not linked when the package is not there. */
extern const struct bench_peer bench_rte_ring[] __attribute__((weak)),
	bench_boost[] __attribute__((weak)),
	bench_zeromq[] __attribute__((weak));

/* Room for as many messages in every peer's ring. */
static inline uint32_t bench_depth(uint32_t bytes)
{
	return bytes <= 256 ? 1024 : bytes <= 4096 ? 64 : 16;
}

/* ---- pair.c ---- */

struct bench_result {
	const char *skipped;		   /* why; the rest says nothing */
	double value;			   /* ns of a round trip or a message */
	double count;			   /* of them */
	double p50, p90, p99, p999, p9999; /* ns, round trips */
	double ping_pong;		   /* ns, mean of before and after */
	double limit;			   /* ns of the suite's own limit */
	double drift;  /* of the limits, before to after: >= 1 */
	double reads;  /* state, log: for each that was written */
	long switches; /* involuntary ones, both sides */
	uint64_t wrong;
	char why[160];
};

/*
 * Run one row for about @ms milliseconds, and its limits before and after.
 * Returns 0, or -1 with result->skipped or result->why.
 */
int bench_pair(struct bench *b, unsigned int ms, struct bench_result *result);

/* The two cores of the pair: as BENCH_CPUS=A,B says, else two that may run. */
const char *bench_choose_cpus(void);

extern int bench_cpu[2];

#ifdef __cplusplus
}
#endif
#endif
