/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of doctor that asks Linux: what the memory is, who else has it, and
 * whether the other core runs at all. All of it is below MBX_ROOT, so that a
 * copy of a board's /proc and /sys can be diagnosed elsewhere.
 */
#include "doctor.h"

#include "internal.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ULL(x) ((unsigned long long)(x))

/* ---- reading below the root ---- */

/* The entries of a folder, sorted, "." and ".." left out; or -1. */
static int entries(const char *path, struct dirent ***list)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", mbxi_root(), path);
	return scandir(full, list, NULL, alphasort);
}

/* The first line, or string, of a file; "" if there is none. */
static const char *line_of(char *line, size_t cap, const char *path)
{
	ssize_t n = mbxi_root_read(path, line, cap - 1);

	line[n > 0 ? n : 0] = 0;
	line[strcspn(line, "\n")] = 0;
	return line;
}

/* ---- the memory ---- */

static bool overlap(const struct mbxi_span *a, const struct mbxi_span *b)
{
	return a->start < b->start + b->bytes && b->start < a->start + a->bytes;
}

static bool within(const struct mbxi_span *a, const struct mbxi_span *b)
{
	return a->start >= b->start &&
	       a->start + a->bytes <= b->start + b->bytes;
}

struct place {
	const struct mbxi_span *want;
	struct mbxi_carveout in; /* the first that overlaps */
	bool found;
};

static bool find_place(const struct mbxi_carveout *c, void *arg)
{
	struct place *p = arg;

	if (c->why || !overlap(p->want, &c->is))
		return true;
	p->in = *c;
	p->found = true;
	return false;
}

static const char *use_text(const struct mbxi_use *use)
{
	switch (use->is) {
	case MBXI_CLAIMED:
		return use->name;
	case MBXI_UNKNOWN:
		return "not to be seen by this user";
	default:
		return "nobody's";
	}
}

/*
 * Of mem: and dt: this has been checked before they were mapped. UIO hands out
 * what the device tree says, be it Linux's own memory.
 */
static void check_memory(struct doctor *d, const struct mbxi_span *want)
{
	struct place p = { .want = want };
	struct mbxi_use use;

	mbxi_each_carveout(find_place, &p);
	mbxi_find_use(want, &use);
	if (use.is == MBXI_RAM)
		doctor_wrong(
			d, "memory",
			"reserve it with no-map in the device tree's "
			"/reserved-memory (linux/overlays), and boot again",
			"0x%llx+0x%llx is System RAM: Linux uses it, too",
			ULL(want->start), ULL(want->bytes));
	else if (p.found && !p.in.no_map)
		doctor_wrong(d, "memory",
			     "add no-map to the node, and boot again",
			     "/reserved-memory/%s has no \"no-map\": Linux has "
			     "it mapped as its own, cached",
			     p.in.node);
	else if (p.found && !within(want, &p.in.is))
		doctor_wrong(d, "memory",
			     "name less, or reserve more in the device tree",
			     "0x%llx+0x%llx is not all within the carve-out "
			     "/reserved-memory/%s, 0x%llx+0x%llx",
			     ULL(want->start), ULL(want->bytes), p.in.node,
			     ULL(p.in.is.start), ULL(p.in.is.bytes));
	else
		doctor_ok(d, "memory",
			  "0x%llx+0x%llx: %s%s%s, in /proc/iomem %s",
			  ULL(want->start), ULL(want->bytes),
			  p.found ? "/reserved-memory/" : "not reserved",
			  p.found ? p.in.node : "", p.found ? ", no-map" : "",
			  use_text(&use));
}

/* ---- remoteprocs ---- */

#define REMOTEPROC "/sys/class/remoteproc/remoteproc"

#define MAX_REMOTEPROCS 16

struct remoteproc {
	unsigned int number; /* Linux's */
	char name[64], state[24], firmware[64];
};

static void read_remoteproc(struct remoteproc *p)
{
	char path[64];

	snprintf(path, sizeof(path), REMOTEPROC "%u/name", p->number);
	line_of(p->name, sizeof(p->name), path);
	snprintf(path, sizeof(path), REMOTEPROC "%u/state", p->number);
	line_of(p->state, sizeof(p->state), path);
	snprintf(path, sizeof(path), REMOTEPROC "%u/firmware", p->number);
	line_of(p->firmware, sizeof(p->firmware), path);
}

static int read_remoteprocs(struct remoteproc all[MAX_REMOTEPROCS])
{
	struct dirent **list;
	int i, n = entries("/sys/class/remoteproc", &list), count = 0;

	for (i = 0; i < n; i++) {
		if (count < MAX_REMOTEPROCS &&
		    sscanf(list[i]->d_name, "remoteproc%u",
			   &all[count].number) == 1)
			read_remoteproc(&all[count++]);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return count;
}

static bool runs(const struct remoteproc *p)
{
	/* detached: a boot loader started it, and Linux let it be */
	return strcmp(p->state, "running") == 0 ||
	       strcmp(p->state, "attached") == 0 ||
	       strcmp(p->state, "detached") == 0;
}

/* Is the node of that name one that the remoteproc's memory-region lists? */
static bool has_carveout(const struct remoteproc *p, const char *node)
{
	char path[192];
	uint32_t list[32], phandle;
	ssize_t n, i;

	snprintf(path, sizeof(path),
		 "/proc/device-tree/reserved-memory/%s/phandle", node);
	if (mbxi_root_read(path, &phandle, 4) != 4)
		return false;
	snprintf(path, sizeof(path),
		 REMOTEPROC "%u/device/of_node/memory-region", p->number);
	n = mbxi_root_read(path, list, sizeof(list)) / 4;
	for (i = 0; i < n; i++)
		if (list[i] == phandle)
			return true;
	return false;
}

static void bad_state(struct doctor *d, const struct remoteproc *p)
{
	bool crashed = strcmp(p->state, "crashed") == 0;
	char remedy[160];

	snprintf(remedy, sizeof(remedy), "%s > " REMOTEPROC "%u/state",
		 crashed ? "dmesg says why; echo stop, then start"
			 : "put its firmware into /lib/firmware; echo start",
		 p->number);
	doctor_wrong(d, "remoteproc", remedy,
		     "remoteproc%u (%s) is %s, firmware %s", p->number, p->name,
		     *p->state ? p->state : "in a state that cannot be read",
		     *p->firmware ? p->firmware : "not named");
}

/* Does it have the region among its own memory? Then it loads over it. */
static bool check_carveouts(struct doctor *d, const struct remoteproc *p,
			    const struct mbxi_span *want)
{
	struct place place = { .want = want };

	if (want->bytes)
		mbxi_each_carveout(find_place, &place);
	if (!place.found || !has_carveout(p, place.in.node))
		return true;
	doctor_wrong(d, "remoteproc",
		     "choose a no-map node of your own: linux/BOARDS.md, "
		     "\"mbx boards\"",
		     "0x%llx+0x%llx is in /reserved-memory/%s, which "
		     "remoteproc%u (%s) has for its firmware and vrings",
		     ULL(want->start), ULL(want->bytes), place.in.node,
		     p->number, p->name);
	return false;
}

/*
 * The core that is meant is known by the board's profile. Else one that runs
 * will do; a crash is worth a look in any case.
 */
static void check_remoteprocs(struct doctor *d, const struct mbxi_span *want,
			      const char *meant)
{
	struct remoteproc all[MAX_REMOTEPROCS], *p;
	int count = read_remoteprocs(all), running = 0;

	for (p = all; p < all + count; p++)
		running += runs(p);
	for (p = all; p < all + count; p++) {
		bool is_meant = meant ? strcmp(meant, p->name) == 0 : !running;

		if (!check_carveouts(d, p, want))
			continue;
		if (!runs(p) && (is_meant || strcmp(p->state, "crashed") == 0))
			bad_state(d, p);
		else
			doctor_ok(d, "remoteproc",
				  "remoteproc%u (%s): %s, firmware %s",
				  p->number, p->name, p->state, p->firmware);
	}
}

/* ---- UIO ---- */

#define DRIVER	"/sys/bus/platform/drivers/uio_pdrv_genirq"
#define DEVICES "/sys/bus/platform/devices"

/* The platform device made of a node of that name: "3ed80000.mailbox". */
static bool find_device(const char *node, char *device, size_t cap)
{
	struct dirent **list;
	int i, n = entries(DEVICES, &list);
	bool found = false;

	for (i = 0; i < n; i++) {
		const char *name = strchr(list[i]->d_name, '.');

		if (!found && name && strcmp(name + 1, node) == 0) {
			snprintf(device, cap, "%s", list[i]->d_name);
			found = true;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return found;
}

/* A device is there if its node was, and a driver took it: which is missing? */
static void explain_uio(struct doctor *d, const char *node)
{
	char device[256], path[320];

	if (!mbxi_root_has("/sys/class/uio"))
		doctor_wrong(d, "uio",
			     "modprobe uio_pdrv_genirq of_id=generic-uio; if "
			     "there is none, build the kernel with CONFIG_UIO "
			     "and CONFIG_UIO_PDRV_GENIRQ, or use mem: or dt:",
			     "this kernel has no UIO: no %s/sys/class/uio",
			     mbxi_root());
	else if (!mbxi_root_has(DRIVER))
		doctor_wrong(d, "uio",
			     "modprobe uio_pdrv_genirq of_id=generic-uio",
			     "the driver uio_pdrv_genirq is not loaded");
	else if (!find_device(node, device, sizeof(device)))
		doctor_wrong(d, "uio",
			     "apply your board's overlay (linux/overlays) at "
			     "boot; its node is called mailbox",
			     "the device tree has made no device of a node "
			     "\"%s\"",
			     node);
	else {
		snprintf(path, sizeof(path), DEVICES "/%s/driver", device);
		if (!mbxi_root_has(path))
			doctor_wrong(d, "uio",
				     "load the driver with of_id=generic-uio, "
				     "or uio_pdrv_genirq.of_id=generic-uio on "
				     "the kernel's command line; the node must "
				     "be compatible with it",
				     "%s has no driver: its compatible is not "
				     "what uio_pdrv_genirq was told to take",
				     device);
	}
}

/* ---- entry points ---- */

void doctor_check_root(void)
{
	if (!*mbxi_root())
		return;
	if (!mbxi_root_has("/"))
		fail(USAGE, "MBX_ROOT=%s: %s", mbxi_root(), strerror(errno));
	if (!mbxi_root_has("/proc") && !mbxi_root_has("/sys") &&
	    !mbxi_root_has("/dev"))
		fail(USAGE,
		     "MBX_ROOT=%s: there is no proc, sys or dev in it; name "
		     "the folder that they were copied to",
		     mbxi_root());
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

bool doctor_is_hardware(const char *name)
{
	return begins(name, "mem:") || begins(name, "dt:") ||
	       begins(name, "uio:") || begins(name, "board:");
}

void doctor_hardware(struct doctor *d, const char *name,
		     const struct mbx_region *r)
{
	const struct mbx_board *board = begins(name, "board:")
						? mbx_board_find(name + 6)
						: NULL;
	struct mbxi_span want = { 0 };

	if (r)
		want = (struct mbxi_span){ r->address, r->bytes };
	else if (board)
		want = (struct mbxi_span){ board->address, board->bytes };
	else if (begins(name, "mem:") && !mbxi_parse_span(name + 4, &want))
		want = (struct mbxi_span){ 0 };
	if (r)
		check_memory(d, &want);
	check_remoteprocs(d, &want, board ? board->remoteproc : NULL);
}

void doctor_no_region(struct doctor *d, const char *name, int err)
{
	char node[64];

	/* "uio0" and "/dev/uio0" are no names of nodes */
	if (err == MBX_ENOENT && begins(name, "uio:") &&
	    !begins(name, "uio:/") && !begins(name, "uio:uio")) {
		snprintf(node, sizeof(node), "%.*s",
			 (int)strcspn(name + 4, "/"), name + 4);
		explain_uio(d, node);
	}
}

/* ---- what this machine has ---- */

struct survey {
	struct doctor *d;
	int no_map; /* carve-outs that mbx could use */
};

/* The boards that are compatible with the string: how many, the last in *one. */
static int survey_profiles(struct doctor *d, const char *compatible,
			   const struct mbx_board **one)
{
	const struct mbx_board *b;
	unsigned int i;
	int count = 0;

	for (i = 0; (b = mbx_board_at(i)); i++) {
		if (strcmp(b->compatible, compatible) != 0)
			continue;
		doctor_ok(d, "board",
			  "%s: try board:%s (see \"mbx boards %s\"; %s)",
			  b->core, b->name, b->name, b->tried);
		*one = b;
		count++;
	}
	return count;
}

/*
 * A tree's root is compatible with a list, the most specific first: what there
 * are profiles of at that is meant. Returns one of them, or NULL.
 */
static const struct mbx_board *survey_board(struct doctor *d)
{
	const struct mbx_board *one = NULL;
	char list[512], model[128];
	ssize_t n = mbxi_root_read("/proc/device-tree/compatible", list,
				   sizeof(list) - 1);
	ssize_t i;

	line_of(model, sizeof(model), "/proc/device-tree/model");
	list[n > 0 ? n : 0] = 0;
	doctor_ok(d, "board", "%s", *model ? model : "without a model");
	for (i = 0; i < n; i += (ssize_t)strlen(list + i) + 1)
		if (survey_profiles(d, list + i, &one))
			return one;
	doctor_todo(d, "board", "firmware/PORTING.md",
		    "none that mbx knows%s%s",
		    *list ? ", compatible with " : "", list);
	return NULL;
}

static bool survey_carveout(const struct mbxi_carveout *c, void *arg)
{
	struct survey *s = arg;

	if (c->why)
		doctor_ok(s->d, "reserved", "dt:%s: %s", c->node, c->why);
	else
		doctor_ok(s->d, "reserved", "dt:%s, 0x%llx+0x%llx%s", c->node,
			  ULL(c->is.start), ULL(c->is.bytes),
			  c->no_map ? ", no-map"
				    : ", without no-map: not for mbx");
	s->no_map += c->no_map && !c->why;
	return true;
}

/* The usual first fault: nobody has applied the overlay. */
static void survey_reserved(struct doctor *d, const struct mbx_board *board)
{
	struct survey s = { .d = d };
	char remedy[160];

	mbxi_each_carveout(survey_carveout, &s);
	if (s.no_map)
		return;
	snprintf(remedy, sizeof(remedy),
		 board ? "apply the overlay %s.dtso (\"mbx boards %s\")"
		       : "add a node with no-map to /reserved-memory, or take "
			 "memory that Linux does not have",
		 board ? board->name : "", board ? board->name : "");
	doctor_todo(
		d, "reserved", remedy,
		"none with no-map: there is nothing that Linux leaves alone");
}

static void survey_uio(struct doctor *d)
{
	struct mbxi_uio_map m;
	struct mbxi_uio u;
	char number[8];
	int i, count = 0;

	for (i = 0; i < 64; i++) {
		snprintf(number, sizeof(number), "%d", i);
		if (mbxi_uio_find("", number, &u))
			continue;
		count++;
		if (mbxi_uio_map("", &u, "0", &m))
			doctor_ok(d, "uio", "uio%u \"%s\", no memory", u.number,
				  u.name);
		else
			doctor_ok(d, "uio",
				  "uio:%s (uio%u), 0x%llx+0x%llx, %lld "
				  "interrupts",
				  u.name, u.number, ULL(m.address),
				  ULL(m.bytes), (long long)mbxi_uio_events(&u));
	}
	if (!count)
		doctor_todo(
			d, "uio",
			"the overlay's node \"mailbox\", and modprobe "
			"uio_pdrv_genirq of_id=generic-uio; or as root mem: "
			"or dt:, which need neither, and poll",
			"none: no device to have a region and a doorbell "
			"of");
}

static const char *kernel_has(const char *option)
{
	int is = mbxi_kernel_option(option);

	return is < 0 ? "cannot be told" : is ? "yes" : "no";
}

void doctor_survey(struct doctor *d)
{
	static const struct mbxi_span none;
	bool tree = mbxi_root_has("/proc/device-tree");
	const struct mbx_board *board = tree ? survey_board(d) : NULL;

	if (!tree)
		doctor_ok(d, "board",
			  "none: this machine has no device tree; \"mbx sim\" "
			  "emulates a board");
	doctor_ok(d, "kernel", "STRICT_DEVMEM: %s, IO_STRICT_DEVMEM: %s",
		  kernel_has("CONFIG_STRICT_DEVMEM"),
		  kernel_has("CONFIG_IO_STRICT_DEVMEM"));
	doctor_ok(d, "user", "%u; mem: and dt: take root and /dev/mem (%s)",
		  geteuid(), mbxi_root_has("/dev/mem") ? "there" : "missing");
	if (tree) {
		survey_reserved(d, board);
		survey_uio(d);
	}
	check_remoteprocs(d, &none, "");
}
