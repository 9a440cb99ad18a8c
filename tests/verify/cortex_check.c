/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recovers from each snapshot of cortex.h's scenes, in every way, and compares:
 *
 *	cortex_check FILE
 *
 * Each scene is played here once more, for the survivor's private memory as it
 * was at that moment, and for what each call had done when it returned; before
 * each call the region must be the firmware's to the bit. What survivor and new life find in a snapshot must
 * be what was done before the call in which the mortal died, or what that call
 * does, or its first half where it does two things: see LAYOUT.md, "When a side
 * dies". Then both go on, and everything must work as ever.
 *
 * Exits with 1 at the first thing that is wrong, and names it.
 */
#include "cortex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CALLS 24u
#define PENDING	   16u /* messages in a queue, at most */
#define NEW_LIFE   9u

/* What the survivor does while the other is dead, and when. */
enum how {
	IN_DEAD_TIME = 1, /* it goes on before the new life begins */
	DIES_TOO = 2,	  /* and begins a new life, too */
	WAYS = 4
};

static uint32_t memory[CRASH_BYTES / 4u] __attribute__((aligned(4096)));
static struct crash_world now; /* the one that plays, or recovers */
static struct crash_shot shot;
static enum how how;
static const char *doing = "playing";
static uint32_t executed, shots, recoveries, calls, played;

/* The scene as it was played here: before each call of the mortal's. */
static struct {
	struct crash_world world;
	uint32_t region[CRASH_BYTES / 4u];
	struct crash_did halfway; /* of the call that follows */
	uint32_t has_halfway;
} was[MOST_CALLS];

void crash_wrong(const struct crash_world *w, int line, const char *what)
{
	uint32_t skew;
	const char *text = crash_text(w->scene, &skew);

	printf("wrong: %s (line %d), %s, way %d, at instruction %u\n"
	       "died in call %u of \"%s\", skew %u\n",
	       what, line, doing, (int)how, shot.note.executed, w->told + 1u,
	       text, skew);
	exit(1);
}

#define must(truth) crash_must(&now, truth)

void crash_begin(struct crash_world *w)
{
	must(w->told < MOST_CALLS);
	was[w->told].world = *w;
	memcpy(was[w->told].region, memory, CRASH_BYTES);
	was[w->told].has_halfway = 0;
}

void crash_end(struct crash_world *w)
{
	was[w->told].halfway = w->halfway;
	was[w->told].has_halfway = w->has_halfway;
}

static void act(struct crash_side *s, const char *word)
{
	crash_do(&now, s, word);
}

static void act_n(struct crash_side *s, const char *word, uint32_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%s:%u", word, n);
	act(s, text);
}

/* ---- what the survivor finds ---- */

static struct crash_did found; /* of the mortal */
static int new_life_writes;    /* and may be read */
static uint32_t did_is_of; /* instance in which the survivor did what it did */
static struct {
	uint32_t instance, session, events; /* as the survivor had them */
	uint32_t life;			    /* that had this session */
} before;

/* Of another formatting: nothing of what was done is there any more. */
static void look_at_instance(struct crash_side *s, uint32_t instance)
{
	static const struct crash_did nothing;

	if (did_is_of == instance)
		return;
	did_is_of = instance;
	s->did = nothing;
	s->replies = 0;
}

/*
 * The next message; the first of the new life says how many the old one sent.
 * 1 if there was one.
 */
static int survivor_receives(struct crash_side *s)
{
	uint8_t buf[CRASH_LONGEST];
	int n;

	act(s, "release"); /* what it had in hand when the other died */
	n = mbx_rx_recv(&s->rx, buf, sizeof(buf));
	if (n == MBX_EAGAIN)
		return 0;
	if (new_life_writes && s->did.taken < CRASH_NEW_LIFE &&
	    !crash_is_message(&now, now.mortal.is, s->did.taken, buf, n)) {
		found.sent = s->did.taken;
		s->did.taken = CRASH_NEW_LIFE;
	}
	must(crash_is_message(&now, now.mortal.is, s->did.taken, buf, n));
	s->did.taken++;
	return 1;
}

static void survivor_serves(struct crash_side *s)
{
	for (;;) {
		if (!s->server.tx.open) /* one was taken when the other died */
			act(s, "take");
		if (s->taking < 0)
			return;
		if (s->request_number >= CRASH_NEW_LIFE &&
		    s->did.served < CRASH_NEW_LIFE) {
			found.asked = s->did.served;
			s->did.served = CRASH_NEW_LIFE;
		}
		must(s->request_number == s->did.served);
		act_n(s, "reply", 1u + s->request_number % 6u);
	}
}

/* Is the record of the life that wrote its number? */
static void check_life(const struct crash_side *s, uint32_t last_of_old)
{
	int new = s->record_life == NEW_LIFE;

	must(new == (new_life_writes && s->record > last_of_old));
}

/*
 * Records in their order, none missed but what is overwritten: the oldest may be
 * spoilt by one that the mortal began.
 */
static void survivor_reads(struct crash_side *s)
{
	uint32_t end = mbx_ld(mbx_word_at(s->log_in.at.ctl, 4)), oldest;

	for (;;) {
		act(s, "read");
		if (!s->record)
			break;
		oldest = end + 1u - s->log_in.at.slots;
		must(!s->missed || s->record - oldest <= 1);
		check_life(s, found.log);
	}
	must(s->last_log == end);
	act(s, "get");
	must(s->record == mbx_ld(mbx_word_at(s->state_in.at.ctl, 4)));
	if (s->record)
		check_life(s, found.state);
}

/* As after the mortal's last call, had it come to its end. */
static const struct crash_world *after_call(void)
{
	return &was[now.told + (now.told < calls)].world;
}

/* Who is up has said all of itself, and looked at its peer, in this life. */
static void check_peer(const struct crash_side *s)
{
	const struct mbx_side_block *block = (const void *)mbx_link_word(
		&s->link, s->link.section[now.mortal.is]);
	uint32_t life = now.mortal.life;

	if (!s->link.peer_session)
		return;
	if (new_life_writes)
		life = NEW_LIFE;
	else if (s->link.peer_session == before.session &&
		 s->link.instance == before.instance)
		life = before.life;
	else
		must(after_call()->mortal.link.beaten);
	must(block->session.raw == s->link.peer_session);
	must(block->boot_reason.raw == life);
	must(block->instance.raw == s->link.instance);
	must(block->layout_hash.raw == s->link.layout_hash);
}

/* If it is not attached (any more). The region may not be there yet. */
static int survivor_attaches(struct crash_side *s)
{
	int err;

	if (s->link.instance)
		return 1;
	err = mbx_link_attach(&s->link);
	if (err) {
		must(err == MBX_EAGAIN || !new_life_writes);
		must(err == MBX_EAGAIN || err == MBX_ENOTREGION ||
		     err == MBX_EMISMATCH);
		return 0;
	}
	look_at_instance(s, s->link.instance);
	act(s, "ends");
	return 1;
}

static void survivor_acts(struct crash_side *s)
{
	if (!survivor_attaches(s))
		return;
	act(s, "poll");
	if (!s->link.instance)
		return; /* let go of */
	check_peer(s);
	while (survivor_receives(s))
		;
	survivor_serves(s);
	survivor_reads(s);
	act(s, "listen");
}

/* Until the dead are known to be dead. */
static void dead_time(struct crash_side *s)
{
	doing = "in dead time";
	survivor_acts(s);
	if (s->link.instance) {
		act(s, "send:6");
		act(s, "state");
		act(s, "log");
	}
	now.now_us += CRASH_LIVENESS;
	survivor_acts(s);
	must(!s->link.peer_session);
}

/* ---- the new life ---- */

static void new_life_attaches(struct crash_side *n, struct crash_side *s)
{
	int err = MBX_EAGAIN, i;

	for (i = 0; i < 100 && err == MBX_EAGAIN; i++) {
		err = mbx_link_format(&n->link, now.now_us += 10000);
		if (err == MBX_EAGAIN && how & IN_DEAD_TIME)
			survivor_acts(s);
	}
	must(err >= 0);
	found.fresh = err == 0;
	must(mbx_link_attach(&n->link) == 0);
	act(n, "ends");
	found.state = n->did.state = n->state.number;
	found.log = n->did.log = n->log.number;
}

/* All that was sent to the old life and not taken by it, in order. */
static void new_life_receives(struct crash_side *n, struct crash_side *s)
{
	uint8_t buf[PENDING][CRASH_LONGEST];
	int bytes[PENDING];
	uint32_t i, count = 0;

	found.in_hand = n->was_in_hand;
	while ((bytes[count] = mbx_rx_recv(&n->rx, buf[count],
					   CRASH_LONGEST)) != MBX_EAGAIN)
		must(++count < PENDING);
	must(count >= found.in_hand && count <= s->did.sent);
	found.taken = s->did.sent - count;
	for (i = 0; i < count; i++)
		must(crash_is_message(&now, s->is, found.taken + i, buf[i],
				      bytes[i]));
	n->did.taken = s->did.sent;
}

static void new_life_serves(struct crash_side *n, struct crash_side *s)
{
	uint32_t number = s->did.asked;

	found.serving = n->was_serving;
	found.served = number;
	for (;;) {
		act(n, "take");
		if (n->taking < 0)
			break;
		if (found.served == s->did.asked)
			found.served = number = n->request_number;
		must(n->request_number == number++);
		act_n(n, "reply", 1u + n->request_number % 6u);
	}
	must(number == s->did.asked);
	must(!found.serving || found.served < number);
}

static void new_life_begins(struct crash_side *n, struct crash_side *s)
{
	static const struct crash_did nothing;

	doing = "in its new life";
	crash_new_life(&now, n, n->is, NEW_LIFE);
	n->did = nothing;
	new_life_attaches(n, s);
	look_at_instance(s, n->link.instance);
	new_life_receives(n, s);
	new_life_serves(n, s);
	n->did.sent = n->did.asked = CRASH_NEW_LIFE;
	new_life_writes = 1;
	if (how & IN_DEAD_TIME)
		return;
	act(n, "send:1"); /* at once; full is full */
	act(n, "state");
	act(n, "log");
}

static void both_come_up(struct crash_side *n, struct crash_side *s)
{
	int i;

	doing = "coming up";
	for (i = 0; i < 8; i++) {
		act(n, "poll");
		survivor_acts(s);
	}
	must(n->link.peer_session && n->link.peer_session == s->link.session);
	must(s->link.peer_session == n->link.session);
	must(n->events == MBX_EVENT_UP);
	/* nobody sleeps; the flags of the dead are down */
	must(!mbx_tx_notify(&s->tx) && !mbx_rx_notify(&s->rx));
	if (how & DIES_TOO || !before.instance)
		return;
	if (before.instance != s->link.instance)
		must(s->events & MBX_EVENT_RESET);
	else if (before.session)
		must(s->events & MBX_EVENT_DOWN &&
		     s->events & MBX_EVENT_RESTARTED);
}

/* ---- then everything works as ever ---- */

static void new_life_serves_on(struct crash_side *n)
{
	act(n, "take");
	if (n->taking > 0)
		act(n, "reply:3");
}

/* Room for the reply may have to be made first: by dropping stale ones. */
static void call(struct crash_side *from, struct crash_side *to,
		 void (*serve)(struct crash_side *))
{
	int tries;

	act(from, "ask:8");
	from->heard = MBX_EAGAIN;
	for (tries = 0; tries < 3 && from->heard == MBX_EAGAIN; tries++) {
		serve(to);
		act(from, "listen");
	}
	must(from->heard > 0);
}

static void one_of_each(struct crash_side *n, struct crash_side *s, uint32_t k)
{
	uint32_t sent = n->did.sent, taken = n->did.taken;

	act_n(n, "send", 1u + k * 7u % CRASH_LONGEST);
	must(n->did.sent == sent + 1u && survivor_receives(s));
	act_n(s, "send", k * 11u % (CRASH_LONGEST + 1u));
	act(n, "recv");
	must(n->did.taken == taken + 1u);
	if (k % 8u)
		return;
	call(n, s, survivor_serves);
	call(s, n, new_life_serves_on);
	act(n, "state");
	act(n, "log");
	survivor_reads(s);
	must(s->record == n->did.state && s->last_log == n->did.log);
}

static void both_go_on(struct crash_side *n, struct crash_side *s)
{
	uint32_t k;

	doing = "going on";
	while (s->record) /* its own to the new life: what is still there */
		act(n, "read"), s->record = n->record;
	for (k = 0; k < 40; k++)
		one_of_each(n, s, k);
	found.answered = s->replies - n->did.answered;
}

/* ---- one snapshot ---- */

static int is_found(const struct crash_did *did)
{
	return memcmp(&found, did, sizeof(found)) == 0;
}

static void show(const char *what, const struct crash_did *d)
{
	printf("%s: fresh %u, sent %u, taken %u, in hand %u, state %u, log %u, "
	       "asked %u, answered %u, served %u, serving %u\n",
	       what, d->fresh, d->sent, d->taken, d->in_hand, d->state, d->log,
	       d->asked, d->answered, d->served, d->serving);
}

static void compare(uint32_t told)
{
	const struct crash_did *did = &was[told].world.mortal.did;
	const struct crash_did *after = &after_call()->mortal.did;

	doing = "comparing";
	if (is_found(did) || is_found(after) ||
	    (was[told].has_halfway && is_found(&was[told].halfway)))
		return;
	show("found ", &found);
	show("before", did);
	show("after ", after);
	must(!"what was done or what was not");
}

static void recover(uint32_t told)
{
	struct crash_side *n = &now.mortal, *s = &now.survivor;
	uint8_t bytes[2][CRASH_NUMBERS];
	const struct mbx_side_block *block;

	memcpy(bytes, was[calls].world.bytes, sizeof(bytes));
	now = was[told].world;
	memcpy(now.bytes, bytes, sizeof(bytes));
	block = (const void *)((uintptr_t)was[told].region +
			       s->link.section[n->is]);
	before.instance = did_is_of = s->link.instance;
	before.session = s->link.peer_session;
	before.life = block->boot_reason.raw;
	memcpy(memory, shot.region, CRASH_BYTES);
	memset(&found, 0, sizeof(found));
	new_life_writes = 0;
	s->events = 0;
	if (how & DIES_TOO)
		crash_new_life(&now, s, s->is, s->life + 1u);
	if (how & IN_DEAD_TIME)
		dead_time(s);
	new_life_begins(n, s);
	both_come_up(n, s);
	both_go_on(n, s);
	compare(told);
	recoveries++;
}

/* ---- all of them ---- */

static uint32_t scene = ~0u, told_so_far;

static void end_scene(void)
{
	doing = "not all calls were seen";
	must(scene == ~0u || told_so_far == calls);
}

static void next_scene(void)
{
	end_scene();
	doing = "playing";
	must(shot.note.scene == scene + 1u);
	scene = shot.note.scene;
	crash_play(&now, (uintptr_t)memory, scene);
	calls = now.told;
	played += calls;
	told_so_far = ~0u;
}

static void take_shot(void)
{
	uint32_t told = shot.note.told;

	if (shot.note.scene != scene)
		next_scene();
	now.told = told;
	doing = "between calls";
	if (told != told_so_far) {
		must(told == told_so_far + 1u && told <= calls);
		told_so_far = told;
		must(memcmp(shot.region, was[told].region, CRASH_BYTES) == 0);
	}
	for (how = 0; how < WAYS; how++)
		recover(told);
	shots++;
	executed = shot.note.executed;
}

int main(int argc, char **argv)
{
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;

	if (!f) {
		fprintf(stderr, "usage: cortex_check FILE\n");
		return 2;
	}
	while (fread(&shot, sizeof(shot), 1, f) == 1)
		take_shot();
	fclose(f);
	end_scene();
	if (scene + 1u != crash_scenes()) {
		printf("wrong: %u scenes of %u\n", scene + 1u, crash_scenes());
		return 1;
	}
	printf("%u scenes, %u calls, %u instructions, %u snapshots, "
	       "%u recoveries\n",
	       scene + 1u, played, executed, shots, recoveries);
	return 0;
}
