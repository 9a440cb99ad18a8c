/* SPDX-License-Identifier: BSD-2-Clause */
/* send, recv, call, get, set, watch, log: one channel at a time. */
#include "cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 5000

void *buffer(size_t bytes)
{
	void *p = malloc(bytes ? bytes : 1);

	if (!p)
		fail(FAILED, "no memory for %zu bytes", bytes);
	return p;
}

char *copy_text(const char *s)
{
	return strcpy(buffer(strlen(s) + 1), s);
}

/* ---- which channel for what ---- */

static const char *fitting(const struct mbx_channel *c, enum mbx_side side)
{
	bool ours = c->is.direction == (uint8_t)side;

	switch (c->is.kind) {
	case MBX_KIND_QUEUE:
		return ours ? "\"mbx send\"" : "\"mbx recv\"";
	case MBX_KIND_STATE:
		return ours ? "\"mbx set\", \"mbx get\" or \"mbx watch\""
			    : "\"mbx get\" or \"mbx watch\"";
	case MBX_KIND_LOG:
		return "\"mbx log\"";
	default:
		return ours ? "\"mbx call\"" : "a server";
	}
}

static void check_use(const struct mbx_channel *c, enum mbx_side side,
		      enum use use)
{
	static const uint8_t kinds[] = { [SEND] = MBX_KIND_QUEUE,
					 [RECV] = MBX_KIND_QUEUE,
					 [WRITE] = MBX_KIND_STATE,
					 [READ] = MBX_KIND_STATE,
					 [CALL] = MBX_KIND_CALL };
	const char *self = side == MBX_HOST ? "host" : "remote";
	const char *peer = side == MBX_HOST ? "remote" : "host";

	if (c->is.kind != kinds[use])
		fail(USAGE,
		     "\"%s\" is a %s (%s), not a %s; for it, there is %s",
		     c->name, kind_name(c->is.kind),
		     direction_name(c->is.direction), kind_name(kinds[use]),
		     fitting(c, side));
	if (use == READ || (c->is.direction == side) == (use != RECV))
		return;
	fail(USAGE,
	     "\"%s\" goes %s: %s; as the %s, use %s (--side %s would be the "
	     "other one)",
	     c->name, direction_name(c->is.direction),
	     c->is.direction == MBX_HOST ? "from the host to the remote"
					 : "from the remote to the host",
	     self, fitting(c, side), peer);
}

struct mbx_end *open_end(struct mbx *m, const struct args *a, const char *name,
			 enum use use)
{
	const struct mbx_channel *c = find_channel(m, name);
	struct mbx_end *end;
	int err;

	check_use(c, opt_side(a), use);
	err = mbx_end_open(m, name, &end);
	if (err)
		fail_mbx(err);
	return end;
}

static long long patience(const struct args *a)
{
	return opt_number(a, 't', PATIENCE_MS, 0, 86400000);
}

/* ---- waiting, in slices ---- */

int send_wait(struct mbx_end *end, const void *msg, uint32_t bytes,
	      int64_t until)
{
	int err;

	do {
		err = mbx_send(end, msg, bytes, slice(until));
	} while ((err == MBX_EAGAIN || err == MBX_ENOTCONN) && slice(until));
	return err;
}

int recv_wait(struct mbx *m, struct mbx_end *end, void *buf, uint32_t cap,
	      int64_t until)
{
	int n;

	for (;;) {
		n = mbx_recv(end, buf, cap, slice(until));
		if ((n != MBX_EAGAIN && n != MBX_ENOTCONN) || !slice(until))
			return n;
		/* what was sent before the peer died is taken; wait for it */
		if (n == MBX_ENOTCONN)
			mbx_wait_peer(m, slice(until));
	}
}

void unless_stopped(int err, const char *what, const struct mbx *m,
		    long long timeout_ms)
{
	const char *peer = mbx_get_link(m)->is.side == MBX_HOST ? "remote"
								: "host";

	if (err >= 0 || stopped())
		return;
	if (err == MBX_ENOTCONN)
		fail(NO_PEER,
		     "%s: the %s is not there: nothing heard of it within %lld "
		     "ms; start it, or see \"mbx info\"",
		     what, peer, timeout_ms);
	if (err == MBX_EAGAIN)
		fail(NO_PEER,
		     "%s: full, and the %s made no room within %lld ms; see "
		     "\"mbx stat\"",
		     what, peer, timeout_ms);
	fail_mbx(err);
}

/* ---- types ---- */

/* For a channel's own type text nobody needs to be told off: bytes it is. */
static void type_of(struct type *t, const struct mbx_channel *c, enum part part)
{
	const char *why = type_parse(t, c->is.type, part);

	if (why)
		complain("\"%s\": its type \"%s\" cannot be understood (%s); "
			 "taken as bytes",
			 c->name, c->is.type, why);
}

static uint32_t read_input(const char *path, uint8_t *buf, uint32_t cap)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	size_t n;

	if (!f)
		fail(FAILED, "%s: %s%s", path, strerror(errno), denied(errno));
	n = fread(buf, 1, cap, f);
	if (ferror(f))
		fail(FAILED, "%s: %s", path, strerror(errno));
	if (n == cap && fgetc(f) != EOF)
		fail(FAILED,
		     "%s is longer than a message of the channel, %u bytes",
		     strcmp(path, "-") == 0 ? "standard input" : path, cap);
	if (f != stdin)
		fclose(f);
	return (uint32_t)n;
}

/* A message from the operands behind the channel's name, or from a file. */
static uint32_t read_message(const struct args *a, const struct mbx_channel *c,
			     enum part part, uint8_t *buf, uint32_t cap)
{
	static struct type t;
	uint32_t n = 0;
	int i;

	if (a->value['f'] && a->argc > 1)
		fail(USAGE, "either --file or data on the command line");
	if (a->value['f'])
		return read_input(a->value['f'], buf, cap);
	for (i = 1; a->value['x'] && i < a->argc; i++)
		n += parse_hex(a->argv[i], buf + n, cap - n);
	if (a->value['x'])
		return n;
	type_of(&t, c, part);
	return type_encode(&t, c->is.type, a->argc - 1, a->argv + 1, buf, cap);
}

/* ---- send ---- */

static void send_one(const struct args *a, const struct mbx *m,
		     struct mbx_end *end, const struct mbx_channel *c,
		     const uint8_t *buf, uint32_t n)
{
	int err = send_wait(end, buf, n, until_ms(patience(a)));

	unless_stopped(err, c->name, m, patience(a));
	if (err == 1)
		fail(FAILED,
		     "%s: full, and the channel drops what finds no room",
		     c->name);
}

static void send_lines(const struct args *a, const struct mbx *m,
		       struct mbx_end *end, const struct mbx_channel *c,
		       uint8_t *buf)
{
	/* each a byte or a field at least, and one that is too many */
	uint32_t most = c->is.fwd.max_bytes + MAX_FIELDS + 1;
	char **words = buffer(most * sizeof(*words)), *line = NULL;
	static struct type t;
	size_t size = 0;
	ssize_t n;

	type_of(&t, c, WHOLE);
	while (!stopped() && (n = getline(&line, &size, stdin)) >= 0) {
		uint32_t count = 0;
		char *p = line, *w;

		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		if (t.count > 1) {
			while (count < most && (w = strsep(&p, " \t")))
				if (*w)
					words[count++] = w;
		} else {
			words[count++] = line;
		}
		send_one(a, m, end, c, buf,
			 type_encode(&t, c->is.type, (int)count, words, buf,
				     c->is.fwd.max_bytes));
	}
	free(words);
	free(line);
}

static int run_send(struct args *a)
{
	struct mbx *m = open_link(a, false, patience(a));
	struct mbx_end *end = open_end(m, a, a->argv[0], SEND);
	const struct mbx_channel *c = find_channel(m, a->argv[0]);
	uint8_t *buf = buffer(c->is.fwd.max_bytes);

	if (a->value['l'] && (a->argc > 1 || a->value['f'] || a->value['x']))
		fail(USAGE, "--lines takes standard input and nothing else");
	if (a->argc == 1 && !a->value['f'] && !a->value['l'])
		a->value['f'] = "-";
	if (a->value['l'])
		send_lines(a, m, end, c, buf);
	else
		send_one(a, m, end, c, buf,
			 read_message(a, c, WHOLE, buf, c->is.fwd.max_bytes));
	free(buf);
	return stopped() ? FAILED : OK;
}

/* ---- recv ---- */

static void print_message(const struct args *a, const struct type *t,
			  const uint8_t *buf, uint32_t n, bool again)
{
	json_t *o;

	if (a->value['R']) {
		fwrite(buf, 1, n, stdout);
		flush();
		return;
	}
	o = message_json(t, buf, n);
	if (again)
		json_object_set_new(o, "again", json_true());
	if (a->value['j']) {
		print_json(o, true);
		return;
	}
	printf("%s%s\n", get_text(o, a->value['x'] ? "hex" : "text"),
	       again ? "  (again)" : "");
	flush();
	json_decref(o);
}

static int run_recv(struct args *a)
{
	static struct type t;
	bool follow = a->value['f'] != NULL;
	long long left = opt_number(a, 'n', follow ? INT64_MAX : 1, 1,
				    INT64_MAX);
	struct mbx *m = open_link(a, false, patience(a));
	struct mbx_end *end = open_end(m, a, a->argv[0], RECV);
	const struct mbx_channel *c = find_channel(m, a->argv[0]);
	uint8_t *buf = buffer(c->is.fwd.max_bytes);
	int n;

	type_of(&t, c, WHOLE);
	for (; left && !stopped(); left--) {
		n = recv_wait(m, end, buf, c->is.fwd.max_bytes,
			      follow ? FOREVER : until_ms(patience(a)));
		if (n < 0 && stopped())
			break;
		if (n == MBX_EAGAIN)
			fail(NO_PEER, "%s: no message within %lld ms", c->name,
			     patience(a));
		unless_stopped(n, c->name, m, patience(a));
		print_message(a, &t, buf, (uint32_t)n, mbx_repeated(end) > 0);
	}
	free(buf);
	return OK;
}

/* ---- call ---- */

static int finish_call(struct mbx *m, struct mbx_end *end, uint8_t *rep,
		       uint32_t cap, int *status)
{
	int n;

	for (;;) {
		n = mbx_call_poll(end, rep, cap, status);
		if (n != MBX_EAGAIN || stopped())
			return n;
		mbx_wait(m, 100);
	}
}

static int run_call(struct args *a)
{
	static struct type t;
	int timeout = (int)opt_number(a, 't', PATIENCE_MS, 1, 1000000);
	int64_t until = until_ms(timeout);
	struct mbx *m = open_link(a, false, timeout);
	struct mbx_end *end = open_end(m, a, a->argv[0], CALL);
	const struct mbx_channel *c = find_channel(m, a->argv[0]);
	uint32_t cap = c->is.back.max_bytes - 8, max = c->is.fwd.max_bytes - 8;
	uint8_t *req = buffer(max), *rep = buffer(cap);
	uint32_t bytes = read_message(a, c, REQUEST, req, max);
	int n, status = 0;

	do {
		n = mbx_wait_peer(m, slice(until));
	} while (n == MBX_ENOTCONN && slice(until));
	unless_stopped(n, c->name, m, timeout);
	n = mbx_call_start(end, req, bytes, timeout);
	if (!n)
		n = finish_call(m, end, rep, cap, &status);
	unless_stopped(n, c->name, m, timeout);
	if (n >= 0 && status)
		fail(FAILED, "%s: the server answered with status %d (%s)",
		     c->name, status, mbx_strerror(status));
	type_of(&t, c, REPLY);
	if (n >= 0)
		print_message(a, &t, rep, (uint32_t)n, false);
	free(req);
	free(rep);
	return n < 0 ? FAILED : OK;
}

/* ---- get, set, watch ---- */

static void print_value(const struct args *a, const struct type *t,
			const uint8_t *buf, uint32_t n,
			const struct mbx_record *rec, uint32_t age_us)
{
	json_t *o = message_json(t, buf, n);

	set_num(o, "number", rec->number);
	set_num(o, "missed", rec->missed);
	set_num(o, "age_us", age_us);
	if (a->value['j']) {
		print_json(o, true);
		return;
	}
	fputs(get_text(o, a->value['x'] ? "hex" : "text"), stdout);
	if (a->value['v'])
		printf("  (#%u, %u missed, %.3f s old)", rec->number,
		       rec->missed, age_us / 1e6);
	putchar('\n');
	json_decref(o);
	flush();
}

static int run_get(struct args *a)
{
	static struct type t;
	struct mbx *m = open_link(a, true, patience(a));
	struct mbx_end *end = open_end(m, a, a->argv[0], READ);
	const struct mbx_channel *c = find_channel(m, a->argv[0]);
	uint32_t cap = c->is.fwd.max_bytes, age = 0;
	uint8_t *buf = buffer(cap);
	struct mbx_record rec = { 0 };
	int n = mbx_get(end, buf, cap, &rec, &age);

	if (n < 0)
		fail_mbx(n);
	rec.missed = 0; /* nobody looked before */
	type_of(&t, c, WHOLE);
	if (a->value['R']) {
		fwrite(buf, 1, (size_t)n, stdout);
		flush();
	} else {
		print_value(a, &t, buf, (uint32_t)n, &rec, age);
	}
	free(buf);
	return OK;
}

static int run_set(struct args *a)
{
	struct mbx *m = open_link(a, false, patience(a));
	struct mbx_end *end = open_end(m, a, a->argv[0], WRITE);
	const struct mbx_channel *c = find_channel(m, a->argv[0]);
	uint32_t cap = c->is.fwd.max_bytes;
	uint8_t *buf = buffer(cap);
	int err = mbx_set(end, buf, read_message(a, c, WHOLE, buf, cap));

	if (err)
		fail_mbx(err);
	free(buf);
	return OK;
}

/* Look at the link; the end again if the region was formatted anew. */
static struct mbx_end *still_there(struct mbx *m, const struct args *a,
				   const char *name, struct mbx_end *end)
{
	int err = mbx_poll(m);

	if (err >= 0)
		return end;
	if (err != MBX_ESTALE)
		fail_mbx(err);
	reopen_link(a);
	if (stopped())
		exit(OK);
	find_channel(m, name);
	err = mbx_end_open(m, name, &end);
	if (err)
		fail_mbx(err);
	return end;
}

static int run_watch(struct args *a)
{
	static struct type t;
	long long s = opt_number(a, 's', -1, 1, 1000000);
	int64_t until = s < 0 ? FOREVER : until_ms(s * 1000);
	struct mbx *m = open_link(a, true, patience(a));
	struct mbx_end *end = open_end(m, a, a->argv[0], READ);
	uint32_t cap = 0, age, last = 0;
	uint8_t *buf = NULL;
	struct mbx_record rec;
	bool first = true;
	int n;

	a->value['v'] = "";
	for (; slice(until); nap_ms(10)) {
		const struct mbx_channel *c;

		end = still_there(m, a, a->argv[0], end);
		c = find_channel(m, a->argv[0]);
		if (c->is.fwd.max_bytes > cap) {
			cap = c->is.fwd.max_bytes;
			free(buf);
			buf = buffer(cap);
		}
		n = mbx_get(end, buf, cap, &rec, &age);
		if (n == MBX_ENODATA || n == MBX_EAGAIN ||
		    (n >= 0 && !first && rec.number == last))
			continue;
		if (n < 0)
			fail_mbx(n);
		if (first)
			rec.missed = 0;
		first = false;
		last = rec.number;
		type_of(&t, c, WHOLE);
		print_value(a, &t, buf, (uint32_t)n, &rec, age);
	}
	free(buf);
	return OK;
}

/* ---- log ---- */

static const char *level_name(unsigned int level)
{
	static const char *const names[] = { "emergency", "alert",   "critical",
					     "error",	  "warning", "notice",
					     "info",	  "debug" };

	return level < 8 ? names[level] : "?";
}

static unsigned int level_wanted(const struct args *a)
{
	const char *s = a->value['l'];
	unsigned int i;

	for (i = 0; s && i < 8; i++)
		if (strcmp(s, level_name(i)) == 0)
			return i;
	if (s)
		fail(USAGE,
		     "%s %s: a level is error, warning, info or debug, and "
		     "those above it",
		     option(a, 'l'), s);
	return 15;
}

static void print_missed(const struct args *a, uint32_t missed)
{
	json_t *o;

	if (!missed)
		return;
	if (!a->value['j']) {
		printf("(%u records missed)\n", missed);
		return;
	}
	o = json_object();
	set_num(o, "missed", missed);
	print_json(o, true);
}

static void print_record(const struct args *a, const uint8_t *buf, uint32_t n,
			 const struct mbx_record *rec)
{
	static const struct type bytes;
	char *text = printable(buf, n);
	json_t *o;

	if (a->value['j']) {
		o = message_json(&bytes, buf, n);
		set_text(o, "text", text);
		set_num(o, "number", rec->number);
		set_num(o, "stamp_us", rec->stamp_us);
		set_text(o, "level", level_name(rec->level));
		print_json(o, true);
	} else {
		printf("%12.6f %-8s %s\n", rec->stamp_us / 1e6,
		       level_name(rec->level), text);
	}
	free(text);
}

/* The channel given, or the only log; several need a choice. */
static const char *log_name(const struct args *a, const struct mbx *m)
{
	const char *name = NULL;
	uint32_t i;

	if (a->argc) {
		const struct mbx_channel *c = find_channel(m, a->argv[0]);

		if (c->is.kind != MBX_KIND_LOG)
			fail(USAGE,
			     "\"%s\" is a %s, not a log; for it, there "
			     "is %s",
			     c->name, kind_name(c->is.kind),
			     fitting(c, opt_side(a)));
		return a->argv[0];
	}
	for (i = 0; i < mbx_channel_count(m); i++) {
		const struct mbx_channel *c = mbx_channel_at(m, i);

		if (c->is.kind != MBX_KIND_LOG)
			continue;
		if (name)
			fail(USAGE,
			     "there is more than one log: \"%s\", \"%s\"; say "
			     "which",
			     name, c->name);
		name = c->name;
	}
	if (!name)
		fail(USAGE, "the region has no log channel");
	return name;
}

static int run_log(struct args *a)
{
	bool follow = a->value['f'] != NULL;
	unsigned int level = level_wanted(a);
	struct mbx *m = open_link(a, true, patience(a));
	char *name = copy_text(log_name(a, m));
	struct mbx_end *end;
	struct mbx_record rec = { 0 };
	uint8_t *buf = buffer(MBX_MAX_MESSAGE);
	int n = mbx_end_open(m, name, &end);

	if (n)
		fail_mbx(n);
	while (!stopped()) {
		n = mbx_log_read(end, buf, MBX_MAX_MESSAGE, &rec,
				 follow ? slice(FOREVER) : 0);
		if (n == MBX_EAGAIN && !follow)
			break;
		if (n == MBX_EAGAIN || n == MBX_ESTALE) {
			flush();
			end = still_there(m, a, name, end);
			continue;
		}
		if (n < 0 && n != MBX_EPROTO)
			fail_mbx(n);
		print_missed(a, rec.missed);
		if (n == MBX_EPROTO)
			complain("%s", mbx_errmsg());
		else if (rec.level <= level)
			print_record(a, buf, (uint32_t)n, &rec);
	}
	free(buf);
	free(name);
	return OK;
}

/* ---- the table ---- */

#define OPT_HEX                                                                \
	{                                                                      \
		'x', "hex", NULL, "bytes in hexadecimal"                       \
	}
#define OPT_FILE                                                               \
	{                                                                      \
		'f', "file", "FILE", "its bytes are the message; -: stdin"     \
	}
#define OPT_RAW                                                                \
	{                                                                      \
		'R', "raw", NULL, "just the bytes, no newline"                 \
	}
#define OPT_FORMATTED                                                          \
	OPT_TIMEOUT("to wait for the region to be formatted (5000)")
#define OPT_WAIT OPT_TIMEOUT("how long to wait, in all (5000)")

static const struct opt send_opts[] = {
	OPT_REGION,
	OPT_HEX,
	OPT_FILE,
	{ 'l', "lines", NULL, "each line of standard input is a message" },
	OPT_WAIT,
	OPT_SIDE,
	OPT_END
};
static const struct opt recv_opts[] = {
	OPT_REGION,
	{ 'n', "count", "N", "so many messages (1)" },
	{ 'f', "follow", NULL, "go on until interrupted" },
	OPT_TIMEOUT("how long to wait for each (5000)"),
	OPT_HEX,
	OPT_RAW,
	OPT_JSON,
	OPT_SIDE,
	OPT_END
};
static const struct opt call_opts[] = { OPT_REGION, OPT_HEX, OPT_FILE,
					OPT_WAIT,   OPT_RAW, OPT_JSON,
					OPT_SIDE,   OPT_END };
static const struct opt get_opts[] = {
	OPT_REGION,    { 'v', "verbose", NULL, "its number and age, too" },
	OPT_HEX,       OPT_RAW,
	OPT_FORMATTED, OPT_JSON,
	OPT_END
};
static const struct opt set_opts[] = { OPT_REGION,    OPT_HEX,	OPT_FILE,
				       OPT_FORMATTED, OPT_SIDE, OPT_END };
static const struct opt watch_opts[] = {
	OPT_REGION, { 's', "for", "S", "for S seconds, not until interrupted" },
	OPT_HEX,    OPT_FORMATTED,
	OPT_JSON,   OPT_END
};
static const struct opt log_opts[] = {
	OPT_REGION,
	{ 'f', "follow", NULL, "go on until interrupted" },
	{ 'l', "level", "L", "only error, warning, info or debug, and above" },
	OPT_FORMATTED,
	OPT_JSON,
	OPT_END
};
static const struct opt ping_opts[] = {
	OPT_REGION,
	{ 'n', "count", "N", "so many round trips (10)" },
	{ 's', "size", "BYTES", "of a message (16)" },
	{ 'i', "interval", "MS", "between two (0)" },
	{ 'o', "to", "CHANNEL", "the queue there (ping)" },
	{ 'b', "from", "CHANNEL", "the queue back (pong)" },
	OPT_TIMEOUT("to wait for a reply (1000)"),
	OPT_JSON,
	OPT_SIDE,
	OPT_END
};

#define DATA                                                                   \
	"DATA is one value for each field of the channel's type, as VALUE or " \
	"NAME=VALUE;\narrays are 1,2,3; of a channel without a type, text."

const struct command traffic_commands[] = {
	{ "send", "CHANNEL [DATA]...", "send a message into a queue",
	  DATA " Without DATA: standard input.\n", send_opts, 1, -1, false,
	  run_send },
	{ "recv", "CHANNEL", "take messages from a queue and print them",
	  "Messages that were in hand when an earlier reader died are marked "
	  "(again).\n",
	  recv_opts, 1, 1, false, run_recv },
	{ "call", "CHANNEL [DATA]...", "send a request and print its reply",
	  DATA "\n", call_opts, 1, -1, false, run_call },
	{ "get", "CHANNEL", "print the value of a state", NULL, get_opts, 1, 1,
	  false, run_get },
	{ "set", "CHANNEL DATA...", "give a state a new value", DATA "\n",
	  set_opts, 1, -1, false, run_set },
	{ "watch", "CHANNEL", "print each new value of a state",
	  "With its number, how many were passed over, and its age.\n",
	  watch_opts, 1, 1, false, run_watch },
	{ "log", "[CHANNEL]", "print what the peer logged", NULL, log_opts, 0,
	  1, false, run_log },
	{ "ping", "", "measure round trips, and check what comes back",
	  "Exit status 1: a reply was lost or wrong.\n", ping_opts, 0, 0, false,
	  run_ping },
	{ 0 }
};
