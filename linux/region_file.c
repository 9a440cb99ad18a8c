/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions in files, whole or a slice, in shared memory, and in no file at all. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much of the file @r->fd is the region: the slice named, or all of it. */
static int choose_bytes(struct mbx_region *r, const char *name,
			const struct mbxi_span *slice, uint64_t file_bytes,
			size_t *bytes)
{
	uint64_t n = file_bytes;

	if (slice) {
		if (file_bytes < slice->start + slice->bytes)
			return mbxi_fail(
				MBX_ENOSPC,
				"%s: the file has 0x%llx bytes; the slice "
				"would end at 0x%llx",
				name, (unsigned long long)file_bytes,
				(unsigned long long)(slice->start +
						     slice->bytes));
		r->address = slice->start;
		n = slice->bytes;
	}
	if (*bytes && n > *bytes)
		n = *bytes;
	if (n > MBX_MAX_REGION)
		n = MBX_MAX_REGION;
	*bytes = (size_t)n & ~(size_t)3;
	if (*bytes >= sizeof(struct mbx_super))
		return 0;
	return mbxi_fail(MBX_ENOSPC,
			 "%s has %llu bytes; a region needs at least %zu", name,
			 (unsigned long long)n, sizeof(struct mbx_super));
}

/* All users share the names of shared memory: who can have put it there? */
static int check_shm(const char *name, const struct stat *st)
{
	if (st->st_uid != geteuid() && st->st_uid != 0 && geteuid() != 0)
		return mbxi_fail(MBX_EACCES,
				 "%s belongs to user %u, not to you (%u); have "
				 "it created by yourself",
				 name, st->st_uid, geteuid());
	if (st->st_mode & S_IWOTH)
		return mbxi_fail(MBX_EACCES,
				 "%s may be written by anybody (mode %03o): "
				 "chmod o-w its file in /dev/shm",
				 name, st->st_mode & 0777u);
	if (st->st_nlink > 1)
		return mbxi_fail(MBX_EACCES,
				 "%s is but one of %u names of its file (hard "
				 "links): remove those that are not its own",
				 name, (unsigned int)st->st_nlink);
	return 0;
}

/* Check and map an open file: its type and size, and who shares it. */
static int map_file(struct mbx_region *r, const char *name,
		    const struct mbxi_span *slice, size_t bytes)
{
	struct stat st;
	int err;

	if (fstat(r->fd, &st) < 0)
		return mbxi_fail(mbxi_errno(errno), "%s: %s", name,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return mbxi_fail(MBX_ENOTSUP,
				 "%s is not a regular file; a region is a file "
				 "or shared memory that can be mapped",
				 name);
	err = strcmp(r->kind, "shm") == 0 ? check_shm(name, &st) : 0;
	if (err)
		return err;
	err = choose_bytes(r, name, slice, (uint64_t)st.st_size, &bytes);
	if (err)
		return err;
	err = mbxi_map(r, r->fd, r->address, bytes);
	if (err)
		return mbxi_fail(mbxi_errno(-err), "%s: mmap of %zu bytes: %s",
				 name, bytes, strerror(-err));
	err = mbxi_guard(r, name);
	if (err)
		mbxi_unmap(r);
	return err;
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
	return mbxi_fail(mbxi_errno(e), "%s: %s%s", name, strerror(e), todo);
}

/* Whose is it, then, that it was kept from us? */
static int denied_error(const char *name, const char *path, bool shm)
{
	char *file;
	struct stat st;
	int err;

	if (asprintf(&file, "%s%s", shm ? "/dev/shm" : "", path) < 0)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	if (stat(file, &st) == 0)
		err = mbxi_fail(MBX_EACCES,
				"%s: %s; it is user %u's, with mode %03o, and "
				"you are user %u: have its owner change that",
				name, strerror(EACCES), st.st_uid,
				st.st_mode & 0777u, geteuid());
	else
		err = mbxi_fail(MBX_EACCES,
				"%s: %s; a folder on the way to it is closed "
				"to user %u",
				name, strerror(EACCES), geteuid());
	free(file);
	return err;
}

static bool good_shm_name(const char *s)
{
	size_t n = strspn(s + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return s[0] == '/' && n > 0 && n < 250 && !s[1 + n] &&
	       strcmp(s, "/.") != 0 && strcmp(s, "/..") != 0;
}

static int open_path(struct mbx_region *r, const char *name, const char *path,
		     const struct mbxi_span *slice, size_t bytes,
		     int (*opener)(const char *, int, mode_t),
		     int (*remover)(const char *))
{
	int err = 0;

	if (slice && r->flags & MBX_REGION_CREATE)
		return mbxi_fail(MBX_EINVAL,
				 "%s: a slice is not created, it is of a file "
				 "that is there; create all of %s, or format "
				 "the slice",
				 name, path);
	r->fd = opener(path, open_flags(r->flags), 0600);
	if (r->fd < 0 && errno == EINVAL && opener == shm_open)
		errno = EISDIR; /* which shm_open() calls so */
	if (r->fd < 0 && errno == EACCES)
		return denied_error(name, path, strcmp(r->kind, "shm") == 0);
	if (r->fd < 0)
		return open_error(name, errno, r->flags & MBX_REGION_CREATE);
	if (r->flags & MBX_REGION_CREATE) {
		err = size_file(r->fd, name, bytes);
		bytes = 0;
	}
	if (!err)
		err = map_file(r, name, slice, bytes);
	if (err) {
		close(r->fd);
		r->fd = -1;
		if (r->flags & MBX_REGION_CREATE)
			remover(path);
	}
	return err;
}

/*
 * Cut "@OFFSET+SIZE" off the end of @path, a copy, if that stands there: 1, or
 * 0 for a whole file, in whose name an "@" means nothing.
 */
static int cut_slice(char *path, const char *name, struct mbxi_span *slice)
{
	char *at = strrchr(path, '@');

	if (!at || !mbxi_parse_span(at + 1, slice))
		return 0;
	*at = 0;
	return mbxi_check_span(name, slice) ? MBX_EINVAL : 1;
}

static int open_plain(const char *path, int how, mode_t mode)
{
	return open(path, how & ~O_NOFOLLOW, mode);
}

static int open_named(struct mbx_region *r, const char *name, char *path,
		      size_t bytes)
{
	bool shm = strcmp(r->kind, "shm") == 0;
	struct mbxi_span slice;
	int cut = cut_slice(path, name, &slice);
	char why[MBXI_FAULT];
	const char *at;

	if (cut < 0)
		return cut;
	at = strchr(path, '@');
	if (shm && at && mbxi_span_fault(at + 1, why))
		return mbxi_fail(MBX_EINVAL,
				 "%s: %s; a slice is @OFFSET+SIZE, as in "
				 "shm:/board@0x10000+64K",
				 name, why);
	if (shm && !good_shm_name(path))
		return mbxi_fail(
			MBX_EINVAL,
			"%s: a shared memory name is a slash and then "
			"letters, digits, \"_\", \".\" or \"-\", as in "
			"shm:/board or shm:/board@0x10000+64K",
			name);
	if (!*path)
		return mbxi_fail(MBX_EINVAL, "%s: no path after \"file:\"",
				 name);
	return open_path(r, name, path, cut ? &slice : NULL, bytes,
			 shm ? shm_open : open_plain,
			 shm ? shm_unlink : unlink);
}

int mbxi_open_file(struct mbx_region *r, const char *name, const char *rest,
		   size_t bytes)
{
	char *path = strdup(rest);
	int err;

	if (!path)
		return mbxi_fail(MBX_ENOMEM, "out of memory");
	err = open_named(r, name, path, bytes);
	free(path);
	return err;
}

int mbxi_open_anon(struct mbx_region *r, const char *name, const char *size,
		   size_t bytes)
{
	uint64_t n;

	if (!mbxi_parse_size(size, &n) || !mbxi_good_size(n))
		return mbxi_fail(
			MBX_EINVAL,
			"%s: the size must be a multiple of 4 from %zu "
			"to 1G, as in anon:64K",
			name, sizeof(struct mbx_super));
	bytes = (size_t)n;
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

/* ---- what is there, and removing it ---- */

/* What a creator leaves that died before it gave its region a size. */
static bool is_empty(int fd)
{
	struct stat st;
	bool empty = fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 0;

	if (fd >= 0)
		close(fd);
	return empty;
}

/* Is all of the region zero? Holes are not read, which would fill them. */
static bool is_blank(const struct mbx_region *r)
{
	static const uint32_t none[1024];
	uint32_t buf[1024];
	off_t at = (off_t)r->address, end = at + (off_t)r->bytes;
	ssize_t n;

	while ((at = lseek(r->fd, at, SEEK_DATA)) >= 0 && at < end) {
		at &= ~(off_t)4095;
		n = pread(r->fd, buf,
			  end - at < 4096 ? (size_t)(end - at) : 4096, at);
		if (n <= 0)
			return n == 0;
		if (memcmp(buf, none, (size_t)n) != 0)
			return false;
		at += (off_t)sizeof(buf);
	}
	return at >= end || errno == ENXIO; /* behind the last data */
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
	/* RAM, not a file: it holds what was there at power-on */
	if (!r->guard || r->memory == MBX_MEMORY_DEVICE)
		return 0;
	if (magic == 0 && is_blank(r))
		return 0;
	return mbxi_fail(
		MBX_ENOTREGION,
		"it holds something else than an mbx region (the first "
		"word is 0x%08x): left alone; name another",
		magic);
}

const char *mbxi_held_slice(const struct mbx_region *file,
			    char slice[MBXI_SLICE])
{
	struct mbxi_span span;
	struct stat st;
	uint32_t magic;

	*slice = 0;
	if (file->guard && !file->address && fstat(file->fd, &st) == 0 &&
	    *mbxi_ram_slice((uint64_t)st.st_size, slice) &&
	    !(mbxi_parse_span(slice + 1, &span) &&
	      pread(file->fd, &magic, 4, (off_t)span.start) == 4 &&
	      magic == MBX_MAGIC))
		*slice = 0;
	return slice;
}

/*
 * Is it a region, or a board's RAM with one, or was it to become one? rm removes
 * nothing else.
 */
static int may_remove(const char *name, const char *path, bool shm)
{
	struct mbx_region r;
	int err = mbx_region_open(&r, name, MBX_REGION_READ, 0), holds, how;
	char slice[MBXI_SLICE];

	how = open_flags(MBX_REGION_READ);
	if (err == MBX_ENOSPC &&
	    is_empty(shm ? shm_open(path, how, 0) : open_plain(path, how, 0)))
		return 0;
	if (err)
		return err;
	holds = *mbxi_held_slice(&r, slice) ? 1 : mbx_region_holds(&r);
	mbx_region_close(&r);
	if (holds < 0)
		return mbxi_fail(holds,
				 "%s holds something else than an mbx region: "
				 "left alone",
				 name);
	return 0;
}

int mbxi_remove_file(const char *name, const char *path)
{
	bool shm = strncmp(name, "shm:", 4) == 0;
	const char *at = strrchr(path, '@');
	struct mbxi_span slice;
	int err;

	if (at && mbxi_parse_span(at + 1, &slice))
		return mbxi_fail(MBX_ENOTSUP,
				 "%s is a slice of a file that holds more; to "
				 "remove that, name all of it: %.*s",
				 name, (int)(strrchr(name, '@') - name), name);
	err = may_remove(name, path, shm);
	if (err)
		return err;
	if (shm ? shm_unlink(path) : unlink(path))
		return open_error(name, errno, false);
	return 0;
}
