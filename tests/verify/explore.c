/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine; explore.h says what it does. Usage of each scenario's program:
 *
 *	explore_NAME [option=value...]
 *
 *   crashes=N	how many deaths in a run, of either side (0)
 *   race=1	payload is plain: an access that nothing orders is a failure;
 *		0: payload is relaxed, and may be stale (1)
 *   stale=N	at most so many loads of a run return what is not the newest
 *   switches=N	at most so many times the other side comes in unasked; both are
 *		for scenarios too large to see all of (no bound)
 *   coarse=1	and it comes in only at full barriers, or right behind one
 *   limit=S	seconds of the processor after which it gives up, and says so (60)
 *
 * Exits with 0 when all is well and everything was seen, 1 with the run that
 * went wrong, 2 when the time was up.
 */
#define _GNU_SOURCE
#include "explore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <ucontext.h>

#define MAX_HISTORY  100u
#define MAX_CHOICES  8192u
#define MAX_STEPS    4000u
#define STACK_BYTES  65536u
#define MAX_STAMPS   200u
#define UNBOUNDED    0xffffffffu
#define NOBODY	     2
#define MAX_SNAPSHOT (sizeof(history) + sizeof(stacks) + sizeof(sides) + 65536u)
#define MAX_LOADED   64u

/*
 * clock: how far the other side's actions are known to have happened before.
 * For races only, and nothing that fences agree on by their own order counts.
 */
struct view {
	uint8_t at[MAX_WORDS];
	uint16_t clock[2];
};

struct message {
	struct view view;
	uint32_t value;
	uint16_t clock; /* its writer's when it was stored */
	uint8_t by, plain;
};

enum standing { READY, AWAITS_CHANGE, AWAITS_BELL, AT_END };

struct side {
	/* cur <= acquired: what an acquire fence would add; rel <= cur */
	struct view cur, acquired, released;
	struct view got; /* of what is loaded[]: the values it was given */
	uint16_t read_plain[MAX_WORDS], read_atomic[MAX_WORDS];
	uint64_t told;	  /* all that it was told since its last checkpoint */
	uint64_t account; /* a hash of that, when it last could have died */
	uint32_t loaded[MAX_LOADED], loads, accesses, again;
	enum standing standing;
	int bell, begun, timed, time_passed, near_barrier;
	int due;     /* a switch, before the next access */
	int touched; /* what outlives it, since it last could have died */
	jmp_buf resume;
	char *stack_top; /* what is below is of no use any more */
};

struct mbx_word shared[MAX_WORDS];
static struct message history[MAX_WORDS][MAX_HISTORY];
static uint32_t stored[MAX_WORDS], words;
static struct side sides[2];
static char stacks[2][STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t births[2];
static struct view fences;
static int me, calm;
static uint32_t crash_budget, stale_budget, switch_budget, coarse, race;
static struct left {
	uint32_t crashes, stale, switches;
} left;
static uint32_t steps;
static jmp_buf scheduler;
enum outcome { ENTERED, YIELDED, DIED, CAME_TO_END, FAILED };

static char failure[200];
static int tracing;
static char **arguments;
static int argument_count;

uint32_t option(const char *name, uint32_t otherwise)
{
	size_t n = strlen(name);
	int i;

	for (i = 1; i < argument_count; i++)
		if (!strncmp(arguments[i], name, n) && arguments[i][n] == '=')
			return (uint32_t)strtoul(arguments[i] + n + 1, NULL, 0);
	return otherwise;
}

#define trace(...)                                                             \
	do {                                                                   \
		if (tracing)                                                   \
			printf("  " __VA_ARGS__);                              \
	} while (0)

void fail(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(failure, sizeof(failure), format, list);
	va_end(list);
	_longjmp(scheduler, FAILED);
}

/* ---- choices: depth first, by doing it all again ---- */

static uint32_t chosen[MAX_CHOICES], of[MAX_CHOICES], depth, known;
static unsigned long executions, deaths, states;

static uint32_t pick(uint32_t n)
{
	if (n <= 1)
		return 0;
	if (depth == known) {
		if (known == MAX_CHOICES)
			fail("explorer: more choices than it has room for");
		chosen[known] = 0;
		of[known++] = n;
	}
	if (of[depth] != n)
		fail("explorer: the code does not repeat itself");
	return chosen[depth++];
}

static int next_choices(void)
{
	while (known && chosen[known - 1] + 1 >= of[known - 1])
		known--;
	if (!known)
		return 0;
	chosen[known - 1]++;
	return 1;
}

/* ---- states seen before ---- */

static uint64_t *seen;
static size_t seen_size, hashes;

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *from, uint32_t bytes)
{
	const uint8_t *p = from;
	uint64_t v;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		memcpy(&v, p, 8);
		h = mix(h, v);
	}
	for (v = 0; bytes; bytes--)
		v = v << 8 | p[bytes - 1];
	return mix(h, v);
}

/* Where @h is, or is to be. */
static uint64_t *place_of(uint64_t h)
{
	size_t i = h & (seen_size - 1);

	while (seen[i] && seen[i] != h)
		i = (i + 1) & (seen_size - 1);
	return &seen[i];
}

static void insert_seen(uint64_t h)
{
	uint64_t *old = seen;
	size_t n = seen_size, i;

	if (hashes * 2 >= seen_size) {
		seen_size = n ? n * 4 : 1u << 16;
		seen = calloc(seen_size, sizeof(*seen));
		if (!seen)
			abort();
		for (i = 0; i < n; i++)
			if (old[i])
				*place_of(old[i]) = old[i];
		free(old);
	}
	hashes += !*place_of(h);
	*place_of(h) = h;
}

/*
 * Clocks matter by their order only. Of those of side @s that somebody may still
 * ask about, how many are before @clock?
 */
static uint16_t stamps[2][MAX_STAMPS];
static uint32_t stamp_count[2];

static void note_stamp(int s, uint32_t clock, uint32_t known_to_other)
{
	uint32_t n = stamp_count[s], i;

	if (clock <= known_to_other)
		return;
	for (i = 0; i < n; i++)
		if (stamps[s][i] == clock)
			return;
	if (n == MAX_STAMPS)
		fail("explorer: too many clocks");
	stamps[s][stamp_count[s]++] = (uint16_t)clock;
}

static uint64_t rank(int s, uint32_t clock)
{
	uint64_t before = 0;
	uint32_t i;

	for (i = 0; i < stamp_count[s]; i++)
		before += stamps[s][i] <= clock;
	return before;
}

static void note_stamps(const uint8_t *base)
{
	uint32_t i, k, known_to_other;
	int s;

	for (s = 0; s < 2; s++) {
		/* a new life forgets what the last one knew */
		known_to_other = left.crashes ? 0 : sides[!s].cur.clock[s];
		stamp_count[s] = 0;
		for (i = 0; i < words; i++) {
			note_stamp(s, sides[s].read_plain[i], known_to_other);
			note_stamp(s, sides[s].read_atomic[i], known_to_other);
			for (k = base[i]; k < stored[i]; k++)
				if (history[i][k].by == s)
					note_stamp(s, history[i][k].clock,
						   known_to_other);
		}
	}
}

/* A view, as far as it can still make a difference. */
static uint64_t mix_view(uint64_t h, const struct view *v, const uint8_t *base)
{
	uint8_t rel[MAX_WORDS];
	uint32_t i;

	for (i = 0; i < MAX_WORDS; i++)
		rel[i] = v->at[i] > base[i] ? (uint8_t)(v->at[i] - base[i]) : 0;
	h = mix_bytes(h, rel, MAX_WORDS);
	return race ? mix(h, rank(0, v->clock[0]) << 16 | rank(1, v->clock[1]))
		    : h;
}

static uint64_t account_hash(void)
{
	return mix_bytes(1, scenario.account, scenario.account_bytes);
}

/*
 * Deaths are tried only where they differ. Has side @s, since it last could have
 * died, done what outlives it: a store, a bell, an entry in the account? Or was
 * it rung, or did time pass, which a side that is dead would not have had? If
 * not, to die now is as to have died then, or not to have begun this life, but
 * for the number of lives. Whatever its loads and fences did since only takes
 * away from what can still happen: budgets that were used up, and views that let
 * less be read. But for a race a load counts by itself.
 */
static int leaves_something(int s)
{
	return left.crashes &&
	       (race || sides[s].touched || sides[s].account != account_hash());
}

/* The value that it was given there is not the newest any more. */
static int is_replaced(const struct side *t, uint32_t load)
{
	return t->got.at[t->loaded[load]] + 1u < stored[t->loaded[load]];
}

/* And it has learnt so since. */
static int has_learnt(const struct side *t, uint32_t load)
{
	return t->got.at[t->loaded[load]] < t->cur.at[t->loaded[load]];
}

/*
 * All that the future depends on, but for how many stale loads and switches are
 * left. With @newest_only as if no load were to be stale: then neither views nor
 * older values make a difference.
 */
static uint64_t state(int newest_only)
{
	uint8_t base[MAX_WORDS] = { 0 };
	uint64_t h = mix(1, left.crashes);
	uint32_t i, k;
	int s;

	for (i = scenario.constant; i < words; i++) {
		if (newest_only)
			base[i] = (uint8_t)(stored[i] - 1);
		else if (!left.crashes)
			base[i] = sides[0].cur.at[i] < sides[1].cur.at[i]
					  ? sides[0].cur.at[i]
					  : sides[1].cur.at[i];
		h = mix(h, stored[i] - base[i]);
	}
	if (race)
		note_stamps(base);
	for (i = scenario.constant; i < words; i++)
		for (k = base[i]; k < stored[i]; k++) {
			const struct message *m = &history[i][k];

			h = mix(h, (uint64_t)m->value << 2 | m->by);
			if (race && m->by < 2)
				h = mix(h,
					rank(m->by, m->clock) << 1 | m->plain);
			/* the first one hands on nothing that is not there */
			if (k && !newest_only)
				h = mix_view(h, &m->view, base);
		}
	if (!newest_only)
		h = mix_view(h, &fences, base);
	if (switch_budget != UNBOUNDED)
		h = mix(h, (uint64_t)me);
	for (s = 0; s < 2; s++) {
		const struct side *t = &sides[s];

		h = mix(h, t->told);
		h = mix(h, (uint64_t)t->standing << 4 |
				   (uint64_t)(left.crashes && t->touched) << 3 |
				   (uint64_t)leaves_something(s) << 2 |
				   (uint64_t)t->bell << 1 | (uint64_t)t->begun);
		if (coarse)
			h = mix(h, (uint64_t)t->near_barrier);
		for (k = 0; k < t->loads; k++)
			h = mix(h, t->loaded[k] << 1 |
					   (uint32_t)is_replaced(t, k));
		if (newest_only)
			continue;
		for (k = 0; k < t->loads; k++)
			h = mix(h, (uint64_t)has_learnt(t, k));
		h = mix_view(h, &t->cur, base);
		h = mix_view(h, &t->acquired, base);
		h = mix_view(h, &t->released, base);
		for (k = 0; race && k < words; k++)
			h = mix(h, rank(s, t->read_plain[k]) << 16 |
					   rank(s, t->read_atomic[k]));
	}
	return mix_bytes(h, scenario.account, scenario.account_bytes);
}

/* With as many stale loads and switches left or more: nothing new can follow. */
static int was_seen(uint64_t h)
{
	uint32_t stale = left.stale, switches;

	do {
		switches = left.switches;
		do {
			if (*place_of(mix(mix(h, stale), switches)))
				return 1;
		} while (switches++ < switch_budget);
	} while (stale++ < stale_budget);
	return 0;
}

static void insert(uint64_t h)
{
	insert_seen(mix(mix(h, left.stale), left.switches));
}

/*
 * 1 if this state is new. One that has stale loads left stands for those, too,
 * that have none, and differ from it in views and older values only. Where two
 * write a word, views also say where a store may go; and what races.
 */
static int remember(void)
{
	int views_matter = race || !scenario.one_writer;
	uint64_t h = state(!left.stale && !views_matter);

	if (seen && was_seen(h))
		return 0;
	states++;
	insert(h);
	if (left.stale && stale_budget != UNBOUNDED && !views_matter)
		insert(state(1));
	return 1;
}

/* ---- views ---- */

static void join_at(struct view *to, const struct view *from)
{
	uint32_t i;

	for (i = 0; i < MAX_WORDS;
	     i++) /* all, so that it takes a few vectors */
		to->at[i] = from->at[i] > to->at[i] ? from->at[i] : to->at[i];
}

static void join(struct view *to, const struct view *from)
{
	int s;

	join_at(to, from);
	for (s = 0; s < 2; s++)
		if (from->clock[s] > to->clock[s])
			to->clock[s] = from->clock[s];
}

/* ---- what happens at an access ---- */

static void tell(uint64_t v)
{
	sides[me].told = mix(sides[me].told, v + 1);
}

uint32_t choose(uint32_t n)
{
	uint32_t v = pick(n);

	tell(v);
	return v;
}

uint32_t learn(uint32_t v)
{
	tell(v);
	return v;
}

/* All that is in use of this stack, and below it what the compiler may hold. */
static char *stack_top(void)
{
	return (char *)__builtin_frame_address(0) - 512;
}

static void yield(void)
{
	int leaves;

	if (calm)
		return;
	sides[me].due = 0;
	leaves = leaves_something(me);
	sides[me].stack_top = stack_top();
	if (!_setjmp(sides[me].resume))
		_longjmp(scheduler, YIELDED);
	if (!leaves) /* what the other one did since is not its */
		sides[me].account = account_hash();
}

static void may_die(void)
{
	if (calm || !leaves_something(me))
		return;
	sides[me].touched = 0;
	sides[me].account = account_hash();
	if (pick(2)) {
		left.crashes--;
		deaths++;
		_longjmp(scheduler, DIED);
	}
}

static uint32_t word_of(const struct mbx_word *w)
{
	uintptr_t off = (uintptr_t)w - (uintptr_t)shared;

	if (off >= 4u * words || off & 3u)
		fail("access outside of the region, at offset %ld", (long)off);
	return (uint32_t)(off / 4);
}

/* Only the side itself ever stores there: nothing to wait for. */
static int is_own(uint32_t l)
{
	return scenario.one_writer && stored[l] > 1 &&
	       history[l][stored[l] - 1].by == me;
}

/* Does this side know of @m? */
static int happened_before(const struct message *m)
{
	return m->by != !me || m->clock <= sides[me].cur.clock[!me];
}

static uint32_t load_plain(uint32_t l)
{
	uint32_t k;

	for (k = 0; k < stored[l]; k++)
		if (!happened_before(&history[l][k]))
			fail("race: payload word %u is loaded, and nothing orders it behind its store",
			     l);
	sides[me].read_plain[l] = sides[me].cur.clock[me];
	sides[me].cur.at[l] = (uint8_t)(stored[l] - 1);
	return history[l][stored[l] - 1].value;
}

static uint32_t load_atomic(uint32_t l, enum explore_order order)
{
	struct side *t = &sides[me];
	uint32_t k, from = t->cur.at[l];
	const struct message *m;

	for (k = from + 1; race && k < stored[l]; k++)
		if (history[l][k].plain && !happened_before(&history[l][k]))
			fail("race: word %u is loaded beside a plain store", l);
	if (calm || !left.stale ||
	    (scenario.may_be_stale && !scenario.may_be_stale(l)))
		from = stored[l] - 1;
	k = stored[l] - 1 - pick(stored[l] - from);
	left.stale -= stale_budget != UNBOUNDED && k + 1 < stored[l];
	m = &history[l][k];
	t->cur.at[l] = (uint8_t)k;
	t->read_atomic[l] = t->cur.clock[me];
	join(&t->acquired, &m->view);
	if (order == ORDERED)
		join(&t->cur, &m->view);
	join(&t->acquired, &t->cur);
	return m->value;
}

static void count_access(void)
{
	sides[me].accesses++;
	if (++steps > MAX_STEPS)
		fail("more than %u accesses", MAX_STEPS);
}

uint32_t explore_load(const struct mbx_word *w, enum explore_order order)
{
	static const char *const names[] = { "load", "acquire", "data" };
	uint32_t l = word_of(w), v, i;
	struct side *t = &sides[me];

	/*
	 * What nobody stores to may as well be loaded later: the other side
	 * comes in behind a row of such loads, before whatever follows.
	 */
	if (l < scenario.constant) {
		t->due = 1;
	} else if (t->due || (!is_own(l) && (order != DATA || !race))) {
		t->near_barrier -= t->near_barrier > 0;
		yield();
	}
	may_die();
	count_access();
	for (i = 0; i < t->loads && t->loaded[i] != l; i++)
		;
	if (i < t->loads)
		t->again += order != DATA;
	else if (i < MAX_LOADED)
		t->loaded[t->loads++] = l;
	v = order == DATA && race ? load_plain(l) : load_atomic(l, order);
	t->got.at[l] = t->cur.at[l];
	trace("%d: %s word %u: 0x%x (value %u of %u)\n", me, names[order], l, v,
	      t->cur.at[l], stored[l] - 1);
	tell(v);
	return v;
}

/* Between two values of a word: all views count one more from there on. */
static void make_place(uint32_t l, uint32_t k)
{
	uint32_t i, j;
	int s;

#define SHIFT(v) ((v).at[l] = (uint8_t)((v).at[l] + ((v).at[l] >= k)))
	for (i = 0; i < words; i++)
		for (j = 0; j < stored[i]; j++)
			SHIFT(history[i][j].view);
	for (s = 0; s < 2; s++) {
		SHIFT(sides[s].cur);
		SHIFT(sides[s].acquired);
		SHIFT(sides[s].released);
		SHIFT(sides[s].got);
	}
	SHIFT(fences);
#undef SHIFT
	memmove(&history[l][k + 1], &history[l][k],
		(stored[l] - k) * sizeof(history[l][0]));
}

void explore_store(struct mbx_word *w, uint32_t v, enum explore_order order)
{
	static const char *const names[] = { "store", "release", "data" };
	uint32_t l = word_of(w), k, n = stored[l];
	struct side *t = &sides[me];
	struct message *m;
	int plain = order == DATA && race;

	if (l < scenario.constant && !calm)
		fail("word %u is stored to, and is constant", l);
	if (t->due)
		yield();
	may_die();
	t->touched = 1;
	count_access();
	trace("%d: %s word %u: 0x%x\n", me, names[order], l, v);
	tell(0);
	if (n == MAX_HISTORY)
		fail("explorer: too many stores to word %u", l);
	if (race && sides[!me].read_plain[l] > t->cur.clock[!me])
		fail("race: word %u is stored while the other side may still load its payload",
		     l);
	if (plain && sides[!me].read_atomic[l] > t->cur.clock[!me])
		fail("race: payload word %u is stored beside a load", l);
	if (scenario.one_writer && n > 1 && history[l][n - 1].by != me)
		fail("word %u has two writers", l);
	/* behind all of its own view; before or after the other's that are new */
	k = n;
	if (!scenario.one_writer && !calm &&
	    (!scenario.may_be_stale || scenario.may_be_stale(l)))
		k -= pick(n - t->cur.at[l]);
	if (k < n)
		make_place(l, k);
	m = &history[l][k];
	t->got.at[l] = t->cur.at[l] = (uint8_t)k; /* it knows this one */
	m->view = order == ORDERED ? t->cur : t->released;
	m->view.at[l] = (uint8_t)k;
	m->value = v;
	m->by = (uint8_t)me;
	m->plain = (uint8_t)plain;
	m->clock = t->cur.clock[me];
	stored[l]++;
	join(&t->acquired, &t->cur);
	if (order == ORDERED)
		t->cur.clock[me]++;
	if (scenario.stored)
		scenario.stored(me, l, v);
}

void explore_fence(enum explore_fence fence)
{
	static const char *const names[] = { "stores", "loads", "all" };
	struct side *t = &sides[me];

	if (fence == FENCE_ALL)
		t->near_barrier = 2;
	if (fence == FENCE_ALL || t->due)
		yield();
	may_die();
	trace("%d: order %s\n", me, names[fence]);
	tell(0);
	if (fence != FENCE_STORES)
		join(&t->cur, &t->acquired);
	if (fence == FENCE_ALL) {
		join_at(&t->cur, &fences);
		join_at(&fences, &t->cur);
	}
	if (fence != FENCE_LOADS) {
		t->released = t->cur;
		t->cur.clock[me]++;
	}
	join(&t->acquired, &t->cur);
}

/* ---- for scenarios ---- */

static void forget_views(void)
{
	int s;

	memset(&fences, 0, sizeof(fences));
	for (s = 0; s < 2; s++) {
		struct side *t = &sides[s];

		memset(&t->cur, 0, sizeof(t->cur));
		t->cur.clock[s] = 1;
		t->acquired = t->released = t->cur;
		t->released.clock[s] = 0;
		memset(t->read_plain, 0, sizeof(t->read_plain));
		memset(t->read_atomic, 0, sizeof(t->read_atomic));
	}
}

void explore_set(struct mbx_word *w, uint32_t value)
{
	history[word_of(w)][0].value = value;
}

void explore_settle(void)
{
	uint32_t i, v;

	for (i = 0; i < words; i++) {
		v = history[i][stored[i] - 1].value;
		memset(&history[i][0], 0, sizeof(history[i][0]));
		history[i][0].value = v;
		history[i][0].by = NOBODY;
		stored[i] = 1;
	}
	forget_views();
	calm = 0;
}

void checkpoint(void)
{
	sides[me].told = mix_bytes(1, scenario.private_of[me],
				   scenario.private_bytes[me]);
}

void watch(void)
{
	sides[me].loads = sides[me].accesses = sides[me].again = 0;
}

uint32_t accesses(void)
{
	return sides[me].accesses;
}

int loaded_twice(void)
{
	return (int)sides[me].again;
}

void await_change(void)
{
	struct side *t = &sides[me];
	uint32_t i, n = 0, learnt = 0;

	t->standing = AWAITS_CHANGE;
	t->time_passed = 0;
	yield();
	/* it sees at least one that is newer, if it has not yet */
	for (i = 0; i < t->loads; i++) {
		learnt += has_learnt(t, i);
		n += is_replaced(t, i);
	}
	n = pick(learnt ? 0 : n);
	for (i = 0; i < t->loads && !learnt; i++)
		if (is_replaced(t, i) && n-- == 0)
			t->cur.at[t->loaded[i]]++;
	t->loads = 0; /* from now on it waits for what it loads from now on */
	tell((uint64_t)t->time_passed);
}

int await_change_or_time(void)
{
	sides[me].timed = 1;
	await_change();
	sides[me].timed = 0;
	return sides[me].time_passed;
}

void explore_calmly(int side)
{
	me = side;
	calm = 1;
}

void ring_bell(int side)
{
	trace("%d: rings\n", me);
	sides[side].bell = sides[side].touched = sides[me].touched = 1;
}

void await_bell(void)
{
	trace("%d: sleeps\n", me);
	sides[me].standing = AWAITS_BELL;
	yield();
	sides[me].bell = 0;
	tell(0);
}

/* ---- one execution ---- */

static void enter(void)
{
	scenario.life(me);
	_longjmp(scheduler, CAME_TO_END);
}

static void be_born(int s)
{
	struct side *t = &sides[s];

	t->stack_top = stacks[s] + STACK_BYTES;
	t->begun = t->timed = t->time_passed = t->near_barrier = 0;
	t->touched = t->due = 0;
	t->account = account_hash();
	t->standing = READY;
	t->loads = t->accesses = 0;
	t->told = 0;
	t->bell = 0;
}

static void begin(void)
{
	uint32_t i;
	int s;

	for (i = 0; i < words; i++) {
		memset(&history[i][0], 0, sizeof(history[i][0]));
		history[i][0].by = NOBODY;
		stored[i] = 1;
	}
	for (s = 0; s < 2; s++)
		memset(scenario.private_of[s], 0, scenario.private_bytes[s]);
	memset(scenario.account, 0, scenario.account_bytes);
	depth = steps = 0;
	me = 0;
	forget_views();
	left = (struct left){ crash_budget, stale_budget, switch_budget };
	failure[0] = 0;
	scenario.begin();
	for (s = 0; s < 2; s++)
		be_born(s);
}

/*
 * The next life knows nothing for sure. Whatever told it that the last one is
 * over brings the last one's view along, for a barrier to make use of.
 */
static void be_dead(void)
{
	struct side *t = &sides[me];
	uint16_t clock = t->cur.clock[me];

	trace("%d: dies\n", me);
	join(&t->acquired, &t->cur);
	memset(&t->cur, 0, sizeof(t->cur));
	memset(&t->released, 0, sizeof(t->released));
	t->cur.clock[me] = clock;
	memset(scenario.private_of[me], 0, scenario.private_bytes[me]);
	scenario.died(me);
	be_born(me);
}

static int can_run(int s)
{
	const struct side *t = &sides[s];
	uint32_t i;

	switch (t->standing) {
	case READY:
		return 1;
	case AWAITS_BELL:
		return t->bell;
	case AWAITS_CHANGE:
		for (i = 0; i < t->loads; i++)
			if (is_replaced(t, i))
				return 1;
		return 0;
	default:
		return 0;
	}
}

static void go_on(void)
{
	struct side *t = &sides[me];

	t->standing = READY;
	if (t->begun)
		_longjmp(t->resume, 1);
	t->begun = 1;
	getcontext(&births[me]);
	births[me].uc_stack.ss_sp = stacks[me];
	births[me].uc_stack.ss_size = STACK_BYTES;
	births[me].uc_link = NULL;
	makecontext(&births[me], enter, 0);
	setcontext(&births[me]);
}

/* Who goes on? An unasked switch is one from a side that could go on itself. */
static void choose_side(const int *able, int n)
{
	int asked = n == 1 || sides[me].standing != READY || !sides[me].begun;

	if (n == 2 && !asked &&
	    (!left.switches || (coarse && !sides[me].near_barrier)))
		return;
	n = n == 2 ? me ^ (int)pick(2)
		   : able[0]; /* what costs nothing, first */
	if (!asked && n != me && switch_budget != UNBOUNDED)
		left.switches--;
	me = n;
}

/* ---- going back to a state on the way, without doing it all again ---- */

static struct snapshot {
	uint32_t depth;
	size_t from; /* where in the store it begins */
} snapshots[MAX_STEPS * 2];
static uint32_t snapshot_count;
static char *store;
static size_t store_used, store_size;

static void (*move)(void *what, size_t bytes);

static void move_out(void *what, size_t bytes)
{
	memcpy(store + store_used, what, bytes);
	store_used += bytes;
}

static void move_in(void *what, size_t bytes)
{
	memcpy(what, store + store_used, bytes);
	store_used += bytes;
}

static void move_all(void)
{
	uint32_t i;
	int s;

	move(&fences, sizeof(fences));
	move(&left, sizeof(left));
	move(&me, sizeof(me));
	move(&steps, sizeof(steps));
	move(stored, sizeof(stored));
	/* with one writer a list only grows: its length is enough */
	for (i = 0; i < words && !scenario.one_writer; i++)
		move(history[i], stored[i] * sizeof(history[i][0]));
	for (s = 0; s < 2; s++) {
		move(&sides[s], sizeof(sides[s]));
		move(sides[s].stack_top,
		     (size_t)(stacks[s] + STACK_BYTES - sides[s].stack_top));
		move(scenario.private_of[s], scenario.private_bytes[s]);
	}
	move(scenario.account, scenario.account_bytes);
}

static void save(void)
{
	if (snapshot_count == sizeof(snapshots) / sizeof(snapshots[0]))
		fail("explorer: a run of too many steps");
	if (store_size - store_used < MAX_SNAPSHOT) {
		store_size = store_size * 2 + MAX_SNAPSHOT;
		store = realloc(store, store_size);
		if (!store)
			abort();
	}
	snapshots[snapshot_count].depth = depth;
	snapshots[snapshot_count++].from = store_used;
	move = move_out;
	move_all();
}

/* The last state from which the next choices lead on. */
static void go_back(void)
{
	while (snapshots[snapshot_count - 1].depth >= known)
		snapshot_count--;
	store_used = snapshots[snapshot_count - 1].from;
	move = move_in;
	move_all();
	depth = snapshots[snapshot_count - 1].depth;
}

/* From here to the end; 0 if it went well, or comes to what was seen before. */
static int execute(void)
{
	static int able[2], n, s;

	for (;;) {
		switch (_setjmp(scheduler)) {
		case FAILED:
			return 1;
		case DIED:
			be_dead();
			break;
		case CAME_TO_END:
			sides[me].standing = AT_END;
			break;
		}
		for (s = n = 0; s < 2; s++)
			if (can_run(s))
				able[n++] = s;
		for (s = 0; s < 2 && n == 0; s++)
			if (sides[s].standing == AWAITS_CHANGE &&
			    sides[s].timed) {
				sides[s].time_passed = 1;
				sides[0].touched = sides[1].touched = 1;
				able[n++] = s;
			}
		if (n == 0) {
			scenario.end();
			calm = 0;
			return 0;
		}
		if (depth == known && !tracing) {
			if (!remember())
				return 0;
			save();
		}
		choose_side(able, n);
		go_on();
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The same run once more, told step by step. */
static void show_failure(void)
{
	char what[sizeof(failure)];

	strcpy(what, failure);
	printf("FAIL: %s\n", what);
	tracing = 1;
	known = depth;
	calm = 0;
	begin();
	execute();
	printf("FAIL: %s (%lu states)\n", what, states);
}

int main(int argc, char **argv)
{
	double from = now(), limit;
	int up = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments = argv;
	argument_count = argc;
	limit = option("limit", 60);
	crash_budget = option("crashes", 0);
	stale_budget = option("stale", UNBOUNDED);
	switch_budget = option("switches", UNBOUNDED);
	coarse = option("coarse", 0);
	race = option("race", 1);
	scenario_configure();
	words = scenario.words;
	begin();
	for (;;) {
		executions++;
		if (execute()) {
			show_failure();
			return 1;
		}
		up = executions % 1024 == 0 && now() - from > limit;
		if (up || !next_choices())
			break;
		go_back();
	}
	printf("%s: %lu states, %lu executions, %lu deaths, %.1f s\n",
	       up ? "NOT ALL" : "all", states, executions, deaths,
	       now() - from);
	return up ? 2 : 0;
}
