/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions by name: every form, every refusal, slices, and opening again. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#ifndef UNDER_QEMU
#define UNDER_QEMU 0
#endif

static void test_open_bad_name_says_what_is_expected(void **state)
{
	(void)state;
	unsetenv("MBX_REGION");
	region_refused(NULL, 0, 0, MBX_EINVAL, "MBX_REGION");
	region_refused("", 0, 0, MBX_EINVAL, "MBX_REGION");
	region_refused("x", 0, 0, MBX_EINVAL, "shm:/NAME");
	region_refused("/dev/shm/x", 0, 0, MBX_EINVAL, "shm:/x");
	region_refused("/tmp/x", 0, 0, MBX_EINVAL, "file:/tmp/x");
	region_refused("shm:/a@4096", 0, 0, MBX_EINVAL, "no size");
	region_refused("shm:x", 0, 0, MBX_EINVAL, "slash");
	region_refused("shm:/", 0, 0, MBX_EINVAL, "slash");
	region_refused("shm:/a/b", 0, 0, MBX_EINVAL, "slash");
	region_refused("shm:/..", 0, 0, MBX_EINVAL, "slash");
	region_refused("shm:/a b", 0, 0, MBX_EINVAL, "slash");
	region_refused("shm:/a@0+4K@0+4K", 0, 0, MBX_EINVAL, "slash");
	region_refused("file:", 0, 0, MBX_EINVAL, "path");
	region_refused("anon:", 0, 0, MBX_EINVAL, "anon:64K");
	region_refused("anon:-4", 0, 0, MBX_EINVAL, "anon:64K");
	region_refused("anon:63", 0, 0, MBX_EINVAL, "64");
	region_refused("anon:2G", 0, 0, MBX_EINVAL, "1G");
	region_refused("anon:5G", 0, 0, MBX_EINVAL, "1G");
	region_refused("anon:64Q", 0, 0, MBX_EINVAL, "anon:64K");
	region_refused("mem:0x1000", 0, 0, MBX_EINVAL, "mem:0x3ed80000+64K");
	region_refused("mem:0x1001+64K", 0, 0, MBX_EINVAL, "page size");
	region_refused("mem:0x1000+6", 0, 0, MBX_EINVAL, "size");
	region_refused("mem:zzz+64K", 0, 0, MBX_EINVAL, "mem:0x3ed80000+64K");
	region_refused(
		"mem:0x12345678901234567890123456789012345678901234z+64K", 0, 0,
		MBX_EINVAL,
		"\"0x12345678901234567890123456789012345"
		"678\" is no number;");
	region_refused("mem:0x8000000000000000+64K", 0, 0, MBX_EINVAL,
		       "address");
}

static void test_open_by_environment_uses_that_name(void **state)
{
	struct mbx_region r;

	(void)state;
	setenv("MBX_REGION", "anon:4K", 1);
	assert_mbx(mbx_region_open(&r, NULL, 0, 0), 0);
	unsetenv("MBX_REGION");
	assert_int_equal(r.bytes, 4096);
	mbx_region_close(&r);
}

static void test_open_missing_creates_nothing(void **state)
{
	struct mbx_region r;
	struct stat st;

	(void)state;
	region_refused("shm:/mbx-test-missing", 0, 0, MBX_ENOENT, "mbx create");
	region_refused("file:/nonexistent/x", 0, 0, MBX_ENOENT,
		       "/nonexistent/x");
	region_refused("file:/nonexistent/x", MBX_REGION_CREATE, 4096,
		       MBX_ENOENT, "its folder has to be there");
	assert_int_equal(stat("/dev/shm/mbx-test-missing", &st), -1);
	region_refused("shm:/mbx-test-missing", MBX_REGION_CREATE, 0,
		       MBX_EINVAL, "1 GiB");
	region_refused("shm:/mbx-test-missing", MBX_REGION_CREATE,
		       (size_t)2 << 30, MBX_EINVAL, "1 GiB");
	assert_int_equal(stat("/dev/shm/mbx-test-missing", &st), -1);
	assert_mbx(mbx_region_remove("shm:/mbx-test-missing"), MBX_ENOENT);
	(void)r;
}

static void test_remove_file_that_holds_something_else_leaves_it(void **state)
{
	char path[] = "/tmp/mbx-test-XXXXXX", name[60], text[100] = "diary";
	struct stat st;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	snprintf(name, sizeof(name), "file:%s", path);
	assert_mbx(mbx_region_remove(name), MBX_ENOTREGION);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	assert_mbx(mbx_region_remove("anon:4K"), MBX_ENOTSUP);
	assert_mbx(mbx_region_remove("nonsense"), MBX_EINVAL);
}

static void test_file_that_begins_with_zeros_is_not_taken_for_nothing(void **s)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	char path[] = "/tmp/mbx-test-XXXXXX", name[60], kept[6] = "";
	int fd = mkstemp(path);
	struct mbx_region r;
	uint32_t *word;
	struct stat st;
	struct mbx *m;

	(void)s;
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(pwrite(fd, "diary", 5, 700000), 5);
	snprintf(name, sizeof(name), "file:%s", path);
	assert_mbx(mbx_region_remove(name), MBX_ENOTREGION);
	assert_mbx(mbx_open(&m, name, &o), MBX_ENOTREGION);
	assert_non_null(strstr(mbx_errmsg(), "not formatted"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(pread(fd, kept, 5, 700000), 5);
	assert_string_equal(kept, "diary");
	assert_int_equal(pread(fd, kept, 4, 0), 4);
	assert_int_equal(kept[0], 0);
	/* zeros and nothing else may become a region, and be removed */
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_mbx(mbx_open(&m, name, &o), 0);
	mbx_close(m);
	/* and so may what a formatter left that died at it */
	assert_mbx(mbx_region_open(&r, name, 0, 0), 0);
	word = r.base;
	word[0] = 0;
	assert_mbx(mbx_region_holds(&r), 1);
	word[1] = 0;
	assert_mbx(mbx_region_holds(&r), 1);
	word[1] = 0x00070000;
	assert_mbx(mbx_region_holds(&r), MBX_ENOTREGION);
	word[3] = 0;
	assert_mbx(mbx_region_holds(&r), MBX_ENOTREGION);
	word[3] = 5;
	word[1] = 0;
	mbx_region_close(&r);
	close(fd);
	assert_mbx(mbx_region_remove(name), 0);
	assert_int_equal(stat(path, &st), -1);
}

static void test_private_mapping_changes_nothing_in_the_file(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	char path[] = "/tmp/mbx-test-XXXXXX", name[60];
	static char before[65536], after[65536];
	struct mbx_region r;
	uint32_t word = 0;
	int fd = mkstemp(path);
	struct mbx *m;

	(void)state;
	assert_int_equal(ftruncate(fd, 4096), 0);
	snprintf(name, sizeof(name), "file:%s", path);
	assert_mbx(mbx_region_open(&r, name, MBX_REGION_PRIVATE, 0), 0);
	*(volatile uint32_t *)r.base = 0x12345678;
	assert_int_equal(pread(fd, &word, 4, 0), 4);
	assert_int_equal(word, 0);
	mbx_region_close(&r);
	/* a life in such a copy is nobody's but its own */
	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_mbx(mbx_open(&m, name, &o), 0);
	mbx_close(m);
	assert_int_equal(pread(fd, before, 65536, 0), 65536);
	assert_mbx(mbx_region_open(&r, name, MBX_REGION_PRIVATE, 0), 0);
	assert_mbx(mbx_open_at(&m, &r, NULL), 0);
	open_end(m, "up");
	mbx_close(m);
	mbx_region_close(&r);
	assert_int_equal(pread(fd, after, 65536, 0), 65536);
	assert_memory_equal(before, after, 65536);
	close(fd);
	unlink(path);
}

static const char *shm_path(void)
{
	static char path[80];

	snprintf(path, sizeof(path), "/dev/shm%s", strchr(test_region(), '/'));
	return path;
}

static void test_open_limit_maps_no_more(void **state)
{
	const char *name = test_region();
	struct mbx_region r, s;

	(void)state;
	assert_mbx(mbx_region_open(&r, name, MBX_REGION_CREATE, 65536), 0);
	assert_mbx(mbx_region_open(&s, name, 0, 8192), 0);
	assert_int_equal(s.bytes, 8192);
	mbx_region_close(&s);
	mbx_region_close(&r);
	assert_mbx(mbx_region_remove(name), 0);
}

/* ---- slices ---- */

struct ram {
	char path[32], low[80], high[80];
	int fd;
};

/* A board's RAM of which two slices are regions, with something between them */
static void make_ram(struct ram *ram)
{
	strcpy(ram->path, "/tmp/mbx-test-XXXXXX");
	ram->fd = mkstemp(ram->path);
	assert_true(ram->fd >= 0);
	assert_int_equal(ftruncate(ram->fd, 1 << 30), 0);
	assert_int_equal(pwrite(ram->fd, "code", 4, 0), 4);
	assert_int_equal(pwrite(ram->fd, "heap", 4, 0x38000), 4);
	snprintf(ram->low, sizeof(ram->low), "file:%s@0x20000+64K", ram->path);
	snprintf(ram->high, sizeof(ram->high), "file:%s@0x3ed80000+0x10000",
		 ram->path);
}

static void remove_ram(struct ram *ram)
{
	close(ram->fd);
	unlink(ram->path);
}

static struct mbx *open_slice(const char *name, enum mbx_side side)
{
	struct mbx_options o = { .side = side,
				 .format = side == MBX_REMOTE,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *m;

	assert_mbx(mbx_open(&m, name, &o), 0);
	return m;
}

static void test_slices_of_one_file_are_regions_of_their_own(void **state)
{
	struct mbx *low[2], *high[2];
	char text[8] = "";
	struct mbx_end *up, *in;
	struct ram ram;

	(void)state;
	make_ram(&ram);
	low[1] = open_slice(ram.low, MBX_REMOTE);
	high[1] = open_slice(ram.high, MBX_REMOTE);
	low[0] = open_slice(ram.low, MBX_HOST);
	high[0] = open_slice(ram.high, MBX_HOST);
	bring_up(low[0], low[1]);
	bring_up(high[0], high[1]);
	assert_int_equal(mbx_get_region(high[0])->address, 0x3ed80000);
	assert_int_equal(mbx_get_region(high[0])->bytes, 65536);
	/* the same end of each has an owner of its own, and one each */
	up = open_end(low[0], "up");
	in = open_end(high[1], "up");
	open_end(low[1], "up");
	assert_mbx(mbx_send(open_end(high[0], "up"), "high", 5, 0), 0);
	assert_mbx(mbx_send(up, "low", 4, 0), 0);
	assert_mbx(mbx_recv(in, text, sizeof(text), 0), 5);
	assert_string_equal(text, "high");
	mbx_close(low[0]);
	mbx_close(low[1]);
	mbx_close(high[0]);
	mbx_close(high[1]);
	assert_int_equal(pread(ram.fd, text, 4, 0), 4);
	assert_int_equal(pread(ram.fd, text + 4, 4, 0x38000), 4);
	assert_memory_equal(text, "codeheap", 8);
	remove_ram(&ram);
}

static void test_slice_has_one_owner_as_any_region(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *first, *second;
	struct mbx_end *e;
	struct ram ram;

	(void)state;
	make_ram(&ram);
	first = open_slice(ram.high, MBX_REMOTE);
	assert_mbx(mbx_open(&second, ram.high, &o), MBX_EBUSY);
	o.format = 0;
	assert_mbx(mbx_open(&second, ram.high, &o), 0);
	open_end(first, "up");
	assert_mbx(mbx_end_open(second, "up", &e), MBX_EBUSY);
	mbx_close(second);
	mbx_close(first);
	remove_ram(&ram);
}

static void test_slice_that_is_not_in_the_file_is_refused(void **state)
{
	struct mbx_region r;
	struct ram ram;
	char name[100];

	(void)state;
	make_ram(&ram);
	snprintf(name, sizeof(name), "file:%s@0x3fff0000+128K", ram.path);
	region_refused(name, 0, 0, MBX_ENOSPC, "0x40010000");
	region_refused(name, MBX_REGION_READ, 0, MBX_ENOSPC,
		       "0x40000000 bytes");
	snprintf(name, sizeof(name), "file:%s@0x800+64K", ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "page size");
	snprintf(name, sizeof(name), "file:%s@0+62", ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "from 64 to 1G");
	snprintf(name, sizeof(name), "file:%s@0+65", ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "multiple of 4");
	snprintf(name, sizeof(name), "file:%s@0+2G", ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "to 1G");
	snprintf(name, sizeof(name), "file:%s@0+99999999999999999999G",
		 ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "to 1G");
	snprintf(name, sizeof(name), "file:%s@0xfffffffffffffffff000+64K",
		 ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "2^63");
	snprintf(name, sizeof(name), "file:%s@0x7ffffffffffff000+64K",
		 ram.path);
	region_refused(name, 0, 0, MBX_EINVAL, "2^63");
	region_refused(ram.low, MBX_REGION_CREATE, 65536, MBX_EINVAL,
		       "not created");
	region_refused("shm:/a/b@0+64K", 0, 0, MBX_EINVAL, "slash");
	region_refused("file:@0+64K", 0, 0, MBX_EINVAL, "path");
	region_refused("shm:/mbx-test-missing@0+64K", 0, 0, MBX_ENOENT,
		       "missing");
	/* at most so much, as of a whole file */
	assert_mbx(mbx_region_open(&r, ram.low, 0, 4096), 0);
	assert_int_equal(r.bytes, 4096);
	mbx_region_close(&r);
	remove_ram(&ram);
}

static void test_at_sign_without_a_slice_is_part_of_the_name(void **state)
{
	static const char *const ends[] = { "@home",	"@",	   "@0",
					    "@0+",	"@0+64KB", "@-4096+64K",
					    "@0+64K@x", "@+64K" };
	char path[] = "/tmp/mbx-test-XXXXXX", longer[64], name[80];
	int fd = mkstemp(path);
	struct mbx_region r;
	size_t i;

	(void)state;
	assert_int_equal(ftruncate(fd, 8192), 0);
	close(fd);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(longer, sizeof(longer), "%s%s", path, ends[i]);
		snprintf(name, sizeof(name), "file:%s", longer);
		region_refused(name, 0, 0, MBX_ENOENT, longer);
		assert_int_equal(rename(path, longer), 0);
		assert_mbx(mbx_region_open(&r, name, 0, 0), 0);
		assert_int_equal(r.address, 0);
		assert_int_equal(r.bytes, 8192);
		mbx_region_close(&r);
		assert_mbx(mbx_region_remove(name), 0);
		close(open(path, O_CREAT | O_RDWR, 0600));
		assert_int_equal(truncate(path, 8192), 0);
	}
	/* and such a file can have slices, too */
	snprintf(longer, sizeof(longer), "%s@0+64K", path);
	snprintf(name, sizeof(name), "file:%s@4096+4K", longer);
	assert_int_equal(rename(path, longer), 0);
	assert_mbx(mbx_region_open(&r, name, 0, 0), 0);
	assert_int_equal(r.address, 4096);
	mbx_region_close(&r);
	unlink(longer);
}

static void test_slice_holds_what_is_in_the_slice(void **state)
{
	struct mbx_region r;
	struct ram ram;

	(void)state;
	make_ram(&ram);
	assert_mbx(mbx_region_open(&r, ram.low, 0, 0), 0);
	assert_mbx(mbx_region_holds(&r), 0); /* "code" and "heap" are outside */
	assert_int_equal(pwrite(ram.fd, "x", 1, 0x2ffff), 1);
	assert_mbx(mbx_region_holds(&r), MBX_ENOTREGION);
	mbx_region_close(&r);
	remove_ram(&ram);
}

static void test_slice_is_not_removed_nor_the_file_around_it(void **state)
{
	struct ram ram;
	struct stat st;

	(void)state;
	make_ram(&ram);
	mbx_close(open_slice(ram.low, MBX_REMOTE));
	assert_mbx(mbx_region_remove(ram.low), MBX_ENOTSUP);
	assert_non_null(strstr(mbx_errmsg(), "slice"));
	assert_int_equal(stat(ram.path, &st), 0);
	remove_ram(&ram);
}

static void test_truncation_inside_a_slice_is_noticed_below_it_not(void **s)
{
	struct mbx *low, *high;
	struct ram ram;

	(void)s;
	make_ram(&ram);
	low = open_slice(ram.low, MBX_REMOTE);
	high = open_slice(ram.high, MBX_REMOTE);
	assert_int_equal(ftruncate(ram.fd, 0x3ed88000), 0);
	assert_mbx(mbx_poll(high), MBX_EIO);
	assert_mbx(mbx_poll(low), 0);
	assert_int_equal(ftruncate(ram.fd, 0x30000), 0);
	assert_mbx(mbx_poll(low), 0);
	assert_int_equal(ftruncate(ram.fd, 0x2fffc), 0);
	assert_mbx(mbx_poll(low), MBX_EIO);
	mbx_close(high);
	mbx_close(low);
	remove_ram(&ram);
}

static void test_anonymous_region_is_shared_with_a_child(void **state)
{
	struct mbx_region r;
	pid_t pid;

	(void)state;
	assert_mbx(mbx_region_open(&r, "anon:64K", 0, 0), 0);
	pid = fork_bound();
	if (pid == 0) {
		*(volatile uint32_t *)r.base = 77;
		_exit(0);
	}
	reap(pid, 0);
	assert_int_equal(*(volatile uint32_t *)r.base, 77);
	mbx_region_close(&r);
}

static void test_open_without_a_descriptor_for_locks_is_refused(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct rlimit was, none;
	struct mbx_region r, s;
	struct mbx *m;
	int err;

	(void)state;
	assert_mbx(mbx_region_open(&r, "anon:64K", 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = mbx_open_at(&m, &r, &o);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_mbx(err, MBX_EIO);
	assert_non_null(strstr(mbx_errmsg(), "lock"));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = mbx_region_open(&s, "anon:64K", 0, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_mbx(err, MBX_EIO);
	mbx_region_close(&r);
}

static void test_memory_that_is_not_to_be_had_is_refused(void **state)
{
	struct rlimit was, little;
	struct mbx_region r;
	int err;

	(void)state;
	/* its size is in its name, not in how it is created */
	assert_mbx(mbx_region_open(&r, "anon:4K", MBX_REGION_CREATE, 0), 0);
	assert_int_equal(r.bytes, 4096);
	mbx_region_close(&r);
	if (UNDER_QEMU)
		skip(); /* it takes no notice of that limit */
	assert_int_equal(getrlimit(RLIMIT_AS, &was), 0);
	little = was;
	little.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
	err = mbx_region_open(&r, "anon:1G", 0, 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &was), 0);
	assert_mbx(err, MBX_ENOMEM);
	assert_non_null(strstr(mbx_errmsg(), "anon:1G: mmap: Cannot allocate"));
	assert_null(r.base);
}

static void test_one_region_too_many_is_refused_not_unguarded(void **state)
{
	const char *name = test_region();
	struct mbx_region r[65];
	int i, n;

	(void)state;
	assert_mbx(mbx_region_open(&r[0], name, MBX_REGION_CREATE, 4096), 0);
	for (n = 1; n < 64; n++)
		assert_mbx(mbx_region_open(&r[n], name, 0, 0), 0);
	assert_mbx(mbx_region_open(&r[n], name, 0, 0), MBX_ENOMEM);
	assert_int_equal(r[n].fd, -1);
	for (i = 0; i < n; i++)
		mbx_region_close(&r[i]);
	assert_mbx(mbx_region_remove(name), 0);
}

/* What a creator leaves that died before it gave its region a size. */
static void test_remove_takes_an_empty_region(void **state)
{
	char path[] = "/tmp/mbx-test-XXXXXX", file[60];
	const char *name = test_region();
	int fd = shm_open(strchr(name, '/'), O_CREAT | O_RDWR, 0600);

	(void)state;
	close(fd);
	assert_mbx(mbx_region_remove(name), 0);
	fd = shm_open(strchr(name, '/'), O_CREAT | O_RDWR, 0600);
	assert_int_equal(ftruncate(fd, 8), 0);
	close(fd);
	assert_mbx(mbx_region_remove(name), MBX_ENOSPC);
	assert_int_equal(shm_unlink(strchr(name, '/')), 0);
	close(mkstemp(path));
	snprintf(file, sizeof(file), "file:%s", path);
	assert_mbx(mbx_region_remove(file), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_memory_of_the_caller_stays_as_it_is(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx_region r;
	struct mbx *m;

	(void)state;
	assert_mbx(mbx_region_open(&r, "anon:64K", 0, 0), 0);
	assert_mbx(mbx_open_at(&m, &r, &o), 0);
	*(volatile uint32_t *)r.base = 1;
	mbx_close(m);
	mbx_region_close(&r);
}

static struct mbx *open_with_pages(const char *name, uint32_t page_bytes)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .bytes = 1 << 20,
				 .channels = host_channels,
				 .count = host_channels_count,
				 .page_bytes = page_bytes };
	struct mbx *m;

	assert_mbx(mbx_open(&m, name, &o), 0);
	return m;
}

#define MANY 70 /* a directory of more than a page: all sections move */

/* The peer formats with other channels: nothing is where it was. */
static void format_otherwise(const char *name)
{
	struct mbx_channel many[MANY];
	struct mbx_options o = {
		.side = MBX_REMOTE, .format = 1, .channels = many, .count = MANY
	};
	struct mbx *m;
	int i;

	for (i = 0; i < MANY; i++)
		many[i] = host_channels[0];
	assert_mbx(mbx_open(&m, name, &o), 0);
	mbx_close(m);
}

static void test_reopen_goes_on_with_the_same_mapping(void **state)
{
	const char *name = test_region();
	struct mbx *remote = open_with_pages(name, 4096),
		   *host = open_host(name);
	struct mbx_end *e = open_end(host, "up");
	void *base = mbx_get_region(host)->base;

	(void)state;
	mbx_close(remote);
	format_otherwise(name);
	assert_mbx(mbx_poll(host), MBX_ESTALE);
	assert_mbx(mbx_send(e, "x", 1, 0), MBX_ESTALE);
	/* no name is left to open it by, nor is one needed */
	assert_int_equal(shm_unlink(strchr(name, '/')), 0);
	assert_mbx(mbx_reopen(host), 0);
	assert_ptr_equal(mbx_get_region(host)->base, base);
	assert_int_equal(mbx_channel_count(host), MANY);
	open_end(host, "up");
	mbx_close(host);
}

static void test_reopen_with_other_channels_waits_for_its_own(void **state)
{
	struct mbx_options o = { .side = MBX_HOST,
				 .channels = host_channels,
				 .count = host_channels_count };
	const char *name = test_region();
	struct mbx *remote = open_with_pages(name, 4096), *host;
	char text[8];

	(void)state;
	assert_mbx(mbx_open(&host, name, &o), 0);
	mbx_close(remote);
	format_otherwise(name);
	assert_mbx(mbx_poll(host), MBX_ESTALE);
	assert_mbx(mbx_reopen(host), MBX_EMISMATCH);
	assert_mbx(mbx_poll(host), MBX_ESTALE);
	o.side = MBX_REMOTE;
	o.format = 1;
	assert_mbx(mbx_open(&remote, name, &o), 0);
	assert_mbx(mbx_reopen(host), 0);
	bring_up(remote, host);
	assert_mbx(mbx_send(open_end(host, "up"), "again", 6, 0), 0);
	assert_mbx(mbx_recv(open_end(remote, "up"), text, 8, 0), 6);
	/* of one that lives, a new life */
	assert_mbx(mbx_reopen(host), 0);
	assert_true(mbx_poll(remote) & MBX_EVENT_DOWN);
	bring_up(remote, host);
	mbx_close(host);
	mbx_close(remote);
	assert_mbx(mbx_region_remove(name), 0);
}

static void test_attaching_later_looks_at_nothing_before(void **state)
{
	struct mbx_options o = { .attach_later = 1 };
	const char *name = test_region();
	struct mbx *host;
	uint32_t *magic, was;
	int fd;

	(void)state;
	mbx_close(open_with_pages(name, 4096));
	fd = shm_open(strchr(name, '/'), O_RDWR, 0);
	magic = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(magic, MAP_FAILED);
	close(fd);
	/* what would be refused is not even noticed */
	was = *magic;
	*magic = 0x12345678;
	assert_mbx(mbx_open(&host, name, &o), 0);
	assert_mbx(mbx_reopen(host), MBX_ENOTREGION);
	*magic = was;
	assert_mbx(mbx_reopen(host), 0);
	assert_true(mbx_poll(host) >= 0);
	mbx_close(host);
	assert_int_equal(munmap(magic, 4096), 0);
	assert_mbx(mbx_region_remove(name), 0);
}

/* While nobody is there yet, too; and not only once the time is over. */
static void test_send_is_told_of_a_truncation_while_it_waits(void **state)
{
	const char *name = test_region();
	struct mbx *remote = open_owner(name), *host = open_host(name);
	struct mbx_end *up = open_end(host, "up");

	(void)state;
	mbx_close(remote);
	while (mbx_poll(host))
		;
	assert_int_equal(truncate(shm_path(), 0), 0);
	assert_mbx(mbx_send(up, "x", 1, PATIENCE_MS), MBX_EIO);
	assert_non_null(strstr(mbx_errmsg(), "truncated"));
	mbx_close(host);
	assert_int_equal(unlink(shm_path()), 0);
}

static void test_reopen_of_a_truncated_region_is_refused(void **state)
{
	const char *name = test_region();
	struct mbx *remote = open_owner(name);
	int fd = shm_open(strchr(name, '/'), O_RDWR, 0);

	(void)state;
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	assert_mbx(mbx_poll(remote), MBX_EIO);
	assert_mbx(mbx_reopen(remote), MBX_EIO);
	mbx_close(remote);
	assert_int_equal(shm_unlink(strchr(name, '/')), 0);
}

/*
 * Who takes over attaches to what stands there now, and a hostile peer may have
 * moved the sections under the same instance.
 */
static void test_take_over_is_not_in_its_own_way(void **state)
{
	const char *name = test_region();
	char moved[80];
	struct mbx *remote = open_with_pages(name, 4096), *other;
	struct mbx *first = open_host(name), *second = open_host(name);
	struct mbx_region r;

	(void)state;
	bring_up(remote, first);
	mbx_close(first);
	assert_true(mbx_poll(second) >= 0);
	bring_up(remote, second);
	mbx_close(second);

	snprintf(moved, sizeof(moved), "%s-moved", name);
	other = open_with_pages(moved, 8192);
	assert_int_equal(mbx_get_link(other)->instance,
			 mbx_get_link(remote)->instance);
	first = open_host(name);
	second = open_host(name);
	assert_int_equal(mbx_get_link(remote)->section[MBX_REMOTE], 8192);
	assert_int_equal(mbx_get_link(other)->section[MBX_HOST], 8192);
	mbx_close(first);
	assert_mbx(mbx_region_open(&r, name, 0, 0), 0);
	memcpy(r.base, mbx_get_region(other)->base, r.bytes);
	assert_true(mbx_poll(second) >= 0);
	mbx_close(second);
	mbx_region_close(&r);
	mbx_close(other);
	mbx_close(remote);
	assert_mbx(mbx_region_remove(moved), 0);
	assert_mbx(mbx_region_remove(name), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		region_test(test_open_bad_name_says_what_is_expected),
		region_test(test_open_by_environment_uses_that_name),
		region_test(test_open_missing_creates_nothing),
		region_test(
			test_remove_file_that_holds_something_else_leaves_it),
		region_test(
			test_file_that_begins_with_zeros_is_not_taken_for_nothing),
		region_test(test_private_mapping_changes_nothing_in_the_file),
		region_test(test_open_limit_maps_no_more),
		region_test(test_slices_of_one_file_are_regions_of_their_own),
		region_test(test_slice_has_one_owner_as_any_region),
		region_test(test_slice_that_is_not_in_the_file_is_refused),
		region_test(test_at_sign_without_a_slice_is_part_of_the_name),
		region_test(test_slice_holds_what_is_in_the_slice),
		region_test(test_slice_is_not_removed_nor_the_file_around_it),
		region_test(
			test_truncation_inside_a_slice_is_noticed_below_it_not),
		region_test(test_anonymous_region_is_shared_with_a_child),
		region_test(
			test_open_without_a_descriptor_for_locks_is_refused),
		region_test(test_memory_that_is_not_to_be_had_is_refused),
		region_test(test_one_region_too_many_is_refused_not_unguarded),
		region_test(test_remove_takes_an_empty_region),
		region_test(test_memory_of_the_caller_stays_as_it_is),
		region_test(test_reopen_goes_on_with_the_same_mapping),
		region_test(test_reopen_with_other_channels_waits_for_its_own),
		region_test(test_attaching_later_looks_at_nothing_before),
		region_test(test_send_is_told_of_a_truncation_while_it_waits),
		region_test(test_reopen_of_a_truncated_region_is_refused),
		region_test(test_take_over_is_not_in_its_own_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
