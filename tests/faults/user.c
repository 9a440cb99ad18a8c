/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: user REGION DOORBELL
 * Everything that libmbx does, between both sides in one process, for faults.py.
 * Whatever fails says why, and nothing stays open.
 */
#define _GNU_SOURCE

#include <mbx/mbx.h>

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(UP, "up", MBX_QUEUE(MBX_H2R, 64, 2, MBX_BLOCK, ""))            \
	CHANNEL(VALUE, "value", MBX_STATE(MBX_R2H, 8, 4, "u32 a, u32 b"))      \
	CHANNEL(LINES, "lines", MBX_LOG(MBX_R2H, 24, 8))                       \
	CHANNEL(ADD, "add", MBX_CALL(MBX_H2R, 8, 4, 2, "u32 a, u32 b -> u32 s"))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

/* Nothing fails meanwhile; in faults.c, if that is loaded. */
void fault_pause(int on) __attribute__((weak));

/* An everyday answer is no error; with @expr of another value, go to the end. */
#define must(expr, want)                                                       \
	do {                                                                   \
		int64_t got_ = (expr);                                         \
		if (got_ != (want)) {                                          \
			fprintf(stderr, "mbx: %s: %lld: %s\n", #expr,          \
				(long long)got_, mbx_errmsg());                \
			return 1;                                              \
		}                                                              \
	} while (0)

static struct mbx *host, *remote;

static int talk(void)
{
	struct mbx_end *up, *rx, *value, *get, *lines, *log, *add, *serve;
	struct mbx_request req;
	struct mbx_stream_stats stats;
	struct mbx_record rec;
	const void *seen;
	void *room;
	char buf[64];
	int n, status = 0;

	must(mbx_end_open(host, "up", &up), 0);
	must(mbx_end_open(remote, "up", &rx), 0);
	must(mbx_end_open(remote, "value", &value), 0);
	must(mbx_end_open(host, "value", &get), 0);
	must(mbx_end_open(remote, "lines", &lines), 0);
	must(mbx_end_open(host, "lines", &log), 0);
	must(mbx_end_open(host, "add", &add), 0);
	must(mbx_end_open(remote, "add", &serve), 0);

	must(mbx_send(up, "hello", 5, 10), 0);
	must(mbx_claim(up, 3, &room, 10), 0);
	memcpy(room, "abc", 3);
	must(mbx_commit(up, 3), 0);
	memset(buf, 'x', sizeof(buf));
	while ((n = mbx_send(up, buf, 64, 0)) == 0)
		;
	must(n, MBX_EAGAIN);
	must(mbx_send(up, buf, 64, 2), MBX_EAGAIN);
	must(mbx_recv(rx, buf, sizeof(buf), 10), 5);
	must(memcmp(buf, "hello", 5), 0);
	must(mbx_peek(rx, &seen, 10), 3);
	must(memcmp(seen, "abc", 3), 0);
	must(mbx_release(rx), 0);
	while ((n = mbx_recv(rx, buf, sizeof(buf), 2)) == 64)
		;
	must(n, MBX_EAGAIN);
	must(mbx_set(value, "12345678", 8), 0);
	must(mbx_get(get, buf, sizeof(buf), &rec, NULL), 8);
	must(mbx_log(lines, MBX_LOG_INFO, "line %d", 1), 0);
	must(mbx_log_read(log, buf, sizeof(buf), &rec, 10), 6);
	must(mbx_call_start(add, "12345678", 8, 1000), 0);
	must(mbx_serve(serve, buf, sizeof(buf), &req, 10), 8);
	must(mbx_reply(serve, &req, 7, "sum!", 4), 0);
	must(mbx_call_poll(add, buf, sizeof(buf), &status), 4);
	must(status, 7);
	must(mbx_stream_stats(host, UP, 0, &stats), 0);
	mbx_end_close(up);
	mbx_end_close(rx);
	return 0;
}

/* Asleep in poll(), as other people's loops are, until the other side rings. */
static int be_woken(void)
{
	struct pollfd p = { .events = POLLIN };
	struct mbx_end *up;

	p.fd = mbx_fd(remote);
	if (p.fd < 0)
		must(p.fd, 0);
	mbx_poll(remote);
	must(mbx_arm(remote) < 0, 0);
	must(mbx_end_open(host, "up", &up), 0);
	must(mbx_send(up, "ring", 4, 10), 0);
	poll(&p, 1, 20);
	must(mbx_wait(remote, 1) < 0, 0);
	mbx_doorbell_count(remote);
	return 0;
}

static int use(const char *region, const char *bell)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = channels,
				 .count = channels_count,
				 .doorbell = bell };
	struct mbx_options h = { .doorbell = bell }, look = { .observe = 1 };
	struct mbx *observer;
	int i;

	must(mbx_open(&remote, region, &o), 0);
	must(mbx_open(&host, region, &h), 0);
	for (i = 0; i < 4; i++) {
		must(mbx_poll(remote) < 0, 0);
		must(mbx_poll(host) < 0, 0);
	}
	must(mbx_wait_peer(host, 100), 0);
	must(mbx_open(&observer, region, &look), 0);
	i = mbx_poll(observer);
	mbx_close(observer);
	must(i < 0, 0);
	if (talk() || be_woken())
		return 1;
	must(mbx_reopen(host), 0);
	return 0;
}

/* How many files are open, or how many mappings of the region there are. */
static int count(const char *what)
{
	DIR *d = opendir(what);
	FILE *f = d ? NULL : fopen(what, "r");
	char line[4096];
	int n = 0;

	while (d ? readdir(d) != NULL : fgets(line, sizeof(line), f) != NULL)
		n += d || strstr(line, "/dev/shm/mbx");
	if (d)
		closedir(d);
	else
		fclose(f);
	return n;
}

static void count_both(int n[2])
{
	if (fault_pause)
		fault_pause(1);
	n[0] = count("/proc/self/fd");
	n[1] = count("/proc/self/maps");
	if (fault_pause)
		fault_pause(0);
}

int main(int argc, char **argv)
{
	int before[2], after[2], failed;

	if (argc != 3)
		return 2;
	count_both(before);
	failed = use(argv[1], argv[2]);
	mbx_close(host);
	mbx_close(remote);
	if (!failed && mbx_region_remove(argv[1])) {
		fprintf(stderr, "mbx: %s\n", mbx_errmsg());
		failed = 1;
	}
	count_both(after);
	if (memcmp(before, after, sizeof(before)) == 0)
		return failed;
	fprintf(stderr, "LEAK: %d files open, not %d; %d mappings, not %d\n",
		after[0], before[0], after[1], before[1]);
	return 5;
}
