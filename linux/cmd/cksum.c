/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cksum: stream files to the peer, which answers with the checksum of each.
 *
 * Over queue "data" goes a file in messages, and a message of no bytes ends it;
 * over queue "sum" come its checksum and length. An earlier client may have
 * died in the middle of a file. Where that shows (something is left in either
 * queue, or the peer counts other bytes than were sent) an end is sent, and
 * then a short file of random bytes: once its own checksum comes back, whatever
 * was under way is over.
 */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream {
	struct mbx *m;
	struct mbx_end *data, *sum;
	struct type type; /* of the answers */
	uint32_t max, sum_max;
	uint32_t peer; /* session of the peer that has the file */
	long long timeout_ms;
	bool progress;
	uint8_t *buf; /* a piece of a file; an answer */
};

struct sum {
	uint64_t crc, bytes;
};

/* POSIX cksum: CRC-32 of the bytes, then of their number. */
static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
	int i;

	crc ^= (uint32_t)byte << 24;
	for (i = 0; i < 8; i++)
		crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7u : 0);
	return crc;
}

static uint32_t crc_short(const uint8_t *data, uint32_t bytes)
{
	uint32_t crc = 0, i;

	for (i = 0; i < bytes; i++)
		crc = crc_byte(crc, data[i]);
	for (i = bytes; i; i >>= 8)
		crc = crc_byte(crc, (uint8_t)i);
	return ~crc;
}

/* ---- pieces ---- */

/* Put a piece, invisible until the ring is full or the batch is flushed. */
static int put(struct stream *s, const void *data, uint32_t bytes)
{
	int64_t until = until_ms(s->timeout_ms);
	int err;

	do {
		err = mbx_put(s->data, data, bytes, slice(until));
	} while ((err == MBX_EAGAIN || err == MBX_ENOTCONN) && slice(until));
	return err;
}

static int end_file(struct stream *s)
{
	int err = put(s, NULL, 0);

	return err < 0 ? err : mbx_flush(s->data);
}

static uint64_t field_of(const struct stream *s, const char *name,
			 const uint8_t *buf, uint32_t n)
{
	uint32_t at = 0;
	unsigned int i;

	for (i = 0; i < s->type.count; i++) {
		const struct field *f = &s->type.field[i];

		if (!f->array && f->base == 'u' && strcmp(f->name, name) == 0 &&
		    at + f->size <= n)
			return little(buf + at, f->size);
		at += f->count * f->size;
	}
	fail(USAGE, "\"sum\" carries \"%s\": there is no number \"%s\" in it",
	     find_channel(s->m, "sum")->is.type, name);
}

static int take_sum(struct stream *s, struct sum *sum)
{
	int n = recv_wait(s->m, s->sum, s->buf, s->sum_max,
			  until_ms(s->timeout_ms));

	if (n < 0)
		return n;
	sum->crc = field_of(s, "crc", s->buf, (uint32_t)n);
	sum->bytes = field_of(s, "bytes", s->buf, (uint32_t)n);
	return 0;
}

/* Has the peer been there all the time since meet_peer()? */
static bool same_peer(const struct stream *s)
{
	mbx_poll(s->m);
	return mbx_get_link(s->m)->last_session == s->peer;
}

static int meet_peer(struct stream *s)
{
	int64_t until = until_ms(s->timeout_ms);
	int err;

	do {
		err = mbx_wait_peer(s->m, slice(until));
	} while (err == MBX_ENOTCONN && slice(until));
	s->peer = mbx_get_link(s->m)->last_session;
	return err;
}

/* Get over whatever an earlier client, or an earlier try, has left. */
static int settle(struct stream *s)
{
	uint8_t probe[8];
	uint32_t n = s->max < sizeof(probe) ? s->max : sizeof(probe);
	struct sum sum;
	int err = meet_peer(s);

	if (getrandom(probe, sizeof(probe), 0) != sizeof(probe))
		fail(FAILED, "getrandom: %s", strerror(errno));
	if (!err)
		err = put(s, NULL, 0);
	if (!err)
		err = put(s, probe, n);
	if (!err)
		err = end_file(s);
	while (!err) {
		err = take_sum(s, &sum);
		if (!err && sum.bytes == n && sum.crc == crc_short(probe, n))
			break;
	}
	return err;
}

static uint32_t waiting(const struct stream *s, const char *name)
{
	struct mbx_stream_stats stats = { 0 };

	mbx_stream_stats(s->m, (uint32_t)mbx_channel_find(s->m, name), 0,
			 &stats);
	return stats.messages;
}

static int begin(struct stream *s)
{
	int err = meet_peer(s);

	/* in this order: who takes the last piece has answered before */
	if (!err && waiting(s, "data") + waiting(s, "sum"))
		err = settle(s);
	return err;
}

/* ---- files ---- */

static void show_progress(const struct stream *s, const char *name,
			  uint64_t sent, off_t size)
{
	static int64_t shown;

	if (!s->progress || now_us() - shown < 100000)
		return;
	shown = now_us();
	if (size > 0)
		fprintf(stderr, "\r\033[K%s %llu%%", name,
			(unsigned long long)(sent * 100 / (uint64_t)size));
	else
		fprintf(stderr, "\r\033[K%s %llu bytes", name,
			(unsigned long long)sent);
}

static void end_progress(const struct stream *s)
{
	if (s->progress)
		fputs("\r\033[K", stderr);
}

/* Read a piece; while there is none, live on and push out what there is. */
static ssize_t read_piece(struct stream *s, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	/* where it fails otherwise, read() says what is wrong */
	while ((n = poll(&p, 1, 0)) == 0 || (n < 0 && errno == EINTR)) {
		if (stopped())
			return -1;
		mbx_flush(s->data);
		mbx_poll(s->m);
		poll(&p, 1, 100);
	}
	return read(fd, s->buf, s->max);
}

/* All of @fd into the stream: 0, an mbx error, or 1 for an errno. */
static int stream_file(struct stream *s, int fd, const char *name,
		       uint64_t *sent)
{
	struct stat st = { 0 };
	ssize_t n;
	int err = 0;

	fstat(fd, &st);
	*sent = 0;
	while (!err && !stopped()) {
		n = read_piece(s, fd);
		if (n < 0)
			return 1;
		if (n == 0)
			return end_file(s);
		err = put(s, s->buf, (uint32_t)n);
		*sent += (uint64_t)n;
		show_progress(s, name, *sent,
			      S_ISREG(st.st_mode) ? st.st_size : 0);
	}
	return err;
}

static void print_sum(const struct sum *sum, const char *name)
{
	printf("%llu %llu", (unsigned long long)sum->crc,
	       (unsigned long long)sum->bytes);
	if (name)
		printf(" %s", name);
	putchar('\n');
	flush();
}

/*
 * One file, in step with the peer before and after. Returns OK, FAILED (the
 * others may go on) or NO_PEER; *again: the peer restarted meanwhile,
 * or had a part of something else.
 */
static int sum_open(struct stream *s, int fd, const char *name, bool *again)
{
	const char *shown = name ? name : "standard input";
	struct sum sum;
	uint64_t sent;
	int err = stream_file(s, fd, shown, &sent), e = errno;

	if (err == 0 && !stopped())
		err = take_sum(s, &sum);
	end_progress(s);
	if (stopped())
		return FAILED;
	*again = (err == 0 && sum.bytes != sent) || (err != 1 && !same_peer(s));
	if (*again)
		return FAILED;
	if (err == 1) {
		complain("%s: %s", shown, strerror(e));
		err = settle(s); /* part of it may be there already */
		return err ? NO_PEER : FAILED;
	}
	if (err) {
		complain("%s: %s", shown, mbx_errmsg());
		return NO_PEER;
	}
	print_sum(&sum, name);
	return OK;
}

#define TRIES 3

/* A peer that lost the thread gets the file again, if it can be read again. */
static int sum_file(struct stream *s, const char *name)
{
	bool in = strcmp(name, "-") == 0, again = true;
	int fd = in ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC), tries;
	int status = FAILED;

	if (fd < 0) {
		complain("%s: %s%s", name, strerror(errno), denied(errno));
		return FAILED;
	}
	for (tries = 0; again && tries < TRIES && !stopped(); tries++) {
		if (tries && (lseek(fd, 0, SEEK_SET) < 0 || settle(s)))
			break;
		status = sum_open(s, fd, in ? NULL : name, &again);
	}
	if (again && !stopped()) {
		complain("%s: the peer restarted in the middle of it, or did "
			 "not count all bytes",
			 name);
		status = settle(s) ? NO_PEER : FAILED;
	}
	if (!in)
		close(fd);
	return status;
}

static int run_cksum(struct args *a)
{
	static char dash[] = "-";
	static char *only_stdin[] = { dash };
	static struct stream s;
	char **names = a->argc ? a->argv : only_stdin;
	int i, err, count = a->argc ? a->argc : 1, status = OK;

	s.timeout_ms = opt_number(a, 't', 5000, 1, 3600000);
	s.progress = isatty(STDERR_FILENO) && !a->value['q'];
	s.m = open_link(a, false, s.timeout_ms);
	s.data = open_end(s.m, a, "data", SEND);
	s.sum = open_end(s.m, a, "sum", RECV);
	s.max = find_channel(s.m, "data")->is.fwd.max_bytes;
	s.sum_max = find_channel(s.m, "sum")->is.fwd.max_bytes;
	type_parse(&s.type, find_channel(s.m, "sum")->is.type, WHOLE);
	s.buf = buffer(s.max > s.sum_max ? s.max : s.sum_max);
	err = begin(&s);
	if (err)
		unless_stopped(err, "cksum", s.m, s.timeout_ms);
	for (i = 0; i < count && !stopped() && status != NO_PEER; i++) {
		err = sum_file(&s, names[i]);
		if (err)
			status = err;
	}
	free(s.buf);
	return status;
}

static const struct opt cksum_opts[] = {
	OPT_REGION,
	{ 'q', "quiet", NULL, "no progress, even on a terminal" },
	OPT_TIMEOUT("to wait for the peer to take or answer (5000)"),
	OPT_SIDE,
	OPT_END
};

const struct command cksum_command[] = {
	{ "cksum", "[FILE]...",
	  "have the peer checksum files, as cksum(1) prints",
	  "Sends over queue \"data\", receives over queue \"sum\" (fields crc "
	  "and bytes).\nWithout FILE, or for -: standard input.\n",
	  cksum_opts, 0, -1, false, run_cksum },
	{ 0 }
};
