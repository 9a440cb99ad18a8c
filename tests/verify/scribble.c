/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both sides of a link use all of the API while somebody scribbles over the
 * region: random words, and such as could be meant. Whatever the calls return,
 * they do so, and touch nothing outside: each mapping stands between pages that
 * nobody may touch. Afterwards the region is formatted again, and works.
 *
 * Usage: scribble SECONDS [SEED]
 */
#include "verify/traffic.h"

#include "internal.h"

#include <pthread.h>
#include <sys/mman.h>

#define BYTES	65536u
#define MAX	64u
#define GUARDED (1u << 16)
#define HANG_S	60u

static uint32_t *all; /* the scribbler's own mapping */
static uint32_t good[BYTES / 4];
static char region[40];
static uint32_t scribbled, calls[2], answers[2], refused[2], broken[2];
static int phase; /* 0, 1: in that side's section; 2: anywhere; 3: no more */

static void wrong(const char *what, int n)
{
	fprintf(stderr, "%s: %d: %s\n", what, n, mbx_errmsg());
	abort();
}

/* Each mapping where it ends, and begins, at what faults. */
int __real_mbxi_map(struct mbx_region *r, int fd, uint64_t off, size_t bytes);
int __wrap_mbxi_map(struct mbx_region *r, int fd, uint64_t off, size_t bytes);
int __wrap_mbxi_map(struct mbx_region *r, int fd, uint64_t off, size_t bytes)
{
	int err = __real_mbxi_map(r, fd, off, bytes);
	char *room;

	if (err)
		return err;
	room = mmap(NULL, bytes + 2 * GUARDED, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	r->base = mremap(r->base, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			 room + GUARDED);
	return 0;
}

/* ---- who scribbles ---- */

static uint32_t rnd(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

static uint32_t plausible(uint32_t *seed, uint32_t i)
{
	switch (rnd(seed, 12)) {
	case 0:
		return 0;
	case 1:
		return ~0u;
	case 2:
		return MBX_HDR_MSG + rnd(seed, 2 * MAX);
	case 3:
		return MBX_HDR_PAD + 4 * rnd(seed, 256);
	case 4:
		return 4 * rnd(seed, BYTES / 4);
	case 5:
		return rnd(seed, 64);
	case 6:
		return MBX_SLOT_WRITTEN | rnd(seed, 256);
	case 7:
		return all[rnd(seed, BYTES / 4)];
	case 8:
		return all[i] ^ 1u << rnd(seed, 32);
	case 9:
		return all[i] + 4u - rnd(seed, 9);
	case 10:
		return MBX_MAGIC;
	default:
		return *seed;
	}
}

static void scribble(uint32_t *seed, uint32_t from, uint32_t to)
{
	uint32_t i = from / 4 + rnd(seed, (to - from) / 4);

	__atomic_store_n(&all[i], plausible(seed, i), __ATOMIC_RELAXED);
	scribbled++;
}

/* So that attaching succeeds now and then, to be disturbed later. */
static void put_back(uint32_t from, uint32_t to)
{
	uint32_t i;

	for (i = from / 4; i < to / 4; i++)
		__atomic_store_n(&all[i], good[i], __ATOMIC_RELAXED);
}

static void *scribbles(void *arg)
{
	uint32_t seed = *(uint32_t *)arg, from, to, host = good[8];
	int now;

	while ((now = __atomic_load_n(&phase, __ATOMIC_ACQUIRE)) < 3) {
		from = now == 1 ? good[9] : now == 0 ? host : 0;
		to = now == 0 ? good[9] : good[12];
		if (rnd(&seed, 64) == 0) /* the superblock and directory, too */
			scribble(&seed, 0, host);
		else
			scribble(&seed, from, to);
		if (rnd(&seed, 200) == 0)
			put_back(0, host);
		if (rnd(&seed, 2000) == 0)
			put_back(0, good[12]);
		if (rnd(&seed, 4) == 0)
			usleep(rnd(&seed, 20));
	}
	return NULL;
}

/* ---- who is disturbed ---- */

static struct victim {
	enum mbx_side side;
	uint32_t seed;
	struct mbx *m;
	struct mbx_end *e;
} victims[2];

static const struct mbx_channel *const table = host_channels;

static int taken(struct victim *v, int n, uint32_t most)
{
	calls[v->side]++;
	if (n > (int)most || (n < 0 && !*mbx_strerror(n)))
		wrong("a call's answer", n);
	answers[v->side] += n >= 0;
	refused[v->side] += n < 0;
	broken[v->side] += n == MBX_EPROTO;
	return n;
}

static void in_region(const struct victim *v, const void *p, int n)
{
	const struct mbx_region *r = mbx_get_region(v->m);
	uintptr_t off = (uintptr_t)p - (uintptr_t)r->base;

	if (off > r->bytes || (size_t)n > r->bytes - off)
		wrong("a place outside", n);
}

static void use_queue(struct victim *v, int out)
{
	uint32_t n = rnd(&v->seed, MAX + 4);
	char *buf = malloc(n ? n : 1); /* of its very size */
	const void *at;
	void *to;
	int got;

	memset(buf, 1, n ? n : 1);
	if (out && rnd(&v->seed, 2)) {
		taken(v, mbx_send(v->e, buf, n, (int)rnd(&v->seed, 2)), 1);
	} else if (out && rnd(&v->seed, 2)) {
		taken(v, mbx_put(v->e, buf, n, 0), 1);
		taken(v, mbx_flush(v->e), 0);
	} else if (out) {
		if (taken(v, mbx_claim(v->e, n, &to, 0), 1) == 0) {
			in_region(v, to, (int)n);
			memcpy(to, buf, n);
			taken(v, mbx_commit(v->e, n), 0);
		}
	} else if (rnd(&v->seed, 2)) {
		taken(v, mbx_recv(v->e, buf, n, (int)rnd(&v->seed, 2)), n);
	} else {
		got = taken(v, mbx_peek(v->e, &at, 0), MAX);
		if (got >= 0) {
			in_region(v, at, got);
			memcpy(buf, at, (uint32_t)got < n ? (size_t)got : n);
		}
		taken(v, mbx_release(v->e), 0);
	}
	free(buf);
}

static void use_slots(struct victim *v, int kind, int out)
{
	uint32_t n = rnd(&v->seed, 40);
	struct mbx_record rec;
	char *buf = calloc(1, n ? n : 1);
	uint32_t age;

	if (kind == MBX_KIND_STATE && out)
		taken(v, mbx_set(v->e, "12345678", 8), 0);
	else if (kind == MBX_KIND_STATE)
		taken(v, mbx_get(v->e, buf, n, &rec, &age), n);
	else if (out)
		taken(v, mbx_log(v->e, MBX_LOG_INFO, "%u", n), 0);
	else
		taken(v, mbx_log_read(v->e, buf, n, &rec, 0), n);
	free(buf);
}

static void use_call(struct victim *v, int out)
{
	uint32_t n = rnd(&v->seed, 12);
	struct mbx_request request;
	char *buf = calloc(1, n ? n : 1);
	int got, status;

	if (out) {
		taken(v, mbx_call(v->e, "12345678", 8, buf, n, &status, 1), n);
	} else {
		got = taken(v, mbx_serve(v->e, buf, n, &request, 1), n);
		if (got >= 0)
			taken(v, mbx_reply(v->e, &request, 0, "1234", 4), 0);
	}
	free(buf);
}

static void look(struct victim *v, uint32_t i)
{
	struct mbx_stream_stats stats;
	char buf[8];

	taken(v, mbx_stream_stats(v->m, i, 0, &stats), 0);
	taken(v, mbx_stream_look(v->m, i, 0, rnd(&v->seed, 4), buf, 8),
	      MBX_MAX_MESSAGE);
	taken(v, mbx_wait(v->m, 1), 31);
	taken(v, mbx_arm(v->m), 1);
}

/* One end, some calls on it; and now and then a new life. */
static void use_some(struct victim *v)
{
	uint32_t i = rnd(&v->seed, host_channels_count), k;
	const struct mbx_channel *c = &table[i];
	int out = c->is.direction == v->side;

	if (taken(v, mbx_end_open(v->m, c->name, &v->e), 0) == 0) {
		for (k = rnd(&v->seed, 30); k; k--) {
			if (c->is.kind == MBX_KIND_QUEUE)
				use_queue(v, out);
			else if (c->is.kind == MBX_KIND_CALL)
				use_call(v, out);
			else
				use_slots(v, c->is.kind, out);
		}
		mbx_end_close(v->e);
	}
	if (taken(v, mbx_poll(v->m), 31) == MBX_ESTALE || !rnd(&v->seed, 50))
		taken(v, mbx_reopen(v->m), 0);
	else
		look(v, i);
}

static void *suffers(void *arg)
{
	struct victim *v = arg;

	while (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) < 3)
		use_some(v);
	return NULL;
}

/* ---- before and after ---- */

static void open_side(struct victim *v, int format)
{
	struct mbx_options o = { .side = v->side,
				 .format = format,
				 .channels = format ? table : NULL,
				 .count = format ? host_channels_count : 0 };
	/* the host takes the channels from the region, whatever is there */
	int err = mbx_open(&v->m, region, &o);

	if (err)
		wrong("opening", err);
}

static void all_is_well(void)
{
	struct mbx_end *up, *up_in, *add, *add_in;
	struct mbx_request request;
	uint32_t i, life, number;
	uint8_t buf[MAX];
	int n;

	memset(all, 0, BYTES);
	mbx_close(victims[1].m);
	open_side(&victims[1], 1);
	n = mbx_reopen(victims[0].m);
	for (i = 0; i < 4 && n >= 0; i++)
		n = mbx_poll(victims[i & 1].m);
	if (n < 0 || mbx_end_open(victims[0].m, "up", &up) ||
	    mbx_end_open(victims[1].m, "up", &up_in) ||
	    mbx_end_open(victims[0].m, "add", &add) ||
	    mbx_end_open(victims[1].m, "add", &add_in))
		wrong("opening again", n);
	for (i = 0; i < 1000; i++) {
		n = (int)make_message(buf, MAX, 7, i);
		if (mbx_send(up, buf, (size_t)n, 0) ||
		    mbx_recv(up_in, buf, MAX, 0) != n ||
		    !is_message(buf, n, &life, &number) || number != i)
			wrong("traffic afterwards", n);
		if (mbx_call_start(add, buf, 8, 1000000) ||
		    mbx_serve(add_in, buf, 8, &request, 0) != 8 ||
		    mbx_reply(add_in, &request, 0, buf, 4) ||
		    mbx_call_poll(add, buf, 4, &n) != 4)
			wrong("a call afterwards", n);
	}
}

/* Is everybody still answering? */
static void watch_for(unsigned int seconds)
{
	uint32_t before[2] = { 0, 0 }, still[2] = { 0, 0 }, s, i;

	for (s = 0; s < seconds; s++) {
		sleep(1);
		for (i = 0; i < 2; i++) {
			still[i] = calls[i] == before[i] ? still[i] + 1 : 0;
			before[i] = calls[i];
			if (still[i] > HANG_S)
				wrong("a call does not end", (int)i);
		}
		if (still[0] || still[1])
			seconds++;
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 0, fd, i;
	uint32_t seed = argc > 2 ? (uint32_t)atoi(argv[2]) : 1;
	pthread_t thread[3];

	if (seconds < 3)
		return 2;
	fd = memfd_create("region", 0);
	snprintf(region, sizeof(region), "file:/proc/self/fd/%d", fd);
	if (ftruncate(fd, BYTES))
		return 1;
	all = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (i = 1; i >= 0; i--) {
		victims[i].side = i ? MBX_REMOTE : MBX_HOST;
		victims[i].seed = seed + 99u + (uint32_t)i;
		open_side(&victims[i], i);
	}
	memcpy(good, all, BYTES);
	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, suffers, &victims[i]);
	pthread_create(&thread[2], NULL, scribbles, &seed);
	for (i = 0; i < 3; i++) {
		__atomic_store_n(&phase, i, __ATOMIC_RELEASE);
		watch_for((unsigned int)seconds / 3u);
	}
	__atomic_store_n(&phase, 3, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	all_is_well();
	printf("%u words scribbled; host %u calls, %u answered, %u impossible "
	       "words found; remote %u, %u, %u; then 1000 messages and calls\n",
	       scribbled, calls[0], answers[0], broken[0], calls[1], answers[1],
	       broken[1]);
	mbx_close(victims[0].m);
	mbx_close(victims[1].m);
	return 0;
}
