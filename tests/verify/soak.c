/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load: three queues of small and large messages, calls, a state and a log, by
 * three processes on each side, and observers; each of them is killed or stopped
 * at any moment, and begun again. Lives, duties and ends pass from process to
 * process meanwhile. Every message is whole and accounted for: accepted ones
 * come exactly once, in order; what was in hand at a death again, and marked.
 *
 * Usage: soak SECONDS [SEED]
 */
#include "child.h"
#include "verify/traffic.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#define FOREVER	    3600000
#define HANG_S	    60 /* without a message on some channel */
#define LIVES	    (1u << 20)
#define CALL_BYTES  200u
#define VALUE_BYTES 32u

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(SMALL, "small", MBX_QUEUE(MBX_H2R, 48, 4, MBX_BLOCK, ""))      \
	CHANNEL(LARGE, "large", MBX_QUEUE(MBX_H2R, 20000, 3, MBX_BLOCK, ""))   \
	CHANNEL(BACK, "back", MBX_QUEUE(MBX_R2H, 600, 2, MBX_BLOCK, ""))       \
	CHANNEL(ASK, "ask", MBX_CALL(MBX_H2R, CALL_BYTES, CALL_BYTES, 2, ""))  \
	CHANNEL(STATE, "state", MBX_STATE(MBX_R2H, VALUE_BYTES, 4, ""))        \
	CHANNEL(NOTES, "notes", MBX_LOG(MBX_H2R, 64, 16))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

enum { QUEUES = 3 };

/* What no death takes away. Of a queue, by whom it is written: */
static struct score {
	uint64_t last[QUEUES];	  /* consumer: life << 32 | number */
	uint32_t life[QUEUES];	  /* parent: of the producer */
	uint32_t first[QUEUES];	  /* parent: the consumer is another one */
	uint64_t taken[QUEUES];	  /* consumer */
	uint32_t repeats, unsaid; /* consumers */
	uint64_t calls, resets, values, notes, looks;
	uint32_t value, note; /* numbers of the last ones */
	int stop, done;
	char wrong[200];
	uint32_t accepted[QUEUES][LIVES]; /* producer, by life */
} * score;

static char region[40];

static void wrong(const char *what, uint32_t a, uint32_t b, uint32_t c)
{
	if (!score->wrong[0])
		snprintf(score->wrong, sizeof(score->wrong), "%s: %u %u %u: %s",
			 what, a, b, c, mbx_errmsg());
	_exit(1);
}

static void one_more(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static int stopped(void)
{
	return __atomic_load_n(&score->stop, __ATOMIC_ACQUIRE);
}

static struct mbx *open_side(enum mbx_side side, int observe)
{
	struct mbx_options o = { .side = side,
				 .observe = observe,
				 .timeout_ms = FOREVER };
	struct mbx *m = NULL;

	if (mbx_open(&m, region, &o))
		wrong("opening", side, 0, 0);
	return m;
}

static struct mbx_end *end_of(struct mbx *m, const char *name)
{
	struct mbx_end *e = NULL;

	if (mbx_end_open(m, name, &e))
		wrong(name, 0, 0, 0);
	return e;
}

/* ---- queues ---- */

/* One or two, by send, batch or claim; how many. */
static uint32_t send_some(struct mbx_end *e, uint8_t *buf, uint32_t max,
			  uint32_t life, uint32_t number)
{
	uint32_t n = make_message(buf, max, life, number), how = any(4);
	int err;
	void *at;

	if (how == 0) {
		err = mbx_claim(e, n, &at, FOREVER);
		if (!err)
			memcpy(at, buf, n);
		err = err ? err : mbx_commit(e, n);
	} else if (how == 1) {
		err = mbx_put(e, buf, n, FOREVER);
		n = make_message(buf, max, life, number + 1);
		err = err ? err : mbx_put(e, buf, n, FOREVER);
		err = err ? err : mbx_flush(e);
	} else {
		err = mbx_send(e, buf, n, FOREVER);
	}
	if (err)
		wrong("sending", life, number, (uint32_t)-err);
	return how == 1 ? 2 : 1;
}

static void set_value(struct mbx_end *e)
{
	uint8_t value[VALUE_BYTES];

	make_message_of(value, VALUE_BYTES, 1, ++score->value);
	if (mbx_set(e, value, VALUE_BYTES))
		wrong("setting", score->value, 0, 0);
}

#define NOTE(number) "note %u, %08x", (number), (number)*2654435761u

static void write_note(struct mbx_end *e)
{
	uint32_t number = ++score->note;

	if (mbx_log(e, MBX_LOG_INFO, NOTE(number)))
		wrong("noting", number, 0, 0);
}

/* Who fills a queue writes something else, too. */
static void produce(struct mbx *m, int q)
{
	struct mbx_end *e = end_of(m, channels[q].name);
	struct mbx_end *notes = q == SMALL ? end_of(m, "notes") : NULL;
	struct mbx_end *state = q == BACK ? end_of(m, "state") : NULL;
	uint32_t max = channels[q].is.fwd.max_bytes, life = score->life[q];
	uint8_t *buf = malloc(max);
	uint32_t i = 1;

	while (!stopped()) {
		i += send_some(e, buf, max, life, i);
		__atomic_store_n(&score->accepted[q][life], i - 1,
				 __ATOMIC_RELEASE);
		if (notes)
			write_note(notes);
		if (state)
			set_value(state);
		dawdle();
	}
	free(buf);
}

/* @again: it is marked as one that an earlier life may have seen. */
static void account(int q, uint32_t life, uint32_t number, int again)
{
	uint32_t was_life = (uint32_t)(score->last[q] >> 32);
	uint32_t was = (uint32_t)score->last[q], first = score->first[q], due;

	score->first[q] = 0;
	if (life == was_life && number == was) {
		if (!again)
			wrong("a repeat without a mark", (uint32_t)q, life,
			      was);
		score->repeats++;
		return;
	}
	due = life == was_life ? was + 1 : 1;
	/* taken by the consumer before, which died before it could say so */
	if (first && number == due + 1) {
		score->unsaid++;
	} else if (number != due || life < was_life) {
		wrong("lost or out of order", (uint32_t)q, life << 16 | was,
		      number);
	} else if (life != was_life && was_life &&
		   was + first < score->accepted[q][was_life]) {
		wrong("an accepted one was lost", (uint32_t)q, was_life, was);
	}
	__atomic_store_n(&score->last[q], (uint64_t)life << 32 | number,
			 __ATOMIC_RELEASE);
	one_more(&score->taken[q]);
}

static void consume(struct mbx *m, int q)
{
	struct mbx_end *e = end_of(m, channels[q].name);
	uint32_t max = channels[q].is.fwd.max_bytes, life, number;
	uint8_t *buf = malloc(max);
	int n, peeks = (int)any(2);
	const void *at;

	for (;;) {
		int done = score->done; /* nobody sends any more */

		n = peeks ? mbx_peek(e, &at, 500) : mbx_recv(e, buf, max, 500);
		if ((n == MBX_EAGAIN || n == MBX_ENOTCONN) && done)
			break;
		if (n == MBX_EAGAIN || n == MBX_ENOTCONN)
			continue;
		if (n < 0)
			wrong("taking", (uint32_t)q, 0, (uint32_t)-n);
		if (peeks)
			memcpy(buf, at, (size_t)n);
		if (!is_message(buf, n, &life, &number))
			wrong("torn", (uint32_t)q, (uint32_t)n, 0);
		account(q, life, number, mbx_repeated(e));
		dawdle(); /* where a death makes it come again */
		if (peeks && mbx_release(e))
			wrong("releasing", (uint32_t)q, life, number);
	}
	free(buf);
}

/* ---- calls, state, log ---- */

static void ask(struct mbx *m, int unused)
{
	struct mbx_end *e = end_of(m, "ask");
	uint8_t req[CALL_BYTES], rep[CALL_BYTES];
	uint32_t i, n;
	int got, status;

	(void)unused;
	for (i = 0; !stopped(); i++) {
		n = make_message(req, CALL_BYTES, (uint32_t)getpid(), i);
		got = mbx_call(e, req, n, rep, CALL_BYTES, &status, 2000);
		if (got == MBX_ECONNRESET || got == MBX_ETIMEDOUT ||
		    got == MBX_EAGAIN || got == MBX_ENOTCONN) {
			one_more(&score->resets);
			continue;
		}
		if (got != (int)n || memcmp(req, rep, n) != 0 ||
		    status != (int)(i & 0xff))
			wrong("a reply", n, (uint32_t)got, i);
		one_more(&score->calls);
		dawdle();
	}
}

static void serve(struct mbx *m, int unused)
{
	struct mbx_end *e = end_of(m, "ask");
	struct mbx_request request;
	uint8_t buf[CALL_BYTES];
	uint32_t life, number;
	int n;

	(void)unused;
	while (!score->done) {
		n = mbx_serve(e, buf, CALL_BYTES, &request, 500);
		if (n == MBX_EAGAIN || n == MBX_ENOTCONN)
			continue;
		if (n < 0 || !is_message(buf, n, &life, &number))
			wrong("a request", (uint32_t)n, 0, 0);
		if (mbx_reply(e, &request, (int)(number & 0xff), buf,
			      (size_t)n))
			wrong("replying", life, number, 0);
	}
}

static void read_value(struct mbx_end *e, uint32_t *last)
{
	uint8_t value[VALUE_BYTES];
	uint32_t life, number = 0;
	int n = mbx_get(e, value, VALUE_BYTES, NULL, NULL);

	if (n == MBX_ENODATA || n == MBX_EAGAIN)
		return;
	if (n != VALUE_BYTES || !is_message(value, n, &life, &number) ||
	    number < *last)
		wrong("a value", (uint32_t)n, *last, number);
	*last = number;
	one_more(&score->values);
}

static void read_notes(struct mbx_end *e, uint32_t *last)
{
	struct mbx_record rec;
	char text[65], due[65];
	uint32_t number;
	int n;

	while ((n = mbx_log_read(e, text, 64, &rec, 0)) >= 0) {
		text[n] = 0;
		if (*last && rec.number != *last + rec.missed + 1)
			wrong("notes missed", *last, rec.missed, rec.number);
		*last = rec.number;
		number = (uint32_t)strtoul(text + 5, NULL, 10);
		snprintf(due, sizeof(due), NOTE(number));
		if (strcmp(text, due) != 0)
			wrong("a note", rec.number, (uint32_t)n, number);
		one_more(&score->notes);
	}
	if (n != MBX_EAGAIN)
		wrong("reading notes", (uint32_t)-n, 0, 0);
}

static void look_on(struct mbx *m, int unused)
{
	struct mbx_end *state = end_of(m, "state"), *notes = end_of(m, "notes");
	struct mbx_stream_stats stats;
	uint32_t value = 0, note = 0, i;

	(void)unused;
	while (!score->done) {
		read_value(state, &value);
		read_notes(notes, &note);
		for (i = 0; i < channels_count; i++)
			if (mbx_stream_stats(m, i, 0, &stats) < 0)
				wrong("statistics", i, 0, 0);
		if (mbx_poll(m) < 0)
			wrong("observing", 0, 0, 0);
		one_more(&score->looks);
		usleep(any(2000));
	}
}

/* ---- processes ---- */

static struct worker {
	enum mbx_side side;
	void (*work)(struct mbx *m, int q);
	int q;
	pid_t pid;
} workers[] = {
	{ MBX_HOST, produce, SMALL, 0 },  { MBX_REMOTE, consume, SMALL, 0 },
	{ MBX_HOST, produce, LARGE, 0 },  { MBX_REMOTE, consume, LARGE, 0 },
	{ MBX_REMOTE, produce, BACK, 0 }, { MBX_HOST, consume, BACK, 0 },
	{ MBX_HOST, ask, 0, 0 },	  { MBX_REMOTE, serve, 0, 0 },
	{ MBX_HOST, look_on, 0, 0 },	  { MBX_REMOTE, look_on, 0, 0 },
};

#define WORKERS ((int)(sizeof(workers) / sizeof(workers[0])))

static int begins_last(const struct worker *w)
{
	return w->work == produce || w->work == ask;
}

static void begin(struct worker *w)
{
	uint32_t seed = any(1u << 30) + 1u;
	struct mbx *m;

	if (w->work == produce)
		score->life[w->q]++;
	if (w->work == consume)
		score->first[w->q] = 1;
	w->pid = fork_bound();
	if (w->pid)
		return;
	random_state = seed;
	m = open_side(w->side, w->work == look_on);
	w->work(m, w->q);
	mbx_close(m);
	_exit(0);
}

static void over(const char *what, int n)
{
	int i;

	fprintf(stderr, "%s %d: %s\n", what, n, score->wrong);
	for (i = 0; i < WORKERS; i++)
		if (workers[i].pid > 0)
			kill(workers[i].pid, SIGKILL);
	exit(1);
}

static void end_of_life(struct worker *w)
{
	int status;

	waitpid(w->pid, &status, 0);
	if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		over("a process ended by itself, status", status);
	begin(w);
}

static uint32_t deaths, stops;

static void disturb(struct worker *w)
{
	if (any(4)) {
		kill(w->pid, SIGKILL);
		if (any(2))
			usleep(any(30000));
		end_of_life(w);
		deaths++;
	} else {
		kill(w->pid, SIGSTOP);
		usleep(any(50) ? any(50000) : 2500000);
		kill(w->pid, SIGCONT);
		stops++;
	}
}

static uint64_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

/* Something comes on every channel, or a call never ended. */
static void look_for_hangs(void)
{
	static uint64_t seen[QUEUES + 1], idle[QUEUES + 1], looked;
	int i;

	if (score->wrong[0])
		over("it", 0);
	if (seconds() == looked)
		return;
	looked = seconds();
	for (i = 0; i <= QUEUES; i++) {
		uint64_t now = i < QUEUES ? score->taken[i] : score->calls;

		idle[i] = now == seen[i] ? idle[i] + 1 : 0;
		seen[i] = now;
		if (idle[i] > HANG_S)
			over("nothing comes any more on channel", i);
	}
}

static void reap_all(int producers)
{
	int i, status;

	for (i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		if (w->pid <= 0 || (producers && !begins_last(w)))
			continue;
		waitpid(w->pid, &status, 0);
		w->pid = 0;
		if (status)
			over("a process did not end well, status", status);
	}
}

/* What was accepted last has come. */
static void settle(void)
{
	uint32_t life;
	int q;

	for (q = 0; q < QUEUES; q++) {
		for (life = score->life[q]; !score->accepted[q][life]; life--)
			;
		if (score->last[q] <
		    ((uint64_t)life << 32 | score->accepted[q][life]))
			over("the last ones did not come on channel", q);
	}
}

static void make_region(void)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = channels,
				 .count = channels_count };
	int fd = memfd_create("region", 0);
	struct mbx *m;

	snprintf(region, sizeof(region), "file:/proc/%d/fd/%d", getpid(), fd);
	if (ftruncate(fd, 1 << 20) || mbx_open(&m, region, &o))
		over(mbx_errmsg(), 0);
	mbx_close(m);
}

int main(int argc, char **argv)
{
	uint64_t end;
	int i;

	if (argc < 2)
		return 2;
	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	random_state = argc > 2 ? (uint32_t)atoi(argv[2]) : 1u;
	make_region();
	for (i = 0; i < WORKERS; i++)
		begin(&workers[i]);
	end = seconds() + (uint64_t)atoi(argv[1]);
	while (seconds() < end) {
		usleep(any(40000));
		disturb(&workers[any((uint32_t)WORKERS)]);
		look_for_hangs();
	}
	score->stop = 1;
	reap_all(1);
	score->done = 1;
	reap_all(0);
	settle();
	printf("%llu + %llu + %llu messages, %llu calls (%llu not answered), "
	       "%llu values, %llu notes read, %llu looks; %u deaths, %u stops, "
	       "%u marked repeats, %u taken at a death\n",
	       (unsigned long long)score->taken[0],
	       (unsigned long long)score->taken[1],
	       (unsigned long long)score->taken[2],
	       (unsigned long long)score->calls,
	       (unsigned long long)score->resets,
	       (unsigned long long)score->values,
	       (unsigned long long)score->notes,
	       (unsigned long long)score->looks, deaths, stops, score->repeats,
	       score->unsaid);
	return 0;
}
