/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: the command mbx, in this process, on a region that a hostile side
 * wrote. The input says which command; the channels, of any kind, size and type
 * text, whose layout is then as it should be; what was sent and logged; and last
 * which words are changed, and whether the checks are made good again.
 *
 * linux/cmd is compiled with exit() as fuzz_exit(), and main() as command_main().
 */
#include "cmd.h"

#include "internal.h"

#include <getopt.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BYTES	 16384u
#define CHANNELS 5u
#define TYPE	 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);
int command_main(int argc, char **argv);
_Noreturn void fuzz_exit(int status);
int fuzz_atexit(void (*f)(void));

static const char *const commands[][8] = {
	{ "dump" },
	{ "dump", "-j" },
	{ "info", "-t", "0" },
	{ "info", "-t", "0", "-j" },
	{ "stat" },
	{ "stat", "-j" },
	{ "log", "-t", "0" },
	{ "log", "-t", "0", "-j" },
	{ "get", "-t", "0", "-v", "c" },
	{ "get", "-t", "0", "-j", "c" },
	{ "watch", "-t", "0", "-s", "0", "c" },
	{ "recv", "-t", "0", "-n", "3", "c" },
	{ "recv", "-t", "0", "-j", "-S", "remote", "c" },
	{ "send", "-t", "0", "c", "1" },
	{ "set", "-t", "0", "-S", "remote", "c", "1" },
	{ "call", "-t", "1", "c", "1" },
};

static jmp_buf out;
static const uint8_t *input;
static size_t left;
static int file = -1;
static uint8_t *base;

/* ---- in the place of the process ---- */

_Noreturn void fuzz_exit(int status)
{
	if (status < OK || status > NO_REGION)
		abort();
	longjmp(out, 1);
}

int fuzz_atexit(void (*f)(void))
{
	(void)f; /* the link is closed below */
	return 0;
}

/* What a command has mapped when it exits: for dump, not by mbx_open(). */
static struct mbx_region *mapped;
static struct mbx_region of_dump;

int __real_mbx_region_open(struct mbx_region *r, const char *name,
			   unsigned int flags, size_t bytes);
int __wrap_mbx_region_open(struct mbx_region *r, const char *name,
			   unsigned int flags, size_t bytes);
int __wrap_mbx_region_open(struct mbx_region *r, const char *name,
			   unsigned int flags, size_t bytes)
{
	int err = __real_mbx_region_open(r, name, flags, bytes);

	if (!err && flags & MBX_REGION_PRIVATE) {
		of_dump = *r;
		mapped = &of_dump;
	}
	return err;
}

void __real_mbx_region_close(struct mbx_region *r);
void __wrap_mbx_region_close(struct mbx_region *r);
void __wrap_mbx_region_close(struct mbx_region *r)
{
	if (r->flags & MBX_REGION_PRIVATE)
		mapped = NULL;
	__real_mbx_region_close(r);
}

/* ---- what the input says ---- */

static uint32_t next_byte(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

static uint32_t next_word(void)
{
	uint32_t kind = next_byte(), v = next_byte();

	if (kind & 1u)
		v |= next_byte() << 8 | next_byte() << 16 | next_byte() << 24;
	return (kind & 2u ? MBX_HDR_MSG : 0) + (kind & 4u ? 0u - v : v);
}

static struct mbx_channel channels[CHANNELS];
static char names[CHANNELS][4], types[CHANNELS][TYPE];

static void choose_channel(uint32_t i)
{
	uint32_t what = next_byte(), n = next_byte() % TYPE, j, max;
	__typeof__(channels[0].is) *is = &channels[i].is;

	for (j = 0; j < n; j++)
		types[i][j] = (char)next_byte();
	types[i][n] = 0;
	names[i][0] = 'c';
	names[i][1] = i ? (char)('0' + i) : 0;
	max = 1 + next_byte();
	memset(is, 0, sizeof(*is));
	is->kind = (uint8_t)(1 + what % 4);
	is->direction = what >> 2 & 1u;
	is->type = types[i];
	is->fwd.max_bytes = max;
	if (is->kind == MBX_KIND_QUEUE || is->kind == MBX_KIND_CALL) {
		max = is->kind == MBX_KIND_CALL ? max + 8 : max;
		is->fwd = (struct mbx_stream){ max, (max + 8 + 3) / 4 * 4 * 3 };
		is->full = what >> 3 & 1u ? MBX_BLOCK : MBX_FAIL;
	} else {
		is->slots = 2u << (what >> 3 & 3u);
	}
	if (is->kind == MBX_KIND_CALL)
		is->back = is->fwd;
	channels[i].name = names[i];
}

/* The remote's traffic, of whatever bytes. */
static void write_some(struct mbx_link *l, uint32_t i)
{
	uint32_t bytes = channels[i].is.fwd.max_bytes, n, j, more;
	struct mbx_queue_place at;
	struct mbx_slots_place slots;
	struct mbx_writer writer;
	struct mbx_tx tx;
	uint8_t buf[300];

	for (more = next_byte() % 4; more; more--) {
		n = channels[i].is.kind == MBX_KIND_STATE
			    ? bytes
			    : next_byte() % (bytes + 1);
		for (j = 0; j < n; j++)
			buf[j] = (uint8_t)next_byte();
		if (!mbx_link_slots(l, i, &slots)) {
			mbx_writer_attach(&writer, &slots);
			mbx_writer_write(&writer, next_byte(), buf, n,
					 next_byte());
		} else if (!mbx_link_queue(l, i, &at) &&
			   !mbx_tx_attach(&tx, &at)) {
			mbx_tx_send(&tx, buf, n);
		}
	}
}

static void make_region(void)
{
	uint32_t count = next_byte() % (CHANNELS + 1), i;
	struct mbx_link link;
	struct mbx_link_config config = { .base = (uintptr_t)base,
					  .bytes = BYTES,
					  .side = MBX_REMOTE,
					  .channels = channels,
					  .count = count,
					  .page_bytes = 64 };

	memset(base, 0, BYTES);
	for (i = 0; i < count; i++)
		choose_channel(i);
	if (mbx_link_init_checked(&link, &config) ||
	    mbx_link_format(&link, 0) < 0)
		return;
	if (next_byte() & 1u)
		mbx_link_attach(&link);
	for (i = 0; i < count; i++)
		write_some(&link, i);
}

/* Change words; then the superblock's check is right again, or not. */
static void break_region(void)
{
	uint32_t *words = (uint32_t *)(void *)base, good = next_byte(), i, h;

	while (left >= 4) {
		i = next_byte();
		if (i & 0x80u)
			i = (i & 0x7fu) << 8 | next_byte();
		words[i % (BYTES / 4)] = next_word();
	}
	if (!(good & 1u))
		return;
	for (h = 0x811c9dc5u, i = 4; i < 60; i++)
		h = (h ^ base[i]) * 0x01000193u;
	words[15] = h;
}

static void run_command(uint32_t which)
{
	char region[40], *argv[16] = { "mbx" };
	const char *const *c =
		commands[which % (sizeof(commands) / sizeof(commands[0]))];
	int argc = 1;

	snprintf(region, sizeof(region), "file:/proc/self/fd/%d", file);
	argv[argc++] = (char *)(uintptr_t)*c++;
	argv[argc++] = "-r";
	argv[argc++] = region;
	while (argc < 11 && *c)
		argv[argc++] = (char *)(uintptr_t)*c++;
	optind = 0; /* begin anew */
	if (setjmp(out) == 0)
		command_main(argc, argv);
	close_link();
	if (mapped)
		mbx_region_close(mapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint32_t which;

	if (file < 0) {
		file = memfd_create("region", 0);
		if (file < 0 || ftruncate(file, BYTES) ||
		    !freopen("/dev/null", "w", stdout) ||
		    !freopen("/dev/null", "r", stdin))
			abort();
		base = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			    file, 0);
	}
	input = data;
	left = bytes;
	which = next_byte();
	make_region();
	break_region();
	run_command(which);
	return 0;
}
