/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scenes in which a side dies: see cortex.h. A scene is a text of words, each
 * of which is a call by the mortal side, or with a + by the survivor:
 *
 *	send:N put:N claim:N	a message of N bytes; claim: filled in place
 *	flush abort		of the batch; of a claim, begun for that
 *	recv peek release	and each checks what comes
 *	want_room:B want_data:B tx_notify rx_notify
 *	state log		a record, written; its length depends on its number
 *	get read		a record, read
 *	ask:N listen		a request of N bytes, and a look at its reply
 *	take reply:N		the server's side
 *	format discard attach ends poll detach
 *	restart			a new life, not attached (the old one said nothing)
 *	fewer			a life built with fewer channels
 *	skew			all channels used a few times, so that they stand
 *				elsewhere; each scene is played at many skews
 *	wait:N			N milliseconds pass
 *	garbage fresh		the memory is not zero; will have to be formatted
 *
 * What stands before | has happened before. Behind it, each call of the mortal's
 * may be its last, at any instruction.
 */
#include "cortex.h"

#define MOST_BYTES 24u
#define TIMEOUT_US 1000u
#define WORD_US	   10u /* that a call takes */

#define CHANNELS(CHANNEL)                                                      \
	CHANNEL(QUEUE_DOWN, "down",                                            \
		MBX_QUEUE(MBX_H2R, CRASH_LONGEST, 3, MBX_FAIL, ""))            \
	CHANNEL(QUEUE_UP, "up",                                                \
		MBX_QUEUE(MBX_R2H, CRASH_LONGEST, 3, MBX_FAIL, "x8 all[]"))    \
	CHANNEL(STATE_DOWN, "set", MBX_STATE(MBX_H2R, 10, 2, ""))              \
	CHANNEL(STATE_UP, "get", MBX_STATE(MBX_R2H, 10, 4, ""))                \
	CHANNEL(LOG_DOWN, "notes", MBX_LOG(MBX_H2R, 14, 4))                    \
	CHANNEL(LOG_UP, "log", MBX_LOG(MBX_R2H, 14, 4))                        \
	CHANNEL(CALL_DOWN, "ask", MBX_CALL(MBX_H2R, 9, 6, 4, ""))              \
	CHANNEL(CALL_UP, "tell", MBX_CALL(MBX_R2H, 9, 6, 4, ""))
MBX_DECLARE_CHANNELS(channels, CHANNELS);

#define LINK "format attach +attach poll +poll poll +poll "
#define UP   LINK "ends +ends skew "

static const struct scene {
	uint32_t skews;
	const char *text;
} scenes[] = {
	/* 25 words of ring: each of them as the place where it begins */
	{ 25, UP "| send:0 tx_notify send:5 send:20 +recv send:16 +recv" },
	{ 25, UP "send:20 send:20 send:20 | send:20 want_room:1 +recv "
		 "want_room:0 send:20" },
	{ 25, UP "send:3 | put:8 put:0 put:13 flush put:20 send:2" },
	{ 25, UP "send:20 | put:20 put:20 put:20 put:20 flush" },
	{ 25, UP "| claim:20 claim:7 claim:0 abort send:4" },
	{ 25, UP "send:5 send:20 +peek | send:3 +release send:20 +peek send:4 "
		 "restart attach ends send:4" },
	{ 25, UP "+send:5 +send:20 +send:0 +send:16 | recv recv rx_notify recv "
		 "recv recv" },
	{ 25, UP "+send:9 +send:20 +send:4 | peek release peek peek release "
		 "rx_notify peek" },
	{ 25, UP "| want_data:1 +send:6 recv want_data:0" },
	{ 25, UP "send:7 send:20 +send:3 +send:12 peek restart attach | ends "
		 "recv send:1 recv" },
	/* 4 slots, and once round */
	{ 5, UP "| state state state" },
	{ 5, UP "| log log log log log" },
	{ 5, UP "+state +log +log | get read read get read" },
	{ 18, UP "| ask:9 +take +reply:6 listen ask:1 +take listen +reply:1 "
		 "listen" },
	{ 18, UP "| ask:4 wait:2 listen ask:5 +take +reply:2 +take +reply:3 "
		 "listen" },
	{ 18, UP "+ask:7 | take reply:6 +listen +ask:1 take reply:1" },
	{ 18, UP "+ask:7 wait:2 +listen +ask:8 | take reply:3 take reply:4" },
	{ 18, UP "+ask:7 take ask:3 restart attach | ends take reply:2" },
	{ 1, "fresh | format attach ends poll" },
	{ 1, "fresh garbage | format attach ends" },
	{ 1, "fewer format attach poll restart fresh | format attach ends" },
	{ 1, UP "send:3 +send:4 peek detach restart | format attach ends poll "
		"+poll poll recv" },
	{ 1, UP "send:3 +send:4 restart | format attach ends poll +poll poll "
		"+poll poll recv" },
	{ 1, UP "send:3 +send:4 discard | format +poll format attach ends "
		"+attach +ends poll +poll poll send:3" },
	{ 1, UP "send:3 discard | format wait:600 format attach ends" },
	{ 1, UP "send:3 restart fewer | attach" },
	{ 1, UP
	  "send:3 | poll +restart +attach +ends poll +poll poll +poll detach" },
};

#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static const struct scene *scene_of(uint32_t scene, uint32_t *skew)
{
	const struct scene *s = scenes;

	for (; scene >= s->skews; s++)
		scene -= s->skews;
	*skew = scene;
	return s;
}

uint32_t crash_scenes(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < SCENES; i++)
		n += scenes[i].skews;
	return n;
}

const char *crash_text(uint32_t scene, uint32_t *skew)
{
	return scene_of(scene, skew)->text;
}

/* ---- payloads ---- */

static void fill(uint8_t *buf, enum mbx_side from, uint32_t number,
		 uint32_t bytes)
{
	uint32_t i;

	for (i = 0; i < bytes; i++)
		buf[i] = (uint8_t)(number * 37u + i * 11u + from * 101u + 1u);
}

static int is_filled(const uint8_t *buf, enum mbx_side from, uint32_t number,
		     int bytes)
{
	uint8_t want[MOST_BYTES];

	fill(want, from, number, (uint32_t)bytes);
	return __builtin_memcmp(buf, want, (uint32_t)bytes) == 0;
}

int crash_is_message(const struct crash_world *w, enum mbx_side from,
		     uint32_t number, const uint8_t *buf, int bytes)
{
	return bytes == w->bytes[from][number % CRASH_NUMBERS] &&
	       is_filled(buf, from, number, bytes);
}

/* The next message of @s, noted for whoever receives it. */
static const uint8_t *message(struct crash_world *w, struct crash_side *s,
			      uint32_t bytes)
{
	static uint8_t buf[MOST_BYTES];
	uint32_t number = s->did.sent + s->put;

	fill(buf, s->is, number, bytes);
	w->bytes[s->is][number % CRASH_NUMBERS] = (uint8_t)bytes;
	return buf;
}

static enum mbx_side other(const struct crash_side *s)
{
	return s->is == MBX_HOST ? MBX_REMOTE : MBX_HOST;
}

/* ---- queue ---- */

static void batch_is_out(struct crash_side *s)
{
	s->did.sent += s->put;
	s->put = 0;
}

static void do_send(struct crash_world *w, struct crash_side *s, uint32_t bytes)
{
	int err = mbx_tx_send(&s->tx, message(w, s, bytes), bytes);

	crash_must(w, err == 0 || err == MBX_EAGAIN);
	if (s->put) {
		batch_is_out(s); /* first the batch, then the message */
		w->halfway = s->did;
		w->has_halfway = 1;
	}
	s->did.sent += err == 0;
}

static void do_put(struct crash_world *w, struct crash_side *s, uint32_t bytes)
{
	int err = mbx_tx_put(&s->tx, message(w, s, bytes), bytes);

	crash_must(w, err == 0 || err == MBX_EAGAIN);
	if (err)
		batch_is_out(s);
	else
		s->put++;
}

static void do_flush(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	(void)w, (void)arg;
	mbx_tx_flush(&s->tx);
	batch_is_out(s);
}

static void do_claim(struct crash_world *w, struct crash_side *s,
		     uint32_t bytes)
{
	struct mbx_word mbx_shared *at;

	crash_must(w, mbx_tx_claim(&s->tx, CRASH_LONGEST, &at) == 0);
	mbx_copy_in(at, message(w, s, bytes), bytes);
	crash_must(w, mbx_tx_commit(&s->tx, bytes) == 0);
	s->did.sent++;
}

static void do_abort(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	struct mbx_word mbx_shared *at;

	(void)arg;
	crash_must(w, mbx_tx_claim(&s->tx, CRASH_LONGEST, &at) == 0);
	mbx_copy_in(at, message(w, s, 9), 9);
	mbx_tx_abort(&s->tx);
}

static void do_recv(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	uint8_t buf[MOST_BYTES];
	int n = mbx_rx_recv(&s->rx, buf, sizeof(buf));

	(void)arg;
	if (n == MBX_EAGAIN)
		return;
	crash_must(w, crash_is_message(w, other(s), s->did.taken, buf, n));
	s->did.taken++;
	s->did.in_hand = 0;
}

static void do_peek(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	struct mbx_word mbx_shared *at;
	uint8_t buf[MOST_BYTES];
	int n = mbx_rx_peek(&s->rx, &at);

	(void)arg;
	if (n == MBX_EAGAIN)
		return;
	crash_must(w, n >= 0 && n <= (int)CRASH_LONGEST);
	mbx_copy_out(buf, at, (uint32_t)n);
	crash_must(w, crash_is_message(w, other(s), s->did.taken, buf, n));
	s->did.in_hand = 1;
}

static void do_release(struct crash_world *w, struct crash_side *s,
		       uint32_t arg)
{
	(void)w, (void)arg;
	if (s->rx.end)
		return; /* not in this life's hand */
	mbx_rx_release(&s->rx);
	s->did.taken++;
	s->did.in_hand = 0;
}

static void do_want_room(struct crash_world *w, struct crash_side *s,
			 uint32_t on)
{
	(void)w;
	mbx_tx_want_room(&s->tx, (int)on);
}

static void do_want_data(struct crash_world *w, struct crash_side *s,
			 uint32_t on)
{
	(void)w;
	mbx_rx_want_data(&s->rx, (int)on);
}

static void do_tx_notify(struct crash_world *w, struct crash_side *s,
			 uint32_t arg)
{
	(void)w, (void)arg;
	mbx_tx_notify(&s->tx);
}

static void do_rx_notify(struct crash_world *w, struct crash_side *s,
			 uint32_t arg)
{
	(void)w, (void)arg;
	mbx_rx_notify(&s->rx);
}

/* ---- state and log: the first byte is the writer's life ---- */

static void write_record(struct crash_world *w, struct crash_side *s,
			 struct mbx_writer *writer, uint32_t *count)
{
	uint32_t number = ++*count, bytes = 1u + number % 10u;
	uint8_t buf[MOST_BYTES];

	fill(buf, s->is, number, bytes);
	buf[0] = (uint8_t)s->life;
	crash_must(w, mbx_writer_write(writer, number % 16u, buf, bytes,
				       w->now_us) == 0);
}

static void do_state(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	(void)arg;
	write_record(w, s, &s->state, &s->did.state);
}

static void do_log(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	(void)arg;
	write_record(w, s, &s->log, &s->did.log);
}

static void check_record(struct crash_world *w, struct crash_side *s,
			 const uint8_t *buf, int bytes,
			 const struct mbx_record *rec)
{
	uint8_t want[MOST_BYTES];

	fill(want, other(s), rec->number, MOST_BYTES);
	crash_must(w, bytes == (int)(1u + rec->number % 10u));
	crash_must(w, __builtin_memcmp(buf + 1, want + 1,
				       (uint32_t)bytes - 1u) == 0);
	crash_must(w, rec->level == rec->number % 16u);
	s->record_life = buf[0];
	s->record = rec->number;
}

static void do_get(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	struct mbx_record rec;
	uint8_t buf[MOST_BYTES];
	int n = mbx_reader_newest(&s->state_in, buf, sizeof(buf), &rec);

	(void)arg;
	s->record = 0;
	if (n != MBX_ENODATA)
		check_record(w, s, buf, n, &rec);
}

static void do_read(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	struct mbx_record rec;
	uint8_t buf[MOST_BYTES];
	int n = mbx_reader_next(&s->log_in, buf, sizeof(buf), &rec);

	(void)arg;
	s->record = 0;
	if (n == MBX_EAGAIN)
		return;
	check_record(w, s, buf, n, &rec);
	s->missed = rec.missed;
	crash_must(w,
		   !s->last_log || rec.number == s->last_log + 1u + rec.missed);
	s->last_log = rec.number;
}

/* ---- calls: the first byte of request and reply is the request's number ---- */

static void do_ask(struct crash_world *w, struct crash_side *s, uint32_t bytes)
{
	uint8_t buf[MOST_BYTES];

	fill(buf, s->is, s->did.asked, bytes);
	buf[0] = (uint8_t)s->did.asked;
	crash_must(w, mbx_caller_start(&s->caller, buf, bytes, TIMEOUT_US,
				       w->now_us, s->link.peer_session) == 0);
	s->did.asked++;
}

static void do_listen(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	uint32_t stale = s->caller.stale;
	uint8_t buf[MOST_BYTES];
	int status, n;

	(void)arg;
	n = mbx_caller_poll(&s->caller, buf, sizeof(buf), &status, w->now_us,
			    s->link.peer_session);
	s->replies += s->caller.stale - stale;
	s->heard = n;
	if (n < 0)
		return;
	s->replies++;
	crash_must(w, buf[0] == (uint8_t)(s->did.asked - 1u));
	crash_must(w, status == buf[0] + n);
	buf[0] = (uint8_t)(other(s) * 101u + 1u + buf[0] * 37u);
	crash_must(w, is_filled(buf, other(s), s->did.asked - 1u, n));
}

static void do_take(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	uint8_t buf[MOST_BYTES], number;
	int n = mbx_server_take(&s->server, &s->request, buf, sizeof(buf));

	(void)arg;
	s->taking = n;
	if (n == MBX_EAGAIN || n == MBX_ENOSPC) /* none; no room for a reply */
		return;
	crash_must(w, n > 0);
	number = buf[0];
	fill(buf, other(s), number, 1);
	crash_must(w, is_filled(buf, other(s), number, n));
	s->request_number = number;
	s->did.serving = 1;
}

static void do_reply(struct crash_world *w, struct crash_side *s,
		     uint32_t bytes)
{
	uint8_t buf[MOST_BYTES], number = (uint8_t)s->request_number;

	fill(buf, s->is, number, bytes);
	buf[0] = number;
	crash_must(w, mbx_server_reply(&s->server, &s->request,
				       (int)(number + bytes), buf, bytes) == 0);
	s->did.answered++;
	w->halfway = s->did; /* answered, and in hand still */
	w->has_halfway = 1;
	s->did.served++;
	s->did.serving = 0;
}

/* ---- the link ---- */

static void do_format(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	static const struct crash_did fresh = { .fresh = 1 }, nothing;
	int err = mbx_link_format(&s->link, w->now_us);

	(void)arg;
	crash_must(w, err >= 0 || err == MBX_EAGAIN);
	if (err == 1)
		return;
	w->halfway = s->did = fresh; /* the magic is gone */
	w->has_halfway = err == 0;
	if (err == 0)
		s->did = nothing;
}

static void do_discard(struct crash_world *w, struct crash_side *s,
		       uint32_t arg)
{
	(void)w, (void)arg;
	mbx_link_discard(&s->link);
}

static void do_attach(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	int err = mbx_link_attach(&s->link);

	(void)arg;
	crash_must(w, err == 0 || err == MBX_EAGAIN ||
			      (err == MBX_EMISMATCH &&
			       s->link.is.count < channels_count));
}

/* The one of a pair of channels whose producer, or caller, is @side. */
static struct mbx_queue_place queue(struct crash_world *w, struct crash_side *s,
				    uint32_t down, enum mbx_side side, int back)
{
	struct mbx_queue_place at;
	int err = (back ? mbx_link_back : mbx_link_queue)(&s->link, down + side,
							  &at);

	crash_must(w, err == 0);
	return at;
}

static struct mbx_slots_place slots(struct crash_world *w, struct crash_side *s,
				    uint32_t down, enum mbx_side side)
{
	struct mbx_slots_place at;

	crash_must(w, mbx_link_slots(&s->link, down + side, &at) == 0);
	return at;
}

static void attach_slots(struct crash_world *w, struct crash_side *s)
{
	struct mbx_slots_place at = slots(w, s, STATE_DOWN, s->is);

	mbx_writer_attach(&s->state, &at);
	at = slots(w, s, LOG_DOWN, s->is);
	mbx_writer_attach(&s->log, &at);
	at = slots(w, s, STATE_DOWN, other(s));
	mbx_reader_attach(&s->state_in, &at);
	at = slots(w, s, LOG_DOWN, other(s));
	mbx_reader_attach(&s->log_in, &at);
	s->last_log = s->log_in.next - 1u;
}

static void do_ends(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	struct mbx_queue_place at, back;
	int n;

	(void)arg;
	at = queue(w, s, QUEUE_DOWN, s->is, 0);
	crash_must(w, mbx_tx_attach(&s->tx, &at) == 0);
	at = queue(w, s, QUEUE_DOWN, other(s), 0);
	n = mbx_rx_attach(&s->rx, &at);
	crash_must(w, n >= 0);
	s->was_in_hand = (uint32_t)n;
	at = queue(w, s, CALL_DOWN, s->is, 0);
	back = queue(w, s, CALL_DOWN, s->is, 1);
	crash_must(w, mbx_caller_attach(&s->caller, &at, &back,
					s->link.session) == 0);
	at = queue(w, s, CALL_DOWN, other(s), 0);
	back = queue(w, s, CALL_DOWN, other(s), 1);
	n = mbx_server_attach(&s->server, &at, &back);
	crash_must(w, n >= 0);
	s->was_serving = (uint32_t)n;
	attach_slots(w, s);
}

static void do_poll(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	static const struct crash_did nothing;
	uint32_t events = mbx_link_poll(&s->link, w->now_us);

	(void)arg;
	s->events |= events;
	if (!(events & MBX_EVENT_RESET))
		return;
	s->did = nothing; /* what the other did goes with it */
	s->replies = s->put = 0;
}

static void do_detach(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	(void)w, (void)arg;
	mbx_link_detach(&s->link);
}

/* ---- the world ---- */

void crash_new_life(struct crash_world *w, struct crash_side *s,
		    enum mbx_side is, uint32_t life)
{
	struct mbx_link_config config = { .base = w->base,
					  .bytes = CRASH_BYTES,
					  .side = is,
					  .channels = channels,
					  .count = channels_count,
					  .line_bytes = 16,
					  .page_bytes = 64,
					  .liveness_us = CRASH_LIVENESS,
					  .boot_reason = life,
					  .memory = MBX_MEMORY_NORMAL };
	struct crash_did did = s->did; /* is in the region */
	uint32_t replies = s->replies;

	__builtin_memset(s, 0, sizeof(*s));
	s->is = is;
	s->life = life;
	s->did = did;
	s->replies = replies;
	crash_must(w, mbx_link_init(&s->link, &config) == 0);
}

static void do_restart(struct crash_world *w, struct crash_side *s,
		       uint32_t arg)
{
	(void)arg;
	crash_new_life(w, s, s->is, s->life + 1u);
}

static void do_fewer(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	(void)w, (void)arg;
	s->link.is.count = 5;
}

static void do_wait(struct crash_world *w, struct crash_side *s, uint32_t ms)
{
	(void)s;
	w->now_us += ms * 1000u;
}

static void do_fresh(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	static const struct crash_did fresh = { .fresh = 1 };

	(void)w, (void)arg;
	s->did = fresh;
}

static void fill_region(struct crash_world *w, uint32_t value)
{
	uint32_t off;

	for (off = 0; off < CRASH_BYTES; off += 4u)
		((struct mbx_word *)(w->base + off))->raw = value * off;
}

static void do_garbage(struct crash_world *w, struct crash_side *s,
		       uint32_t arg)
{
	(void)s, (void)arg;
	fill_region(w, 0xb6b6b6b7u);
}

/* Both queues by a word, all slots by one, the calls by several. */
static void do_skew(struct crash_world *w, struct crash_side *s, uint32_t arg)
{
	struct crash_side *from = &w->mortal, *to = &w->survivor, *side;
	uint32_t i, k;

	(void)s, (void)arg;
	for (i = 0; i < 2u * w->skew; i++) {
		k = i / 2u;
		do_send(w, from, 0);
		do_recv(w, to, 0);
		do_state(w, from, 0);
		do_log(w, from, 0);
		do_read(w, to, 0);
		do_ask(w, from, 1u + k % 9u);
		do_take(w, to, 0);
		do_reply(w, to, 1u + k % 6u);
		do_listen(w, from, 0);
		side = from;
		from = to;
		to = side;
	}
}

static const struct {
	char name[12];
	void (*run)(struct crash_world *w, struct crash_side *s, uint32_t arg);
} words[] = {
	{ "send", do_send },
	{ "recv", do_recv },
	{ "put", do_put },
	{ "flush", do_flush },
	{ "claim", do_claim },
	{ "abort", do_abort },
	{ "peek", do_peek },
	{ "release", do_release },
	{ "want_room", do_want_room },
	{ "want_data", do_want_data },
	{ "tx_notify", do_tx_notify },
	{ "rx_notify", do_rx_notify },
	{ "state", do_state },
	{ "log", do_log },
	{ "get", do_get },
	{ "read", do_read },
	{ "ask", do_ask },
	{ "listen", do_listen },
	{ "take", do_take },
	{ "reply", do_reply },
	{ "format", do_format },
	{ "discard", do_discard },
	{ "attach", do_attach },
	{ "ends", do_ends },
	{ "poll", do_poll },
	{ "detach", do_detach },
	{ "restart", do_restart },
	{ "fewer", do_fewer },
	{ "wait", do_wait },
	{ "fresh", do_fresh },
	{ "garbage", do_garbage },
	{ "skew", do_skew },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static int is_end(char c)
{
	return c == 0 || c == ' ';
}

/* Behind the name if @word is it, else NULL */
static const char *after_name(const char *word, const char *name)
{
	while (*name && *word == *name)
		word++, name++;
	return *name == 0 && (*word == ':' || is_end(*word)) ? word : NULL;
}

void crash_do(struct crash_world *w, struct crash_side *s, const char *word)
{
	const char *rest = NULL;
	uint32_t i, arg = 0;

	for (i = 0; i < WORDS && !rest; i++)
		rest = after_name(word, words[i].name);
	crash_must(w, rest != NULL); /* or there is no such word */
	while (!is_end(*rest) && !is_end(*++rest))
		arg = arg * 10u + (uint32_t)(*rest - '0');
	w->now_us += WORD_US;
	words[i - 1u].run(w, s, arg);
}

static const char *next_word(const char *word)
{
	while (!is_end(*word))
		word++;
	while (*word == ' ')
		word++;
	return word;
}

/* From here on, each call of the mortal's may be its last. */
static void play_to_the_death(struct crash_world *w, const char *word)
{
	for (; *word; word = next_word(word)) {
		if (*word == '+') {
			crash_do(w, &w->survivor, word + 1);
			continue;
		}
		w->has_halfway = 0;
		crash_begin(w);
		crash_do(w, &w->mortal, word);
		crash_end(w);
		w->told++;
	}
	w->has_halfway = 0;
	crash_begin(w);
	crash_end(w);
}

void crash_play(struct crash_world *w, uintptr_t base, uint32_t scene)
{
	const char *word;

	__builtin_memset(w, 0, sizeof(*w));
	w->base = base;
	w->scene = scene;
	word = crash_text(scene, &w->skew);
	fill_region(w, 0);
	crash_new_life(w, &w->mortal, MBX_REMOTE, 1);
	crash_new_life(w, &w->survivor, MBX_HOST, 1);
	for (; *word != '|'; word = next_word(word))
		crash_do(w, *word == '+' ? &w->survivor : &w->mortal,
			 *word == '+' ? word + 1 : word);
	play_to_the_death(w, next_word(word));
}
