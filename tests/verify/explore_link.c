/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link under the explorer: formatting, attaching, polling, letting go and
 * restarts, with one queue in it. The remote owns the layout.
 *
 *   format=0	the region was formatted long ago; 1: it is all zeros
 *   again=1	the remote discards the region later on and formats anew
 *   polls=N	of the remote's, in each of its lives
 *   comes=BITS	how the host comes before it stays, the lowest bit first: with
 *		other channels than the remote's (1) or with the same (0); the
 *		highest bit only ends them (1)
 *   stays=0	and it does not stay
 *   narrow=1	only magic, instance and the states may be stale
 *   traffic=1	the host sends, the remote takes
 */
#include "explore.h"

#define OFF(type, field) ((uint32_t)offsetof(struct type, field))
#define BYTES		 (4u * 80u)
#define SESSIONS	 8u

static const struct mbx_channel channels[] = {
	{ .name = "q",
	  .is = { .kind = MBX_KIND_QUEUE,
		  .direction = MBX_H2R,
		  .type = "",
		  .fwd = { 4, 20 } } },
};

static const struct mbx_channel others[] = {
	{ .name = "q",
	  .is = { .kind = MBX_KIND_QUEUE,
		  .direction = MBX_H2R,
		  .type = "",
		  .fwd = { 8, 24 } } },
};

static struct account {
	uint32_t section[2], end_off;
	uint32_t session[2];	     /* as stored last */
	uint32_t acked[2][SESSIONS]; /* which of the peer's, as bits */
	uint8_t life[2], life_of[2][SESSIONS];
	uint8_t attaching, formatting; /* the host, the remote is at it */
	uint8_t writing;	       /* the region is not the host's now */
	uint8_t again_left;
	uint32_t comes;
	uint32_t wrong;	   /* sessions of a host with other channels, as bits */
	uint32_t instance; /* of the last formatting */
} account;

static struct peer {
	struct mbx_link link;
	union {
		struct mbx_tx tx;
		struct mbx_rx rx;
	} end;
	uint32_t polls;
	uint32_t told_wrong; /* of which of those it was told, as bits */
	int told_up, leaves;
} peers[2];

static uint32_t narrow, format, again, polls, traffic, stays;
static uint32_t hash_of_others;

static void init(struct mbx_link *l, int side,
		 const struct mbx_channel *declared)
{
	struct mbx_link_config c = {
		.base = (uintptr_t)shared,
		.bytes = BYTES,
		.side = side ? MBX_REMOTE : MBX_HOST,
		.channels = declared,
		.count = 1,
		.line_bytes = 4,
		.page_bytes = 64,
		.boot_reason = 100u + account.life[side],
	};

	mbx_link_init(l, &c);
}

/* ---- what each store must keep ---- */

static void stored(int side, uint32_t word, uint32_t v)
{
	uint32_t off = word * 4u, of;

	if (side == MBX_REMOTE && account.formatting) {
		if (off == OFF(mbx_super, instance)) {
			account.writing = 1;
			account.instance = v;
		}
		if (off == OFF(mbx_super, magic) && v == MBX_MAGIC)
			account.writing = 0;
		return;
	}
	of = off >= account.section[MBX_REMOTE];
	if (off < account.section[MBX_HOST] || off >= account.end_off ||
	    of != (uint32_t)side)
		fail("side %d stores to offset %u", side, off);
	if (side == MBX_HOST && account.writing && !account.attaching)
		fail("the host stores to %u while the region is formatted",
		     off);
	if (side == MBX_HOST && !account.attaching &&
	    peers[side].link.instance != account.instance)
		fail("the host of instance %u stores to %u of instance %u",
		     peers[side].link.instance, off, account.instance);
	off -= account.section[side];
	if (off == OFF(mbx_side_block, session)) {
		if (!again && v <= account.session[side])
			fail("side %d: session %u once more", side, v);
		if (peers[side].link.is.channels == others)
			account.wrong |= 1u << v;
		account.session[side] = v;
		account.life_of[side][v % SESSIONS] = account.life[side];
		account.acked[side][v % SESSIONS] = 0;
	}
	if (off == OFF(mbx_side_block, ack) && v)
		account.acked[side][account.session[side] % SESSIONS] |= 1u
									 << v;
}

static int may_be_stale(uint32_t word)
{
	uint32_t off = word * 4u;

	return !narrow || off == OFF(mbx_super, magic) ||
	       off == OFF(mbx_super, instance) ||
	       off == account.section[MBX_HOST] ||
	       off == account.section[MBX_REMOTE];
}

/* ---- what each side may believe ---- */

static uint32_t of_peer(struct peer *p, int side, uint32_t field)
{
	return mbx_ld(mbx_link_word(&p->link, account.section[!side] + field));
}

/* The peer is up: it is the life that has this session, and it knows of us. */
static void check_up(struct peer *p, int side)
{
	uint32_t s = p->link.peer_session, is, later, knows = 0;

	if (!s || s >= SESSIONS || account.session[!side] < s)
		fail("side %d: up with a session that never was: %u", side, s);
	if (side == MBX_REMOTE && account.wrong & 1u << s)
		fail("up with a session of other channels: %u", s);
	/* or, seen across a restart, its next life does */
	for (later = s; later < SESSIONS; later++)
		knows |= account.acked[!side][later];
	if (!(knows & 1u << p->link.session))
		fail("side %d: up, and the peer's session %u does not know",
		     side, s);
	is = of_peer(p, side, OFF(mbx_side_block, boot_reason));
	if (is < 100u + account.life_of[!side][s])
		fail("side %d: up, and sees the boot reason of another life: %u",
		     side, is);
}

static void open_end(struct peer *p, int side)
{
	struct mbx_queue_place at;
	int err = mbx_link_queue(&p->link, 0, &at);

	if (err || !traffic)
		return;
	err = side ? mbx_rx_attach(&p->end.rx, &at)
		   : mbx_tx_attach(&p->end.tx, &at);
	if (err)
		fail("side %d: end: %d", side, err);
}

static void use_end(struct peer *p, int side)
{
	uint32_t w = p->link.instance;
	int n;

	if (!traffic)
		return;
	if (side == MBX_HOST) {
		mbx_tx_send(&p->end.tx, &w, 4);
		return;
	}
	n = mbx_rx_recv(&p->end.rx, &w, 4);
	if (n == MBX_EAGAIN)
		return;
	if (n != 4)
		fail("remote: recv %d 0x%x", n, p->end.rx.bad);
	if (w != p->link.instance)
		fail("remote: a message of instance %u in %u", w,
		     p->link.instance);
}

static void check_incompatible(struct peer *p, int side)
{
	uint32_t bit = 1u << p->link.incompatible, hash;

	if (side == MBX_HOST || !(account.wrong & bit))
		fail("side %d: incompatible: session %u", side,
		     p->link.incompatible);
	if (p->told_wrong & bit)
		fail("told of session %u once more", p->link.incompatible);
	p->told_wrong |= bit;
	/* that layout's, or by now that of the host's next life */
	hash = of_peer(p, side, OFF(mbx_side_block, layout_hash));
	if (hash != hash_of_others && hash != p->link.layout_hash)
		fail("incompatible, and not with what");
}

/* 1 if the region is another now. */
static int poll_once(struct peer *p, int side)
{
	uint32_t events;

	watch();
	events = mbx_link_poll(&p->link, 0);
	/* one word may be: the session, on both sides of the state */
	if (accesses() > 12u || loaded_twice() > 1)
		fail("poll: %u accesses", accesses());
	if (events & (MBX_EVENT_UP | MBX_EVENT_RESTARTED)) {
		check_up(p, side);
		if (!(events & MBX_EVENT_DOWN) && p->told_up)
			fail("side %d: up, and was", side);
		p->told_up = 1;
	}
	if (events & MBX_EVENT_DOWN) {
		if (!p->told_up)
			fail("side %d: down, and was not up", side);
		p->told_up = (events & (MBX_EVENT_UP | MBX_EVENT_RESTARTED)) !=
			     0;
	}
	if (events & MBX_EVENT_INCOMPATIBLE)
		check_incompatible(p, side);
	if (events & MBX_EVENT_RESET)
		p->told_up = 0;
	return (events & MBX_EVENT_RESET) != 0;
}

/* ---- the two ---- */

/* Until attaching ends in @want: 0, or MBX_EMISMATCH as another build's does. */
static void attach_until(struct peer *p, int want)
{
	int err;

	for (;;) {
		checkpoint();
		watch();
		account.attaching = 1;
		err = mbx_link_attach(&p->link);
		account.attaching = 0;
		if (err == want)
			return;
		if (err != MBX_EAGAIN)
			fail("host: attach %d, word %u", err, p->link.why.word);
		await_change();
	}
}

static void attach_host(struct peer *p)
{
	attach_until(p, 0);
	if (accesses() > 80u)
		fail("attach: %u accesses", accesses());
	open_end(p, MBX_HOST);
}

static void come_and_go(struct peer *p)
{
	uint32_t other = account.comes & 1u;

	account.comes >>= 1;
	p->told_up = 0;
	init(&p->link, MBX_HOST, other ? others : channels);
	if (other) {
		attach_until(p, MBX_EMISMATCH);
		return;
	}
	attach_host(p);
	use_end(p, MBX_HOST);
	checkpoint();
	if (!poll_once(p, MBX_HOST))
		mbx_link_detach(&p->link);
}

static void host(struct peer *p)
{
	p->leaves = 1;
	while (learn(account.comes) > 1u)
		come_and_go(p);
	p->leaves = p->told_up = 0;
	if (!stays)
		return;
	init(&p->link, MBX_HOST, channels);
	attach_host(p);
	for (;;) {
		checkpoint();
		if (poll_once(p, MBX_HOST)) {
			attach_host(p);
			continue;
		}
		use_end(p, MBX_HOST);
		poll_once(p, MBX_HOST) ? attach_host(p) : await_change();
	}
}

static void format_region(struct peer *p)
{
	uint32_t now = 0;
	int err, tries = 0;

	for (;;) {
		account.formatting = 1;
		watch();
		err = mbx_link_format(&p->link, now);
		account.formatting = 0;
		if (err >= 0)
			break;
		if (err != MBX_EAGAIN)
			fail("remote: format %d", err);
		if (tries++ && await_change_or_time())
			now += 500000u;
	}
	account.writing = 0;
	err = mbx_link_attach(&p->link);
	if (err)
		fail("remote: attach %d", err);
	open_end(p, MBX_REMOTE);
}

static void remote(struct peer *p)
{
	init(&p->link, MBX_REMOTE, channels);
	format_region(p);
	for (;;) {
		checkpoint();
		if (p->polls == polls && learn(account.again_left)) {
			account.again_left--;
			p->polls = 0;
			mbx_link_discard(&p->link);
			p->told_up = 0;
			format_region(p);
		}
		if (p->polls++ == polls)
			return;
		if (poll_once(p, MBX_REMOTE))
			fail("remote: somebody took its region");
		use_end(p, MBX_REMOTE);
	}
}

static void life(int side)
{
	if (side == MBX_HOST)
		host(&peers[MBX_HOST]);
	else
		remote(&peers[MBX_REMOTE]);
}

static void died(int side)
{
	account.life[side]++;
	if (side == MBX_HOST)
		account.attaching = 0;
	else
		account.formatting = 0;
}

static void begin(void)
{
	struct mbx_link l;

	init(&l, MBX_HOST, others);
	hash_of_others = l.layout_hash;
	init(&l, MBX_REMOTE, channels);
	account.section[MBX_HOST] = l.section[MBX_HOST];
	account.section[MBX_REMOTE] = l.section[MBX_REMOTE];
	account.end_off = l.end_off;
	/* a formatter writes the host's words, and those that nobody else does */
	scenario.one_writer = !format && !again;
	scenario.constant = scenario.one_writer ? account.section[MBX_HOST] / 4u
						: 0;
	account.again_left = (uint8_t)again;
	account.comes = option("comes", 1);
	if (format)
		return;
	explore_calmly(MBX_REMOTE);
	account.formatting = 1;
	if (mbx_link_format(&l, 0))
		fail("format");
	account.formatting = 0;
	explore_settle();
}

/* The host has gone. With other channels, which the remote must have heard? */
static void end_alone(struct peer *remote)
{
	uint32_t session;

	explore_calmly(MBX_REMOTE);
	poll_once(remote, MBX_REMOTE);
	poll_once(remote, MBX_REMOTE);
	session = of_peer(remote, MBX_REMOTE, OFF(mbx_side_block, session));
	if (of_peer(remote, MBX_REMOTE, OFF(mbx_side_block, state)) !=
	    MBX_SIDE_INCOMPATIBLE)
		return;
	if (!(remote->told_wrong & 1u << session) || remote->told_up)
		fail("not told of session %u", session);
}

static void end(void)
{
	int side, i;

	/* a formatter that still waits for a host that is not there any more */
	if (!peers[MBX_REMOTE].link.session)
		fail("the remote waits for ever");
	if (!peers[MBX_REMOTE].link.instance)
		fail("the remote has no region");
	if (!stays) {
		end_alone(&peers[MBX_REMOTE]);
		return;
	}
	for (i = 0; i < 4; i++)
		for (side = 0; side < 2; side++) {
			explore_calmly(side);
			if (!peers[side].link.instance ||
			    poll_once(&peers[side], side)) {
				if (side == MBX_REMOTE)
					fail("the remote lost its region");
				attach_host(&peers[side]);
			}
		}
	for (side = 0; side < 2; side++)
		if (peers[side].link.peer_session != peers[!side].link.session)
			fail("side %d does not see the other", side);
}

struct scenario scenario = {
	.words = BYTES / 4,
	.account = &account,
	.account_bytes = sizeof(account),
	.private_of = { &peers[0], &peers[1] },
	.private_bytes = { sizeof(peers[0]), sizeof(peers[1]) },
	.begin = begin,
	.life = life,
	.died = died,
	.end = end,
	.stored = stored,
	.may_be_stale = may_be_stale,
};

void scenario_configure(void)
{
	stays = option("stays", 1);
	narrow = option("narrow", 0);
	format = option("format", 1);
	again = option("again", 0);
	polls = option("polls", 2);
	traffic = option("traffic", 0);
}
