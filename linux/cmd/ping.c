/* SPDX-License-Identifier: BSD-2-Clause */
/* ping: round trips over two queues, each checked byte by byte. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ping {
	struct mbx *m;
	struct mbx_end *there, *back;
	uint32_t size, cap; /* of a message; of the buffer for replies */
	uint32_t first;	    /* number of the first message */
	long long timeout_ms, sent, lost, wrong;
	uint8_t *out, *in;
	double *us; /* of the round trips so far */
	size_t count;
};

static double clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A number and then bytes that depend on it and on their place. */
static void fill(uint8_t *buf, uint32_t size, uint32_t number)
{
	uint32_t i;

	memcpy(buf, &number, 4);
	for (i = 4; i < size; i++)
		buf[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
}

/* Is it the whole reply to one of the messages before this one? */
static bool late(const struct ping *p, int n, uint32_t number)
{
	uint8_t *expected;
	uint32_t which;
	bool same;

	if (n < 4 || (uint32_t)n != p->size)
		return false;
	memcpy(&which, p->in, 4);
	if (which - p->first >= number - p->first)
		return false;
	expected = buffer(p->size);
	fill(expected, p->size, which);
	same = memcmp(expected, p->in, p->size) == 0;
	free(expected);
	return same;
}

/* Wait for the reply to message @number; false: lost, or a signal. */
static bool take_reply(struct ping *p, uint32_t number, int64_t until)
{
	int n;

	for (;;) {
		n = recv_wait(p->m, p->back, p->in, p->cap, until);
		if (n == MBX_EAGAIN || n == MBX_ENOTCONN || stopped()) {
			p->lost += !stopped();
			return false;
		}
		if (n < 0)
			fail_mbx(n);
		if ((uint32_t)n == p->size &&
		    memcmp(p->in, p->out, p->size) == 0)
			return true;
		if (late(p, n, number))
			continue;
		complain("wrong reply to message %u: %d bytes, expected %u, or "
			 "other contents",
			 number - p->first, n, p->size);
		p->wrong++;
		return false;
	}
}

static void one_trip(struct ping *p, uint32_t number)
{
	int64_t until = until_ms(p->timeout_ms);
	double start;
	int err;

	fill(p->out, p->size, number);
	start = clock_us();
	err = send_wait(p->there, p->out, p->size, until);
	if (stopped())
		return;
	if (err == MBX_ENOTCONN || err == MBX_EAGAIN) {
		if (p->sent == 0)
			unless_stopped(err, "ping", p->m, p->timeout_ms);
		p->lost++;
	} else if (err < 0) {
		fail_mbx(err);
	} else if (take_reply(p, number, until)) {
		p->us[p->count++] = clock_us() - start;
	}
	p->sent++;
}

static void open_ends(struct ping *p, const struct args *a)
{
	const char *to = a->value['o'] ? a->value['o'] : "ping";
	const char *from = a->value['b'] ? a->value['b'] : "pong";
	const struct mbx_channel *c;
	uint32_t most;

	p->there = open_end(p->m, a, to, SEND);
	p->back = open_end(p->m, a, from, RECV);
	c = find_channel(p->m, from);
	p->cap = most = c->is.fwd.max_bytes;
	c = find_channel(p->m, to);
	if (c->is.fwd.max_bytes < most)
		most = c->is.fwd.max_bytes;
	if (p->size > most)
		fail(USAGE, "%s %u: \"%s\" and \"%s\" carry at most %u bytes",
		     option(a, 's'), p->size, to, from, most);
	p->in = buffer(p->cap);
	p->out = buffer(p->size);
}

/* Replies to somebody who asked before us. */
static void drain(struct ping *p)
{
	int n;

	do {
		n = mbx_recv(p->back, p->in, p->cap, 0);
	} while (n >= 0 && !stopped());
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(const struct ping *p, unsigned int percent)
{
	size_t rank = (p->count * percent + 99) / 100;

	return p->us[rank ? rank - 1 : 0];
}

#define BUCKETS 24

/* Buckets end at 1, 2, 5, 10, 20, 50 ... microseconds. */
static double bucket_end(int i)
{
	static const double steps[] = { 1, 2, 5 };
	double v = steps[i % 3];

	for (i /= 3; i; i--)
		v *= 10;
	return v;
}

static void histogram(const struct ping *p)
{
	static const char bar[] =
		"##################################################";
	size_t in[BUCKETS] = { 0 }, i, most = 1;
	int b, first = BUCKETS, last = 0;

	for (i = 0; i < p->count; i++) {
		for (b = 0; b < BUCKETS - 1 && p->us[i] >= bucket_end(b); b++)
			;
		in[b]++;
		first = b < first ? b : first;
		last = b > last ? b : last;
		most = in[b] > most ? in[b] : most;
	}
	for (b = first; b <= last; b++)
		printf("  < %7.0f us %8zu %.*s\n", bucket_end(b), in[b],
		       (int)((in[b] * (sizeof(bar) - 1) + most - 1) / most),
		       bar);
}

static void print_figures(const struct ping *p)
{
	printf("%lld sent, %zu returned, %lld lost, %lld wrong, %u bytes each\n",
	       p->sent, p->count, p->lost, p->wrong, p->size);
	if (!p->count)
		return;
	printf("round trip us: min %.1f, median %.1f, p90 %.1f, p99 %.1f, max "
	       "%.1f\n",
	       p->us[0], percentile(p, 50), percentile(p, 90),
	       percentile(p, 99), p->us[p->count - 1]);
	histogram(p);
}

static void print_figures_json(const struct ping *p)
{
	static const struct {
		const char *name;
		unsigned int percent;
	} of[] = { { "min", 0 },
		   { "median", 50 },
		   { "p90", 90 },
		   { "p99", 99 },
		   { "max", 100 } };
	json_t *o = json_object(), *us = json_object();
	size_t i;

	set_num(o, "sent", p->sent);
	set_num(o, "returned", (long long)p->count);
	set_num(o, "lost", p->lost);
	set_num(o, "wrong", p->wrong);
	set_num(o, "bytes", p->size);
	for (i = 0; p->count && i < sizeof(of) / sizeof(of[0]); i++)
		json_object_set_new(us, of[i].name,
				    json_real(percentile(p, of[i].percent)));
	json_object_set_new(o, "round_trip_us", us);
	print_json(o, false);
}

int run_ping(struct args *a)
{
	long long i, count = opt_number(a, 'n', 10, 1, 10000000);
	int interval = (int)opt_number(a, 'i', 0, 0, 3600000);
	struct ping p = {
		.size = (uint32_t)opt_number(a, 's', 16, 4, MBX_MAX_MESSAGE),
		.timeout_ms = opt_number(a, 't', 1000, 1, 3600000),
	};
	uint32_t number;

	p.m = open_link(a, false, p.timeout_ms);
	open_ends(&p, a);
	p.us = calloc((size_t)count, sizeof(*p.us));
	if (!p.us)
		fail(FAILED, "no memory for %lld figures", count);
	drain(&p);
	number = p.first = mbx_get_link(p.m)->session << 20;
	for (i = 0; i < count && !stopped(); i++) {
		if (i && interval)
			nap_ms(interval);
		one_trip(&p, number++);
	}
	qsort(p.us, p.count, sizeof(*p.us), ascending);
	if (a->value['j'])
		print_figures_json(&p);
	else
		print_figures(&p);
	free(p.us);
	free(p.in);
	free(p.out);
	return p.lost || p.wrong || !p.count ? FAILED : OK;
}
