/* SPDX-License-Identifier: BSD-2-Clause */
/* An open region: attaching, the side's life, and who owns which end. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAX_TYPE 1024u /* bytes of a type text a tool believes */

static uint64_t now64_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint32_t mbxi_now_us(void)
{
	return (uint32_t)now64_us();
}

#define BEAT_US 50000u

uint32_t mbxi_left_us(struct mbxi_patience *p)
{
	uint64_t now;

	if (p->timeout_ms <= 0)
		return 0;
	now = now64_us();
	if (!p->until_us)
		p->until_us = now + (uint64_t)p->timeout_ms * 1000u;
	if (now >= p->until_us)
		return 0;
	return p->until_us - now < BEAT_US ? (uint32_t)(p->until_us - now)
					   : BEAT_US;
}

static uint32_t load(const struct mbx *m, uint32_t off)
{
	return mbx_ld(mbx_link_word(&m->link, off));
}

/* ---- what a region says of its channels ---- */

/*
 * Build declarations from the directory. All of it is the peer's word, so each
 * is fetched once and bounded here; whether the whole makes sense is then found
 * out by attaching with the result, which computes the layout anew and compares.
 */
static int read_entry(struct mbx *m, uint32_t i, char *name, char *text)
{
	struct mbx_channel *c = &m->decls[i];
	uint32_t at = (uint32_t)sizeof(struct mbx_super) +
		      i * (uint32_t)sizeof(struct mbx_dir_entry);
	uint32_t w[16], j, off, v;

	for (j = 0; j < 16; j++)
		w[j] = load(m, at + 4u * j);
	for (j = 0; j < 4; j++) {
		v = mbx_le32(w[j]);
		memcpy(name + 4 * j, &v, 4);
	}
	name[15] = 0;
	text[0] = 0;
	off = w[6];
	if (off & 3u || off >= m->region.bytes)
		return MBX_ECORRUPT;
	for (j = 0; off && j < MAX_TYPE; j += 4) {
		if (off + j > m->region.bytes - 4u)
			return MBX_ECORRUPT;
		v = mbx_le32(load(m, off + j));
		memcpy(text + j, &v, 4);
		if (memchr(text + j, 0, 4))
			break;
	}
	text[MAX_TYPE - 1] = 0;
	c->name = name;
	c->is.kind = (uint8_t)w[4];
	c->is.direction = (uint8_t)(w[4] >> 8);
	c->is.full = (uint8_t)(w[4] >> 16);
	c->is.slots = w[7];
	c->is.fwd = (struct mbx_stream){ w[8], w[9] };
	c->is.back = (struct mbx_stream){ w[12], w[13] };
	c->is.type = text;
	return 0;
}

static int read_directory(struct mbx *m, struct mbx_link_config *config)
{
	uint32_t count = load(m, offsetof(struct mbx_super, channels)), i;
	int err = 0;

	if (count > MBX_MAX_CHANNELS ||
	    count * sizeof(struct mbx_dir_entry) + sizeof(struct mbx_super) >
		    m->region.bytes)
		return mbxi_fail(MBX_ECORRUPT,
				 "the region claims %u channels, which do not "
				 "fit into its %zu bytes",
				 count, m->region.bytes);
	m->decls = calloc(count + 1u, sizeof(*m->decls));
	m->texts = calloc(count + 1u, MBX_NAME_BYTES + MAX_TYPE);
	if (!m->decls || !m->texts)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	for (i = 0; i < count && !err; i++) {
		char *name = m->texts + i * (MBX_NAME_BYTES + MAX_TYPE);

		err = read_entry(m, i, name, name + MBX_NAME_BYTES);
	}
	if (err)
		return mbxi_fail(err,
				 "the region's directory is damaged: entry %u "
				 "has its type text at 0x%x",
				 i - 1, load(m, 64u * i + 24u));
	config->channels = m->decls;
	config->count = count;
	return 0;
}

/* ---- errors in a person's words ---- */

static const char *const super_fields[16] = {
	"magic",       "version",    "region_bytes",  "instance",
	"layout_hash", "channels",   "line_bytes",    "section_align",
	"host_off",    "remote_off", "directory_off", "text_off",
	"end_off",     "formatter",  "reserved",      "check"
};

static const char *const entry_fields[16] = { "name",
					      "name",
					      "name",
					      "name",
					      "kind",
					      "type",
					      "type_off",
					      "slots",
					      "max_bytes",
					      "ring bytes",
					      "data_off",
					      "read_off",
					      "reply max_bytes",
					      "reply bytes",
					      "reply data_off",
					      "reply read_off" };

/* A short text from the region, with what a terminal should not see replaced. */
static void text_of(const struct mbx *m, uint32_t off, char *buf, uint32_t cap)
{
	uint32_t i, v = 0;

	for (i = 0; !(off & 3u) && i + 1 < cap; i++) {
		if (i % 4 == 0) {
			if (off + i > m->region.bytes - 4u)
				break;
			v = load(m, off + i);
		}
		buf[i] = (char)(v >> 8 * (i % 4));
		if (!buf[i])
			break;
		if (buf[i] < ' ' || buf[i] > '~')
			buf[i] = '?';
	}
	buf[i] = 0;
}

static int explain_mismatch(const struct mbx *m, const char *name)
{
	const struct mbx_why *why = &m->link.why;
	uint32_t entry = 64u * ((uint32_t)why->channel + 1u);
	const struct mbx_channel *c;
	char theirs[96];

	if (why->channel < 0)
		return mbxi_fail(
			MBX_EMISMATCH,
			"%s: other channels than this program's: %s is "
			"%u here, %u in the region; build both sides "
			"from one header",
			name, super_fields[why->word & 15], why->ours,
			why->theirs);
	c = &m->link.is.channels[why->channel];
	if (why->word < 4) {
		text_of(m, entry, theirs, MBX_NAME_BYTES);
		return mbxi_fail(MBX_EMISMATCH,
				 "%s: channel %d is \"%s\" here, \"%s\" in the "
				 "region; build both sides from one header",
				 name, why->channel, c->name, theirs);
	}
	if (why->word == 5) {
		/* of a small region, the entry's end may be outside it */
		entry += 24;
		text_of(m, entry < m->region.bytes ? load(m, entry) : ~0u,
			theirs, sizeof(theirs));
		return mbxi_fail(MBX_EMISMATCH,
				 "%s: channel \"%s\": type is \"%.80s\" here, "
				 "\"%s\" in the region",
				 name, c->name, c->is.type, theirs);
	}
	return mbxi_fail(MBX_EMISMATCH,
			 "%s: channel \"%s\": %s is %u here, %u in the region; "
			 "build both sides from one header",
			 name, c->name, entry_fields[why->word & 15], why->ours,
			 why->theirs);
}

static int explain(const struct mbx *m, const char *name, int err)
{
	const struct mbx_why *why = &m->link.why;
	char slice[MBXI_SLICE];

	if ((err == MBX_EAGAIN || err == MBX_ENOTREGION) &&
	    *mbxi_held_slice(&m->region, slice))
		return mbxi_fail(err,
				 "%s: this is all of a board's RAM; name the "
				 "region in it, %s%s",
				 name, name, slice);
	switch (err) {
	case MBX_EAGAIN:
		return mbxi_fail(err,
				 "%s: not formatted yet; is the side that owns "
				 "the layout (the firmware) running?",
				 name);
	case MBX_ENOTREGION:
		return mbxi_fail(err,
				 "%s: not an mbx region: its first word is "
				 "0x%08x, not 0x%08x",
				 name, why->theirs, why->ours);
	case MBX_EVERSION:
		return mbxi_fail(err,
				 "%s: layout version %u.%u, but this program "
				 "knows %u.%u; rebuild the older side",
				 name, why->theirs >> 16, why->theirs & 0xffffu,
				 why->ours >> 16, why->ours & 0xffffu);
	case MBX_ECORRUPT:
		return mbxi_fail(err,
				 "%s: superblock damaged: %s is 0x%x, expected "
				 "0x%x; have its owner format it again",
				 name, super_fields[why->word & 15],
				 why->theirs, why->ours);
	case MBX_ENOSPC:
		return mbxi_fail(
			err,
			"%s: formatted with %u bytes, but only %zu are "
			"mapped; name all of it, or a whole copy",
			name, why->theirs, m->region.bytes);
	case MBX_EMISMATCH:
		if (m->options.channels)
			return explain_mismatch(m, name);
		/* our own declarations came from the region: it is damaged */
		if (why->channel < 0)
			return mbxi_fail(MBX_ECORRUPT,
					 "%s: directory damaged: it makes %s "
					 "0x%x, the superblock says 0x%x; have "
					 "its owner format it again",
					 name, super_fields[why->word & 15],
					 why->ours, why->theirs);
		return mbxi_fail(
			MBX_ECORRUPT,
			"%s: directory damaged: %s of channel %d is "
			"0x%x, expected 0x%x; have its owner format it "
			"again",
			name, entry_fields[why->word & 15], why->channel,
			why->theirs, why->ours);
	default: /* of bad declarations */
		if (why->channel < 0)
			return mbxi_fail(
				err,
				"%s: not whole words at a multiple of 4, more "
				"than %u channels, or lines and pages of sizes "
				"that cannot be",
				name, MBX_MAX_CHANNELS);
		return mbxi_fail(m->decls ? MBX_ECORRUPT : err,
				 "%s: channel %d is declared in a way that "
				 "cannot be: see mbx/channel.h for the rules",
				 name, why->channel);
	}
}

/* ---- opening ---- */

static void nap(void)
{
	usleep(1000);
}

static void make_config(const struct mbx *m, const struct mbx_options *o,
			struct mbx_link_config *config)
{
	*config = (struct mbx_link_config){
		.base = (uintptr_t)m->region.base,
		.bytes = (uint32_t)m->region.bytes & ~3u,
		.side = o->side,
		.channels = o->channels,
		.count = o->count,
		.line_bytes = o->line_bytes,
		.page_bytes = o->page_bytes,
		.liveness_us = o->liveness_ms * 1000u,
		.wakeup = m->bell ? mbxi_bell_wakeup(m->bell) : 0,
		.owner = (uint32_t)getpid(),
		.memory = m->region.memory,
	};
}

/* ---- who may store where ---- */

/* UIO's maps need not begin with their page; it is all ours. */
static int set_access(struct mbx *m, size_t from, size_t to, int access)
{
	uintptr_t at = (uintptr_t)m->region.base + from;
	size_t lead = at & ((size_t)sysconf(_SC_PAGESIZE) - 1);

	if (from >= to ||
	    !mprotect((void *)(at - lead), to - from + lead, access))
		return 0;
	return mbxi_fail(mbxi_errno(errno),
			 "making bytes 0x%zx to 0x%zx of the region %s: %s",
			 from, to,
			 access & PROT_WRITE ? "writable" : "read-only",
			 strerror(errno));
}

/* To attach and to format takes stores anywhere. */
static int open_up(struct mbx *m)
{
	if (!m->own_region || m->observer)
		return 0;
	return set_access(m, 0, m->region.bytes, PROT_READ | PROT_WRITE);
}

/*
 * Once attached, all that this side writes stands in its own section: let
 * nothing of this process change anything else. Needs sections of whole pages;
 * small regions have theirs on lines.
 */
static int close_down(struct mbx *m)
{
	const struct mbx_link *l = &m->link;
	size_t from = l->section[l->is.side], to = m->region.bytes;
	size_t other = l->section[!l->is.side];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t base = (uintptr_t)m->region.base;
	int err;

	if (other > from)
		to = other;
	if (!m->own_region || m->observer || (base + from) % page ||
	    (to == other && (base + to) % page))
		return 0;
	err = set_access(m, 0, from, PROT_READ);
	return err ? err : set_access(m, to, m->region.bytes, PROT_READ);
}

/* One try to take up a life, or to look on; sets *told if it explained. */
static int try_attach(struct mbx *m, const struct mbx_options *o, bool *told)
{
	struct mbx_link_config config;
	int err;

	make_config(m, o, &config);
	if (!o->channels) {
		/* with no channels, observing checks the superblock alone */
		err = mbx_link_init_checked(&m->link, &config);
		if (!err)
			err = mbx_link_observe(&m->link);
		if (err && (err != MBX_EMISMATCH || m->link.why.word != 5))
			return err;
		free(m->decls);
		free(m->texts);
		m->texts = NULL;
		m->decls = NULL;
		err = read_directory(m, &config);
		*told = err != 0;
		if (err)
			return err;
	}
	err = mbx_link_init_checked(&m->link, &config);
	if (err)
		return err;
	return m->duty ? mbx_link_attach(&m->link) : mbx_link_observe(&m->link);
}

/* Not there yet: the other side may be about to make it. */
static bool may_come(int err)
{
	return err == MBX_EAGAIN || err == MBX_ENOTREGION ||
	       err == MBX_ECORRUPT;
}

static int attach(struct mbx *m, const char *name, const struct mbx_options *o)
{
	struct mbxi_patience p = { o->timeout_ms, 0 };
	bool told = false;
	int err;

	for (;;) {
		err = try_attach(m, o, &told);
		if (!may_come(err) || mbx_region_check(&m->region) ||
		    !mbxi_left_us(&p))
			break;
		nap();
	}
	return err && !told ? explain(m, name, err) : err;
}

static int format(struct mbx *m, const char *name, const struct mbx_options *o)
{
	struct mbx_link_config config;
	int err;

	make_config(m, o, &config);
	err = mbx_link_init_checked(&m->link, &config);
	if (err)
		return explain(m, name, err);
	if (mbx_region_holds(&m->region) < 0)
		return mbxi_fail(MBX_ENOTREGION,
				 "%s holds something else than an mbx region: "
				 "not formatted; name another",
				 name);
	while ((err = mbx_link_format(&m->link, mbxi_now_us())) == MBX_EAGAIN)
		nap();
	if (err == MBX_ENOSPC)
		return mbxi_fail(
			err,
			"%s: the channels need %u bytes, the region has "
			"%zu; make it larger or the rings smaller",
			name, m->link.end_off, m->region.bytes);
	return 0;
}

static const char *named_bell(const struct mbx_options *o)
{
	return o->doorbell ? o->doorbell : secure_getenv("MBX_DOORBELL");
}

static int check_options(const struct mbx_options *o)
{
	if ((o->create || o->format) && (o->observe || !o->channels))
		return mbxi_fail(MBX_EINVAL,
				 "to create or format a region takes declared "
				 "channels, and more than observing");
	if (o->timeout_ms < 0 ||
	    (o->side != MBX_HOST && o->side != MBX_REMOTE) ||
	    o->liveness_ms > 1000000)
		return mbxi_fail(MBX_EINVAL,
				 "options: side %d, timeout_ms %d, liveness_ms "
				 "%u: out of range",
				 (int)o->side, o->timeout_ms, o->liveness_ms);
	return o->observe ? 0 : mbxi_bell_check(named_bell(o));
}

/* The size to create: as asked, or what the channels need, in whole pages. */
static int needed(const struct mbx_options *o, size_t *bytes)
{
	struct mbx_link_config config;
	struct mbx m = { .region.bytes = MBX_MAX_REGION };
	int err;

	*bytes = o->bytes;
	if (*bytes)
		return 0;
	make_config(&m, o, &config);
	err = mbx_link_init_checked(&m.link, &config);
	if (err)
		return explain(&m, "create", err);
	*bytes = ((size_t)m.link.end_off + 4095u) & ~(size_t)4095;
	return 0;
}

static int open_region(struct mbx *m, const char *name,
		       const struct mbx_options *o)
{
	unsigned int flags = o->observe ? MBX_REGION_READ : 0;
	struct mbxi_patience p = { o->timeout_ms, 0 };
	size_t bytes = 0;
	int err;

	if (o->create) {
		err = needed(o, &bytes);
		if (err)
			return err;
		flags |= MBX_REGION_CREATE;
	}
	for (;;) {
		err = mbx_region_open(&m->region, name, flags, bytes);
		/* in either start order: wait for it to be made and sized */
		if ((err != MBX_ENOENT && err != MBX_ENOSPC) || o->create ||
		    !mbxi_left_us(&p))
			return err;
		nap();
	}
}

static const struct mbx_options no_options;

/*
 * The doorbell asked for, by option or environment; else, of a UIO device's
 * memory, what the board's profile says, or the device's own interrupt, whose
 * name is built in @own.
 */
static const char *choose_bell(const struct mbx *m, const struct mbx_options *o,
			       char own[80])
{
	const char *bell = named_bell(o), *map;

	own[0] = 0;
	if (bell && *bell)
		return bell;
	if (strncmp(m->name, "board:", 6) == 0 &&
	    strcmp(m->region.kind, "uio") == 0)
		return mbx_board_find(m->name + 6)->doorbell;
	if (strncmp(m->name, "uio:", 4) != 0)
		return bell;
	map = strrchr(m->name, '/');
	snprintf(own, 80, "%.*s", map ? (int)(map - m->name) : 79, m->name);
	return own;
}

static int open_bell(struct mbx *m, const struct mbx_options *o)
{
	char own[80];
	const char *bell = choose_bell(m, o, own);
	int err;

	m->uio = mbxi_bell_device(bell);
	if (m->observer)
		return 0;
	/* a line has two ends: who only joins in looks by himself */
	err = mbxi_bell_open(&m->bell, m->duty ? bell : NULL);
	/* a device without an interrupt is as good as other memory */
	if (err != MBX_ENOTSUP || !*own)
		return err;
	m->uio = -1;
	return mbxi_bell_open(&m->bell, NULL);
}

/* Format if that is asked for, attach, and let nothing else be written. */
static int settle(struct mbx *m)
{
	const struct mbx_options *o = &m->options;
	int err = open_up(m);

	if (err)
		return err;
	if (o->create || o->format) {
		if (!m->duty)
			return mbxi_fail(
				MBX_EBUSY,
				"%s: another process lives this side's "
				"life already",
				m->name);
		err = format(m, m->name, o);
		if (err)
			return err;
	}
	err = attach(m, m->name, o);
	if (!err)
		err = close_down(m);
	if (err)
		return err;
	return mbxi_tick(m, true);
}

static int begin(struct mbx *m, const char *name, const struct mbx_options *o)
{
	int err;

	m->options = *o;
	m->name = strdup(name);
	if (!m->name)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	m->observer = o->observe || m->region.flags & MBX_REGION_READ;
	if (!m->observer) {
		err = mbxi_lock_open(&m->region, &m->lock_fd);
		if (err)
			return err;
		m->duty = mbxi_lock_take(m, o->side);
		err = m->duty ? 0 : mbxi_lock_kept(m, o->side);
		if (err)
			return err;
	}
	err = open_bell(m, o);
	if (err)
		return err;
	if (!o->attach_later)
		return settle(m);
	m->dead = MBX_ESTALE; /* until mbx_reopen() */
	return 0;
}

static int new_mbx(struct mbx **out, const struct mbx_options *o)
{
	int err = check_options(o);

	*out = err ? NULL : calloc(1, sizeof(**out));
	if (!err && !*out)
		err = mbxi_fail(MBX_ENOMEM, "out of memory");
	if (!err)
		(*out)->region.fd = (*out)->lock_fd = (*out)->uio = -1;
	return err;
}

/* Hand out what was opened, or take it back. */
static int opened(struct mbx **out, int err)
{
	if (!err)
		return 0;
	/* it went away meanwhile, which is read as zeros: that is the reason */
	if (mbx_region_check(&(*out)->region))
		err = MBX_EIO;
	mbx_close(*out);
	*out = NULL;
	return err;
}

/* A region that was made and then could not be used leaves nothing behind. */
static void unmake(const char *name, int err)
{
	char said[MBXI_ERRMSG];

	snprintf(said, sizeof(said), "%s", mbx_errmsg());
	mbx_region_remove(name);
	mbxi_fail(err, "%s", said);
}

int mbx_open(struct mbx **out, const char *name,
	     const struct mbx_options *options)
{
	const struct mbx_options *o = options ? options : &no_options;
	int err = new_mbx(out, o);

	if (err)
		return err;
	(*out)->own_region = true;
	err = open_region(*out, name, o);
	if (!name)
		name = secure_getenv("MBX_REGION");
	if (!err) {
		err = begin(*out, name, o);
		if (err && o->create)
			unmake(name, err);
	}
	return opened(out, err);
}

int mbx_open_at(struct mbx **out, const struct mbx_region *region,
		const struct mbx_options *options)
{
	const struct mbx_options *o = options ? options : &no_options;
	int err = new_mbx(out, o);

	if (err)
		return err;
	(*out)->region = *region;
	return opened(out,
		      begin(*out, region->kind ? region->kind : "memory", o));
}

/* The end of a life, and of all that hung on it. */
static void end_life(struct mbx *m)
{
	while (m->ends)
		mbx_end_close(m->ends);
	if (m->duty && !m->dead && m->link.instance)
		mbx_link_detach(&m->link);
}

int mbx_reopen(struct mbx *m)
{
	int err;

	if (m->dead == MBX_EIO)
		return mbxi_tick(m, true);
	end_life(m);
	m->dead = 0;
	m->events = 0;
	err = settle(m);
	if (err && mbx_region_check(&m->region))
		err = m->dead = MBX_EIO;
	else if (err) /* of no use until it is reopened with more success */
		m->dead = MBX_ESTALE;
	return err;
}

void mbx_close(struct mbx *m)
{
	if (!m)
		return;
	end_life(m);
	mbxi_bell_close(m->bell);
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	if (m->own_region)
		mbx_region_close(&m->region);
	free(m->decls);
	free(m->texts);
	free(m->name);
	free(m);
}

/* ---- the life of the link ---- */

/*
 * With the side's life goes its line: without it, a peer that sleeps until it is
 * rung would never hear of us. Not if the program polls what it was given
 * before; nor if it can't be had, which leaves what there was.
 */
static void take_bell(struct mbx *m)
{
	struct mbxi_bell *was = m->bell;

	if (mbxi_bell_polled(was) || open_bell(m, &m->options)) {
		m->bell = was;
		return;
	}
	mbxi_bell_close(was);
	m->link.is.wakeup = mbxi_bell_wakeup(m->bell);
}

/*
 * Another process of this side lives its life; ours is to read what it knows.
 * Should it die, we take over: its lock is free then.
 */
static uint32_t poll_joined(struct mbx *m)
{
	struct mbx_link *l = &m->link;
	uint32_t ours = l->section[l->is.side], events = 0, session, peer;
	uint32_t magic = mbx_ld_acquire(mbx_link_word(l, 0));

	if (magic != MBX_MAGIC ||
	    load(m, offsetof(struct mbx_super, instance)) != l->instance)
		return MBX_EVENT_RESET;
	if (!m->observer && mbxi_lock_take(m, l->is.side)) {
		events = l->peer_session ? MBX_EVENT_DOWN : 0;
		m->duty = true;
		take_bell(m);
		/* should it have changed, attaching says so where it is now */
		if (open_up(m) || mbx_link_attach(l) || close_down(m))
			return MBX_EVENT_RESET;
		return events;
	}
	session = load(m, ours + offsetof(struct mbx_side_block, session));
	peer = load(m, ours + offsetof(struct mbx_side_block, state)) ==
			       MBX_SIDE_UP
		       ? load(m, ours + offsetof(struct mbx_side_block, ack))
		       : 0;
	l->session = session;
	if (peer == l->peer_session)
		return 0;
	if (l->peer_session)
		events |= MBX_EVENT_DOWN;
	if (peer)
		events |= l->last_session && l->last_session != peer
				  ? MBX_EVENT_RESTARTED
				  : MBX_EVENT_UP;
	l->peer_session = peer;
	if (peer)
		l->last_session = peer;
	return events;
}

/*
 * Do both sides wake by futex? The own side's word may be another process's,
 * whose life this one only shares; the peer goes by it.
 */
static bool by_futex(const struct mbx *m)
{
	uint32_t at = offsetof(struct mbx_side_block, wakeup);

	return load(m, m->link.section[0] + at) == MBX_WAKE_FUTEX &&
	       load(m, m->link.section[1] + at) == MBX_WAKE_FUTEX;
}

int mbxi_tick(struct mbx *m, bool now)
{
	uint32_t events;

	if (!now && mbxi_looked(m))
		return 0;
	if (m->dead == MBX_EIO)
		return mbxi_lost(&m->region);
	if (m->dead)
		return mbxi_fail(m->dead,
				 "the region was formatted again by its owner; "
				 "mbx_reopen() it, or start again");
	m->looked_ms = mbxi_coarse_ms();
	if (mbx_region_check(&m->region)) {
		m->dead = MBX_EIO;
		return MBX_EIO;
	}
	events = m->duty ? mbx_link_poll(&m->link, mbxi_now_us())
			 : poll_joined(m);
	m->events |= events;
	if (m->bell && events & (MBX_EVENT_UP | MBX_EVENT_RESTARTED))
		mbxi_bell_peer(m->bell, by_futex(m));
	if (events & MBX_EVENT_RESET) {
		m->dead = mbx_region_check(&m->region) ? MBX_EIO : MBX_ESTALE;
		return mbxi_tick(m, true);
	}
	return 0;
}

int mbx_poll(struct mbx *m)
{
	int err = mbxi_tick(m, true), events;

	if (err)
		return err;
	events = (int)m->events;
	m->events = 0;
	return events;
}

/* What to watch while asleep: a word of each end that can have news. */
static int watch_ends(const struct mbx *m, struct mbxi_watch *watch)
{
	const struct mbx_end *e;
	int n = 0;

	for (e = m->ends; e && n < MBXI_WATCH_MAX; e = e->next) {
		const struct mbx_rx *rx = e->role == END_RECEIVER ? &e->rx
					  : e->role == END_CALLER
						  ? &e->caller.rx
					  : e->role == END_SERVER
						  ? &e->server.rx
						  : NULL;
		if (rx && e->no_room)
			watch[n++] = (struct mbxi_watch){
				e->server.tx.at.rx, mbx_ld(e->server.tx.at.rx)
			};
		else if (rx)
			watch[n++] = (struct mbxi_watch){
				mbx_word_at(rx->at.ring, rx->pos), 0
			};
	}
	return n;
}

/* Raise (or lower) the waiting flag of every receiver; 1: something is there */
static int want_all(struct mbx *m, int on)
{
	struct mbx_end *e;
	int there = 0;

	for (e = m->ends; e; e = e->next) {
		if (e->role == END_RECEIVER)
			there |= mbx_rx_want_data(&e->rx, on);
		else if (e->role == END_CALLER)
			there |= mbx_rx_want_data(&e->caller.rx, on);
		else if (e->role == END_SERVER && e->no_room)
			there |= mbx_tx_want_room(&e->server.tx, on);
		else if (e->role == END_SERVER)
			there |= mbx_rx_want_data(&e->server.rx, on);
	}
	return there;
}

int mbx_fd(struct mbx *m)
{
	if (!m->bell)
		return mbxi_fail(
			MBX_EACCES,
			"an observer has no doorbell: look by a timer");
	return mbxi_bell_fd(m->bell);
}

int64_t mbx_doorbell_count(const struct mbx *m)
{
	struct mbxi_uio u = { .number = (unsigned int)m->uio };
	int64_t count = m->uio < 0 ? -1 : mbxi_uio_events(&u);

	if (count >= 0)
		return count;
	return mbxi_fail(
		MBX_ENOTSUP,
		"the doorbell is no UIO device, whose interrupts Linux "
		"would count");
}

int mbx_arm(struct mbx *m)
{
	struct mbxi_watch watch[MBXI_WATCH_MAX];
	int err = mbxi_tick(m, false);

	if (err)
		return err;
	if (m->events || (m->bell && want_all(m, 1)))
		return 1;
	if (m->bell)
		mbxi_bell_arm(m->bell, watch, watch_ends(m, watch));
	return m->bell && want_all(m, 1);
}

int mbx_wait(struct mbx *m, int timeout_ms)
{
	struct mbxi_patience p = { timeout_ms, 0 };
	struct mbxi_watch watch[MBXI_WATCH_MAX];
	bool there = false;

	if (timeout_ms < 0)
		return mbxi_fail(MBX_EINVAL, "timeout of %d ms", timeout_ms);
	for (;;) {
		int events = mbx_poll(m);
		uint32_t us = mbxi_left_us(&p);

		if (events || there || !us)
			return events;
		if (!m->bell) {
			nap();
			continue;
		}
		there = want_all(m, 1);
		if (!there)
			mbxi_bell_wait(m->bell, watch, watch_ends(m, watch),
				       us);
		there |= want_all(m, 0);
	}
}

/* A peer that sleeps does not see that somebody has come: wake it, and wait. */
void mbxi_knock(struct mbx *m)
{
	if (m->bell)
		mbxi_bell_ring(m->bell, NULL);
	nap();
}

int mbx_wait_peer(struct mbx *m, int timeout_ms)
{
	struct mbxi_patience p = { timeout_ms, 0 };
	int err;

	if (timeout_ms < 0)
		return mbxi_fail(MBX_EINVAL, "timeout of %d ms", timeout_ms);
	for (;;) {
		err = mbxi_tick(m, true);
		if (err || m->link.peer_session)
			return err;
		if (!mbxi_left_us(&p))
			return mbxi_fail(MBX_ENOTCONN,
					 "the peer (%s) is not there: nothing "
					 "heard of it for %d ms; start it, or "
					 "look at \"mbx info\"",
					 m->link.is.side == MBX_HOST ? "remote"
								     : "host",
					 timeout_ms);
		mbxi_knock(m);
	}
}

/* ---- looking ---- */

const struct mbx_link *mbx_get_link(const struct mbx *m)
{
	return &m->link;
}

const struct mbx_region *mbx_get_region(const struct mbx *m)
{
	return &m->region;
}

uint32_t mbx_channel_count(const struct mbx *m)
{
	return m->link.is.count;
}

const struct mbx_channel *mbx_channel_at(const struct mbx *m, uint32_t index)
{
	return index < m->link.is.count ? &m->link.is.channels[index] : NULL;
}

int mbx_channel_find(const struct mbx *m, const char *name)
{
	char list[160] = "";
	uint32_t i;
	size_t n = 0;

	for (i = 0; i < m->link.is.count; i++) {
		if (strcmp(m->link.is.channels[i].name, name) == 0)
			return (int)i;
		if (n < sizeof(list))
			n += (size_t)snprintf(list + n, sizeof(list) - n,
					      "%s%s", i ? ", " : "",
					      m->link.is.channels[i].name);
	}
	return mbxi_fail(MBX_ENOENT,
			 "no channel \"%s\" in the region; it has %s", name,
			 *list ? list : "none");
}

static int stream_place(const struct mbx *m, uint32_t index, int back,
			struct mbx_queue_place *at)
{
	return back ? mbx_link_back(&m->link, index, at)
		    : mbx_link_queue(&m->link, index, at);
}

/*
 * Follow the records from @pos; after each, @pos is behind it. Their bytes, 0
 * at the end or after a whole ring, MBX_EPROTO.
 */
static int next_record(const struct mbx_queue_place *at, uint32_t *pos,
		       uint32_t *left, uint32_t *header)
{
	uint32_t n;

	*header = mbx_ld_acquire(mbx_word_at(at->ring, *pos));
	if (*header == 0)
		return 0;
	n = mbx_queue_step(*header, *pos, at->ring_bytes);
	if (n == 0 || n >= *left)
		return MBX_EPROTO;
	*left -= n;
	*pos += n;
	if (*pos == at->ring_bytes)
		*pos = 0;
	return (int)n;
}

static bool start_of(const struct mbx_queue_place *at, uint32_t *pos)
{
	*pos = mbx_ld_acquire(mbx_word_at(at->rx, 0)) & ~1u;
	return !(*pos & 3u) && *pos < at->ring_bytes;
}

static bool is_message(uint32_t header)
{
	return header - MBX_HDR_MSG <= MBX_MAX_MESSAGE;
}

int mbx_stream_stats(const struct mbx *m, uint32_t index, int back,
		     struct mbx_stream_stats *s)
{
	struct mbx_queue_place at;
	struct mbx_slots_place slots;
	uint32_t pos, left, header, flags;
	int n, err;

	*s = (struct mbx_stream_stats){ 0 };
	if (!back && mbx_link_slots(&m->link, index, &slots) == 0) {
		s->written = mbx_ld(mbx_word_at(slots.ctl, 4));
		s->writer_pid = mbx_ld(mbx_word_at(slots.ctl, 8));
		return 0;
	}
	err = stream_place(m, index, back, &at);
	if (err)
		return err;
	s->ring_bytes = left = at.ring_bytes;
	flags = mbx_ld(mbx_word_at(at.tx, 0));
	s->full = flags >> 1;
	s->wants_room = flags & 1u;
	flags = mbx_ld(mbx_word_at(at.rx, 4));
	s->impossible = flags >> 1;
	s->waits = flags & 1u;
	s->writer_pid = mbx_ld(mbx_word_at(at.tx, 4));
	s->reader_pid = mbx_ld(mbx_word_at(at.rx, 8));
	if (!start_of(&at, &pos)) {
		s->corrupt = 1;
		return 0;
	}
	while ((n = next_record(&at, &pos, &left, &header)) > 0) {
		s->used_bytes += (uint32_t)n;
		s->messages += is_message(header);
	}
	s->corrupt = n < 0;
	return 0;
}

int mbx_stream_look(const struct mbx *m, uint32_t index, int back, uint32_t nth,
		    void *buf, uint32_t cap)
{
	struct mbx_queue_place at;
	uint32_t pos, start, left, header, bytes;
	int n, err = stream_place(m, index, back, &at);

	if (err)
		return err;
	left = at.ring_bytes;
	if (!start_of(&at, &pos))
		return MBX_EPROTO;
	do {
		start = pos;
		n = next_record(&at, &pos, &left, &header);
		if (n <= 0)
			return n ? n : MBX_EAGAIN;
	} while (!is_message(header) || nth--);
	bytes = header - MBX_HDR_MSG;
	mbx_copy_out(buf, mbx_word_at(at.ring, start + 4u),
		     bytes < cap ? bytes : cap);
	return (int)bytes;
}
