/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: what a board developer gets wrong, cause first. Each check rests on
 * those before it, and what cannot be checked for a finding is left out.
 *
 * It looks as an observer does. Only the doorbell needs more: if the host's side
 * is free, doctor attaches to it for a moment, rings, and says so. For that it
 * opens the region again, and so stays root where others give it up.
 */
#include "doctor.h"

#include "internal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- findings ---- */

/* How a verdict is printed. */
static const char *label_of(const char *verdict)
{
	switch (*verdict) {
	case 'o':
		return "ok";
	case 't':
		return "TODO";
	default:
		return "WRONG";
	}
}

static void print_finding(const json_t *f)
{
	char *text = printable(get_text(f, "text"),
			       strlen(get_text(f, "text")));
	const char *remedy = get_text(f, "remedy");

	printf("%-5s %-9s %s", label_of(get_text(f, "verdict")),
	       get_text(f, "check"), text);
	if (*remedy)
		printf(" -> %s", remedy);
	putchar('\n');
	flush();
	free(text);
}

static void note(struct doctor *d, const char *verdict, const char *check,
		 const char *remedy, const char *fmt, va_list ap)
{
	json_t *f = json_object();
	char s[600];

	vsnprintf(s, sizeof(s), fmt, ap);
	set_text(f, "check", check);
	set_text(f, "verdict", verdict);
	set_text(f, "text", s);
	if (remedy)
		set_text(f, "remedy", remedy);
	d->wrong |= *verdict == 'w';
	if (!d->json)
		print_finding(f);
	json_array_append_new(d->findings, f);
}

void doctor_ok(struct doctor *d, const char *check, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(d, "ok", check, NULL, fmt, ap);
	va_end(ap);
}

void doctor_wrong(struct doctor *d, const char *check, const char *remedy,
		  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(d, "wrong", check, remedy, fmt, ap);
	va_end(ap);
}

void doctor_todo(struct doctor *d, const char *check, const char *remedy,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(d, "todo", check, remedy, fmt, ap);
	va_end(ap);
}

void doctor_error(struct doctor *d, const char *check, const char *said,
		  const char *remedy)
{
	size_t n = strlen(check);
	char s[512], *cut;

	/* "doorbell uio:0: ..." is about a doorbell, as its finding is */
	if (strncmp(said, check, n) == 0 && said[n] == ' ')
		said += n + 1;
	snprintf(s, sizeof(s), "%s", said);
	cut = strrchr(s, ';');
	if (cut) {
		*cut = 0;
		remedy = cut + 1 + strspn(cut + 1, " ");
	}
	doctor_wrong(d, check, remedy, "%s", s);
}

/* ---- what is in a region that is none ---- */

#define LOOK 16u /* words */

static bool is_text(const uint32_t *w)
{
	const unsigned char *p = (const unsigned char *)w;
	size_t i;

	for (i = 0; i < LOOK * 4; i++)
		if ((p[i] < ' ' || p[i] > '~') && p[i] != '\n' &&
		    p[i] != '\r' && p[i] != '\t')
			return false;
	return true;
}

static bool is_all(const uint32_t *w, uint32_t value)
{
	size_t i;

	for (i = 0; i < LOOK; i++)
		if (w[i] != value)
			return false;
	return true;
}

/* Descriptors of 16 bytes: address, its upper half 0, length, flags and next. */
static bool is_vring(const uint32_t *w)
{
	return !w[1] && w[2] && w[2] <= 65536 && (w[3] & 0xffff) <= 7 &&
	       w[3] >> 16 <= 1024 && w[4] == w[0] + w[2] && !w[5] &&
	       w[6] == w[2];
}

/* Version 1, a few entries, reserved words, the first entry behind the table. */
static bool is_resource_table(const uint32_t *w)
{
	return w[0] == 1 && w[1] && w[1] <= 32 && !w[2] && !w[3] &&
	       w[4] == 16 + 4 * w[1];
}

/* A stack in RAM, then odd addresses of handlers. */
static bool is_cortex_m(const uint32_t *w)
{
	return w[0] >= 0x1000 && !(w[0] & 3) && w[1] & 1 && w[2] & 1 &&
	       w[3] & 1 && !((w[1] ^ w[3]) >> 20);
}

/* Branches or loads of the program counter at the first four vectors. */
static bool is_cortex_r(const uint32_t *w)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (w[i] >> 24 != 0xea && w[i] >> 12 != 0xe59ff)
			return false;
	return true;
}

/* What begins with these words, and what to do about it. */
static const char *guess(const uint32_t *w, const char **remedy)
{
	*remedy = "name another place, or let the firmware format this one: it "
		  "formats whatever is in memory that is no file";
	if (is_all(w, UINT32_MAX)) {
		*remedy =
			"is this the address of memory, and is it powered and "
			"clocked? start the remoteproc that it belongs to";
		return "ones: nothing answers there, or it was never written";
	}
	if (w[0] == 0x464c457f) {
		*remedy = "keep the region out of the firmware's sections, or "
			  "it is loaded over each time";
		return "an ELF file";
	}
	if (is_vring(w) || is_resource_table(w)) {
		*remedy =
			"this memory is remoteproc's: choose a no-map node of "
			"your own (see linux/BOARDS.md)";
		return is_vring(w) ? "a vring of remoteproc"
				   : "a resource table of remoteproc";
	}
	if (is_cortex_m(w) || is_cortex_r(w)) {
		*remedy = "keep the region out of the firmware's sections "
			  "(linker script), and out of remoteproc's memory";
		return "a vector table: firmware was loaded there";
	}
	if (w[0] == 0xedfe0dd0)
		return "a device tree";
	if (w[1] >> 16 == MBX_LAYOUT_MAJOR && w[12] <= w[2] && w[12]) {
		*remedy = "find out who stored there (a null pointer, if this "
			  "is address 0), and reset the firmware: it formats";
		return "an mbx region whose first word was overwritten";
	}
	if (is_text(w))
		return "text";
	return "something that mbx does not know";
}

static void foreign(struct doctor *d, const struct mbx_region *r)
{
	const char *what, *remedy;
	uint32_t w[LOOK], i;

	for (i = 0; i < LOOK; i++)
		w[i] = mbx_ld(mbx_word_at(r->base, 4 * i));
	what = guess(w, &remedy);
	doctor_wrong(d, "contents", remedy,
		     "not an mbx region: %s (%08x %08x %08x %08x)", what, w[0],
		     w[1], w[2], w[3]);
}

/* Magic 0: nobody has formatted it yet, or somebody died at it. */
static void unformatted(struct doctor *d, const struct mbx_region *r)
{
	uint32_t i, instance = mbx_ld(mbx_word_at(r->base, 12));

	for (i = 0; i < LOOK && !mbx_ld(mbx_word_at(r->base, 4 * i)); i++)
		;
	if (i == LOOK)
		doctor_wrong(d, "contents",
			     "start the firmware; if it runs, it has another "
			     "address for this memory (\"mbx boards\"), or its "
			     "cache holds back what it stores",
			     "not formatted: all zero");
	else
		doctor_wrong(d, "contents",
			     "start the side again that owns the layout (the "
			     "firmware): it formats anew",
			     "being formatted, or its formatter died at it "
			     "(instance %u, no magic)",
			     instance);
}

/* ---- the layout ---- */

/* " of 16777216 mapped", unless that is all. */
static const char *of_mapped(char text[40], long long bytes, long long mapped)
{
	*text = 0;
	if (bytes != mapped)
		snprintf(text, 40, " of %lld mapped", mapped);
	return text;
}

static bool check_layout(struct doctor *d, const struct mbx_region *r,
			 const char *name, struct mbx **m)
{
	const struct mbx_options observe = { .observe = 1 };
	const struct mbx_link *l;
	int err = mbx_open_at(m, r, &observe);
	char slice[MBXI_SLICE], remedy[400], mapped[40];
	uint32_t bytes;

	if (err && *mbxi_held_slice(r, slice)) {
		snprintf(remedy, sizeof(remedy), "name the region in it: %s%s",
			 name, slice);
		doctor_wrong(d, "contents", remedy,
			     "all of a board's RAM: there is a region in it");
	} else if (err == MBX_EAGAIN)
		unformatted(d, r);
	else if (err == MBX_ENOTREGION)
		foreign(d, r);
	else if (err)
		doctor_error(d, err == MBX_EVERSION ? "version" : "layout",
			     mbx_errmsg(), "have its owner format it again");
	if (err)
		return false;
	l = mbx_get_link(*m);
	bytes = formatted_bytes(*m);
	doctor_ok(d, "layout",
		  "0x%08x, %u channels, %u bytes%s (%u used), instance %u",
		  l->layout_hash, mbx_channel_count(*m), bytes,
		  of_mapped(mapped, bytes, (long long)r->bytes), l->end_off,
		  l->instance);
	return true;
}

/* ---- the sides ---- */

static bool is_stopped(long long pid)
{
	char path[40], line[128];
	const char *name_end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%lld/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	line[fread(line, 1, sizeof(line) - 1, f)] = 0;
	fclose(f);
	/* "PID (NAME) STATE ...", and anything may be in a name */
	name_end = strrchr(line, ')');
	return name_end && (name_end[2] == 'T' || name_end[2] == 't');
}

/* It says that it is there, and is not heard of. */
static void silent(struct doctor *d, const char *name, const json_t *side)
{
	long long pid = get_num(side, "pid"),
		  ms = get_num(side, "silent_for_ms");

	if (json_is_false(json_object_get(side, "alive")))
		doctor_wrong(d, name,
			     "start it again: it begins a new life (and find "
			     "out why it ended)",
			     "process %lld is gone and took no leave: a stale "
			     "life, session %lld",
			     pid, get_num(side, "session"));
	else if (pid && is_stopped(pid))
		doctor_wrong(
			d, name, "let it go on (kill -CONT, or your debugger)",
			"process %lld is stopped: no heartbeat for %lld ms",
			pid, ms);
	else if (pid)
		doctor_wrong(d, name,
			     "have it call mbx_poll() in its loop more often "
			     "than the peer's patience (2 s)",
			     "process %lld lives, but calls no mbx function: "
			     "no heartbeat for %lld ms",
			     pid, ms);
	else
		doctor_wrong(d, name,
			     "see whether its core runs "
			     "(/sys/class/remoteproc/*/state) or what its "
			     "console says, and start it again; in firmware, "
			     "call mbx_link_poll() in the loop",
			     "%s, but no heartbeat for %lld ms: it hangs, is "
			     "halted or off (session %lld)",
			     get_text(side, "state"), ms,
			     get_num(side, "session"));
}

static void absent(struct doctor *d, const char *name, const json_t *side)
{
	if (strcmp(name, "host") == 0)
		doctor_ok(d, name, "nobody: free for you");
	else if (get_num(side, "session"))
		doctor_wrong(d, name, "start it", "took leave in life %lld",
			     get_num(side, "session"));
	else
		doctor_wrong(d, name, "start it", "was never there");
}

/* One that attached before the region was formatted anew does not see it. */
static bool is_of_this_layout(struct doctor *d, const char *name,
			      const json_t *side, const struct mbx_link *l)
{
	char hash[16];

	snprintf(hash, sizeof(hash), "0x%08x", l->layout_hash);
	if (get_num(side, "state_word") == MBX_SIDE_INCOMPATIBLE) {
		doctor_wrong(d, name,
			     "build both sides from one header, and load both",
			     "incompatible: built with layout %s, the region "
			     "has %s; it went away",
			     get_text(side, "layout_hash"), hash);
		return false;
	}
	if (get_num(side, "instance") == l->instance)
		return true;
	doctor_wrong(d, name, "start it again",
		     "attached to instance %lld, but the region was formatted "
		     "again since: it is %u",
		     get_num(side, "instance"), l->instance);
	return false;
}

static void check_side(struct doctor *d, const char *name, const json_t *side,
		       const struct mbx_link *l)
{
	long long state = get_num(side, "state_word");

	if (state == MBX_SIDE_DOWN)
		absent(d, name, side);
	else if (state > MBX_SIDE_INCOMPATIBLE)
		doctor_wrong(d, name,
			     "somebody else stores there: find out who, then "
			     "start both sides again",
			     "its state is %lld, which cannot be", state);
	else if (!is_of_this_layout(d, name, side, l))
		return;
	else if (json_object_get(side, "silent_for_ms"))
		silent(d, name, side);
	else if (get_num(side, "pid"))
		doctor_ok(d, name,
			  "%s, process %lld, session %lld, beats, mbx %s",
			  get_text(side, "state"), get_num(side, "pid"),
			  get_num(side, "session"), get_text(side, "code"));
	else
		doctor_ok(d, name,
			  "%s, session %lld, beats, mbx %s, boot reason %s",
			  get_text(side, "state"), get_num(side, "session"),
			  get_text(side, "code"),
			  get_text(side, "boot_reason"));
}

static void check_sides(struct doctor *d, const struct mbx *m, int watch_ms,
			json_t *side[2])
{
	watch_hearts(m, side, watch_ms);
	check_side(d, "remote", side[MBX_REMOTE], mbx_get_link(m));
	check_side(d, "host", side[MBX_HOST], mbx_get_link(m));
}

/* ---- channels ---- */

/* Traffic may make a header look wrong for a moment. */
static bool stays_corrupt(const struct mbx *m, uint32_t index, int back)
{
	struct mbx_stream_stats s;
	int i;

	for (i = 0; i < 5; i++) {
		mbx_stream_stats(m, index, back, &s);
		if (!s.corrupt)
			return false;
		nap_ms(2);
	}
	return true;
}

static void check_stream(struct doctor *d, const struct mbx *m, uint32_t index,
			 int back)
{
	const char *name = mbx_channel_at(m, index)->name;
	const char *part = back ? " (replies)" : "";
	struct mbx_stream_stats s;

	mbx_stream_stats(m, index, back, &s);
	if (stays_corrupt(m, index, back))
		doctor_wrong(d, "channel",
			     "find out who stores there (a wild pointer, a "
			     "carve-out or section that overlaps), then reset "
			     "the side that formats",
			     "\"%s\"%s: its ring is corrupt, nobody can "
			     "receive from it",
			     name, part);
	else if (s.impossible)
		doctor_wrong(d, "channel",
			     "\"mbx dump\" shows what is there; find out who "
			     "else stores in this memory",
			     "\"%s\"%s: %u words were met that no honest peer "
			     "writes",
			     name, part, s.impossible);
}

static void check_channels(struct doctor *d, const struct mbx *m)
{
	size_t before = json_array_size(d->findings);
	uint32_t i, count = mbx_channel_count(m);

	for (i = 0; i < count; i++) {
		check_stream(d, m, i, 0);
		if (mbx_channel_at(m, i)->is.kind == MBX_KIND_CALL)
			check_stream(d, m, i, 1);
	}
	if (json_array_size(d->findings) == before)
		doctor_ok(d, "channels", "%u, none of them damaged", count);
}

/* ---- the doorbell ---- */

/*
 * A ring is a hint that is lost without a trace: everything works, at the pace
 * of the peer's tick. What tells is the peer's heartbeat, which counts how often
 * it woke, and its clock beside it: a bell that works makes it wake more often
 * than it does by itself.
 */
#define RINGS	  16
#define PATIENCE  300000 /* us for one ring */
#define INTERVALS 4	 /* of the peer's own, to learn its pace */

struct pulse {
	uint32_t beat, time_us;
};

static struct pulse pulse_of(const struct mbx_link *l)
{
	uint32_t at = l->section[MBX_REMOTE], again;
	struct pulse p;
	int tries = 100; /* it is the peer's to change them for ever */

	do { /* the two words of one moment */
		again = mbx_ld(mbx_link_word(
			l,
			at + (uint32_t)offsetof(struct mbx_side_block, beat)));
		p.time_us = mbx_ld(mbx_link_word(
			l, at + (uint32_t)offsetof(struct mbx_side_block,
						   time_us)));
		p.beat = mbx_ld(mbx_link_word(
			l,
			at + (uint32_t)offsetof(struct mbx_side_block, beat)));
	} while (p.beat != again && --tries);
	return p;
}

/* The next pulse after @was; the same one if there is none in time. */
static struct pulse next_pulse(const struct mbx_link *l, struct pulse was)
{
	int64_t until = now_us() + PATIENCE;
	struct pulse p;

	do {
		p = pulse_of(l);
	} while (p.beat == was.beat && now_us() < until && usleep(50) == 0);
	return p;
}

/* How long the peer sleeps when nobody rings, by its own clock; 0: for ever. */
static uint32_t own_pace_us(struct mbx *m)
{
	const struct mbx_link *l = mbx_get_link(m);
	struct pulse first = next_pulse(l, pulse_of(l)), last = first, p;
	int i;

	for (i = 0; i < INTERVALS; i++) {
		mbx_poll(m);
		p = next_pulse(l, last);
		if (p.beat == last.beat)
			return 0;
		last = p;
	}
	/* a count that does not count is no pace */
	if (last.beat == first.beat)
		return 0;
	return (last.time_us - first.time_us) / (last.beat - first.beat);
}

/* Ring often: of how many rings is it sure that they woke the peer? */
static uint32_t rings_heard(struct mbx *m, uint32_t pace_us)
{
	const struct mbx_link *l = mbx_get_link(m);
	struct pulse first = pulse_of(l), last = first;
	int64_t by_itself, woke;
	int i;

	for (i = 0; i < RINGS; i++) {
		mbx_poll(m);
		mbxi_bell_ring(m->bell, NULL);
		last = next_pulse(l, last);
	}
	by_itself = pace_us ? (last.time_us - first.time_us) / pace_us : 0;
	woke = (int32_t)(last.beat - first.beat);
	return woke > by_itself ? (uint32_t)(woke - by_itself) : 0;
}

static const char *remedy_of(const char *bell, bool inward)
{
	if (strncmp(bell, "socket:", 7) == 0)
		return "name the socket of this very board: \"mbx sim --keep\" "
		       "prints it";
	if (strncmp(bell, "uio:", 4) != 0)
		return "look at who holds the other ends of these descriptors";
	return inward ? "is the interrupt in the device tree the one that the "
			"core raises? (/proc/interrupts counts it)"
		      : "compare MAP+OFFSET=VALUE with the SoC's manual; has "
			"the firmware enabled that interrupt?";
}

static bool check_rings(struct doctor *d, struct mbx *m, const char *bell)
{
	uint32_t pace_us = own_pace_us(m), heard = 0;
	char pace[40];
	int i;

	/* a loaded computer may spoil one try */
	for (i = 0; i < 3 && heard <= RINGS / 2; i++)
		heard = rings_heard(m, pace_us);
	snprintf(pace, sizeof(pace), "every %u.%u ms", pace_us / 1000,
		 pace_us / 100 % 10);
	if (heard > RINGS / 2)
		doctor_ok(d, "doorbell",
			  "%s: rings wake the remote, which by itself wakes %s",
			  bell, pace_us ? pace : "never");
	else
		doctor_wrong(d, "doorbell", remedy_of(bell, false),
			     "%s: rings do not reach the remote: %d rang, it "
			     "woke %s as it does by itself",
			     bell, RINGS, pace_us ? pace : "never,");
	return heard > RINGS / 2;
}

/* One message there and back: 1 if a ring announced it, 0 if it just came. */
static int announced(struct mbx *m, struct mbx_end *ping, struct mbx_end *pong)
{
	struct pollfd p = { .fd = mbx_fd(m), .events = POLLIN };
	char buf[16];
	int rang = 0, err;

	if (p.fd < 0 || mbx_arm(m) != 0)
		return MBX_EAGAIN; /* something is there that is not ours */
	err = mbx_send(ping, "doctor", 6, 1000);
	if (err < 0)
		return err;
	rang = poll(&p, 1, PATIENCE / 1000) > 0;
	err = mbx_recv(pong, buf, sizeof(buf), 2000);
	return err < 0 ? err : rang;
}

/*
 * Only a message makes the peer ring. Where there are the queues that "mbx ping"
 * uses, and nobody else has them, six bytes go there and back.
 */
static void check_answers(struct doctor *d, struct mbx *m, const char *bell)
{
	struct mbx_end *ping = NULL, *pong = NULL;
	int i, rang = 0;

	if (mbx_end_open(m, "ping", &ping) || mbx_end_open(m, "pong", &pong)) {
		doctor_ok(d, "doorbell",
			  "%s: the other way not tried, there are no queues "
			  "\"ping\" and \"pong\" free that answer",
			  bell);
		mbx_end_close(ping);
		return;
	}
	for (i = 0; i < 3 && rang == 0; i++)
		rang = announced(m, ping, pong);
	if (rang > 0)
		doctor_ok(d, "doorbell", "%s: the remote's rings arrive", bell);
	else if (rang == 0)
		doctor_wrong(d, "doorbell", remedy_of(bell, true),
			     "%s: the remote answered %d messages, but no ring "
			     "arrived",
			     bell, i);
	else
		doctor_ok(d, "doorbell",
			  "%s: the other way not tried, \"ping\" is not "
			  "answered by \"pong\"",
			  bell);
	mbx_end_close(ping);
	mbx_end_close(pong);
}

/* With the host's side in hand. */
static void try_doorbell(struct doctor *d, struct mbx *m, const char *wakes)
{
	const char *bell = mbxi_bell_name(m->bell);
	bool rings = mbxi_bell_rings(m->bell);
	uint32_t ours = mbxi_bell_wakeup(m->bell);
	bool hears = ours == MBX_WAKE_DOORBELL;
	bool listens = strcmp(wakes, "doorbell") == 0;

	if (ours == MBX_WAKE_FUTEX && strcmp(wakes, "futex") == 0) {
		doctor_ok(d, "doorbell", "%s: futex on both sides", bell);
		return;
	}
	if (rings && !listens) {
		doctor_wrong(
			d, "doorbell",
			"set the link's config.wakeup to "
			"MBX_WAKE_DOORBELL in the firmware, or "
			"MBX_DOORBELL=poll here",
			"%s: there is a doorbell, but the remote says that "
			"it wakes by %s",
			bell, wakes);
		return;
	}
	if (!rings)
		doctor_ok(d, "doorbell", "%s: rings nobody%s", bell,
			  listens ? ", but the remote could be rung: see "
				    "MBX_DOORBELL in mbx(1)"
				  : "; the remote looks by itself");
	if (!hears)
		doctor_ok(d, "doorbell", "%s: Linux looks every millisecond",
			  bell);
	if (!rings && !hears)
		return;
	if (mbx_wait_peer(m, 2000)) {
		doctor_error(d, "doorbell", mbx_errmsg(),
			     "start the firmware again");
		return;
	}
	if ((!rings || check_rings(d, m, bell)) && hears)
		check_answers(d, m, bell);
}

static void check_doorbell(struct doctor *d, const char *region,
			   json_t *side[2])
{
	const struct mbx_options as_host = { .timeout_ms = 100 };
	const json_t *host = side[MBX_HOST], *remote = side[MBX_REMOTE];
	struct mbx *m;

	if (json_object_get(remote, "silent_for_ms") ||
	    get_num(remote, "state_word") - MBX_SIDE_ATTACHING > 1u)
		return; /* nobody to ring */
	if (json_is_true(json_object_get(host, "alive"))) {
		doctor_ok(d, "doorbell",
			  "not tried: process %lld has the host's side",
			  get_num(host, "pid"));
		return;
	}
	if (mbx_open(&m, region, &as_host)) {
		doctor_error(d, "doorbell", mbx_errmsg(),
			     "see MBX_DOORBELL in mbx(1)");
		return;
	}
	if (m->duty) {
		doctor_ok(d, "doorbell",
			  "attached as the host for a moment to try it");
		try_doorbell(d, m, get_text(remote, "wakeup"));
	} else {
		doctor_wrong(d, "locks",
			     "find who has the file open (fuser, lsof) and end "
			     "it: a child made by fork() keeps its parent's "
			     "locks",
			     "the host's life is locked, but nobody lives it");
	}
	mbx_close(m);
}

/* ---- all of it ---- */

static void examine(struct doctor *d, const struct mbx_region *r,
		    const char *name, int watch_ms)
{
	json_t *sides, *side[2];
	struct mbx *m;

	if (!check_layout(d, r, name, &m))
		return;
	sides = sides_json(m, side);
	check_sides(d, m, watch_ms, side);
	check_channels(d, m);
	check_doorbell(d, name, side);
	json_decref(sides);
	mbx_close(m);
}

static void diagnose(struct doctor *d, const char *name, int watch_ms)
{
	struct mbx_region r;
	int err = mbx_region_open(&r, name, MBX_REGION_READ, 0);
	char said[512];

	if (err) {
		snprintf(said, sizeof(said), "%s", mbx_errmsg());
		doctor_no_region(d, name, err);
		doctor_error(d, "region", said,
			     "\"mbx ls\" lists those there are, \"mbx doctor\" "
			     "what this machine has");
	} else {
		doctor_ok(d, "region", "%s, %zu bytes, %s", name, r.bytes,
			  r.memory == MBX_MEMORY_DEVICE ? "Device memory"
							: "Normal memory");
	}
	if (doctor_is_hardware(name))
		doctor_hardware(d, name, err ? NULL : &r);
	if (!err) {
		examine(d, &r, name, watch_ms);
		mbx_region_close(&r);
	}
}

static void list_regions(struct doctor *d)
{
	json_t *list = list_regions_json(), *o;
	char mapped[40];
	size_t i;

	json_array_foreach(list, i, o)
		doctor_ok(d, "shm", "%s, %lld bytes%s%s%s",
			  get_text(o, "region"), get_num(o, "bytes"),
			  of_mapped(mapped, get_num(o, "bytes"),
				    get_num(o, "mapped_bytes")),
			  *get_text(o, "damaged") ? ", damaged: " : "",
			  get_text(o, "damaged"));
	json_decref(list);
}

static int run_doctor(struct args *a)
{
	struct doctor d = { .findings = json_array(),
			    .json = a->value['j'] != NULL };
	int watch_ms = (int)opt_number(a, 't', 2500, 0, 60000);
	const char *name = a->argc ? a->argv[0] : a->value['r'];

	if (a->argc && a->value['r'])
		fail(USAGE, "doctor -r %s %s: one region at a time",
		     a->value['r'], a->argv[0]);
	if (!name)
		name = getenv("MBX_REGION");
	if (name)
		not_anonymous(name);
	doctor_check_root();
	if (name && *name) {
		diagnose(&d, name, watch_ms);
	} else {
		doctor_survey(&d);
		list_regions(&d);
	}
	if (d.json)
		print_json(json_incref(d.findings), false);
	json_decref(d.findings);
	return d.wrong ? FAILED : OK;
}

static const struct opt doctor_opts[] = {
	OPT_REGION, OPT_TIMEOUT("watch the heartbeats for at most MS (2500)"),
	OPT_JSON, OPT_END
};

const struct command doctor_command[] = {
	{ "doctor", "[REGION]", "what is wrong, and what to do about it",
	  "Prints what it checked, with values, and what is WRONG -> what to do, "
	  "cause first.\nWithout REGION and MBX_REGION: what this machine has. It "
	  "looks only, except\nthat it attaches as the host if nobody else has, to "
	  "try MBX_DOORBELL; where there\nare the queues \"ping\" and \"pong\", it "
	  "sends a few bytes there and back.\nExit status 1: something is wrong. "
	  "MBX_ROOT=DIR looks at DIR/proc, DIR/sys, DIR/dev.\n",
	  doctor_opts, 0, 1, false, run_doctor },
	{ 0 }
};
