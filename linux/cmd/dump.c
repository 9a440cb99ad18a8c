/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump: everything in a region, healthy or not.
 *
 * Here the region's own directory is followed, not a computed layout, because
 * what is damaged is just what one wants to see. So each offset and size is
 * fetched once and checked against the mapping before anything is read there,
 * and what does not pass is shown as words.
 */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SHOWN 64u /* bytes of a message, without --all */
#define MAX_TYPE  1024u

struct dump {
	const struct args *a;
	uintptr_t base;
	uint32_t bytes;
	uint32_t super[16];
	json_t *problems;
};

static void problem(struct dump *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void problem(struct dump *d, const char *fmt, ...)
{
	char s[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(s), fmt, ap);
	va_end(ap);
	json_array_append_new(d->problems, json_untrusted(s, strlen(s)));
}

/* Is [off, off + n) a range of whole words of the region? */
static bool inside(const struct dump *d, uint32_t off, uint64_t n)
{
	return !(off & 3u) && off <= d->bytes && n <= d->bytes - off;
}

static struct mbx_word *at(const struct dump *d, uint32_t off)
{
	return (struct mbx_word *)(d->base + off);
}

static uint32_t word(const struct dump *d, uint32_t off)
{
	return mbx_ld(at(d, off));
}

static json_t *words_json(const struct dump *d, uint32_t off, uint32_t count)
{
	json_t *list = json_array();
	char s[16];
	uint32_t i;

	for (i = 0; i < count; i++) {
		snprintf(s, sizeof(s), "%08x", word(d, off + 4 * i));
		json_array_append_new(list, json_string(s));
	}
	return list;
}

/* ---- superblock ---- */

static const char *const super_names[16] = {
	"magic",       "version",    "region_bytes",  "instance",
	"layout_hash", "channels",   "line_bytes",    "section_align",
	"host_off",    "remote_off", "directory_off", "text_off",
	"end_off",     "formatter",  "reserved",      "check",
};

/*
 * Let the library judge the superblock, as a link that declares no channels:
 * all that can be wrong with it comes before the channels are compared.
 */
static void judge_super(struct dump *d)
{
	struct mbx_link l;
	struct mbx_link_config config = { .base = d->base, .bytes = d->bytes };
	int err = mbx_link_init_checked(&l, &config);

	if (!err)
		err = mbx_link_observe(&l);
	if (err == 0 || err == MBX_EMISMATCH)
		return;
	if (err == MBX_EAGAIN)
		problem(d, "magic is 0: not formatted, or being formatted");
	else if (err == MBX_ECORRUPT && l.why.word != 15)
		problem(d, "superblock: %s is 0x%x, which cannot be",
			super_names[l.why.word & 15], l.why.theirs);
	else
		problem(d, "superblock: %s is 0x%x, expected %s0x%x",
			super_names[l.why.word & 15], l.why.theirs,
			err == MBX_ENOSPC ? "at most " : "", l.why.ours);
}

/* One wrong word does not make it something else. */
static bool looks_like_region(const struct dump *d)
{
	return d->super[0] == MBX_MAGIC ||
	       d->super[1] >> 16 == MBX_LAYOUT_MAJOR;
}

static json_t *dump_super(struct dump *d)
{
	json_t *o = json_object();
	char s[16];
	int i;

	for (i = 0; i < 16; i++) {
		d->super[i] = word(d, 4u * (uint32_t)i);
		snprintf(s, sizeof(s), "0x%08x", d->super[i]);
		set_text(o, super_names[i], s);
	}
	return o;
}

static json_t *dump_sides(struct dump *d)
{
	json_t *o = json_object(), *side;
	int i;

	for (i = 0; i < 2; i++) {
		const char *name = i ? "remote" : "host";
		uint32_t off = d->super[8 + i];

		if (!inside(d, off, sizeof(struct mbx_side_block))) {
			problem(d,
				"%s_off 0x%x is outside the region of 0x%x "
				"bytes",
				name, off, d->bytes);
			continue;
		}
		side = side_json(d->base, off);
		if (get_num(side, "state_word") > MBX_SIDE_INCOMPATIBLE)
			problem(d, "%s: state is %lld, expected 0 to 3", name,
				get_num(side, "state_word"));
		set_num(side, "offset", off);
		json_object_set_new(side, "words", words_json(d, off, 16));
		json_object_set_new(o, name, side);
	}
	return o;
}

/* ---- what is in a channel ---- */

static json_t *message_at(const struct dump *d, const struct type *t,
			  uint32_t off, uint32_t n)
{
	bool all = d->a->value['a'] || d->a->value['j'];
	uint32_t shown = all || n <= MAX_SHOWN ? n : MAX_SHOWN;
	uint8_t *buf = buffer(n);
	static const struct type bytes;
	json_t *o;

	mbx_copy_out(buf, at(d, off), n);
	o = message_json(shown < n ? &bytes : t, buf, shown);
	set_num(o, "bytes", n);
	free(buf);
	return o;
}

/* A call's message is its head and then the payload. */
static json_t *record_json(const struct dump *d, const struct type *t,
			   uint32_t off, uint32_t n, bool call, bool back)
{
	json_t *o;

	if (!call || n < sizeof(struct mbx_call_head))
		return message_at(d, t, off, n);
	o = message_at(d, t, off + 8, n - 8);
	set_num(o, "id", word(d, off));
	if (back)
		set_num(o, "status", (int32_t)word(d, off + 4));
	else
		set_num(o, "timeout_us", word(d, off + 4));
	return o;
}

struct stream {
	const char *name;
	uint32_t max, size, data, read, ring; /* ring: offset of the data */
	bool call, back;
};

/* Follow the records from the consumer's position to the first empty word. */
static json_t *dump_records(struct dump *d, const struct type *t,
			    const struct stream *s, uint32_t pos)
{
	json_t *list = json_array(), *o;
	uint32_t left = s->size, h, n;

	for (;;) {
		h = word(d, s->ring + pos);
		if (h == 0)
			return list;
		n = mbx_queue_step(h, pos, s->size);
		if (n == 0 || n >= left) {
			problem(d,
				"%s: header at 0x%x is 0x%08x, expected 0, "
				"0x%x plus a length of at most 0x%x, or "
				"padding",
				s->name, s->ring + pos, h, MBX_HDR_MSG, s->max);
			return list;
		}
		left -= n;
		if (pos + n == s->size) {
			pos = 0;
			continue;
		}
		if (h - MBX_HDR_MSG > s->max)
			problem(d,
				"%s: message at 0x%x has %u bytes, expected "
				"at most %u",
				s->name, s->ring + pos, h - MBX_HDR_MSG,
				s->max);
		o = record_json(d, t, s->ring + pos + 4, h - MBX_HDR_MSG,
				s->call, s->back);
		set_num(o, "offset", s->ring + pos);
		json_array_append_new(list, o);
		pos += n;
	}
}

static uint32_t behind_block(const struct dump *d, uint32_t off, uint32_t n)
{
	uint32_t line = d->super[6];

	/* of a line that cannot be there is a problem noted already */
	if (line < 4 || line > 4096 || line & (line - 1))
		line = 64;
	return off + ((n + line - 1) & ~(line - 1));
}

static json_t *dump_ring(struct dump *d, const char *name, const char *type,
			 const uint32_t w[4], bool call, bool back)
{
	struct stream s = { name, w[0], w[1],
			    w[2], w[3], behind_block(d, w[2], 8),
			    call, back };
	json_t *o = json_object();
	struct type t;
	uint32_t read;

	type_parse(&t, type, !call ? WHOLE : back ? REPLY : REQUEST);
	if (s.size < 12 || s.size & 3 || !inside(d, s.data, 8) ||
	    !inside(d, s.ring, s.size) || !inside(d, s.read, 12)) {
		problem(d,
			"%s: ring of 0x%x bytes at 0x%x, read at 0x%x: "
			"outside the region of 0x%x bytes, or no ring",
			name, s.size, s.data, s.read, d->bytes);
		return o;
	}
	read = word(d, s.read);
	set_num(o, "producer_offset", s.data);
	set_num(o, "consumer_offset", s.read);
	set_num(o, "ring_offset", s.ring);
	set_num(o, "full", word(d, s.data) >> 1);
	set_num(o, "impossible", word(d, s.read + 4) >> 1);
	set_num(o, "writer_pid", word(d, s.data + 4));
	set_num(o, "reader_pid", word(d, s.read + 8));
	set_num(o, "read", read & ~1u);
	json_object_set_new(o, "in_hand", json_boolean(read & 1));
	read &= ~1u;
	if (read & 3 || read >= s.size) {
		problem(d,
			"%s: read position is 0x%x, expected a multiple of "
			"4 below 0x%x",
			name, read, s.size);
		return o;
	}
	json_object_set_new(o, "waiting", dump_records(d, &t, &s, read));
	return o;
}

static json_t *slot_json(const struct type *t, const uint8_t *buf, int n,
			 const struct mbx_record *rec)
{
	json_t *o = message_json(t, buf, (uint32_t)n);

	set_num(o, "number", rec->number);
	set_num(o, "stamp_us", rec->stamp_us);
	set_num(o, "level", rec->level);
	return o;
}

static json_t *dump_slots(struct dump *d, const char *name, const char *type,
			  uint32_t slots, const uint32_t w[4])
{
	uint32_t first = behind_block(d, w[2], 12), i;
	uint64_t stride = 8ull + MBX_ROUND4((uint64_t)w[0]);
	struct mbx_slots_place place = { .ctl = at(d, w[2]),
					 .slot = at(d, first),
					 .slots = slots,
					 .max_bytes = w[0] };
	json_t *o = json_object(), *list = json_array();
	struct mbx_reader r;
	struct mbx_record rec;
	struct type t;
	uint8_t *buf;
	int n;

	type_parse(&t, type, WHOLE);
	json_object_set_new(o, "records", list);
	if (slots < 2 || slots & (slots - 1) || w[0] > MBX_MAX_MESSAGE ||
	    !inside(d, w[2], 12) || !inside(d, first, slots * stride)) {
		problem(d,
			"%s: %u slots of 0x%x bytes at 0x%x: outside the "
			"region of 0x%x bytes, or not a power of two",
			name, slots, w[0], w[2], d->bytes);
		return o;
	}
	set_num(o, "offset", w[2]);
	set_num(o, "begun", word(d, w[2]));
	set_num(o, "written", word(d, w[2] + 4));
	set_num(o, "writer_pid", word(d, w[2] + 8));
	if (word(d, w[2]) - word(d, w[2] + 4) > 1)
		problem(d,
			"%s: record %u was begun and %u finished, expected "
			"at most one between",
			name, word(d, w[2]), word(d, w[2] + 4));
	buf = buffer(w[0]);
	mbx_reader_attach(&r, &place);
	for (i = 0; i < slots; i++) {
		n = mbx_reader_next(&r, buf, w[0], &rec);
		if (n == MBX_EAGAIN)
			break;
		if (n < 0)
			problem(d, "%s: record %u has an impossible length",
				name, rec.number);
		else
			json_array_append_new(list,
					      slot_json(&t, buf, n, &rec));
	}
	free(buf);
	return o;
}

/* ---- directory ---- */

/* The text at @off, each word fetched once; "" where there is none. */
static void fetch_text(struct dump *d, const char *name, uint32_t off,
		       char text[MAX_TYPE])
{
	uint32_t i, v;

	memset(text, 0, MAX_TYPE);
	if (off == 0)
		return;
	for (i = 0; i < MAX_TYPE - 4; i += 4) {
		if (!inside(d, off + i, 4)) {
			problem(d,
				"%s: type text at 0x%x is outside the region",
				name, off);
			return;
		}
		v = mbx_le32(word(d, off + i));
		memcpy(text + i, &v, 4);
		if (memchr(text + i, 0, 4))
			return;
	}
	problem(d, "%s: type text at 0x%x does not end", name, off);
}

static void check_type(struct dump *d, const char *name, const char *text,
		       uint32_t hash)
{
	struct type t;
	const char *why = type_parse(&t, text, REQUEST);

	if (!why)
		why = type_parse(&t, text, REPLY);
	if (mbx_text_hash(text) != hash)
		problem(d,
			"%s: hash of the type text is 0x%08x, expected "
			"0x%08x",
			name, mbx_text_hash(text), hash);
	else if (why)
		problem(d, "%s: type text cannot be understood: %s", name, why);
}

/* How many entries there are and where, as far as that can be believed. */
static uint32_t entries(struct dump *d)
{
	uint32_t count = d->super[5], off = d->super[10], fit;

	if (!inside(d, off, 0)) {
		problem(d,
			"directory_off 0x%x is outside the region of 0x%x "
			"bytes",
			off, d->bytes);
		return 0;
	}
	fit = (d->bytes - off) / (uint32_t)sizeof(struct mbx_dir_entry);
	if (fit > MBX_MAX_CHANNELS)
		fit = MBX_MAX_CHANNELS;
	if (count <= fit)
		return count;
	problem(d, "superblock: channels is %u, expected at most %u", count,
		fit);
	/* the magic being right, what looks like an entry may well be one */
	for (count = 0; count < fit && count < 64; count++)
		if (word(d, off + count * 64) == 0)
			break;
	return count;
}

static bool known_kind(struct dump *d, const char *name, uint32_t kind)
{
	if ((kind & 0xff) >= MBX_KIND_QUEUE && (kind & 0xff) <= MBX_KIND_CALL &&
	    (kind >> 8 & 0xff) <= MBX_R2H && kind >> 16 <= MBX_OVERWRITE)
		return true;
	problem(d,
		"%s: kind is 0x%08x, expected kind 1 to 4, direction 0 or 1, "
		"policy 0 to 3",
		name, kind);
	return false;
}

static void dump_content(struct dump *d, json_t *o, const char *name,
			 const char *type, const uint32_t w[16])
{
	uint32_t kind = w[4] & 0xff;

	if (kind == MBX_KIND_STATE || kind == MBX_KIND_LOG) {
		json_object_set_new(o, "slots_block",
				    dump_slots(d, name, type, w[7], &w[8]));
		return;
	}
	json_object_set_new(
		o, "queue",
		dump_ring(d, name, type, &w[8], kind == MBX_KIND_CALL, false));
	if (kind == MBX_KIND_CALL)
		json_object_set_new(
			o, "replies",
			dump_ring(d, name, type, &w[12], true, true));
}

static json_t *dump_entry(struct dump *d, uint32_t off)
{
	json_t *o = json_object();
	char raw[20] = "", text[MAX_TYPE];
	uint32_t w[16], i;
	char *name;

	for (i = 0; i < 16; i++)
		w[i] = word(d, off + 4 * i);
	for (i = 0; i < 16; i++)
		raw[i] = (char)(w[i / 4] >> i % 4 * 8);
	name = printable(raw, strnlen(raw, 16));
	set_text(o, "name", name);
	set_num(o, "offset", off);
	json_object_set_new(o, "words", words_json(d, off, 16));
	fetch_text(d, name, w[6], text);
	check_type(d, name, text, w[5]);
	set_text(o, "type", text);
	if (known_kind(d, name, w[4])) {
		set_text(o, "kind", kind_name(w[4] & 0xff));
		set_text(o, "direction", direction_name(w[4] >> 8 & 0xff));
		dump_content(d, o, name, text, w);
	}
	free(name);
	return o;
}

static json_t *dump_directory(struct dump *d)
{
	json_t *list = json_array();
	uint32_t i, count = entries(d);

	for (i = 0; i < count; i++)
		json_array_append_new(
			list,
			dump_entry(d,
				   d->super[10] +
					   i * (uint32_t)sizeof(
						       struct mbx_dir_entry)));
	return list;
}

/* ---- printing ---- */

static void print_words(const json_t *o, const char *indent)
{
	const json_t *w;
	size_t i;

	json_array_foreach(json_object_get(o, "words"), i, w)
		printf("%s%s%s", i % 8 ? " " : indent, json_string_value(w),
		       i % 8 == 7 ? "\n" : "");
}

static void print_message(const json_t *o)
{
	printf("    +0x%06llx %5lld B  ", get_num(o, "offset"),
	       get_num(o, "bytes"));
	if (json_object_get(o, "id"))
		printf("id %08llx ", get_num(o, "id"));
	if (json_object_get(o, "status"))
		printf("status %lld ", get_num(o, "status"));
	printf("%s%s\n", get_text(o, "text"),
	       (size_t)get_num(o, "bytes") * 2 > strlen(get_text(o, "hex"))
		       ? " ..."
		       : "");
}

static void print_ring(const json_t *o, const char *what)
{
	const json_t *m;
	size_t i;

	if (!json_object_get(o, "read"))
		return;
	printf("  %s: producer +0x%llx, consumer +0x%llx, ring +0x%llx, read "
	       "0x%llx%s, %zu waiting, full %lld, impossible %lld\n",
	       what, get_num(o, "producer_offset"),
	       get_num(o, "consumer_offset"), get_num(o, "ring_offset"),
	       get_num(o, "read"),
	       json_is_true(json_object_get(o, "in_hand")) ? " (in hand)" : "",
	       json_array_size(json_object_get(o, "waiting")),
	       get_num(o, "full"), get_num(o, "impossible"));
	json_array_foreach(json_object_get(o, "waiting"), i, m)
		print_message(m);
}

static void print_slots(const json_t *o)
{
	const json_t *r;
	size_t i;

	printf("  slots: +0x%llx, %lld begun, %lld written\n",
	       get_num(o, "offset"), get_num(o, "begun"),
	       get_num(o, "written"));
	json_array_foreach(json_object_get(o, "records"), i, r)
		printf("    #%-8lld %12.6f  %lld  %s\n", get_num(r, "number"),
		       (double)get_num(r, "stamp_us") / 1e6,
		       get_num(r, "level"), get_text(r, "text"));
}

static void print_entry(const json_t *o)
{
	char *type = printable(get_text(o, "type"),
			       strlen(get_text(o, "type")));

	printf("\n\"%s\" %s %s \"%s\", entry +0x%llx\n", get_text(o, "name"),
	       get_text(o, "kind"), get_text(o, "direction"), type,
	       get_num(o, "offset"));
	free(type);
	print_words(o, "    ");
	if (json_object_get(o, "queue"))
		print_ring(json_object_get(o, "queue"), "queue");
	if (json_object_get(o, "replies"))
		print_ring(json_object_get(o, "replies"), "replies");
	if (json_object_get(o, "slots_block"))
		print_slots(json_object_get(o, "slots_block"));
}

static void print_dump(const json_t *o)
{
	const json_t *v;
	const char *key;
	int n = 0;
	size_t i;

	printf("%s, %lld bytes mapped\n\nsuperblock\n", get_text(o, "region"),
	       get_num(o, "mapped_bytes"));
	json_object_foreach((json_t *)json_object_get(o, "superblock"), key, v)
		printf("  +0x%02x %-14s %s\n", 4 * n++, key,
		       json_string_value(v));
	json_object_foreach((json_t *)json_object_get(o, "sides"), key, v)
	{
		printf("\n%s +0x%llx: %s, session %lld, acknowledged %lld, "
		       "heartbeat %lld, pid %lld\n",
		       key, get_num(v, "offset"), get_text(v, "state"),
		       get_num(v, "session"), get_num(v, "acknowledged"),
		       get_num(v, "heartbeat"), get_num(v, "pid"));
		print_words(v, "    ");
	}
	json_array_foreach(json_object_get(o, "channels"), i, v) print_entry(v);
	if (json_array_size(json_object_get(o, "problems")))
		puts("\ndamaged:");
	json_array_foreach(json_object_get(o, "problems"), i, v)
		printf("  %s\n", json_string_value(v));
}

/* What only the whole can tell: sizes that differ from the computed layout. */
static void judge_whole(struct dump *d, const struct mbx_region *r)
{
	struct mbx_options observe = { .observe = 1 };
	struct mbx *m;

	if (json_array_size(d->problems))
		return;
	if (mbx_open_at(&m, r, &observe) == 0)
		mbx_close(m);
	else
		problem(d, "%s", mbx_errmsg());
}

int run_dump(struct args *a)
{
	const char *name = region_name(a);
	struct dump d = { .a = a, .problems = json_array() };
	unsigned int flags = strncmp(name, "file:", 5) == 0 ? MBX_REGION_PRIVATE
							    : MBX_REGION_READ;
	struct mbx_region r;
	json_t *o = json_object();
	bool damaged;

	if (mbx_region_open(&r, name, flags, 0) < 0)
		fail(NO_REGION, "%s", mbx_errmsg());
	drop_privileges(&r);
	d.base = (uintptr_t)r.base;
	d.bytes = (uint32_t)r.bytes;
	set_text(o, "region", name);
	set_num(o, "mapped_bytes", d.bytes);
	json_object_set_new(o, "superblock", dump_super(&d));
	judge_super(&d);
	if (looks_like_region(&d)) {
		json_object_set_new(o, "sides", dump_sides(&d));
		json_object_set_new(o, "channels", dump_directory(&d));
		judge_whole(&d, &r);
	}
	if (mbx_region_check(&r) < 0)
		problem(&d, "%s", mbx_errmsg());
	json_object_set_new(o, "problems", d.problems);
	damaged = json_array_size(d.problems) != 0;
	if (a->value['j']) {
		print_json(o, false);
	} else {
		print_dump(o);
		json_decref(o);
	}
	mbx_region_close(&r);
	return damaged ? FAILED : OK;
}
