/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: memory by a name, errors by a text, life after a truncation, and the
 * locks that say who owns what. How a kind of name becomes memory is in the
 * files region_*.c.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local char errmsg[MBXI_ERRMSG];
static _Thread_local struct {
	const char *fmt; /* NULL: errmsg is the last error's */
	char name[MBX_NAME_BYTES];
	int number;
} later;

const char *mbx_errmsg(void)
{
	if (later.fmt)
		snprintf(errmsg, sizeof(errmsg), later.fmt, later.name,
			 later.number);
	later.fmt = NULL;
	return errmsg;
}

int mbxi_fail_later(int err, const char *fmt, const char *name, int number)
{
	later.fmt = fmt;
	strncpy(later.name, name, sizeof(later.name) - 1);
	later.number = number;
	return err;
}

int mbxi_fail(int err, const char *fmt, ...)
{
	va_list ap;

	later.fmt = NULL;
	va_start(ap, fmt);
	vsnprintf(errmsg, sizeof(errmsg), fmt, ap);
	va_end(ap);
	return err;
}

int mbxi_errno(int e)
{
	switch (e) {
	case EPERM:
		return MBX_EPERM;
	case ENOENT:
		return MBX_ENOENT;
	case EEXIST:
		return MBX_EEXIST;
	case EACCES:
	case EROFS:
		return MBX_EACCES;
	case ENOMEM:
		return MBX_ENOMEM;
	case ENOSPC:
		return MBX_ENOSPC;
	case EINVAL:
		return MBX_EINVAL;
	case EBUSY:
		return MBX_EBUSY;
	case ELOOP:
	case EISDIR:
	case ENOTDIR:
		return MBX_ENOTSUP;
	default:
		return MBX_EIO;
	}
}

/* ---- memory that goes away ---- */

/*
 * A file that shrinks under a mapping turns the next access behind its new end
 * into SIGBUS, which kills; physical memory that loses its power or clock does
 * the same. The handler below puts zeros where the region was and marks it;
 * whoever polls the link next is told. The library's loads are atomic words, so
 * a call in flight just goes on with zeros, which are an empty ring and no
 * superblock.
 */
static struct guard {
	uintptr_t base;
	size_t bytes;
	int hit;
} guards[MBXI_GUARDS];
static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;

static struct guard *find_guard(uintptr_t addr)
{
	int i;

	for (i = 0; i < MBXI_GUARDS; i++) {
		uintptr_t base = __atomic_load_n(&guards[i].base,
						 __ATOMIC_ACQUIRE);

		if (base && addr - base < guards[i].bytes)
			return &guards[i];
	}
	return NULL;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	bool fault = info->si_code > 0; /* else somebody sent it */
	struct guard *g = fault ? find_guard((uintptr_t)info->si_addr) : NULL;
	int saved = errno;

	/* an unaligned access to Device memory is a mistake in the program */
	if (g && info->si_code != BUS_ADRALN &&
	    mmap((void *)g->base, g->bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) != MAP_FAILED) {
		__atomic_store_n(&g->hit, 1, __ATOMIC_RELEASE);
		errno = saved;
		return;
	}
	errno = saved;
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, context);
	} else if (before.sa_handler != SIG_DFL &&
		   before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
	} else if (fault || before.sa_handler == SIG_DFL) {
		sigaction(SIGBUS, &before, NULL); /* and fault again */
		if (!fault)
			raise(sig);
	}
}

/* Be the first to hear of a SIGBUS, in front of whoever was until now. */
static void install_handler(void)
{
	struct sigaction now,
		ours = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&ours.sa_mask);
	if (sigaction(SIGBUS, NULL, &now) == 0 &&
	    (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_sigbus)) {
		before = now;
		sigaction(SIGBUS, &ours, NULL);
	}
}

/* UIO's maps need not begin with their page. */
static size_t lead_of(const struct mbx_region *r)
{
	return (uintptr_t)r->base & ((size_t)sysconf(_SC_PAGESIZE) - 1);
}

int mbxi_guard(struct mbx_region *r, const char *name)
{
	size_t lead = lead_of(r);
	int i;

	pthread_mutex_lock(&guards_lock);
	install_handler();
	for (i = 0; i < MBXI_GUARDS && guards[i].base; i++)
		;
	if (i < MBXI_GUARDS) {
		guards[i].bytes = r->bytes + lead;
		guards[i].hit = 0;
		__atomic_store_n(&guards[i].base, (uintptr_t)r->base - lead,
				 __ATOMIC_RELEASE);
		r->guard = i + 1;
	}
	pthread_mutex_unlock(&guards_lock);
	if (i < MBXI_GUARDS)
		return 0;
	return mbxi_fail(MBX_ENOMEM,
			 "%s: this process has %d regions mapped already; "
			 "close one",
			 name, MBXI_GUARDS);
}

static void guard_remove(struct mbx_region *r)
{
	if (r->guard)
		__atomic_store_n(&guards[r->guard - 1].base, 0,
				 __ATOMIC_RELEASE);
	r->guard = 0;
}

/* A file's memory, and not a device's, has a size that changes. */
static bool is_file(const struct mbx_region *r)
{
	return r->guard && r->memory != MBX_MEMORY_DEVICE;
}

int mbxi_lost(const struct mbx_region *r)
{
	if (r->memory == MBX_MEMORY_DEVICE)
		return mbxi_fail(MBX_EIO,
				 "the memory at 0x%llx does not answer any "
				 "more (bus error): is it still powered and "
				 "clocked? open the region again",
				 (unsigned long long)r->address);
	return mbxi_fail(MBX_EIO,
			 "the region's file was truncated while it was mapped; "
			 "open the region again");
}

int mbx_region_check(const struct mbx_region *r)
{
	struct stat st;
	uint64_t end = r->address + r->bytes;

	if (r->guard &&
	    __atomic_load_n(&guards[r->guard - 1].hit, __ATOMIC_ACQUIRE))
		return mbxi_lost(r);
	if (!is_file(r) || fstat(r->fd, &st) < 0 || st.st_size < 0 ||
	    (uint64_t)st.st_size >= end)
		return 0;
	return mbxi_fail(
		MBX_EIO,
		"the region's file was truncated to %lld of %llu bytes "
		"while it was mapped; open the region again",
		(long long)st.st_size, (unsigned long long)end);
}

/* ---- names ---- */

bool mbxi_parse_size(const char *s, uint64_t *bytes)
{
	static const char units[] = "kmgKMG";
	const char *unit;
	char *end;
	unsigned int shift = 0;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*bytes = strtoull(s, &end, 0);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10u * ((unsigned int)(unit - units) % 3u + 1u);
		end++;
	}
	if (*end)
		return false;
	if (errno || *bytes > UINT64_MAX >> shift)
		*bytes = UINT64_MAX;
	else
		*bytes <<= shift;
	return true;
}

bool mbxi_parse_span(const char *s, struct mbxi_span *span)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	span->start = strtoull(s, &end, 0);
	if (errno)
		span->start = UINT64_MAX;
	return *end == '+' && mbxi_parse_size(end + 1, &span->bytes);
}

const char *mbxi_span_fault(const char *s, char why[MBXI_FAULT])
{
	int n = (int)strcspn(s, "+-");
	struct mbxi_span span;
	char *end;

	if (mbxi_parse_span(s, &span))
		return NULL;
	strtoull(s, &end, 0);
	if (*s < '0' || *s > '9' || end != s + n)
		snprintf(why, MBXI_FAULT, "\"%.*s\" is no number%s",
			 n < 40 ? n : 40, s,
			 n && strspn(s, "0123456789abcdefABCDEF") == (size_t)n
				 ? ": hexadecimal begins with 0x"
				 : "");
	else if (!*end || !end[1])
		snprintf(why, MBXI_FAULT, "no size after \"%.40s\"", s);
	else if (*end == '-')
		snprintf(why, MBXI_FAULT, "\"%.40s\" has an end, not a size",
			 s);
	else
		snprintf(why, MBXI_FAULT,
			 "\"%.40s\" is no size: a number, then K, M or G",
			 end + 1);
	return why;
}

bool mbxi_good_size(uint64_t bytes)
{
	return bytes >= sizeof(struct mbx_super) && bytes <= MBX_MAX_REGION &&
	       !(bytes & 3);
}

int mbxi_check_span(const char *name, const struct mbxi_span *span)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!mbxi_good_size(span->bytes))
		return mbxi_fail(
			MBX_EINVAL,
			"%s: the size must be a multiple of 4 from %zu "
			"to 1G",
			name, sizeof(struct mbx_super));
	/* what is mapped is whole pages, and an off_t has a sign */
	if (span->start & (page - 1) || span->start > INT64_MAX - span->bytes)
		return mbxi_fail(MBX_EINVAL,
				 "%s: the address must be a multiple of the "
				 "page size 0x%llx, and the end below 2^63",
				 name, (unsigned long long)page);
	return 0;
}

/* or mem: would map memory of an address cut short */
_Static_assert(sizeof(off_t) == 8, "compile with -D_FILE_OFFSET_BITS=64");

int mbxi_map(struct mbx_region *r, int fd, uint64_t off, size_t bytes)
{
	int prot = PROT_READ, share = MAP_SHARED;

	if (!(r->flags & MBX_REGION_READ))
		prot |= PROT_WRITE;
	if (r->flags & MBX_REGION_PRIVATE) {
		share = MAP_PRIVATE;
		prot |= PROT_WRITE;
	}
	r->bytes = bytes;
	r->base = mmap(NULL, bytes, prot, share, fd, (off_t)off);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return -errno;
	}
	return 0;
}

void mbxi_unmap(struct mbx_region *r)
{
	size_t lead = lead_of(r);

	guard_remove(r);
	munmap((char *)r->base - lead, r->bytes + lead);
	r->base = NULL;
}

static const struct backend {
	const char *prefix, *kind;
	int (*open)(struct mbx_region *r, const char *name, const char *rest,
		    size_t bytes);
	int (*remove)(const char *name, const char *rest);
} backends[] = {
	{ "shm:", "shm", mbxi_open_file, mbxi_remove_file },
	{ "file:", "file", mbxi_open_file, mbxi_remove_file },
	{ "anon:", "anon", mbxi_open_anon, NULL },
	{ "mem:", "mem", mbxi_open_mem, NULL },
	{ "dt:", "dt", mbxi_open_dt, NULL },
	{ "uio:", "uio", mbxi_open_uio, NULL },
	{ "board:", "board", mbxi_open_board, NULL },
};

static const struct backend *find_backend(const char **name)
{
	size_t i;

	if (!*name)
		*name = secure_getenv("MBX_REGION");
	if (!*name || !**name) {
		mbxi_fail(MBX_EINVAL, "no region named: set MBX_REGION, as in "
				      "MBX_REGION=shm:/board");
		return NULL;
	}
	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (strncmp(*name, backends[i].prefix,
			    strlen(backends[i].prefix)) == 0)
			return &backends[i];
	if (strncmp(*name, "/dev/shm/", 9) == 0)
		mbxi_fail(MBX_EINVAL,
			  "\"%s\" is a path: as a region it is shm:%s", *name,
			  *name + 8);
	else if (**name == '/' || **name == '.')
		mbxi_fail(MBX_EINVAL,
			  "\"%s\" is a path: as a region it is file:%s", *name,
			  *name);
	else
		mbxi_fail(MBX_EINVAL,
			  "\"%s\" names no region: expected shm:/NAME, "
			  "file:PATH, anon:SIZE, mem:ADDR+SIZE, dt:NODE, "
			  "uio:DEVICE or board:NAME",
			  *name);
	return NULL;
}

int mbx_region_open(struct mbx_region *r, const char *name, unsigned int flags,
		    size_t bytes)
{
	const struct backend *b = find_backend(&name);

	*r = (struct mbx_region){ .fd = -1,
				  .flags = flags,
				  .memory = MBX_MEMORY_NORMAL };
	if (!b)
		return MBX_EINVAL;
	r->kind = b->kind;
	if (flags & MBX_REGION_CREATE &&
	    (bytes < sizeof(struct mbx_super) || bytes > MBX_MAX_REGION) &&
	    b->open != mbxi_open_anon)
		return mbxi_fail(MBX_EINVAL,
				 "%s: a region has %zu bytes to 1 GiB, not %zu",
				 name, sizeof(struct mbx_super), bytes);
	return b->open(r, name, name + strlen(b->prefix), bytes);
}

void mbx_region_close(struct mbx_region *r)
{
	if (r->base)
		mbxi_unmap(r);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct mbx_region){ .fd = -1 };
}

int mbx_region_remove(const char *name)
{
	const struct backend *b = find_backend(&name);

	if (!b)
		return MBX_EINVAL;
	if (!b->remove)
		return mbxi_fail(MBX_ENOTSUP,
				 "%s has no name that could be removed", name);
	return b->remove(name, name + strlen(b->prefix));
}

/* ---- locks ---- */

/*
 * Open-file-description locks: of a description of our own, so that two opens
 * in one process exclude each other as two processes do.
 */
int mbxi_lock_open(const struct mbx_region *r, int *fd)
{
	char path[40];

	*fd = -1;
	if (r->fd < 0 || r->flags & (MBX_REGION_READ | MBX_REGION_PRIVATE))
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", r->fd);
	*fd = open(path, O_RDWR | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	return mbxi_fail(mbxi_errno(errno),
			 "opening the region once more, for locks, by %s: %s",
			 path, strerror(errno));
}

static bool set_lock(int fd, uint64_t at, short type)
{
	struct flock l = { .l_type = type,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)at,
			   .l_len = 1 };

	return fd < 0 || fcntl(fd, F_OFD_SETLK, &l) == 0;
}

bool mbxi_lock_take(const struct mbx *m, uint32_t off)
{
	return set_lock(m->lock_fd, m->region.address + off, F_WRLCK);
}

int mbxi_lock_kept(const struct mbx *m, uint32_t off)
{
	struct flock l = { .l_type = F_WRLCK,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)(m->region.address + off),
			   .l_len = 1 };

	if (m->lock_fd < 0 || fcntl(m->lock_fd, F_OFD_GETLK, &l) ||
	    l.l_type != F_RDLCK)
		return 0;
	return mbxi_fail(MBX_EBUSY,
			 "%s: somebody who may read the region's file keeps "
			 "the locks of its owners, as mbx never does: end that "
			 "process (/proc/locks), or let nobody read the file "
			 "(chmod go-r)",
			 m->name);
}

void mbxi_lock_drop(const struct mbx *m, uint32_t off)
{
	set_lock(m->lock_fd, m->region.address + off, F_UNLCK);
}
