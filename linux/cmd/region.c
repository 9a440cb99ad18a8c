/* SPDX-License-Identifier: BSD-2-Clause */
/* create, rm: regions for two Linux processes, declared on the command line. */
#include "cmd.h"

#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SYNTAX                                                                  \
	"A CHANNEL is one word, its parts separated by colons:\n"               \
	"  queue:NAME:DIR:MAXxDEPTH[:FULL][:TYPE]    FULL: fail, drop, block\n" \
	"  state:NAME:DIR:BYTESxSLOTS[:TYPE]         SLOTS: 2, 4, 8, ...\n"     \
	"  log:NAME:DIR:MAXxSLOTS\n"                                            \
	"  call:NAME:DIR:REQUESTxREPLYxDEPTH[:TYPE]  TYPE: request -> reply\n"  \
	"DIR is h2r or r2h (of a call: its requests), FULL is block unless "    \
	"given.\n"                                                              \
	"TYPE is fields \"u32 op, i16 b[3], char text[]\" of u8 i8 x8 u16 "     \
	"... x64 f32 f64 char.\n\n"                                             \
	"  mbx create shm:/demo 'queue:commands:h2r:64x8:block:u32 op' \\\n"    \
	"                       'state:temp:r2h:4x4:f32 celsius'\n"

/* ---- the declaration of a channel ---- */

/* Cut the next part off; NULL when there is none. */
static char *part(char **rest)
{
	return *rest ? strsep(rest, ":") : NULL;
}

/* "64x8": @count numbers, each at least 1. */
static bool numbers(const char *s, uint32_t *n, int count)
{
	char *end;
	int i;

	for (i = 0; s && i < count; i++, s = end + 1) {
		unsigned long v = strtoul(s, &end, 10);

		if (!isdigit((unsigned char)*s) || v == 0 ||
		    v > MBX_MAX_MESSAGE || *end != (i + 1 < count ? 'x' : 0))
			return false;
		n[i] = (uint32_t)v;
	}
	return s != NULL;
}

static bool direction(const char *s, uint8_t *to)
{
	if (!s || (strcmp(s, "h2r") != 0 && strcmp(s, "r2h") != 0))
		return false;
	*to = strcmp(s, "h2r") == 0 ? MBX_H2R : MBX_R2H;
	return true;
}

/* An optional part that names what a full queue does. */
static uint8_t full_policy(char **rest)
{
	static const struct {
		const char *name;
		uint8_t full;
	} names[] = { { "fail", MBX_FAIL },
		      { "drop", MBX_DROP },
		      { "block", MBX_BLOCK } };
	size_t i, n;

	for (i = 0; *rest && i < sizeof(names) / sizeof(names[0]); i++) {
		n = strlen(names[i].name);
		if (strncmp(*rest, names[i].name, n) == 0 &&
		    ((*rest)[n] == ':' || (*rest)[n] == 0)) {
			part(rest);
			return names[i].full;
		}
	}
	return MBX_BLOCK;
}

/* Fields are of two words: this was to be something else. */
static bool is_one_word(const char *type)
{
	size_t n = strspn(type, "abcdefghijklmnopqrstuvwxyz");

	return n && (!type[n] || type[n] == ':');
}

/* What is wrong with the type for messages of @max bytes, or NULL. */
static const char *check_type(const struct mbx_channel *c, enum part which,
			      uint32_t max)
{
	static struct type t;
	const char *why = type_parse(&t, c->is.type, which);

	if (why)
		return why;
	if (t.fixed > max)
		return "its fields are longer than a message may be";
	if (c->is.kind == MBX_KIND_STATE && t.count && !t.open &&
	    t.fixed != max)
		return "its fields are not as long as the state's value";
	return NULL;
}

static bool too_large(uint64_t bytes)
{
	return bytes > MBX_MAX_REGION;
}

static bool declare_slots(struct mbx_channel *c, const char *sizes)
{
	uint32_t n[2];

	if (!numbers(sizes, n, 2) || n[1] < 2 || n[1] & (n[1] - 1) ||
	    too_large((uint64_t)n[1] * (8u + MBX_ROUND4(n[0]))))
		return false;
	c->is.full = MBX_OVERWRITE;
	c->is.slots = n[1];
	c->is.fwd = (struct mbx_stream){ n[0], n[1] * (8u + MBX_ROUND4(n[0])) };
	return true;
}

static bool ring(struct mbx_stream *s, uint32_t max, uint32_t depth)
{
	if (too_large((uint64_t)(depth + 1ull) * (4u + MBX_ROUND4(max)) + 4u))
		return false;
	*s = (struct mbx_stream){ max, MBX_RING_BYTES(depth, max) };
	return true;
}

static bool declare_rings(struct mbx_channel *c, const char *sizes, bool call)
{
	uint32_t n[3];

	if (!numbers(sizes, n, call ? 3 : 2))
		return false;
	if (!call)
		return ring(&c->is.fwd, n[0], n[1]);
	c->is.full = MBX_FAIL;
	return ring(&c->is.fwd, 8u + n[0], n[2]) &&
	       ring(&c->is.back, 8u + n[1], n[2]);
}

static uint8_t kind_of(const char *s)
{
	uint8_t k;

	for (k = MBX_KIND_QUEUE; k <= MBX_KIND_CALL; k++)
		if (strcmp(s, kind_name(k)) == 0)
			return k;
	return 0;
}

static bool good_name(const char *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";

	return s && *s && strlen(s) < MBX_NAME_BYTES &&
	       strspn(s, letters) == strlen(s);
}

static _Noreturn void bad_channel(const char *word, const char *why)
{
	fail(USAGE,
	     "channel \"%s\": %s; for example queue:commands:h2r:64x8 (see "
	     "\"mbx create --help\")",
	     word, why);
}

/* @copy is cut into pieces that the declaration keeps. */
static void declare(struct mbx_channel *c, const char *word, char *copy)
{
	char *rest = copy, *sizes;
	const char *why;
	bool call, ok;

	memset(c, 0, sizeof(*c));
	c->is.kind = kind_of(part(&rest));
	if (!c->is.kind)
		bad_channel(word, "a kind is queue, state, log or call");
	c->name = part(&rest);
	if (!good_name(c->name))
		bad_channel(word, "a name is 1 to 15 letters, digits, \"_.-\"");
	if (!direction(part(&rest), &c->is.direction))
		bad_channel(word, "a direction is h2r or r2h");
	sizes = part(&rest);
	call = c->is.kind == MBX_KIND_CALL;
	if (c->is.kind == MBX_KIND_QUEUE)
		c->is.full = full_policy(&rest);
	if (c->is.kind == MBX_KIND_QUEUE || call)
		ok = declare_rings(c, sizes, call);
	else
		ok = declare_slots(c, sizes);
	if (!ok)
		bad_channel(word,
			    "its sizes make no sense: a queue has MAXxDEPTH, a "
			    "state BYTESxSLOTS, a log MAXxSLOTS, a call "
			    "REQUESTxREPLYxDEPTH, SLOTS 2, 4, 8, ...");
	if (c->is.kind == MBX_KIND_LOG && rest)
		bad_channel(word, "a log has no type, it is text");
	c->is.type = c->is.kind == MBX_KIND_LOG ? "char text[]"
		     : rest			? rest
						: "";
	why = check_type(c, call ? REQUEST : WHOLE,
			 c->is.fwd.max_bytes - (call ? 8 : 0));
	if (!why && call)
		why = check_type(c, REPLY, c->is.back.max_bytes - 8);
	if (why && c->is.kind == MBX_KIND_QUEUE && is_one_word(c->is.type))
		bad_channel(word, "no such type, and a full queue can fail, "
				  "drop or block");
	if (why)
		bad_channel(word, why);
}

/* ---- create ---- */

static void no_twins(const struct mbx_channel *c, int count)
{
	int i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < i; k++)
			if (strcmp(c[i].name, c[k].name) == 0)
				fail(USAGE, "two channels are named \"%s\"",
				     c[i].name);
}

static int run_create(struct args *a)
{
	int i, err, count = a->argc - 1;
	struct mbx_channel *channels = calloc((size_t)count, sizeof(*channels));
	char **copies = calloc((size_t)count, sizeof(*copies));
	struct mbx_options o = { .create = 1,
				 .channels = channels,
				 .count = (uint32_t)count,
				 .bytes = opt_size(a, 's') };
	struct mbx *m;

	if (!channels || !copies)
		fail(FAILED, "out of memory");
	not_anonymous(a->argv[0]);
	for (i = 0; i < count; i++) {
		copies[i] = copy_text(a->argv[i + 1]);
		declare(&channels[i], a->argv[i + 1], copies[i]);
	}
	no_twins(channels, count);
	err = mbx_open(&m, a->argv[0], &o);
	if (err)
		fail(err == MBX_EINVAL ? USAGE : NO_REGION, "%s", mbx_errmsg());
	mbx_close(m);
	for (i = 0; i < count; i++)
		free(copies[i]);
	free(copies);
	free(channels);
	return OK;
}

/* ---- rm ---- */

/* The Linux process that lives in the region, or 0. */
static long long inhabitant(const struct mbx *m)
{
	const struct mbx_link *l = mbx_get_link(m);
	long long pid = 0;
	json_t *side;
	int i;

	for (i = 0; i < 2; i++) {
		side = side_json(l->is.base, l->section[i]);
		if (json_is_true(json_object_get(side, "alive")))
			pid = get_num(side, "pid");
		json_decref(side);
	}
	return pid;
}

/* The one in a region of that name, or in the slice of a board's RAM that is. */
static long long user_of(const char *name)
{
	struct mbx_options observe = { .observe = 1 };
	char slice[MBXI_SLICE] = "", *where;
	struct mbx_region r;
	struct mbx *m;
	long long pid = 0;

	if (mbx_region_open(&r, name, MBX_REGION_READ, 0) == 0) {
		mbxi_held_slice(&r, slice);
		mbx_region_close(&r);
	}
	if (asprintf(&where, "%s%s", name, slice) < 0)
		fail(FAILED, "out of memory");
	if (mbx_open(&m, where, &observe) == 0) {
		pid = inhabitant(m);
		mbx_close(m);
	}
	free(where);
	return pid;
}

static int remove_one(const char *name, bool force)
{
	long long pid = force ? 0 : user_of(name);

	if (pid) {
		complain("%s is in use by process %lld; end that first, or "
			 "remove the name under it with --force",
			 name, pid);
		return FAILED;
	}
	if (mbx_region_remove(name) == 0)
		return OK;
	complain("%s", mbx_errmsg());
	return NO_REGION;
}

static int run_rm(struct args *a)
{
	int i, err, status = OK;

	for (i = 0; i < a->argc; i++) {
		err = remove_one(a->argv[i], a->value['f'] != NULL);
		if (err)
			status = err;
	}
	return status;
}

static const struct opt create_opts[] = {
	{ 's', "size", "BYTES", "how large (default: what the channels need)" },
	OPT_END
};
static const struct opt rm_opts[] = {
	{ 'f', "force", NULL, "even while somebody uses it" }, OPT_END
};

const struct command region_commands[] = {
	{ "create", "REGION CHANNEL...", "make a region with these channels",
	  SYNTAX, create_opts, 2, -1, false, run_create },
	{ "rm", "REGION...", "remove regions", NULL, rm_opts, 1, -1, false,
	  run_rm },
	{ 0 }
};
