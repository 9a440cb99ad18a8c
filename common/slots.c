/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots: state and log. The letters are those of LAYOUT.md, section "Slots".
 *
 *   S1  begin is visible before any word of the record's slot changes
 *	 (store barrier); pairs with S3
 *   S2  release of end, behind the whole record; pairs with the acquire of end
 *   S3  the record's words are loaded before begin is looked at (load barrier)
 *
 * A reader takes record n as whole when, after copying it, begin - n is less
 * than the number of slots: the writer had not yet begun the record that
 * overwrites it. All numbers are compared by unsigned difference, so that they
 * may wrap.
 */
#include <mbx/slots.h>

#define TRIES 4 /* a state's reader: bound on being overtaken */
#define BEGIN 0u
#define END   4u

MBX_INLINE struct mbx_word mbx_shared *slot_of(const struct mbx_slots_place *at,
					       uint32_t number)
{
	uint32_t stride = 8u + MBX_ROUND4(at->max_bytes);

	return mbx_word_at(at->slot, (number & (at->slots - 1u)) * stride);
}

void mbx_writer_attach(struct mbx_writer *w, const struct mbx_slots_place *at)
{
	w->at = *at;
	w->number = mbx_ld(mbx_word_at(at->ctl, END));
}

int mbx_writer_write(struct mbx_writer *w, unsigned int level, const void *data,
		     uint32_t bytes, uint32_t now_us)
{
	struct mbx_word mbx_shared *slot;
	uint32_t was, number;

	if (bytes > w->at.max_bytes)
		return MBX_EMSGSIZE;
	was = mbx_port_mask();
	number = ++w->number;
	slot = slot_of(&w->at, number);
	mbx_st(mbx_word_at(w->at.ctl, BEGIN), number);
	mbx_order_stores(); /* S1 */
	mbx_st(mbx_word_at(slot, 0), now_us);
	mbx_st(mbx_word_at(slot, 4),
	       MBX_SLOT_WRITTEN | (level & 15u) << MBX_SLOT_LEVEL_SHIFT |
		       bytes);
	mbx_payload_in(mbx_word_at(slot, 8), data, bytes, w->at.memory);
	mbx_st_release(mbx_word_at(w->at.ctl, END), number); /* S2 */
	mbx_port_unmask(was);
	return 0;
}

/*
 * Copy record @number. The checks on its info word come before the copy, for
 * safety; the one on begin comes last, for truth, and alone decides whether
 * the rest meant anything.
 */
static int read_slot(const struct mbx_slots_place *at, uint32_t number,
		     void *buf, uint32_t cap, struct mbx_record *rec)
{
	struct mbx_word mbx_shared *slot = slot_of(at, number);
	uint32_t stamp = mbx_ld(mbx_word_at(slot, 0));
	uint32_t info = mbx_ld(mbx_word_at(slot, 4)), begin;
	uint32_t bytes = info & MBX_SLOT_BYTES_MASK;
	int ret = (int)bytes;

	if (!(info & MBX_SLOT_WRITTEN) || bytes > at->max_bytes)
		ret = info || number ? MBX_EPROTO : MBX_ENODATA;
	else if (bytes > cap)
		ret = MBX_EMSGSIZE;
	else
		mbx_payload_out(buf, mbx_word_at(slot, 8), bytes, at->memory);
	mbx_order_loads(); /* S3 */
	begin = mbx_ld(mbx_word_at(at->ctl, BEGIN));
	if (begin - number >= at->slots) /* begin goes ahead of all others */
		return begin - number < 0x80000000u ? MBX_EAGAIN : MBX_EPROTO;
	rec->number = number;
	rec->stamp_us = stamp;
	rec->level = (uint8_t)(info >> MBX_SLOT_LEVEL_SHIFT & 15u);
	return ret;
}

MBX_INLINE uint32_t load_end(const struct mbx_slots_place *at)
{
	return mbx_ld_acquire(mbx_word_at(at->ctl, END)); /* S2 */
}

void mbx_reader_attach(struct mbx_reader *r, const struct mbx_slots_place *at)
{
	uint32_t end, oldest, n;

	r->at = *at;
	end = load_end(at);
	/* back to the oldest; in the first round, to where it is still empty */
	n = end;
	while (end - n < at->slots &&
	       mbx_ld(mbx_word_at(slot_of(at, n), 4)) != 0)
		n--;
	r->next = n + 1u;
	/* the slot being written now is none of those (S3) */
	mbx_order_loads();
	oldest = mbx_ld(mbx_word_at(at->ctl, BEGIN)) - at->slots + 1u;
	if (r->next - oldest >= 0x80000000u)
		r->next = oldest;
}

void mbx_reader_skip(struct mbx_reader *r)
{
	r->next = load_end(&r->at) + 1u;
}

int mbx_reader_newest(struct mbx_reader *r, void *buf, uint32_t cap,
		      struct mbx_record *rec)
{
	int tries, n = MBX_EAGAIN;

	for (tries = 0; tries < TRIES && n == MBX_EAGAIN; tries++) {
		uint32_t end = load_end(&r->at);

		n = read_slot(&r->at, end, buf, cap, rec);
		if (n >= 0) {
			rec->missed = end - r->next;
			if (rec->missed > 0x80000000u) /* seen before */
				rec->missed = 0;
			r->next = end + 1u;
		}
	}
	return n;
}

int mbx_reader_next(struct mbx_reader *r, void *buf, uint32_t cap,
		    struct mbx_record *rec)
{
	uint32_t end = load_end(&r->at), want = r->next, behind = end - want;
	int n;

	if (behind == ~0u)
		return MBX_EAGAIN;
	if (behind >= r->at.slots) /* overwritten, all of them */
		want = end - r->at.slots + 1u;
	n = read_slot(&r->at, want, buf, cap, rec);
	/*
	 * The oldest is just being overwritten; or was, when the writer died:
	 * it will not come back, so go on with the one after it.
	 */
	if (n == MBX_EAGAIN && want != end)
		n = read_slot(&r->at, ++want, buf, cap, rec);
	if (n == MBX_ENODATA)
		n = MBX_EPROTO;
	if (n == MBX_EAGAIN || n == MBX_EMSGSIZE)
		return n;
	rec->missed = want - r->next;
	r->next = want + 1u;
	return n;
}
