/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the command share. */
#ifndef MBX_CMD_H
#define MBX_CMD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* include this file first */
#endif

#include <mbx/mbx.h>

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

/* ---- main.c: arguments, errors, signals ---- */

enum status {
	OK = 0,
	FAILED = 1,    /* the operation failed */
	USAGE = 2,     /* no such option, channel, kind or direction */
	NO_PEER = 3,   /* nobody there, or the time was up */
	NO_REGION = 4, /* missing, not a region, damaged, not allowed */
};

/* An option has a letter and a name; @arg NULL: it takes no argument. */
struct opt {
	char code;
	const char *name, *arg, *help;
};

#define OPT_REGION                                                             \
	{                                                                      \
		'r', "region", "NAME", "the region (default: $MBX_REGION)"     \
	}
#define OPT_TIMEOUT(what)                                                      \
	{                                                                      \
		't', "timeout", "MS", what                                     \
	}
#define OPT_SIDE                                                               \
	{                                                                      \
		'S', "side", "SIDE", "be the \"host\" (default) or \"remote\"" \
	}
#define OPT_JSON                                                               \
	{                                                                      \
		'j', "json", NULL, "print JSON"                                \
	}
#define OPT_END                                                                \
	{                                                                      \
		0, NULL, NULL, NULL                                            \
	}

struct args {
	const char *value[128]; /* by the option's letter; NULL: not given */
	const char *name[128];	/* what it was given by; NULL: its letter */
	int argc;		/* operands */
	char **argv;
};

struct command {
	const char *name, *operands, *summary;
	const char *details; /* the rest of --help; NULL: nothing */
	const struct opt *opts;
	int min, max; /* operands; -1: any number */
	bool rest;    /* what follows the first operand isn't ours */
	int (*run)(struct args *a);
};

extern const struct command region_commands[], look_commands[],
	traffic_commands[], cksum_command[], sim_command[], boards_command[],
	doctor_command[];

/* Say "mbx: ..." on stderr in one line; exit, the link closed. */
_Noreturn void fail(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* fail() with mbx_errmsg(). */
_Noreturn void fail_mbx(int err);

/* An option as it was given, "--for" or "-s"; until the next call. */
const char *option(const struct args *a, char code);

/* The number given as an option, or @none; outside lo..hi is an error. */
long long opt_number(const struct args *a, char code, long long none,
		     long long lo, long long hi);
/* "64K" and the like; 0: not given. */
size_t opt_size(const struct args *a, char code);
enum mbx_side opt_side(const struct args *a);

/* A signal asked to end: SIGINT, SIGTERM, SIGHUP, SIGPIPE. */
bool stopped(void);

/*
 * Waits end at a moment or never (FOREVER), and go on in slices so that a
 * signal gets through: slice() is how long to wait now, 0 when it is over.
 */
#define FOREVER INT64_MAX
int64_t now_us(void);
int64_t until_ms(long long timeout_ms);
int slice(int64_t until);
void nap_ms(int ms);

/* Fails if it is the name of memory that no other program can reach. */
void not_anonymous(const char *name);

/* Which region is meant; fails if none is. */
const char *region_name(const struct args *a);

/* Open it as the side given, or as an observer; closed by whatever exit. */
struct mbx *open_link(const struct args *a, bool observe, long long timeout_ms);
/* It was formatted again: attach anew; fails if that can't be. */
void reopen_link(const struct args *a);
void close_link(void);

const struct mbx_channel *find_channel(const struct mbx *m, const char *name);

/* ---- privileges.c ---- */

/*
 * Once physical memory is mapped, root is given up for good: for whoever called
 * sudo, else for nobody; and by another user the capabilities that he has. For
 * another region nothing changes.
 */
void drop_privileges(const struct mbx_region *r);

/* Why root can't read a file, for behind strerror(@e); "" if it is not that. */
const char *denied(int e);

/* ---- decode.c: type texts ---- */

#define MAX_FIELDS 64

struct field {
	char name[32];
	char base;	/* u i x f c(har) */
	uint32_t size;	/* bytes of one element */
	uint32_t count; /* of elements; 0: as many as there are */
	bool array;
};

struct type {
	struct field field[MAX_FIELDS];
	unsigned int count; /* 0: bytes */
	uint32_t fixed;	    /* bytes of all fields but an open last one */
	bool open;
};

/* Which part of "request -> reply" is meant. */
enum part { WHOLE, REQUEST, REPLY };

/*
 * Parse a type text that anybody may have written. Returns NULL, or what is
 * wrong with it (then *t is bytes).
 */
const char *type_parse(struct type *t, const char *text, enum part part);

/*
 * Values given as NAME=VALUE or by position to bytes; the length, at most
 * @cap. Fails with USAGE.
 */
uint32_t type_encode(const struct type *t, const char *text, int argc,
		     char **argv, uint8_t *buf, uint32_t cap);

/* "0a ff:00" to bytes; fails with USAGE. */
uint32_t parse_hex(const char *s, uint8_t *buf, uint32_t cap);

/* The @n <= 8 bytes of a number as a region has it: the lowest first. */
uint64_t little(const uint8_t *p, uint32_t n);

/* { "bytes", "text" (for people), "hex", "fields" } */
json_t *message_json(const struct type *t, const uint8_t *buf, uint32_t bytes);

/* ---- out.c: JSON, and text from the same tree ---- */

void set_num(json_t *o, const char *key, long long v);
void set_text(json_t *o, const char *key, const char *text);
/* Text from a region, which may be anything: what is no UTF-8 is escaped. */
json_t *json_untrusted(const void *text, size_t n);
/* The same, made fit for one line of a terminal; malloc'ed. */
char *printable(const void *text, size_t n);
char *hex_of(const void *data, size_t n);

long long get_num(const json_t *o, const char *key);
const char *get_text(const json_t *o, const char *key);

/* Print and let go; @line: on one line. */
void print_json(json_t *o, bool line);
/* Push it out; a broken pipe ends like a signal, a full disk with an error. */
void flush(void);

/* ---- look.c ---- */

const char *kind_name(unsigned int kind);
const char *direction_name(unsigned int direction);
const char *state_name(uint32_t state);
/* A side block's words, named. @off: of the block in @base. */
json_t *side_json(uintptr_t base, uint32_t off);
/* Both sides, "host" and "remote"; @side is borrowed from the result. */
json_t *sides_json(const struct mbx *m, json_t *side[2]);
/*
 * A heartbeat is a number that moves; how long ago it last did can only be told
 * by watching it, for at most @ms. Sets "moved_within_ms" or "silent_for_ms" of
 * those that should move, and ends as soon as all have moved.
 */
void watch_hearts(const struct mbx *m, json_t *side[2], int ms);
/* How large it was made, which may be less than what is mapped. */
uint32_t formatted_bytes(const struct mbx *m);
json_t *channel_json(const struct mbx_channel *c);
/* The regions in /dev/shm; NULL and errno: it cannot be read. */
json_t *list_regions_json(void);

/* ---- dump.c ---- */

int run_dump(struct args *a);

/* ---- traffic.c ---- */

/* mbx_send() and mbx_recv() that wait for the peer and in slices. */
int send_wait(struct mbx_end *end, const void *msg, uint32_t bytes,
	      int64_t until);
int recv_wait(struct mbx *m, struct mbx_end *end, void *buf, uint32_t cap,
	      int64_t until);

/* What ended a wait is an error, unless it was a signal. */
void unless_stopped(int err, const char *what, const struct mbx *m,
		    long long timeout_ms);

enum use { SEND, RECV, WRITE, READ, CALL };

/* This side's end of a channel for that use, or fail and say what fits. */
struct mbx_end *open_end(struct mbx *m, const struct args *a, const char *name,
			 enum use use);
void *buffer(size_t bytes);
char *copy_text(const char *s); /* freed by the caller */

int run_ping(struct args *a);

/* ---- qmp.c: QEMU's control socket ---- */

/* NULL with errno: ENOENT or ECONNREFUSED while QEMU is not that far yet. */
FILE *qmp_open(const char *path);
/* Run one command, JSON as QEMU reads it: NULL, or what it said against it. */
const char *qmp_run(FILE *qmp, const char *command);

#endif
