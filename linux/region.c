/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions: memory by a name, errors by a text, and life after a truncation. */
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

static _Thread_local char errmsg[256];
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

/* ---- truncation ---- */

/*
 * A file that shrinks under a mapping turns the next access behind its new end
 * into SIGBUS, which kills. The handler below puts zeros where the region was
 * and marks it; whoever polls the link next is told. The library's loads are
 * atomic words, so a call in flight just goes on with zeros, which are an empty
 * ring and no superblock.
 */
#define GUARDS 64

static struct guard {
	uintptr_t base;
	size_t bytes;
	int hit;
} guards[GUARDS];
static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;

static struct guard *find_guard(uintptr_t addr)
{
	int i;

	for (i = 0; i < GUARDS; i++) {
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

	if (g && mmap((void *)g->base, g->bytes, PROT_READ | PROT_WRITE,
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

/* Index + 1 of a guard for this mapping; 0 if there is none left. */
static int guard_add(void *base, size_t bytes)
{
	int i;

	pthread_mutex_lock(&guards_lock);
	install_handler();
	for (i = 0; i < GUARDS && guards[i].base; i++)
		;
	if (i < GUARDS) {
		guards[i].bytes = bytes;
		guards[i].hit = 0;
		__atomic_store_n(&guards[i].base, (uintptr_t)base,
				 __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&guards_lock);
	return i < GUARDS ? i + 1 : 0;
}

static void guard_remove(int guard)
{
	if (guard)
		__atomic_store_n(&guards[guard - 1].base, 0, __ATOMIC_RELEASE);
}

int mbx_region_check(const struct mbx_region *r)
{
	struct stat st;

	if (r->guard &&
	    __atomic_load_n(&guards[r->guard - 1].hit, __ATOMIC_ACQUIRE))
		return mbxi_fail(MBX_EIO,
				 "the region's file was truncated while it was "
				 "mapped; open the region again");
	if (!r->guard || fstat(r->fd, &st) < 0 || st.st_size < 0 ||
	    (size_t)st.st_size >= r->bytes)
		return 0;
	return mbxi_fail(MBX_EIO,
			 "the region's file was truncated to %lld of %zu bytes "
			 "while it was mapped; open the region again",
			 (long long)st.st_size, r->bytes);
}

/* ---- backends: how a kind of name becomes memory ---- */

/* "64K", "0x10000", "16M": bytes; 0 if it is nothing of the kind. */
static size_t parse_size(const char *s)
{
	char *end;
	unsigned long long n;
	unsigned int shift = 0;

	if (*s < '0' || *s > '9')
		return 0;
	errno = 0;
	n = strtoull(s, &end, 0);
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'm':
	case 'M':
		shift = 20;
		break;
	case 'g':
	case 'G':
		shift = 30;
		break;
	}
	/* nothing is larger, and this fits size_t anywhere */
	if (errno || end[shift ? 1 : 0] || n > MBX_MAX_REGION >> shift)
		return 0;
	return (size_t)n << shift;
}

/* or mem: would map memory of an address cut short */
_Static_assert(sizeof(off_t) == 8, "include internal.h first");

static int map(struct mbx_region *r, int fd, off_t off, size_t bytes)
{
	int prot = PROT_READ, share = MAP_SHARED;

	if (!(r->flags & MBX_REGION_READ))
		prot |= PROT_WRITE;
	if (r->flags & MBX_REGION_PRIVATE) {
		share = MAP_PRIVATE;
		prot |= PROT_WRITE;
	}
	r->bytes = bytes;
	r->base = mmap(NULL, bytes, prot, share, fd, off);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return -errno;
	}
	return 0;
}

/* Check and map an open file: type, size, and for shm its owner. */
static int map_file(struct mbx_region *r, const char *name, size_t limit)
{
	struct stat st;
	size_t bytes;
	int err;

	if (fstat(r->fd, &st) < 0)
		return mbxi_fail(mbxi_errno(errno), "%s: %s", name,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return mbxi_fail(MBX_ENOTSUP,
				 "%s is not a regular file; a region is a file "
				 "or shared memory that can be mapped",
				 name);
	if (strcmp(r->kind, "shm") == 0 && st.st_uid != geteuid() &&
	    st.st_uid != 0 && geteuid() != 0)
		return mbxi_fail(MBX_EACCES,
				 "%s belongs to user %u, not to you (%u); have "
				 "it created by yourself",
				 name, st.st_uid, geteuid());
	bytes = (size_t)st.st_size;
	if (limit && bytes > limit)
		bytes = limit;
	if (bytes > MBX_MAX_REGION)
		bytes = MBX_MAX_REGION;
	bytes &= ~(size_t)3;
	if (bytes < sizeof(struct mbx_super))
		return mbxi_fail(MBX_ENOSPC,
				 "%s has %lld bytes; a region needs at least "
				 "%zu",
				 name, (long long)st.st_size,
				 sizeof(struct mbx_super));
	err = map(r, r->fd, 0, bytes);
	if (err)
		return mbxi_fail(mbxi_errno(-err), "%s: mmap of %zu bytes: %s",
				 name, bytes, strerror(-err));
	r->guard = guard_add(r->base, bytes);
	if (r->guard)
		return 0;
	munmap(r->base, bytes);
	r->base = NULL;
	return mbxi_fail(MBX_ENOMEM,
			 "%s: this process has %d regions mapped already; "
			 "close one",
			 name, GUARDS);
}

static int open_flags(unsigned int flags)
{
	int how = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	how |= flags & (MBX_REGION_READ | MBX_REGION_PRIVATE) ? O_RDONLY
							      : O_RDWR;
	return flags & MBX_REGION_CREATE ? how | O_CREAT | O_EXCL : how;
}

/* Give a file just created its mode and size, or say why not. */
static int size_file(int fd, const char *name, size_t bytes)
{
	if (fchmod(fd, 0600) == 0 && ftruncate(fd, (off_t)bytes) == 0)
		return 0;
	return mbxi_fail(mbxi_errno(errno), "%s: making it %zu bytes: %s", name,
			 bytes, strerror(errno));
}

static int open_error(const char *name, int e, bool creating)
{
	const char *todo = "";

	if (e == ENOENT && creating)
		todo = "; its folder has to be there";
	else if (e == ENOENT)
		todo = "; nobody has created it (yet): see \"mbx create\" and "
		       "\"mbx sim\"";
	if (e == EEXIST)
		todo = "; attach to it, or remove it (\"mbx rm\")";
	if (e == EACCES)
		todo = "; whose is it?";
	return mbxi_fail(mbxi_errno(e), "%s: %s%s", name, strerror(e), todo);
}

static bool good_shm_name(const char *s)
{
	size_t n = strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return s[0] == '/' && n > 0 && n < 250 && !s[1 + n] &&
	       strcmp(s, "/.") != 0 && strcmp(s, "/..") != 0;
}

static int open_path(struct mbx_region *r, const char *name, const char *path,
		     size_t bytes, int (*opener)(const char *, int, mode_t),
		     int (*remover)(const char *))
{
	int err;

	r->fd = opener(path, open_flags(r->flags), 0600);
	if (r->fd < 0)
		return open_error(name, errno, r->flags & MBX_REGION_CREATE);
	if (r->flags & MBX_REGION_CREATE) {
		err = size_file(r->fd, name, bytes);
		bytes = 0;
	} else {
		err = 0;
	}
	if (!err)
		err = map_file(r, name, bytes);
	if (err) {
		close(r->fd);
		r->fd = -1;
		if (r->flags & MBX_REGION_CREATE)
			remover(path);
	}
	return err;
}

static int open_shm(struct mbx_region *r, const char *name, const char *path,
		    size_t bytes)
{
	if (!good_shm_name(path))
		return mbxi_fail(
			MBX_EINVAL,
			"%s: a shared memory name is a slash and then "
			"letters, digits, \"_\", \".\" or \"-\", as in "
			"shm:/board",
			name);
	return open_path(r, name, path, bytes, shm_open, shm_unlink);
}

static int open_plain(const char *path, int how, mode_t mode)
{
	return open(path, how & ~O_NOFOLLOW, mode);
}

static int open_file(struct mbx_region *r, const char *name, const char *path,
		     size_t bytes)
{
	if (!*path)
		return mbxi_fail(MBX_EINVAL, "%s: no path after \"file:\"",
				 name);
	return open_path(r, name, path, bytes, open_plain, unlink);
}

static int open_anon(struct mbx_region *r, const char *name, const char *size,
		     size_t bytes)
{
	(void)bytes;
	bytes = parse_size(size);
	if (bytes < sizeof(struct mbx_super) || bytes > MBX_MAX_REGION ||
	    bytes & 3)
		return mbxi_fail(
			MBX_EINVAL,
			"%s: the size must be a multiple of 4 from %zu "
			"to 1G, as in anon:64K",
			name, sizeof(struct mbx_super));
	r->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return mbxi_fail(mbxi_errno(errno), "%s: mmap: %s", name,
				 strerror(errno));
	}
	r->bytes = bytes;
	r->flags = 0;
	r->fd = memfd_create("mbx-locks",
			     MFD_CLOEXEC); /* see mbxi_lock_open() */
	if (r->fd >= 0)
		return 0;
	munmap(r->base, bytes);
	r->base = NULL;
	return mbxi_fail(mbxi_errno(errno), "%s: a file for locks: %s", name,
			 strerror(errno));
}

static int open_mem(struct mbx_region *r, const char *name, const char *where,
		    size_t bytes)
{
	unsigned long long addr;
	long page = sysconf(_SC_PAGESIZE);
	char *end;
	int fd, err;

	(void)bytes;
	errno = 0;
	addr = strtoull(where, &end, 0);
	bytes = *end == '+' ? parse_size(end + 1) : 0;
	if (errno || *where < '0' || *where > '9' ||
	    bytes < sizeof(struct mbx_super) || bytes > MBX_MAX_REGION)
		return mbxi_fail(MBX_EINVAL,
				 "%s: expected an address and a size, as in "
				 "mem:0x3ed80000+64K",
				 name);
	if (addr & ((unsigned long long)page - 1) || bytes & 3 ||
	    addr > (unsigned long long)INT64_MAX - bytes)
		return mbxi_fail(MBX_EINVAL,
				 "%s: the address must be a multiple of the "
				 "page size %ld, the size of 4",
				 name, page);
	fd = open("/dev/mem",
		  O_SYNC | O_CLOEXEC |
			  (r->flags & MBX_REGION_READ ? O_RDONLY : O_RDWR));
	if (fd < 0)
		return mbxi_fail(mbxi_errno(errno), "%s: /dev/mem: %s%s", name,
				 strerror(errno),
				 errno == ENOENT
					 ? "; this kernel has no /dev/mem"
					 : "; it takes root");
	err = map(r, fd, (off_t)addr, bytes);
	close(fd); /* it gives access to all memory */
	if (err)
		return mbxi_fail(mbxi_errno(-err), "%s: mmap: %s%s", name,
				 strerror(-err),
				 err == -EPERM
					 ? "; the kernel (STRICT_DEVMEM) maps "
					   "only what is reserved with no-map"
					 : "");
	return 0;
}

static const struct backend {
	const char *prefix, *kind;
	int (*open)(struct mbx_region *r, const char *name, const char *rest,
		    size_t bytes);
	/* of what has a name in the file system */
	int (*opener)(const char *path, int how, mode_t mode);
	int (*remover)(const char *path);
} backends[] = {
	{ "shm:", "shm", open_shm, shm_open, shm_unlink },
	{ "file:", "file", open_file, open_plain, unlink },
	{ "anon:", "anon", open_anon, NULL, NULL },
	{ "mem:", "mem", open_mem, NULL, NULL },
};

static const struct backend *find_backend(const char **name)
{
	size_t i;

	if (!*name)
		*name = getenv("MBX_REGION");
	if (!*name || !**name) {
		mbxi_fail(MBX_EINVAL, "no region named: set MBX_REGION, as in "
				      "MBX_REGION=shm:/board");
		return NULL;
	}
	for (i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
		if (strncmp(*name, backends[i].prefix,
			    strlen(backends[i].prefix)) == 0)
			return &backends[i];
	mbxi_fail(MBX_EINVAL,
		  "\"%s\" names no region: expected shm:/NAME, file:PATH, "
		  "anon:SIZE or mem:ADDR+SIZE",
		  *name);
	return NULL;
}

int mbx_region_open(struct mbx_region *r, const char *name, unsigned int flags,
		    size_t bytes)
{
	const struct backend *b = find_backend(&name);

	*r = (struct mbx_region){ .fd = -1, .flags = flags };
	if (!b)
		return MBX_EINVAL;
	r->kind = b->kind;
	if (flags & MBX_REGION_CREATE &&
	    (bytes < sizeof(struct mbx_super) || bytes > MBX_MAX_REGION) &&
	    b->open != open_anon)
		return mbxi_fail(MBX_EINVAL,
				 "%s: a region has %zu bytes to 1 GiB, not %zu",
				 name, sizeof(struct mbx_super), bytes);
	return b->open(r, name, name + strlen(b->prefix), bytes);
}

void mbx_region_close(struct mbx_region *r)
{
	guard_remove(r->guard);
	if (r->base)
		munmap(r->base, r->bytes);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct mbx_region){ .fd = -1 };
}

/* What a creator leaves that died before it gave its region a size. */
static bool is_empty(int fd)
{
	struct stat st;
	bool empty = fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0;

	if (fd >= 0)
		close(fd);
	return empty;
}

/* Is all of the file zero? Holes are not read, which would fill them. */
static bool is_blank(int fd)
{
	static const uint32_t none[1024];
	uint32_t buf[1024];
	off_t at = 0;
	ssize_t n;

	while ((at = lseek(fd, at & ~4095, SEEK_DATA)) >= 0) {
		n = pread(fd, buf, sizeof(buf), at & ~4095);
		if (n <= 0)
			return n == 0;
		if (memcmp(buf, none, (size_t)n) != 0)
			return false;
		at = (at & ~4095) + (off_t)sizeof(buf);
	}
	return errno == ENXIO; /* behind the last data */
}

/*
 * A formatter takes back the magic and stores the new instance before all else,
 * and may die at any moment after that.
 */
static bool is_half_formatted(const struct mbx_word *w)
{
	uint32_t version = mbx_ld(&w[1]);

	return mbx_ld(&w[0]) == 0 && mbx_ld(&w[3]) != 0 &&
	       (version == 0 || version >> 16 == MBX_LAYOUT_MAJOR);
}

int mbx_region_holds(const struct mbx_region *r)
{
	uint32_t magic = mbx_ld((struct mbx_word *)r->base);

	if (magic == MBX_MAGIC || is_half_formatted(r->base))
		return 1;
	if (!r->guard) /* RAM, not a file: it holds what was there at power-on */
		return 0;
	if (magic == 0 && is_blank(r->fd))
		return 0;
	return mbxi_fail(
		MBX_ENOTREGION,
		"it holds something else than an mbx region (the first "
		"word is 0x%08x): left alone; name another",
		magic);
}

/* Is it a region, or was it to become one? rm removes nothing else. */
static int may_remove(const char *name, const char *path,
		      const struct backend *b)
{
	struct mbx_region r;
	int err = mbx_region_open(&r, name, MBX_REGION_READ, 0), holds;

	if (err == MBX_ENOSPC &&
	    is_empty(b->opener(path, open_flags(MBX_REGION_READ), 0)))
		return 0;
	if (err)
		return err;
	holds = mbx_region_holds(&r);
	mbx_region_close(&r);
	if (holds < 0)
		return mbxi_fail(holds,
				 "%s holds something else than an mbx region: "
				 "left alone",
				 name);
	return 0;
}

int mbx_region_remove(const char *name)
{
	const struct backend *b = find_backend(&name);
	const char *path;
	int err;

	if (!b)
		return MBX_EINVAL;
	if (!b->remover)
		return mbxi_fail(MBX_ENOTSUP,
				 "%s has no name that could be removed", name);
	path = name + strlen(b->prefix);
	err = may_remove(name, path, b);
	if (err)
		return err;
	return b->remover(path) ? open_error(name, errno, false) : 0;
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

static bool set_lock(int fd, uint32_t off, short type)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = off, .l_len = 1
	};

	return fd < 0 || fcntl(fd, F_OFD_SETLK, &l) == 0;
}

bool mbxi_lock_take(int fd, uint32_t off)
{
	return set_lock(fd, off, F_WRLCK);
}

void mbxi_lock_drop(int fd, uint32_t off)
{
	set_lock(fd, off, F_UNLCK);
}
