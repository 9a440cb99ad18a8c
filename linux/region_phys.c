/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions in physical memory, by address or by a node of the device tree. Of
 * /dev/mem a wrong address is as good as any other, so what lies there is looked
 * up in all that Linux says of it before anything is mapped.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ULL(x) ((unsigned long long)(x))

/* ---- who owns it ---- */

#define LOCKS "/run/mbx.lock"

static int open_locks(const char *name)
{
	char run[PATH_MAX];
	int fd;

	/* an initial RAM disk may not have it */
	if (snprintf(run, sizeof(run), "%s/run", mbxi_root()) <
	    (int)sizeof(run))
		mkdir(run, 0755);
	fd = mbxi_root_open(LOCKS, O_RDWR | O_CREAT | O_NOFOLLOW);
	if (fd >= 0)
		return fd;
	return mbxi_fail(mbxi_errno(errno),
			 "%s: %s%s, where owners of physical memory are "
			 "noted: %s",
			 name, mbxi_root(), LOCKS, strerror(errno));
}

static int own(struct mbx_region *r, const char *name)
{
	int uio, err;

	if (r->flags & MBX_REGION_READ)
		return 0;
	uio = mbxi_uio_at(r->address);
	/* of a device: whoever may map it may lock it, then, and nobody else */
	if (uio >= 0)
		r->fd = mbxi_uio_open(
			name, &(struct mbxi_uio){ .number = (unsigned int)uio },
			O_RDWR);
	else
		r->fd = open_locks(name);
	if (r->fd >= 0)
		return 0;
	err = r->fd;
	r->fd = -1;
	return err;
}

/* ---- does it answer ---- */

int mbxi_check_length(const char *name, int fd, uint64_t end)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size >= end)
		return 0;
	return mbxi_fail(MBX_EIO,
			 "%s: the file below %s that stands in for the device "
			 "has 0x%llx bytes, and would have to have 0x%llx",
			 name, mbxi_root(), ULL(st.st_size), ULL(end));
}

/*
 * The signal that a load there ends in; 0: it answers, or that cannot be tried.
 * It is a child that tries. Of an address that no bus knows the CPU has SIGBUS
 * made; but one of more bits than it has Linux for arm64 answers with SIGKILL.
 * That the child ends is no news to the program: it gets no SIGCHLD.
 */
static int signal_of_load(const struct mbx_word *at)
{
	long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	int status = 0;

	if (pid == 0) {
		signal(SIGBUS, SIG_DFL);
		syscall(SYS_exit_group, (int)mbx_ld(at));
	}
	if (pid < 0)
		return 0;
	while (waitpid((pid_t)pid, &status, __WALL) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int check_answers(const struct mbx_region *r, const char *name)
{
	uint32_t off = 0;
	int sig = signal_of_load(mbx_word_at(r->base, off));

	if (!sig) {
		off = (uint32_t)r->bytes - 4;
		sig = signal_of_load(mbx_word_at(r->base, off));
	}
	if (!sig)
		return 0;
	return mbxi_fail(MBX_EIO,
			 "%s: nothing answers at 0x%llx (a load ends in "
			 "\"%s\"): is the address right, and the memory "
			 "powered and clocked?",
			 name, ULL(r->address + off), strsignal(sig));
}

int mbxi_take_physical(struct mbx_region *r, const char *name)
{
	int err = check_answers(r, name);

	if (!err)
		err = mbxi_guard(r, name);
	if (!err)
		err = own(r, name);
	if (err)
		mbxi_unmap(r);
	return err;
}

/* ---- what lies there ---- */

struct search {
	const char *name;
	const struct mbxi_span *want;
	bool reserved; /* all of it is in a node with no-map */
	int err;
};

static bool overlap(const struct mbxi_span *a, const struct mbxi_span *b)
{
	return a->start < b->start + b->bytes && b->start < a->start + a->bytes;
}

static bool look_at_carveout(const struct mbxi_carveout *c, void *arg)
{
	struct search *s = arg;
	const struct mbxi_span *w = s->want;

	if (c->why || !overlap(w, &c->is))
		return true;
	if (!c->no_map)
		s->err = mbxi_fail(
			MBX_EPERM,
			"%s: the device tree's /reserved-memory/%s, which is "
			"there, has no \"no-map\": Linux has it mapped as its "
			"own, cached; add no-map to the node and boot again",
			s->name, c->node);
	else if (w->start < c->is.start ||
		 w->start + w->bytes > c->is.start + c->is.bytes)
		s->err = mbxi_fail(
			MBX_EINVAL,
			"%s: 0x%llx bytes from 0x%llx are not all within the "
			"carve-out /reserved-memory/%s, 0x%llx bytes from "
			"0x%llx; name less, or reserve more",
			s->name, ULL(w->bytes), ULL(w->start), c->node,
			ULL(c->is.bytes), ULL(c->is.start));
	else
		s->reserved = true;
	return s->err == 0;
}

static int check_use(const char *name, const struct mbxi_span *want,
		     bool reserved)
{
	struct mbxi_use use;

	mbxi_find_use(want, &use);
	switch (use.is) {
	case MBXI_FREE:
		return 0;
	case MBXI_RAM:
		return mbxi_fail(MBX_EPERM,
				 "%s: 0x%llx-0x%llx is System RAM, which Linux "
				 "uses; reserve what is to be shared with "
				 "no-map in the device tree's /reserved-memory",
				 name, ULL(use.first), ULL(use.last));
	case MBXI_CLAIMED:
		return mbxi_fail(MBX_EBUSY,
				 "%s: 0x%llx-0x%llx is claimed by the driver "
				 "\"%s\" (/proc/iomem); unbind it, or name "
				 "other memory",
				 name, ULL(use.first), ULL(use.last), use.name);
	default:
		if (reserved)
			return 0;
		return mbxi_fail(
			MBX_EACCES,
			"%s: what lies there cannot be told: %s"
			"/proc/iomem shows no addresses to user %u; it "
			"takes root",
			name, mbxi_root(), geteuid());
	}
}

static int check_address(const char *name, const struct mbxi_span *want)
{
	struct search s = { .name = name, .want = want };

	mbxi_each_carveout(look_at_carveout, &s);
	return s.err ? s.err : check_use(name, want, s.reserved);
}

/* ---- mapping ---- */

static int no_dev_mem(const char *name, int e)
{
	const char *why = "it takes root";

	if (e == ENOENT)
		why = "this kernel has no /dev/mem (CONFIG_DEVMEM); use UIO, "
		      "as in uio:DEVICE";
	else if (e == EPERM)
		why = "it takes CAP_SYS_RAWIO, and a kernel that is not locked "
		      "down (/sys/kernel/security/lockdown)";
	return mbxi_fail(mbxi_errno(e), "%s: %s/dev/mem: %s; %s", name,
			 mbxi_root(), strerror(e), why);
}

/* The kernel said no to what the checks let pass: why could that be? */
static int explain_mmap(const char *name, int e)
{
	int strict = mbxi_kernel_option("CONFIG_STRICT_DEVMEM");
	int io = mbxi_kernel_option("CONFIG_IO_STRICT_DEVMEM");

	if (e != EPERM)
		return mbxi_fail(mbxi_errno(e), "%s: mmap of /dev/mem: %s",
				 name, strerror(e));
	return mbxi_fail(
		MBX_EPERM,
		"%s: mmap of /dev/mem: %s: this kernel %s STRICT_DEVMEM%s: it "
		"maps no RAM that is not reserved with no-map%s; reserve it, or "
		"use UIO, as in uio:DEVICE",
		name, strerror(e),
		strict < 0   ? "probably has"
		: strict > 0 ? "has"
			     : "does not have",
		io > 0 ? " and IO_STRICT_DEVMEM" : "",
		io > 0 ? ", and nothing that a driver has claimed" : "");
}

static int open_physical(struct mbx_region *r, const char *name,
			 const struct mbxi_span *span, size_t limit)
{
	size_t bytes = (size_t)span->bytes;
	int fd, err;

	/* O_SYNC: uncached, also where Linux takes it for RAM */
	fd = mbxi_root_open(
		"/dev/mem",
		O_SYNC | (r->flags & MBX_REGION_READ ? O_RDONLY : O_RDWR));
	if (fd < 0)
		return no_dev_mem(name, errno);
	if (limit && bytes > limit)
		bytes = limit & ~(size_t)3;
	err = check_address(name, span);
	if (!err)
		err = mbxi_check_length(name, fd, span->start + bytes);
	if (!err) {
		r->memory = MBX_MEMORY_DEVICE;
		r->address = span->start;
		err = mbxi_map(r, fd, span->start, bytes);
		if (err)
			err = explain_mmap(name, -err);
	}
	close(fd); /* it gives access to all memory */
	return err ? err : mbxi_take_physical(r, name);
}

int mbxi_open_mem(struct mbx_region *r, const char *name, const char *where,
		  size_t bytes)
{
	char why[MBXI_FAULT];
	struct mbxi_span span;
	int err;

	if (mbxi_span_fault(where, why))
		return mbxi_fail(MBX_EINVAL,
				 "%s: %s; an address and a size are expected, "
				 "as in mem:0x3ed80000+64K",
				 name, why);
	mbxi_parse_span(where, &span);
	err = mbxi_check_span(name, &span);
	return err ? err : open_physical(r, name, &span, bytes);
}

/* ---- by the device tree ---- */

struct find {
	const char *want;
	struct mbxi_carveout is;
	int count;
	char list[200]; /* of all there are */
	size_t listed;
};

static bool find_node(const struct mbxi_carveout *c, void *arg)
{
	struct find *f = arg;
	size_t base = strcspn(c->node, "@");

	if (f->listed < sizeof(f->list))
		f->listed += (size_t)snprintf(
			f->list + f->listed, sizeof(f->list) - f->listed,
			"%s%s", f->listed ? ", " : "", c->node);
	if (strcmp(f->want, c->node) != 0 &&
	    (strncmp(f->want, c->node, base) != 0 || f->want[base]))
		return true;
	f->is = *c;
	f->count++;
	return true;
}

static const char *behind(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : s;
}

static int find_carveout(const char *name, const char *node, struct find *f)
{
	char path[128];

	node = behind(node, "/proc/device-tree");
	*f = (struct find){ .want = behind(node, "/reserved-memory/") };
	if (mbxi_each_carveout(find_node, f) < 0)
		return mbxi_fail(MBX_ENOENT,
				 "%s: %s/proc/device-tree/reserved-memory is "
				 "not there: no memory is reserved, or there "
				 "is no device tree; boot with your board's "
				 "overlay (\"mbx boards\"), or add a node with "
				 "no-map",
				 name, mbxi_root());
	if (!f->count && mbxi_label(node, path, sizeof(path)) == 0 &&
	    behind(path, "/reserved-memory/") != path) {
		*f = (struct find){ .want = behind(path, "/reserved-memory/") };
		mbxi_each_carveout(find_node, f);
	}
	if (f->count == 1)
		return 0;
	if (f->count)
		return mbxi_fail(MBX_EINVAL,
				 "%s: %d nodes are called that: name one with "
				 "its address; there are %s",
				 name, f->count, f->list);
	return mbxi_fail(MBX_ENOENT,
			 "%s: no such node in the device tree's "
			 "/reserved-memory; there are %s",
			 name, *f->list ? f->list : "none");
}

int mbxi_open_dt(struct mbx_region *r, const char *name, const char *node,
		 size_t bytes)
{
	struct find f;
	int err;

	if (!*node)
		return mbxi_fail(MBX_EINVAL,
				 "%s: expected a node of the device tree's "
				 "/reserved-memory, as in dt:mbx@3ed00000",
				 name);
	err = find_carveout(name, node, &f);
	if (err)
		return err;
	if (f.is.why)
		return mbxi_fail(MBX_ENOTSUP,
				 "%s: /reserved-memory/%s has no address to "
				 "map: %s",
				 name, f.is.node, f.is.why);
	err = mbxi_check_span(name, &f.is.is);
	return err ? err : open_physical(r, name, &f.is.is, bytes);
}
