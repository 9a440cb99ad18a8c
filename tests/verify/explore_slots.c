/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State and log under the explorer: whatever is read is one whole record, in
 * order, and each record is read or counted as missed; the writer may die.
 *
 *   slots=N longest=WORDS records=N start=NUMBER
 *   read=BITS	1 next, 2 newest, 4 attach again in between
 */
#include "explore.h"

#define MAX_LIVES 4u
#define MAX_BYTES 16u

static struct account {
	uint32_t begun, done; /* numbers */
	uint32_t written;     /* records, of all lives */
	uint32_t writer_life;
	uint32_t read; /* number of the last one read in order */
	int reading; /* one was read, or the log was followed from its start */
	uint32_t newest;
	int finished;
} account;

static struct writer {
	struct mbx_writer w;
	uint32_t life;
} writer;

static struct reader {
	struct mbx_reader r;
	uint32_t idle;	 /* consecutive answers of no new record */
	uint32_t others; /* calls other than next that are left */
} reader;

static struct mbx_slots_place place;
static uint32_t records, longest, start, reads;

static void fill(uint8_t *buf, uint32_t number, uint32_t life)
{
	uint32_t i;

	for (i = 0; i < MAX_BYTES; i++)
		buf[i] = (uint8_t)(number * 16u + life * 5u + i);
}

static uint32_t bytes_of(uint32_t number)
{
	return longest * 4u - (number & 1u);
}

/* Is the record whole, and one that some life wrote under this number? */
static void check_record(const uint8_t *buf, int n, const struct mbx_record *r)
{
	uint8_t want[MAX_BYTES];
	uint32_t life;

	if (n < 0)
		fail("reader: %d", n);
	if (r->number - start - 1u >= account.begun - start)
		fail("reader: record %u was never begun", r->number);
	if ((uint32_t)n != bytes_of(r->number))
		fail("reader: record %u is not %d bytes", r->number, n);
	for (life = 0; life <= account.writer_life; life++) {
		fill(want, r->number, life);
		if (!memcmp(want, buf, (uint32_t)n) &&
		    r->stamp_us == r->number + (life << 16))
			return;
	}
	fail("reader: record %u is torn", r->number);
}

/* ---- writer ---- */

static void write_all(void)
{
	uint8_t buf[MAX_BYTES];
	uint32_t bound = 4u + longest;

	/* as the link's attach does before it */
	explore_fence(FENCE_ALL);
	writer.life = learn(account.writer_life);
	mbx_writer_attach(&writer.w, &place);
	for (;;) {
		uint32_t number;

		checkpoint();
		if (learn(account.written) == records)
			break;
		number = learn(account.done) + 1u;
		account.written++;
		account.begun = number;
		fill(buf, number, writer.life);
		watch();
		if (mbx_writer_write(&writer.w, 0, buf, bytes_of(number),
				     number + (writer.life << 16)))
			fail("writer: refused");
		if (accesses() > bound || loaded_twice())
			fail("writer: %u accesses", accesses());
		account.done = number;
	}
	account.finished = 1;
}

/* ---- reader ---- */

static void read_next(void)
{
	struct mbx_record rec = { 0, 0, 0, 0 };
	uint8_t buf[MAX_BYTES];
	int n;

	watch();
	n = mbx_reader_next(&reader.r, buf, sizeof(buf), &rec);
	if (accesses() > 7u + 2u * longest)
		fail("next: %u accesses", accesses());
	if (n == MBX_EAGAIN) {
		/* the first may be for having been overtaken */
		if (reader.idle++)
			await_change();
		return;
	}
	reader.idle = 0;
	check_record(buf, n, &rec);
	if (account.reading && rec.number != account.read + 1u + rec.missed)
		fail("next: %u behind %u, %u missed", rec.number, account.read,
		     rec.missed);
	if (rec.number - rec.missed - start - 1u >= account.begun - start)
		fail("next: %u missed before %u, more than there ever were",
		     rec.missed, rec.number);
	account.reading = 1;
	account.read = rec.number;
}

static void read_newest(void)
{
	struct mbx_record rec = { 0, 0, 0, 0 };
	uint8_t buf[MAX_BYTES];
	int n;

	watch();
	n = mbx_reader_newest(&reader.r, buf, sizeof(buf), &rec);
	if (accesses() > 4u * (4u + longest))
		fail("newest: %u accesses", accesses());
	if (n == MBX_EAGAIN || (n == MBX_ENODATA && account.newest == start))
		return;
	check_record(buf, n, &rec);
	if (rec.number - account.newest > records)
		fail("newest: %u after %u", rec.number, account.newest);
	account.newest = rec.number;
	/* from here on the log goes on behind it */
	account.reading = 1;
	account.read = rec.number;
}

static void attach_reader(void)
{
	watch();
	mbx_reader_attach(&reader.r, &place);
	if (accesses() > 2u + place.slots)
		fail("attach: %u accesses", accesses());
	account.reading = 0;
}

static void read_all(void)
{
	explore_fence(FENCE_ALL);
	reader.others = 1;
	attach_reader();
	for (;;) {
		checkpoint();
		if (reader.others && (reads & 4u) && choose(2)) {
			reader.others--;
			attach_reader();
		} else if (reader.others && (reads & 2u) && choose(2)) {
			reader.others--;
			read_newest();
		} else {
			read_next();
		}
	}
}

/* ---- the account ---- */

static void life(int side)
{
	if (side)
		read_all();
	else
		write_all();
}

static void died(int side)
{
	if (side == 0) {
		account.writer_life++;
		return;
	}
	account.reading = 0;
}

static void begin(void)
{
	explore_set(&place.ctl[0], start);
	explore_set(&place.ctl[1], start);
	account.begun = account.done = account.newest = start;
}

static void end(void)
{
	if (!account.finished)
		fail("the writer waits for ever");
	if (account.reading && account.read != account.done)
		fail("the reader has %u, and not %u", account.read,
		     account.done);
}

struct scenario scenario = {
	.one_writer = 1,
	.account = &account,
	.account_bytes = sizeof(account),
	.private_of = { &writer, &reader },
	.private_bytes = { sizeof(writer), sizeof(reader) },
	.begin = begin,
	.life = life,
	.died = died,
	.end = end,
};

void scenario_configure(void)
{
	uint32_t slots = option("slots", 2);

	longest = option("longest", 1);
	records = option("records", 3);
	start = option("start", 0);
	reads = option("read", 1);
	place.ctl = &shared[0];
	place.slot = &shared[3];
	place.slots = slots;
	place.max_bytes = longest * 4u;
	scenario.words = 3u + slots * (2u + longest);
}
