/* SPDX-License-Identifier: BSD-2-Clause */
/* info, stat, ls: what a region says of itself. Everything here only reads. */
#include "cmd.h"

#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *kind_name(unsigned int kind)
{
	static const char *const names[] = { "?", "queue", "state", "log",
					     "call" };

	return kind < 5 ? names[kind] : "?";
}

const char *direction_name(unsigned int direction)
{
	return direction == MBX_H2R   ? "h2r"
	       : direction == MBX_R2H ? "r2h"
				      : "?";
}

const char *state_name(uint32_t state)
{
	static const char *const names[] = { "down", "attaching", "up",
					     "incompatible" };

	return state < 4 ? names[state] : "?";
}

static const char *full_name(unsigned int full)
{
	static const char *const names[] = { "fail", "drop", "block",
					     "overwrite" };

	return full < 4 ? names[full] : "?";
}

static void set_hex(json_t *o, const char *key, uint32_t v)
{
	char s[16];

	snprintf(s, sizeof(s), "0x%08x", v);
	set_text(o, key, s);
}

/* A channel's name is as untrusted as the rest. */
static void set_name(json_t *o, const char *name)
{
	char *s = printable(name, strlen(name));

	set_text(o, "name", s);
	free(s);
}

static bool alive(uint32_t pid)
{
	return kill((pid_t)pid, 0) == 0 || errno == EPERM;
}

static void set_code(json_t *o, uint32_t v)
{
	char s[32];

	snprintf(s, sizeof(s), "%u.%u.%u", v >> 24, v >> 16 & 0xff, v & 0xffff);
	set_text(o, "code", s);
}

static uint32_t side_word(uintptr_t base, uint32_t off, size_t field)
{
	return mbx_ld((const struct mbx_word *)(base + off + field));
}

#define WORD(field) side_word(base, off, offsetof(struct mbx_side_block, field))

json_t *side_json(uintptr_t base, uint32_t off)
{
	static const char *const wakeups[] = { "poll", "doorbell", "futex" };
	json_t *o = json_object();
	uint32_t state = WORD(state), owner = WORD(owner), wake = WORD(wakeup);

	set_text(o, "state", state_name(state));
	set_num(o, "state_word", state);
	set_num(o, "session", WORD(session));
	set_num(o, "acknowledged", WORD(ack));
	set_num(o, "heartbeat", WORD(beat));
	set_num(o, "time_us", WORD(time_us));
	set_num(o, "instance", WORD(instance));
	set_hex(o, "layout_hash", WORD(layout_hash));
	set_code(o, WORD(code_version));
	set_hex(o, "boot_reason", WORD(boot_reason));
	set_text(o, "wakeup", wake < 3 ? wakeups[wake] : "?");
	set_num(o, "pid", owner);
	if (owner && owner <= INT32_MAX &&
	    (state == MBX_SIDE_UP || state == MBX_SIDE_ATTACHING))
		json_object_set_new(o, "alive", json_boolean(alive(owner)));
	return o;
}

json_t *channel_json(const struct mbx_channel *c)
{
	bool slots = c->is.slots != 0, call = c->is.kind == MBX_KIND_CALL;
	uint32_t head = call ? sizeof(struct mbx_call_head) : 0;
	json_t *o = json_object();

	set_name(o, c->name);
	set_text(o, "kind", kind_name(c->is.kind));
	set_text(o, "direction", direction_name(c->is.direction));
	if (c->is.kind == MBX_KIND_QUEUE)
		set_text(o, "full", full_name(c->is.full));
	set_num(o, "max_bytes", c->is.fwd.max_bytes - head);
	set_num(o, slots ? "slot_bytes" : "ring_bytes", c->is.fwd.bytes);
	if (slots)
		set_num(o, "slots", c->is.slots);
	if (call) {
		set_num(o, "reply_max_bytes", c->is.back.max_bytes - head);
		set_num(o, "reply_ring_bytes", c->is.back.bytes);
	}
	set_text(o, "type", c->is.type);
	return o;
}

/* ---- info ---- */

uint32_t formatted_bytes(const struct mbx *m)
{
	return side_word(mbx_get_link(m)->is.base, 0,
			 offsetof(struct mbx_super, region_bytes));
}

static json_t *region_json(const struct args *a, const struct mbx *m)
{
	const struct mbx_region *r = mbx_get_region(m);
	const struct mbx_link *l = mbx_get_link(m);
	long long interrupts = mbx_doorbell_count(m);
	json_t *o = json_object();

	set_text(o, "region", region_name(a));
	set_text(o, "mapping", r->kind);
	set_text(o, "memory",
		 r->memory == MBX_MEMORY_NORMAL ? "normal" : "device");
	if (r->address || r->memory == MBX_MEMORY_DEVICE)
		set_num(o, "address", (long long)r->address);
	if (interrupts >= 0)
		set_num(o, "interrupts", interrupts);
	set_num(o, "bytes", formatted_bytes(m));
	set_num(o, "mapped_bytes", (long long)r->bytes);
	set_num(o, "used_bytes", l->end_off);
	set_num(o, "instance", l->instance);
	set_hex(o, "layout_hash", l->layout_hash);
	set_num(o, "line_bytes", l->line);
	set_num(o, "section_bytes", l->align);
	set_text(o, "formatter",
		 side_word(l->is.base, 0,
			   offsetof(struct mbx_super, formatter)) == MBX_HOST
			 ? "host"
			 : "remote");
	return o;
}

static bool lives(const json_t *side)
{
	return get_num(side, "state_word") == MBX_SIDE_UP ||
	       get_num(side, "state_word") == MBX_SIDE_ATTACHING;
}

void watch_hearts(const struct mbx *m, json_t *side[2], int ms)
{
	const struct mbx_link *l = mbx_get_link(m);
	int64_t start = now_us(), until = start + ms * 1000ll;
	bool moved[2] = { !lives(side[0]), !lives(side[1]) };
	int i;

	while (!(moved[0] && moved[1]) && slice(until)) {
		nap_ms(5);
		for (i = 0; i < 2; i++) {
			uint32_t beat = side_word(
				l->is.base, l->section[i],
				offsetof(struct mbx_side_block, beat));

			if (moved[i] || beat == get_num(side[i], "heartbeat"))
				continue;
			moved[i] = true;
			set_num(side[i], "moved_within_ms",
				(now_us() - start) / 1000);
		}
	}
	for (i = 0; i < 2; i++)
		if (!moved[i] && ms)
			set_num(side[i], "silent_for_ms",
				(now_us() - start) / 1000);
}

json_t *sides_json(const struct mbx *m, json_t *side[2])
{
	const struct mbx_link *l = mbx_get_link(m);
	json_t *o = json_object();
	int i;

	for (i = 0; i < 2; i++) {
		side[i] = side_json(l->is.base, l->section[i]);
		json_object_set_new(o, i ? "remote" : "host", side[i]);
	}
	return o;
}

static json_t *channels_json(const struct mbx *m)
{
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < mbx_channel_count(m); i++)
		json_array_append_new(list, channel_json(mbx_channel_at(m, i)));
	return list;
}

static void print_side(const char *name, const json_t *o, const char *hash)
{
	long long session = get_num(o, "session");

	if (!session && !get_num(o, "state_word")) {
		printf("%-8s never there\n", name);
		return;
	}
	printf("%-8s %s%s, session %lld, heartbeat %lld", name,
	       get_text(o, "state"),
	       get_num(o, "state_word") == MBX_SIDE_ATTACHING
		       ? " (waits for the other)"
		       : "",
	       session, get_num(o, "heartbeat"));
	if (json_object_get(o, "moved_within_ms"))
		fputs(" (beating)", stdout);
	if (json_object_get(o, "silent_for_ms"))
		printf(" (silent for %lld ms)", get_num(o, "silent_for_ms"));
	if (get_num(o, "pid") && lives(o))
		printf(", pid %lld", get_num(o, "pid"));
	if (json_is_false(json_object_get(o, "alive")))
		fputs(" (gone)", stdout);
	printf(", mbx %s, boot reason %s, wakes by %s", get_text(o, "code"),
	       get_text(o, "boot_reason"), get_text(o, "wakeup"));
	if (strcmp(get_text(o, "layout_hash"), hash) != 0)
		printf(", built with layout %s, not this one",
		       get_text(o, "layout_hash"));
	putchar('\n');
}

static void print_channel(const json_t *o)
{
	char size[64], *type;

	if (json_object_get(o, "slots"))
		snprintf(size, sizeof(size), "%lld B x %lld slots",
			 get_num(o, "max_bytes"), get_num(o, "slots"));
	else if (json_object_get(o, "reply_max_bytes"))
		snprintf(size, sizeof(size), "%lld -> %lld B, rings %lld, %lld",
			 get_num(o, "max_bytes"), get_num(o, "reply_max_bytes"),
			 get_num(o, "ring_bytes"),
			 get_num(o, "reply_ring_bytes"));
	else
		snprintf(size, sizeof(size), "%lld B, ring %lld, %s",
			 get_num(o, "max_bytes"), get_num(o, "ring_bytes"),
			 get_text(o, "full"));
	printf("  %-15s %-5s %s  ", get_text(o, "name"), get_text(o, "kind"),
	       get_text(o, "direction"));
	type = printable(get_text(o, "type"), strlen(get_text(o, "type")));
	if (*type)
		printf("%-30s \"%s\"\n", size, type);
	else
		puts(size);
	free(type);
}

/* How it is mapped: that of a board's memory is what one gets wrong. */
static void print_memory(const json_t *o)
{
	bool device = strcmp(get_text(o, "memory"), "device") == 0;

	printf("memory   %s mapping, %s memory", get_text(o, "mapping"),
	       device ? "Device" : "Normal");
	if (json_object_get(o, "address"))
		printf(", %s 0x%llx", device ? "at" : "from offset",
		       get_num(o, "address"));
	if (json_object_get(o, "interrupts"))
		printf("; %lld interrupts so far", get_num(o, "interrupts"));
	putchar('\n');
}

static void print_info(const json_t *o)
{
	const json_t *sides = json_object_get(o, "sides"), *c;
	size_t i;

	printf("region   %s, %lld bytes (%lld used)\n", get_text(o, "region"),
	       get_num(o, "bytes"), get_num(o, "used_bytes"));
	print_memory(o);
	printf("layout   %s, instance %lld, formatted by the %s; lines of %lld, "
	       "sections of %lld bytes\n",
	       get_text(o, "layout_hash"), get_num(o, "instance"),
	       get_text(o, "formatter"), get_num(o, "line_bytes"),
	       get_num(o, "section_bytes"));
	print_side("host", json_object_get(sides, "host"),
		   get_text(o, "layout_hash"));
	print_side("remote", json_object_get(sides, "remote"),
		   get_text(o, "layout_hash"));
	puts("channels");
	json_array_foreach(json_object_get(o, "channels"), i, c)
		print_channel(c);
}

static int run_info(struct args *a)
{
	int ms = (int)opt_number(a, 't', 2500, 0, 60000);
	struct mbx *m = open_link(a, true, 0);
	json_t *o = region_json(a, m), *side[2];

	json_object_set_new(o, "sides", sides_json(m, side));
	json_object_set_new(o, "channels", channels_json(m));
	watch_hearts(m, side, ms);
	if (a->value['j']) {
		print_json(o, false);
	} else {
		print_info(o);
		json_decref(o);
	}
	return OK;
}

/* ---- stat ---- */

static json_t *stream_json(const struct mbx *m, uint32_t index, int back)
{
	const struct mbx_channel *c = mbx_channel_at(m, index);
	struct mbx_stream_stats s;
	json_t *o = json_object();

	mbx_stream_stats(m, index, back, &s);
	set_name(o, c->name);
	set_text(o, "kind", kind_name(c->is.kind));
	set_text(o, "direction",
		 direction_name(back ? !c->is.direction : c->is.direction));
	if (c->is.kind == MBX_KIND_CALL)
		set_text(o, "part", back ? "replies" : "requests");
	if (c->is.slots) {
		set_num(o, "written", s.written);
	} else {
		set_num(o, "used_bytes", s.used_bytes);
		set_num(o, "ring_bytes", s.ring_bytes);
		set_num(o, "waiting", s.messages);
		set_num(o, "full", s.full);
		set_num(o, "impossible", s.impossible);
		json_object_set_new(o, "wants_room",
				    json_boolean(s.wants_room));
		json_object_set_new(o, "asleep", json_boolean(s.waits));
		json_object_set_new(o, "corrupt", json_boolean(s.corrupt));
	}
	set_num(o, "writer_pid", s.writer_pid);
	set_num(o, "reader_pid", s.reader_pid);
	return o;
}

static json_t *stat_json(const struct args *a, const struct mbx *m)
{
	json_t *o = json_object(), *list = json_array(), *side[2];
	uint32_t i;

	set_text(o, "region", region_name(a));
	json_object_set_new(o, "sides", sides_json(m, side));
	for (i = 0; i < mbx_channel_count(m); i++) {
		json_array_append_new(list, stream_json(m, i, 0));
		if (mbx_channel_at(m, i)->is.kind == MBX_KIND_CALL)
			json_array_append_new(list, stream_json(m, i, 1));
	}
	json_object_set_new(o, "channels", list);
	return o;
}

static void pid_text(char *s, size_t n, long long pid)
{
	if (pid)
		snprintf(s, n, "%lld", pid);
	else
		snprintf(s, n, "-");
}

static void print_stream(const json_t *o)
{
	char name[64], used[40], writer[24], reader[24];
	const char *part = get_text(o, "part");

	snprintf(name, sizeof(name), "%s%s", get_text(o, "name"),
		 *part ? part[2] == 'q' ? " >" : " <" : "");
	pid_text(writer, sizeof(writer), get_num(o, "writer_pid"));
	pid_text(reader, sizeof(reader), get_num(o, "reader_pid"));
	if (json_object_get(o, "written")) {
		printf("%-17s %-5s %s %13s %7s %6s %6s %10lld %7s %7s\n", name,
		       get_text(o, "kind"), get_text(o, "direction"), "-", "-",
		       "-", "-", get_num(o, "written"), writer, "-");
		return;
	}
	snprintf(used, sizeof(used), "%lld/%lld", get_num(o, "used_bytes"),
		 get_num(o, "ring_bytes"));
	printf("%-17s %-5s %s %13s %7lld %6lld %6lld %10s %7s %7s%s%s%s\n",
	       name, get_text(o, "kind"), get_text(o, "direction"), used,
	       get_num(o, "waiting"), get_num(o, "full"),
	       get_num(o, "impossible"), "-", writer, reader,
	       json_is_true(json_object_get(o, "asleep")) ? " asleep" : "",
	       json_is_true(json_object_get(o, "wants_room")) ? " wants-room"
							      : "",
	       json_is_true(json_object_get(o, "corrupt")) ? " CORRUPT" : "");
}

static void print_stat(const json_t *o)
{
	const json_t *side, *c;
	const char *name;
	size_t i;

	json_object_foreach((json_t *)json_object_get(o, "sides"), name, side)
		printf("%-6s %s, session %lld, heartbeat %lld\n", name,
		       get_text(side, "state"), get_num(side, "session"),
		       get_num(side, "heartbeat"));
	printf("%-17s %-5s %s %13s %7s %6s %6s %10s %7s %7s\n", "CHANNEL",
	       "KIND", "DIR", "USED/RING", "WAITING", "FULL", "IMPOSS",
	       "WRITTEN", "WRITER", "READER");
	json_array_foreach(json_object_get(o, "channels"), i, c)
		print_stream(c);
}

static void print_stat_once(const struct args *a, const struct mbx *m)
{
	json_t *o = stat_json(a, m);

	if (a->value['j']) {
		print_json(o, a->value['w'] != NULL);
		return;
	}
	print_stat(o);
	json_decref(o);
	flush();
}

static int run_stat(struct args *a)
{
	struct mbx *m = open_link(a, true, 0);
	bool screen = isatty(STDOUT_FILENO) && !a->value['j'];

	if (!a->value['w']) {
		print_stat_once(a, m);
		return OK;
	}
	while (!stopped()) {
		int err = mbx_poll(m);

		if (err == MBX_ESTALE) {
			reopen_link(a);
			continue;
		}
		if (err < 0)
			fail_mbx(err);
		if (screen)
			fputs("\033[H\033[2J", stdout);
		print_stat_once(a, m);
		nap_ms(1000);
	}
	return OK;
}

/* ---- ls ---- */

/* Open /dev/shm/@file, or of a board's RAM the slice, if that is a region. */
static bool open_listed(struct mbx_region *r, const char *file,
			char slice[MBXI_SLICE])
{
	char path[400];
	bool is;

	*slice = 0;
	snprintf(path, sizeof(path), "file:/dev/shm/%s", file);
	if (mbx_region_open(r, path, MBX_REGION_READ, 0) < 0)
		return false;
	if (mbx_ld(r->base) == MBX_MAGIC)
		return true;
	is = *mbxi_held_slice(r, slice);
	mbx_region_close(r);
	strcat(path, slice);
	return is && mbx_region_open(r, path, MBX_REGION_READ, 0) == 0;
}

/* What there is to say of that file; NULL: it is none of ours. */
static json_t *list_one(const char *file)
{
	struct mbx_options observe = { .observe = 1 };
	char name[400], slice[MBXI_SLICE];
	struct mbx_region r;
	struct mbx *m;
	json_t *o, *side[2];
	int err;

	if (!open_listed(&r, file, slice))
		return NULL;
	o = json_object();
	snprintf(name, sizeof(name), "shm:/%s%s", file, slice);
	set_text(o, "region", name);
	set_num(o, "mapped_bytes", (long long)r.bytes);
	err = mbx_open_at(&m, &r, &observe);
	if (err < 0) {
		set_num(o, "bytes", (long long)r.bytes);
		set_text(o, "damaged", mbx_errmsg());
	} else {
		set_num(o, "bytes", formatted_bytes(m));
		set_num(o, "channels", mbx_channel_count(m));
		json_object_set_new(o, "sides", sides_json(m, side));
		mbx_close(m);
	}
	mbx_region_close(&r);
	return o;
}

json_t *list_regions_json(void)
{
	struct dirent **names;
	int i, n = scandir("/dev/shm", &names, NULL, alphasort);
	json_t *list, *o;

	if (n < 0)
		return NULL;
	list = json_array();
	for (i = 0; i < n; i++) {
		o = names[i]->d_type == DT_REG || names[i]->d_type == DT_UNKNOWN
			    ? list_one(names[i]->d_name)
			    : NULL;
		if (o)
			json_array_append_new(list, o);
		free(names[i]);
	}
	free(names);
	return list;
}

static void side_text(char *s, size_t n, const json_t *side)
{
	long long pid = get_num(side, "pid");

	if (!pid || !lives(side))
		snprintf(s, n, "%s", get_text(side, "state"));
	else
		snprintf(s, n, "%s (%lld%s)", get_text(side, "state"), pid,
			 json_is_false(json_object_get(side, "alive"))
				 ? ", gone"
				 : "");
}

static int run_ls(struct args *a)
{
	json_t *list = list_regions_json(), *o;
	char host[48], remote[48];
	size_t i;

	if (!list)
		fail(FAILED, "/dev/shm: %s", strerror(errno));
	if (a->value['j']) {
		print_json(list, false);
		return OK;
	}
	json_array_foreach(list, i, o)
	{
		const json_t *sides = json_object_get(o, "sides");
		const char *region = get_text(o, "region");
		char *name = printable(region, strlen(region));

		if (i == 0)
			printf("%-24s %10s %10s %8s %-20s %s\n", "REGION",
			       "BYTES", "MAPPED", "CHANNELS", "HOST", "REMOTE");
		printf("%-24s %10lld %10lld ", name, get_num(o, "bytes"),
		       get_num(o, "mapped_bytes"));
		free(name);
		if (!sides) {
			printf("damaged: %s\n", get_text(o, "damaged"));
			continue;
		}
		side_text(host, sizeof(host), json_object_get(sides, "host"));
		side_text(remote, sizeof(remote),
			  json_object_get(sides, "remote"));
		printf("%8lld %-20s %s\n", get_num(o, "channels"), host,
		       remote);
	}
	json_decref(list);
	return OK;
}

static const struct opt info_opts[] = {
	OPT_REGION, OPT_TIMEOUT("watch the heartbeats for at most MS (2500)"),
	OPT_JSON, OPT_END
};
static const struct opt stat_opts[] = {
	OPT_REGION,
	{ 'w', "watch", NULL, "again each second, until interrupted" },
	OPT_JSON,
	OPT_END
};
static const struct opt dump_opts[] = {
	OPT_REGION,
	{ 'a', "all", NULL, "long messages whole, not their first 64 bytes" },
	OPT_JSON,
	OPT_END
};
static const struct opt ls_opts[] = { OPT_JSON, OPT_END };

const struct command look_commands[] = {
	{ "ls", "", "list the regions in shared memory", NULL, ls_opts, 0, 0,
	  false, run_ls },
	{ "info", "", "what a region is: its sides and its channels", NULL,
	  info_opts, 0, 0, false, run_info },
	{ "stat", "", "what goes on in it: fill levels, counters, owners",
	  "FULL counts sends that found no room (\"mbx send\": once in 100 ms of "
	  "waiting),\nIMPOSS words that no honest peer writes.\nWRITER and READER are processes; - is none, or "
	  "firmware.\n",
	  stat_opts, 0, 0, false, run_stat },
	{ "dump", "", "everything in it, decoded; damaged or saved ones too",
	  "To save a region: cp /dev/shm/NAME COPY; mbx dump -r file:COPY\n"
	  "Exit status 1: something in it is damaged.\n",
	  dump_opts, 0, 0, false, run_dump },
	{ 0 }
};
