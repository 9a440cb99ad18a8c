/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attacks by other users and processes of this computer, each by name: what they
 * put in the place of a region, how they change it while it is in use, locks and
 * doorbells that they keep. What firmware or a peer may write into a region is
 * in test_hostile.c and verify/fuzz.c; the command's part in tests/security.sh.
 */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define HANG_S 60

/* The file of a shm: name. */
static const char *shm_path(const char *name)
{
	static char path[80];

	snprintf(path, sizeof(path), "/dev/shm%s", strchr(name, '/'));
	return path;
}

static void refuses_every_way(const char *name, int want, const char *says)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *m;

	region_refused(name, 0, 0, want, says);
	region_refused(name, MBX_REGION_READ, 0, want, says);
	region_refused(name, MBX_REGION_PRIVATE, 0, want, says);
	assert_mbx(mbx_open(&m, name, &o), want);
	assert_mbx(mbx_region_remove(name), want);
}

/* ---- in the place of a region ---- */

static void test_name_that_leads_elsewhere_is_refused(void **state)
{
	static const char *const names[] = {
		"shm:/../etc/passwd",
		"shm:/a/../../etc/passwd",
		"shm:/..",
		"shm:/.",
		"shm://etc/passwd",
		"shm:/a/",
		"shm:../x",
		"shm:/a\nb",
		"shm:/a\tb",
		"shm:/\303\244",
	};
	char longest[300] = "shm:/";
	size_t i;

	(void)state;
	memset(longest + 5, 'a', 280);
	refuses_every_way(longest, MBX_EINVAL, "slash");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		refuses_every_way(names[i], MBX_EINVAL, "slash");
		region_refused(names[i], MBX_REGION_CREATE, 4096, MBX_EINVAL,
			       "slash");
	}
}

/* To a region of the same user, even, which would be another one's peer. */
static void test_symlink_in_shared_memory_is_not_followed(void **state)
{
	const char *name = test_region(), *to[] = { NULL, "/etc/passwd" };
	char link[80], other[80], path[80];
	struct mbx_region r;
	struct stat st;
	size_t i;

	(void)state;
	snprintf(other, sizeof(other), "%s-other", name);
	snprintf(path, sizeof(path), "%s", shm_path(other));
	snprintf(link, sizeof(link), "%s", shm_path(name));
	to[0] = path;
	assert_mbx(mbx_region_open(&r, other, MBX_REGION_CREATE, 4096), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(symlink(to[i], link), 0);
		refuses_every_way(name, MBX_ENOTSUP, name);
		region_refused(name, MBX_REGION_CREATE, 4096, MBX_EEXIST, name);
		assert_int_equal(lstat(link, &st), 0);
		assert_int_equal(unlink(link), 0);
	}
	mbx_region_close(&r);
	/* nor one to where nothing is yet */
	assert_mbx(mbx_region_remove(other), 0);
	assert_int_equal(symlink(path, link), 0);
	region_refused(name, MBX_REGION_CREATE, 4096, MBX_EEXIST, name);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(unlink(link), 0);
}

static void test_symlink_is_not_followed_to_create_a_file(void **state)
{
	char dir[] = "/tmp/mbx-test-XXXXXX", name[80], link[60], to[60];
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/link", dir);
	snprintf(to, sizeof(to), "%s/to", dir);
	snprintf(name, sizeof(name), "file:%s", link);
	assert_int_equal(symlink(to, link), 0);
	region_refused(name, MBX_REGION_CREATE, 4096, MBX_EEXIST, link);
	assert_int_equal(stat(to, &st), -1);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_hard_link_to_another_region_is_refused(void **state)
{
	const char *name = test_region();
	char other[80], path[80];

	(void)state;
	snprintf(other, sizeof(other), "%s-other", name);
	mbx_close(open_owner(other));
	snprintf(path, sizeof(path), "%s", shm_path(other));
	assert_int_equal(link(path, shm_path(name)), 0);
	refuses_every_way(name, MBX_EACCES, "hard links");
	assert_int_equal(unlink(shm_path(name)), 0);
	mbx_close(open_host(other));
	assert_mbx(mbx_region_remove(other), 0);
}

/* Opening must not wait for the other end, as that of a pipe would. */
static void test_what_is_no_file_is_refused_at_once(void **state)
{
	const char *name = test_region(), *path = shm_path(name);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	alarm(HANG_S);
	refuses_every_way("file:/dev/null", MBX_ENOTSUP, "regular file");
	refuses_every_way("file:/dev/zero", MBX_ENOTSUP, "regular file");
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses_every_way(name, MBX_ENOTSUP, "regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	region_refused(name, 0, 0, MBX_ENOTSUP, name);
	region_refused(name, MBX_REGION_READ, 0, MBX_ENOTSUP, "regular file");
	region_refused(name, MBX_REGION_CREATE, 4096, MBX_EEXIST, name);
	assert_int_equal(rmdir(path), 0);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	refuses_every_way(name, MBX_EIO, name);
	assert_int_equal(unlink(path), 0);
	close(fd);
}

/* A file of @bytes under the region's name, mode 0600. */
static int plant(const char *name, off_t bytes)
{
	int fd = shm_open(strchr(name, '/'), O_CREAT | O_EXCL | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	return fd;
}

static void test_created_before_is_not_taken_over(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	const char *name = test_region();
	int fd = plant(name, 100000);
	struct stat st;
	struct mbx *m;

	(void)state;
	assert_int_equal(pwrite(fd, "x", 1, 99999), 1);
	region_refused(name, MBX_REGION_CREATE, 4096, MBX_EEXIST, "mbx rm");
	assert_mbx(mbx_open(&m, name, &o), MBX_EEXIST);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 100000);
	close(fd);
	assert_int_equal(unlink(shm_path(name)), 0);
}

static void test_of_the_wrong_size_is_refused(void **state)
{
	static const off_t sizes[] = { 0, 1, 4, 60, 63 };
	struct mbx_options look = { .observe = 1 }, host = { 0 };
	const char *name = test_region();
	struct mbx *m, *owner;
	off_t bytes;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fd = plant(name, sizes[i]);
		region_refused(name, 0, 0, MBX_ENOSPC,
			       "a region needs at least 64");
		assert_mbx(mbx_open(&m, name, &look), MBX_ENOSPC);
		close(fd);
		assert_int_equal(unlink(shm_path(name)), 0);
	}
	/* and shorter than what it says of itself, at any length */
	owner = open_owner(name);
	bytes = (off_t)mbx_get_region(owner)->bytes;
	mbx_close(owner);
	fd = shm_open(strchr(name, '/'), O_RDWR, 0);
	for (bytes -= 4; bytes >= 64; bytes -= bytes > 4096 ? 1000 : 100) {
		assert_int_equal(ftruncate(fd, bytes), 0);
		assert_mbx(mbx_open(&m, name, &look), MBX_ENOSPC);
		assert_mbx(mbx_open(&m, name, &host), MBX_ENOSPC);
	}
	close(fd);
	assert_int_equal(unlink(shm_path(name)), 0);
}

static void test_of_a_huge_size_is_mapped_in_part(void **state)
{
	static const off_t sizes[] = { (off_t)1 << 30, ((off_t)1 << 32) + 64,
				       (off_t)1 << 40, INT64_MAX - 4095 };
	struct mbx_options look = { .observe = 1 };
	const char *name = test_region();
	struct mbx_region r;
	struct mbx *m;
	size_t i;
	int fd, err;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fd = plant(name, sizes[i]);
		err = mbx_region_open(&r, name, 0, 0);
		if (err) /* this process has not so many addresses */
			assert_mbx(err, MBX_ENOMEM);
		else
			assert_true(r.bytes == MBX_MAX_REGION);
		mbx_region_close(&r);
		err = mbx_open(&m, name, &look);
		assert_true(err == MBX_EAGAIN || err == MBX_ENOMEM);
		/* nor does it take for ever to see that it is empty */
		err = mbx_region_remove(name);
		if (err)
			unlink(shm_path(name));
		close(fd);
	}
}

/* ---- modes and owners ---- */

static void test_mode_is_the_owners_alone_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	const char *name = test_region();
	struct mbx_region r;
	struct stat st;
	mode_t was;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		was = umask(masks[i]);
		assert_mbx(mbx_region_open(&r, name, MBX_REGION_CREATE, 8192),
			   0);
		umask(was);
		assert_int_equal(stat(shm_path(name), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(st.st_size, 8192);
		mbx_region_close(&r);
		assert_mbx(mbx_region_remove(name), 0);
		assert_mbx(mbx_region_remove(name), MBX_ENOENT);
	}
}

static void test_region_that_anybody_may_write_is_refused(void **state)
{
	const char *name = test_region();

	(void)state;
	mbx_close(open_owner(name));
	assert_int_equal(chmod(shm_path(name), 0606), 0);
	refuses_every_way(name, MBX_EACCES, "mode 606");
	assert_int_equal(chmod(shm_path(name), 0664), 0);
	mbx_close(open_host(name));
	assert_mbx(mbx_region_remove(name), 0);
}

#define ANN 54321 /* nobody is called that */
#define BOB 54322

static void be(uid_t who)
{
	child_check(setgid(who) == 0 && setuid(who) == 0);
}

static void only_as_root(void)
{
	if (geteuid() != 0)
		skip(); /* only root can be two users */
}

static void ann_plants(const char *region)
{
	be(ANN);
	child_check(mbx_open(&(struct mbx *){ NULL }, region,
			     &(struct mbx_options){
				     .side = MBX_REMOTE,
				     .create = 1,
				     .channels = host_channels,
				     .count = host_channels_count }) == 0);
	/* as inviting as can be, to whom she has in mind */
	child_check(chmod(shm_path(region), 0664) == 0);
}

static void bob_is_told(const char *region)
{
	struct mbx_options host = { 0 }, look = { .observe = 1 };
	struct mbx_region r;
	struct mbx *m;

	child_check(setgid(ANN) == 0 && setuid(BOB) == 0);
	child_check(mbx_region_open(&r, region, 0, 0) == MBX_EACCES);
	child_check(strstr(mbx_errmsg(), "belongs to user 54321") != NULL);
	child_check(strstr(mbx_errmsg(), "not to you (54322)") != NULL);
	child_check(mbx_open(&m, region, &host) == MBX_EACCES);
	child_check(mbx_open(&m, region, &look) == MBX_EACCES);
	child_check(mbx_region_remove(region) == MBX_EACCES);
}

static void test_region_that_another_user_made_is_refused(void **state)
{
	const char *name = test_region();

	(void)state;
	only_as_root();
	reap(spawn(ann_plants, name), 0);
	reap(spawn(bob_is_told, name), 0);
	/* root may look at whatever it is */
	mbx_close(open_host(name));
	assert_mbx(mbx_region_remove(name), 0);
}

static void ann_gets_nothing(const char *region)
{
	struct mbx_options host = { 0 };
	struct mbx_region r;
	struct mbx *m;

	be(ANN);
	child_check(mbx_region_open(&r, region, 0, 0) == MBX_EACCES);
	child_check(strstr(mbx_errmsg(), "mode 600") != NULL);
	child_check(mbx_region_open(&r, region, MBX_REGION_READ, 0) ==
		    MBX_EACCES);
	child_check(mbx_open(&m, region, &host) == MBX_EACCES);
	child_check(mbx_region_remove(region) == MBX_EACCES);
	child_check(truncate(shm_path(region), 0) == -1);
	child_check(unlink(shm_path(region)) == -1);
}

static void ann_looks_on(const char *region)
{
	struct mbx_options host = { 0 }, look = { .observe = 1 };
	struct mbx *m;

	be(ANN);
	child_check(mbx_open(&m, region, &host) == MBX_EACCES);
	child_check(mbx_open(&m, region, &look) == 0);
	mbx_close(m);
	child_check(truncate(shm_path(region), 0) == -1);
}

static void test_somebody_elses_region_is_closed_but_to_who_may_look(void **s)
{
	const char *name = test_region();

	(void)s;
	only_as_root();
	mbx_close(open_owner(name));
	reap(spawn(ann_gets_nothing, name), 0);
	assert_int_equal(chmod(shm_path(name), 0644), 0);
	reap(spawn(ann_looks_on, name), 0);
	mbx_close(open_host(name));
	assert_mbx(mbx_region_remove(name), 0);
}

/* ---- truncated while it is in use ---- */

/* A page whose file does not reach as far: touching it is a SIGBUS. */
static char *behind_the_end(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		       memfd_create("mbx-test", 0), 0);

	child_check(p != MAP_FAILED);
	return p;
}

static char *touched;

static void exit_by_address(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	_exit(info->si_addr == touched ? 0 : 77);
}

static void touch_and_compare(const char *region)
{
	struct sigaction act = { .sa_sigaction = exit_by_address,
				 .sa_flags = SA_SIGINFO };

	(void)region;
	touched = behind_the_end();
	sigaction(SIGBUS, &act, NULL);
	*(volatile char *)touched = 1;
}

/* qemu-user 7.2 tells 32-bit programs the host's address of a SIGBUS. */
static void skip_if_sigbus_has_another_address(void)
{
	int status;

	waitpid(spawn(touch_and_compare, NULL), &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("SKIP: SIGBUS has another address than was "
			      "touched; a bug of qemu-user\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* Both sides in this process, and what one of them does when it happens. */
static struct attacked {
	struct mbx *host, *remote;
	struct mbx_end *up, *up_in, *down, *down_in, *value, *value_in;
	struct mbx_end *lines, *lines_in, *add, *add_in;
	const char *region;
} at;

static int sends(void)
{
	char buf[64];

	mbx_recv(at.up_in, buf, sizeof(buf), 0);
	return mbx_send(at.up, "x", 1, 0);
}

static int sends_for_long(void)
{
	return mbx_send(at.up, "x", 1, PATIENCE_MS);
}

static int batches(void)
{
	int err = mbx_put(at.up, "x", 1, 0);

	return err == MBX_EAGAIN ? sends() : err ? err : mbx_flush(at.up);
}

static int receives(void)
{
	char buf[64];

	mbx_send(at.down, "12345678", 8, 0);
	return mbx_recv(at.down_in, buf, sizeof(buf), 0);
}

static int receives_for_long(void)
{
	char buf[64];

	return mbx_recv(at.down_in, buf, sizeof(buf), PATIENCE_MS);
}

/* The application itself reads in the region, and writes. */
static int peeks(void)
{
	const volatile uint32_t *data = NULL;
	uint32_t sum = 0, i;
	int n;

	mbx_send(at.down, "0123456789abcdef", 16, 0);
	n = mbx_peek(at.down_in, (const void **)&data, 0);
	if (n < 0)
		return n;
	for (i = 0; i < 4000; i++)
		sum += data[i % 4];
	child_check(sum || !sum);
	return mbx_release(at.down_in);
}

static int claims(void)
{
	volatile uint32_t *data = NULL;
	char buf[64];
	int err, i;

	mbx_recv(at.up_in, buf, sizeof(buf), 0);
	err = mbx_claim(at.up, 64, (void **)&data, 0);
	if (err)
		return err;
	for (i = 0; i < 4000; i++)
		data[i % 16] = (uint32_t)i;
	return mbx_commit(at.up, 64);
}

static int gets(void)
{
	uint32_t value[2] = { 1, 2 };

	mbx_set(at.value, value, sizeof(value));
	return mbx_get(at.value_in, value, sizeof(value), NULL, NULL);
}

static int reads_a_log(void)
{
	char buf[24];

	mbx_log(at.lines, MBX_LOG_INFO, "hello");
	return mbx_log_read(at.lines_in, buf, sizeof(buf), NULL, 0);
}

static int reads_a_log_for_long(void)
{
	char buf[24];

	return mbx_log_read(at.lines_in, buf, sizeof(buf), NULL, PATIENCE_MS);
}

static int calls(void)
{
	uint32_t sum;

	return mbx_call(at.add, "12345678", 8, &sum, 4, NULL, PATIENCE_MS);
}

static int serves(void)
{
	struct mbx_request request;
	char buf[8];

	return mbx_serve(at.add_in, buf, sizeof(buf), &request, PATIENCE_MS);
}

static int waits(void)
{
	return mbx_wait(at.host, PATIENCE_MS);
}

static int looks(void)
{
	struct mbx_stream_stats stats;
	char buf[64];

	mbx_send(at.up, "x", 1, 0);
	mbx_stream_stats(at.host, 0, 0, &stats);
	mbx_stream_look(at.host, 0, 0, 0, buf, sizeof(buf));
	return mbx_poll(at.host);
}

static int opens_ends(void)
{
	struct mbx_end *e;
	int err;

	mbx_end_close(at.up);
	err = mbx_end_open(at.host, "up", &e);
	at.up = e;
	return err;
}

static int reopens(void)
{
	return mbx_reopen(at.host);
}

static int opens(void)
{
	struct mbx_options look = { .observe = 1 };
	struct mbx *m;
	int err = mbx_open(&m, at.region, &look);

	mbx_close(err ? NULL : m);
	return err == MBX_ENOSPC ? MBX_EIO : err; /* if it came first */
}

static void open_all(void)
{
	at.region = test_region();
	at.remote = open_owner(at.region);
	at.host = open_host(at.region);
	bring_up(at.remote, at.host);
	at.up = open_end(at.host, "up");
	at.up_in = open_end(at.remote, "up");
	at.down = open_end(at.remote, "down");
	at.down_in = open_end(at.host, "down");
	at.value = open_end(at.remote, "value");
	at.value_in = open_end(at.host, "value");
	at.lines = open_end(at.remote, "lines");
	at.lines_in = open_end(at.host, "lines");
	at.add = open_end(at.host, "add");
	at.add_in = open_end(at.remote, "add");
}

static off_t cut_to;
static unsigned int cut_after_us;

static void cuts(const char *region)
{
	usleep(cut_after_us);
	child_check(truncate(shm_path(region), cut_to) == 0);
}

/* Nothing may die, nothing wait for ever, and it is told what happened. */
static void cut_while(int (*what)(void))
{
	pid_t pid;
	int err, tries = 0;

	open_all();
	pid = spawn(cuts, at.region);
	do {
		err = what();
		if (tries++ > 1000)
			usleep(100);
	} while (err != MBX_EIO && tries < 1000 + PATIENCE_MS * 10);
	assert_mbx(err, MBX_EIO);
	if (what != opens) {
		assert_non_null(strstr(mbx_errmsg(), "truncated"));
		assert_mbx(what(), MBX_EIO);
	}
	reap(pid, 0);
	assert_mbx(mbx_poll(at.host), MBX_EIO);
	assert_mbx(mbx_poll(at.remote), MBX_EIO);
	mbx_close(at.host);
	mbx_close(at.remote);
	assert_int_equal(unlink(shm_path(at.region)), 0);
}

static void test_truncation_in_any_call_is_an_error_that_it_returns(void **s)
{
	static int (*const all[])(void) = {
		sends,
		sends_for_long,
		batches,
		receives,
		peeks,
		claims,
		receives_for_long,
		gets,
		reads_a_log,
		reads_a_log_for_long,
		calls,
		serves,
		waits,
		looks,
		reopens,
		opens,
		opens_ends,
	};
	static const off_t to[] = { 0, 4096, 8192 + 100 };
	unsigned int i;

	(void)s;
	skip_if_sigbus_has_another_address();
	for (i = 0; i < 3 * sizeof(all) / sizeof(all[0]); i++) {
		cut_to = to[i % 3];
		cut_after_us = i * 37 % 2000;
		cut_while(all[i / 3]);
	}
}

/* Who waits for a region to be formatted is told, and does not wait on. */
static void test_truncated_before_it_is_formatted_holds_no_open(void **state)
{
	struct mbx_options o = { .observe = 1, .timeout_ms = 2000 * HANG_S };
	const char *name = test_region();
	struct mbx_region r;
	struct mbx *m;
	pid_t pid;
	int err;

	(void)state;
	skip_if_sigbus_has_another_address();
	assert_mbx(mbx_region_open(&r, name, MBX_REGION_CREATE, 65536), 0);
	mbx_region_close(&r);
	cut_to = 4096;
	cut_after_us = 100000;
	pid = spawn(cuts, name);
	alarm(HANG_S);
	err = mbx_open(&m, name, &o);
	alarm(0);
	assert_mbx(err, MBX_EIO);
	reap(pid, 0);
	assert_int_equal(unlink(shm_path(name)), 0);
}

static void test_truncated_and_made_whole_again_is_not_the_same(void **state)
{
	off_t bytes;
	int err;

	(void)state;
	skip_if_sigbus_has_another_address();
	open_all();
	bytes = (off_t)mbx_get_region(at.host)->bytes;
	assert_mbx(mbx_send(at.up, "x", 1, 0), 0);
	assert_int_equal(truncate(shm_path(at.region), 0), 0);
	assert_int_equal(truncate(shm_path(at.region), bytes), 0);
	err = mbx_poll(at.host);
	assert_true(err == MBX_ESTALE || err == MBX_EIO);
	assert_mbx(mbx_send(at.up, "x", 1, 0), err);
	err = mbx_poll(at.remote);
	assert_true(err == MBX_ESTALE || err == MBX_EIO);
	mbx_close(at.host);
	mbx_close(at.remote);
	assert_mbx(mbx_region_remove(at.region), 0);
}

static void touch_behind_the_end(const char *region)
{
	struct rlimit s_of_processor = { 5, 5 }; /* if it faults for ever */
	struct mbx_region r;
	char *p = behind_the_end();

	child_check(setrlimit(RLIMIT_CPU, &s_of_processor) == 0);
	signal(SIGBUS, SIG_DFL);
	child_check(mbx_region_open(&r, region, 0, 0) == 0);
	*(volatile char *)p = 1;
}

static void dies_of_sigbus(void (*body)(const char *region))
{
	struct mbx_region r;
	int status;
	pid_t pid;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* their own handlers turn it into a report */
#endif
	assert_mbx(mbx_region_open(&r, test_region(), MBX_REGION_CREATE, 4096),
		   0);
	pid = spawn(body, test_region());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	mbx_region_close(&r);
	assert_mbx(mbx_region_remove(test_region()), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

static void test_sigbus_elsewhere_still_kills(void **state)
{
	(void)state;
	skip_if_sigbus_has_another_address();
	dies_of_sigbus(touch_behind_the_end);
}

static void be_sent_sigbus(const char *region)
{
	struct mbx_region r;

	signal(SIGBUS, SIG_DFL);
	child_check(mbx_region_open(&r, region, 0, 0) == 0);
	kill(getpid(), SIGBUS);
}

static void test_sigbus_sent_by_somebody_still_kills(void **state)
{
	(void)state;
	dies_of_sigbus(be_sent_sigbus);
}

static void exits_7(int sig)
{
	(void)sig;
	_exit(7);
}

static void exits_8(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	_exit(8);
}

/* The program's own handler, which was there first, hears of the rest. */
static void touch_with_a_handler(const char *region)
{
	struct mbx_region r;

	signal(SIGBUS, exits_7);
	child_check(mbx_region_open(&r, region, 0, 0) == 0);
	*(volatile char *)behind_the_end() = 1;
}

/*
 * As the kernel tells of an unaligned access: not that memory has gone. What is
 * sent like that would end emulators, so the handler is called.
 */
static void misalign_with_a_handler(const char *region)
{
	struct sigaction act = { .sa_sigaction = exits_8,
				 .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_signo = SIGBUS, .si_code = BUS_ADRALN };
	struct sigaction now;
	struct mbx_region r;

	sigaction(SIGBUS, &act, NULL);
	child_check(mbx_region_open(&r, region, 0, 0) == 0);
	info.si_addr = (char *)r.base + 1;
	sigaction(SIGBUS, NULL, &now);
	now.sa_sigaction(SIGBUS, &info, NULL);
}

static void be_sent_sigbus_ignored(const char *region)
{
	struct mbx_region r;

	signal(SIGBUS, SIG_IGN);
	child_check(mbx_region_open(&r, region, 0, 0) == 0);
	kill(getpid(), SIGBUS);
	_exit(9);
}

static void test_sigbus_goes_to_the_handler_that_was_there(void **state)
{
	static const struct {
		void (*body)(const char *region);
		int exits;
	} cases[] = {
		{ touch_with_a_handler, 7 },
		{ misalign_with_a_handler, 8 },
		{ be_sent_sigbus_ignored, 9 },
	};
	struct mbx_region r;
	size_t i;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* theirs are in between */
#endif
	skip_if_sigbus_has_another_address();
	assert_mbx(mbx_region_open(&r, test_region(), MBX_REGION_CREATE, 4096),
		   0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		reap(spawn(cases[i].body, test_region()), cases[i].exits << 8);
	mbx_region_close(&r);
	assert_mbx(mbx_region_remove(test_region()), 0);
}

/* ---- who may store where ---- */

static struct mbx_options stores_as;
static uint32_t stores_at;

static void store(const char *region)
{
	struct mbx *m;

	signal(SIGSEGV, SIG_DFL);
	child_check(mbx_open(&m, region, &stores_as) == 0);
	*(volatile uint32_t *)((char *)mbx_get_region(m)->base + stores_at) = 1;
	_exit(0);
}

/* How a child ends that stores at @off of its mapping: 0, or by that signal */
static int store_ends(const char *region, struct mbx_options as, uint32_t off)
{
	int status;
	pid_t pid;

	stores_as = as;
	stores_at = off;
	pid = spawn(store, region);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || status == 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void test_store_outside_the_own_section_faults(void **state)
{
	struct mbx_options host = { .side = MBX_HOST },
			   remote = { .side = MBX_REMOTE },
			   observer = { .observe = 1 };
	const char *name = test_region();
	struct mbx *m = open_owner(name);
	const struct mbx_link *l = mbx_get_link(m);
	uint32_t own[2] = { l->section[0], l->section[1] }, end;

	(void)state;
	end = (uint32_t)mbx_get_region(m)->bytes;
	assert_int_equal(l->align, 4096);
	mbx_close(m);
	assert_int_equal(store_ends(name, host, 0), SIGSEGV);
	assert_int_equal(store_ends(name, host, own[0] - 4), SIGSEGV);
	assert_int_equal(store_ends(name, host, own[1]), SIGSEGV);
	assert_int_equal(store_ends(name, host, end - 4), SIGSEGV);
	assert_int_equal(store_ends(name, host, own[0] + 60), 0);
	assert_int_equal(store_ends(name, host, own[1] - 4), 0);
	assert_int_equal(store_ends(name, remote, own[0]), SIGSEGV);
	assert_int_equal(store_ends(name, remote, own[1] - 4), SIGSEGV);
	assert_int_equal(store_ends(name, remote, own[1] + 60), 0);
	assert_int_equal(store_ends(name, observer, own[0]), SIGSEGV);
	assert_int_equal(store_ends(name, observer, own[1]), SIGSEGV);
	assert_int_equal(store_ends(name, observer, 0), SIGSEGV);
	assert_mbx(mbx_region_remove(name), 0);
}

/* With a directory of just a page, one section begins where a page does. */
static void test_section_that_shares_its_last_page_stays_whole(void **state)
{
	static char names[63][MBX_NAME_BYTES];
	struct mbx_channel many[63];
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = many,
				 .count = 63,
				 .page_bytes = 64 };
	struct mbx_options host = { .side = MBX_HOST };
	const char *name = test_region();
	uint32_t own, theirs;
	struct mbx *m;
	int i;

	(void)state;
	for (i = 0; i < 63; i++) {
		many[i] = host_channels[0];
		snprintf(names[i], sizeof(names[i]), "up%d", i);
		many[i].name = names[i];
	}
	assert_mbx(mbx_open(&m, name, &o), 0);
	own = mbx_get_link(m)->section[MBX_HOST];
	theirs = mbx_get_link(m)->section[MBX_REMOTE];
	mbx_close(m);
	assert_int_equal(own, 4096);
	assert_int_not_equal(theirs % 4096, 0);
	assert_int_equal(store_ends(name, host, own + 60), 0);
	assert_int_equal(store_ends(name, host, theirs - 4), 0);
	assert_mbx(mbx_region_remove(name), 0);
}

static void test_sections_on_lines_stay_writable(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count,
				 .page_bytes = 64 };
	struct mbx_options host = { .side = MBX_HOST }, look = { .observe = 1 };
	const char *name = test_region();
	uint32_t theirs;
	struct mbx *m;

	(void)state;
	assert_mbx(mbx_open(&m, name, &o), 0);
	theirs = mbx_get_link(m)->section[MBX_REMOTE] + 60;
	mbx_close(m);
	assert_int_equal(store_ends(name, host, theirs), 0);
	assert_int_equal(store_ends(name, look, theirs), SIGSEGV);
	assert_mbx(mbx_region_remove(name), 0);
}

/* ---- locks that are kept ---- */

static int ready[2]; /* a pipe to the test: the squatter has squatted */

/* A lock for reading takes no more than the right to read. */
static void keeps_all_free_locks(const char *region)
{
	struct flock l = { .l_type = F_RDLCK, .l_len = 1 };
	int fd = open(shm_path(region), O_RDONLY);

	child_check(fd >= 0);
	for (l.l_start = 0; l.l_start < 65536; l.l_start++)
		fcntl(fd, F_SETLK, &l);
	child_check(write(ready[1], "", 1) == 1);
	pause();
}

static pid_t squat(const char *region)
{
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = spawn(keeps_all_free_locks, region);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_squatter(pid_t pid)
{
	kill(pid, SIGKILL);
	reap(pid, SIGKILL);
}

static void test_locks_kept_by_a_reader_are_told_from_an_owners(void **state)
{
	struct mbx_options options = { 0 };
	const char *name = test_region();
	struct mbx *remote = open_owner(name), *host = open_host(name), *m;
	struct mbx_end *up = open_end(host, "up"), *in, *e;
	char buf[4];
	pid_t pid;

	(void)state;
	bring_up(remote, host);
	in = open_end(remote, "up");
	pid = squat(name);
	bring_up(remote, host); /* should that have taken long */
	/* who has what he needs is not disturbed */
	assert_mbx(mbx_send(up, "x", 1, 0), 0);
	assert_mbx(mbx_recv(in, buf, 4, 0), 1);
	assert_mbx(mbx_end_open(host, "fails", &e), MBX_EBUSY);
	assert_non_null(strstr(mbx_errmsg(), "chmod go-r"));
	end_squatter(pid);
	open_end(host, "fails");
	mbx_close(host);
	pid = squat(name);
	assert_mbx(mbx_open(&m, name, &options), MBX_EBUSY);
	assert_non_null(strstr(mbx_errmsg(), "chmod go-r"));
	end_squatter(pid);
	mbx_close(open_host(name));
	mbx_close(remote);
	assert_mbx(mbx_region_remove(name), 0);
}

static void test_lock_file_of_physical_memory_is_roots_and_no_link(void **state)
{
	static const char region[] = "mem:0x3ed00000+64K";
	struct mbx_options o = { .side = MBX_REMOTE,
				 .format = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	char to[256];
	struct stat st;
	struct mbx *m;
	mode_t was;

	tree_plant(state);
	snprintf(to, sizeof(to), "%s", tree_path("/somewhere"));
	assert_int_equal(symlink(to, tree_path("/run/mbx.lock")), 0);
	assert_mbx(mbx_open(&m, region, &o), MBX_ENOTSUP);
	assert_int_equal(stat(to, &st), -1);
	assert_int_equal(unlink(tree_path("/run/mbx.lock")), 0);
	was = umask(0);
	assert_mbx(mbx_open(&m, region, &o), 0);
	umask(was);
	assert_int_equal(stat(tree_path("/run/mbx.lock"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	mbx_close(m);
	assert_int_equal(tree_fell(state), 0);
}

/* ---- doorbells that are kept ---- */

#define SHORT_MS 100

/* Opens the other side with such a doorbell; nobody rings it in earnest. */
static struct mbx *open_rung_by(const char *name, const char *bell)
{
	struct mbx_options o = { .timeout_ms = PATIENCE_MS,
				 .liveness_ms = 1000000,
				 .doorbell = bell };
	struct mbx *m;

	assert_mbx(mbx_open(&m, name, &o), 0);
	return m;
}

static int line; /* the other end of it */

/* As fast as they can be taken, and faster. */
static void rings_without_end(const char *region)
{
	static const char rings[65536];

	(void)region;
	signal(SIGPIPE, SIG_IGN);
	while (write(line, rings, sizeof(rings)) > 0)
		;
}

/* Nothing but their timeouts ends these calls, and does. */
static void calls_end_on(const char *name, const char *bell)
{
	struct mbx *remote = open_owner(name), *host = open_rung_by(name, bell);
	struct mbx_end *in = open_end(host, "down"), *out;
	char buf[64], c = 0;

	bring_up(remote, host);
	assert_mbx(mbx_recv(in, buf, sizeof(buf), SHORT_MS), MBX_EAGAIN);
	out = open_end(host, "up");
	open_end(remote, "up");
	assert_mbx(mbx_arm(remote), 0); /* it wants to be rung */
	while (mbx_send(out, &c, 1, 0) == 0)
		;
	assert_mbx(mbx_send(out, &c, 1, SHORT_MS), MBX_EAGAIN);
	assert_true(mbx_wait(host, SHORT_MS) >= 0);
	assert_true(mbx_arm(host) >= 0);
	out = open_end(remote, "down");
	bring_up(remote, host); /* should it have taken long */
	assert_mbx(mbx_send(out, "x", 1, 0), 0);
	assert_mbx(mbx_recv(in, buf, sizeof(buf), PATIENCE_MS), 1);
	mbx_close(host);
	mbx_close(remote);
	assert_mbx(mbx_region_remove(name), 0);
}

static void test_line_that_rings_without_end_holds_no_call(void **state)
{
	int pair[2], zeros = open("/dev/zero", O_RDWR);
	char bell[40];
	pid_t pid;

	(void)state;
	assert_true(zeros >= 0);
	alarm(HANG_S);
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", zeros, zeros);
	calls_end_on(test_region(), bell);
	close(zeros);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	line = pair[1];
	pid = spawn(rings_without_end, NULL);
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", pair[0], pair[0]);
	alarm(HANG_S);
	calls_end_on(test_region(), bell);
	end_squatter(pid);
	close(pair[0]);
	close(pair[1]);
}

/* Who hangs up must not end who rings: SIGPIPE would. */
static void test_line_that_is_cut_ends_nobody(void **state)
{
	static const struct timespec now;
	sigset_t broken;
	char bell[40];
	int in[2], out[2];

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", in[0], out[1]);
	close(in[1]);
	close(out[0]);
	calls_end_on(test_region(), bell);
	close(in[0]);
	close(out[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
	close(in[1]);
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", in[0], in[0]);
	calls_end_on(test_region(), bell);
	/* a SIGPIPE that the program waits for itself stays for it to find */
	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	assert_int_equal(sigprocmask(SIG_BLOCK, &broken, NULL), 0);
	calls_end_on(test_region(), bell);
	assert_int_equal(sigtimedwait(&broken, NULL, &now), SIGPIPE);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &broken, NULL), 0);
	close(in[0]);
}

static struct sockaddr_un squatted;

/* Listens where QEMU would: hangs up on some, rings others without end. */
static void answers_in_qemus_place(const char *region)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), i;

	signal(SIGPIPE, SIG_IGN);
	child_check(bind(fd, (struct sockaddr *)&squatted, sizeof(squatted)) ==
		    0);
	child_check(listen(fd, 1) == 0);
	child_check(write(ready[1], "", 1) == 1);
	for (i = 0;; i++) {
		line = accept(fd, NULL, NULL);
		if (i % 2)
			rings_without_end(region);
		close(line);
	}
}

static void test_squatter_on_the_socket_holds_no_call(void **state)
{
	char dir[] = "/tmp/mbx-test-XXXXXX", bell[128], byte;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	squatted.sun_family = AF_UNIX;
	snprintf(squatted.sun_path, sizeof(squatted.sun_path), "%s/db", dir);
	snprintf(bell, sizeof(bell), "socket:%s", squatted.sun_path);
	assert_int_equal(pipe(ready), 0);
	pid = spawn(answers_in_qemus_place, NULL);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	alarm(HANG_S);
	calls_end_on(test_region(), bell);
	end_squatter(pid);
	assert_int_equal(unlink(squatted.sun_path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* A test that failed must not make the others fail. */
static int clear(void **state)
{
	char other[80];

	(void)state;
	alarm(0);
	snprintf(other, sizeof(other), "%s-other", test_region());
	unlink(shm_path(other));
	unlink(shm_path(test_region()));
	rmdir(shm_path(test_region()));
	return 0;
}

#define attack(test) cmocka_unit_test_teardown(test, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		attack(test_name_that_leads_elsewhere_is_refused),
		attack(test_symlink_in_shared_memory_is_not_followed),
		attack(test_symlink_is_not_followed_to_create_a_file),
		attack(test_hard_link_to_another_region_is_refused),
		attack(test_what_is_no_file_is_refused_at_once),
		attack(test_created_before_is_not_taken_over),
		attack(test_of_the_wrong_size_is_refused),
		attack(test_of_a_huge_size_is_mapped_in_part),
		attack(test_mode_is_the_owners_alone_whatever_the_umask),
		attack(test_region_that_anybody_may_write_is_refused),
		attack(test_region_that_another_user_made_is_refused),
		attack(test_somebody_elses_region_is_closed_but_to_who_may_look),
		attack(test_truncation_in_any_call_is_an_error_that_it_returns),
		attack(test_truncated_before_it_is_formatted_holds_no_open),
		attack(test_truncated_and_made_whole_again_is_not_the_same),
		attack(test_sigbus_elsewhere_still_kills),
		attack(test_sigbus_sent_by_somebody_still_kills),
		attack(test_sigbus_goes_to_the_handler_that_was_there),
		attack(test_store_outside_the_own_section_faults),
		attack(test_section_that_shares_its_last_page_stays_whole),
		attack(test_sections_on_lines_stay_writable),
		attack(test_locks_kept_by_a_reader_are_told_from_an_owners),
		attack(test_lock_file_of_physical_memory_is_roots_and_no_link),
		attack(test_line_that_rings_without_end_holds_no_call),
		attack(test_line_that_is_cut_ends_nobody),
		attack(test_squatter_on_the_socket_holds_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
