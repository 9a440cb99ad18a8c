/* SPDX-License-Identifier: BSD-2-Clause */
/* Each doorbell between two processes: blocking calls, and an own poll loop. */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifdef __SANITIZE_THREAD__
#define ROUNDS 300
#else
#define ROUNDS 2000
#endif

static char remote_bell[128], host_bell[128];
static uint32_t rounds;

/* The remote: echoes "up" to "down" until the host has gone. */
static void echo(const char *region)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count,
				 .doorbell = remote_bell };
	struct mbx_end *in, *out;
	struct mbx *m;
	char buf[64];
	int n;

	child_check(mbx_open(&m, region, &o) == 0);
	child_check(mbx_end_open(m, "up", &in) == 0);
	child_check(mbx_end_open(m, "down", &out) == 0);
	child_check(mbx_wait_peer(m, PATIENCE_MS) == 0);
	while ((n = mbx_recv(in, buf, sizeof(buf), PATIENCE_MS)) > 0)
		child_check(mbx_send(out, buf, (size_t)n, PATIENCE_MS) == 0);
	child_check(n == 0); /* an empty message: the end */
	child_check(mbx_send(out, NULL, 0, PATIENCE_MS) == 0);
	mbx_close(m);
}

static void blocking_rounds(struct mbx_end *out, struct mbx_end *in)
{
	uint32_t i, got;

	for (i = 0; i < rounds; i++) {
		assert_mbx(mbx_send(out, &i, 4, PATIENCE_MS), 0);
		assert_mbx(mbx_recv(in, &got, 4, PATIENCE_MS), 4);
		assert_int_equal(got, i);
	}
}

/*
 * As a program with its own poll(): arm, sleep, take all there is. On a busy
 * computer an answer may be there before one can sleep: go on until one did.
 */
static void polling_rounds(struct mbx *m, struct mbx_end *out,
			   struct mbx_end *in)
{
	uint32_t sent = 0, got = 0, value;
	int n, sleeps = 0;

	assert_true(mbx_fd(m) >= 0);
	assert_int_equal(mbx_fd(m), mbx_fd(m));
	while (got < rounds || got < sent || !sleeps) {
		struct pollfd p = { .fd = mbx_fd(m), .events = POLLIN };

		if (sent < rounds ? sent - got < 4 : sent == got && !sleeps) {
			assert_mbx(mbx_send(out, &sent, 4, PATIENCE_MS), 0);
			sent++;
			continue;
		}
		n = mbx_arm(m);
		assert_true(n >= 0);
		if (n == 0) {
			/* no time-out but the hang's: the ring must come */
			n = poll(&p, 1, 1000);
			assert_true(n >= 0);
			sleeps += n;
		}
		assert_true(mbx_poll(m) >= 0);
		while ((n = mbx_recv(in, &value, 4, 0)) == 4) {
			assert_int_equal(value, got);
			got++;
		}
		assert_mbx(n, MBX_EAGAIN);
	}
}

/* @slow: a side looks by a timer, so each round takes about a millisecond. */
static void run(const char *for_remote, const char *for_host, int slow)
{
	const char *region = test_region();
	struct mbx_options o = { .timeout_ms = PATIENCE_MS };
	struct mbx_end *out, *in;
	struct mbx *m;
	pid_t pid;
	char buf[4];

	snprintf(remote_bell, sizeof(remote_bell), "%s", for_remote);
	snprintf(host_bell, sizeof(host_bell), "%s", for_host);
	rounds = slow ? ROUNDS / 5 : ROUNDS;
	pid = spawn(echo, region);
	o.doorbell = host_bell;
	assert_mbx(mbx_open(&m, region, &o), 0);
	assert_mbx(mbx_wait_peer(m, PATIENCE_MS), 0);
	out = open_end(m, "up");
	in = open_end(m, "down");
	blocking_rounds(out, in);
	polling_rounds(m, out, in);
	/* several ends, one sleep */
	assert_mbx(mbx_send(out, NULL, 0, PATIENCE_MS), 0);
	while (mbx_recv(in, buf, 4, 0) == MBX_EAGAIN)
		assert_true(mbx_wait(m, 1000) >= 0);
	reap(pid, 0);
	mbx_close(m);
	assert_mbx(mbx_region_remove(region), 0);
}

static void test_poll_carries_traffic_both_ways(void **state)
{
	(void)state;
	run("poll:100", "poll:50", 0);
}

static void test_futex_carries_traffic_both_ways(void **state)
{
	(void)state;
	run("futex", "futex", 0);
}

static void test_automatic_towards_a_poller_still_hears(void **state)
{
	(void)state;
	unsetenv("MBX_DOORBELL");
	run("poll:100", "", 1);
}

static void test_eventfd_inherited_carries_traffic(void **state)
{
	char to_host[64], to_remote[64];
	int a = eventfd(0, 0), b = eventfd(0, 0);

	(void)state;
	snprintf(to_remote, sizeof(to_remote), "eventfd:%d,%d", a, b);
	snprintf(to_host, sizeof(to_host), "eventfd:%d,%d", b, a);
	run(to_remote, to_host, 0);
	close(a);
	close(b);
}

static int listen_at(struct sockaddr_un *addr, const char *dir,
		     const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	addr->sun_family = AF_UNIX;
	snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%s", dir, name);
	assert_int_equal(bind(fd, (struct sockaddr *)addr, sizeof(*addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* What QEMU's UART does: carry bytes between the two sockets. */
static void relay(int a, int b)
{
	struct pollfd p[2] = { { .fd = accept(a, NULL, NULL) },
			       { .fd = accept(b, NULL, NULL) } };
	char buf[256];
	int i;

	for (i = 0; i < 2; i++)
		p[i].events = POLLIN;
	while (poll(p, 2, PATIENCE_MS) > 0) {
		for (i = 0; i < 2; i++) {
			ssize_t n;

			if (!p[i].revents)
				continue;
			n = read(p[i].fd, buf, sizeof(buf));
			if (n <= 0)
				return;
			n = send(p[!i].fd, buf, (size_t)n, MSG_NOSIGNAL);
			if (n < 0)
				return;
		}
	}
}

static void test_socket_carries_traffic_both_ways(void **state)
{
	char dir[] = "/tmp/mbx-test-XXXXXX", a[160], b[160];
	struct sockaddr_un to_remote = { 0 }, to_host = { 0 };
	int fa, fb;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	fa = listen_at(&to_remote, dir, "r");
	fb = listen_at(&to_host, dir, "h");
	pid = fork_bound();
	if (pid == 0) {
		relay(fa, fb);
		_exit(0);
	}
	close(fa);
	close(fb);
	snprintf(a, sizeof(a), "socket:%s", to_remote.sun_path);
	snprintf(b, sizeof(b), "socket:%s", to_host.sun_path);
	run(a, b, 0);
	reap(pid, 0);
	unlink(to_remote.sun_path);
	unlink(to_host.sun_path);
	rmdir(dir);
}

/* QEMU may not be up yet, or be restarted: the doorbell is only a hint. */
static void test_socket_without_anybody_listening_still_works(void **state)
{
	(void)state;
	run("poll:100", "socket:/tmp/mbx-test-nobody-listens-here", 1);
}

static volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	handled = sig;
}

/* A program that waits for its signals itself gets them, not our thread. */
static void test_descriptor_of_futex_takes_no_signals(void **state)
{
	const char *region = test_region();
	struct mbx *m = open_owner(region);
	sigset_t set;

	(void)state;
	assert_true(mbx_fd(m) >= 0); /* which needs a thread */
	signal(SIGUSR1, on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	handled = 0;
	kill(getpid(), SIGUSR1);
	usleep(20000);
	assert_int_equal(handled, 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	while (!handled)
		usleep(1000);
	signal(SIGUSR1, SIG_DFL);
	mbx_close(m);
	assert_mbx(mbx_region_remove(region), 0);
}

static void test_eventfd_without_descriptors_left_is_refused(void **state)
{
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	int a = eventfd(0, 0), b = eventfd(0, 0), err;
	struct rlimit was, few;
	char bell[40];
	struct mbx *m;

	(void)state;
	snprintf(bell, sizeof(bell), "eventfd:%d,%d", a, b);
	o.doorbell = bell;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	/* for the region, its locks and one of the two */
	few.rlim_cur = (rlim_t)b + 4;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	err = mbx_open(&m, test_region(), &o);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_mbx(err, MBX_EIO);
	assert_non_null(strstr(mbx_errmsg(), "eventfd"));
	close(a);
	close(b);
}

/* What failed for want of descriptors can be had once there are some again. */
static void test_descriptor_is_given_out_once_there_is_one(void **state)
{
	static const char *const bells[] = { "poll", "futex",
					     "socket:/tmp/mbx-test-nobody" };
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct rlimit was, few;
	struct mbx *m;
	int next, err;
	size_t i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (i = 0; i < sizeof(bells) / sizeof(bells[0]); i++) {
		o.doorbell = bells[i];
		assert_mbx(mbx_open(&m, test_region(), &o), 0);
		next = dup(0);
		close(next);
		few = was;
		/* the socket's takes two */
		few.rlim_cur = (rlim_t)next + (i == 2);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		err = mbx_fd(m);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		assert_mbx(err, MBX_EIO);
		assert_non_null(strstr(mbx_errmsg(), "Too many open files"));
		assert_true(mbx_fd(m) >= 0);
		mbx_close(m);
		assert_mbx(mbx_region_remove(test_region()), 0);
	}
}

static void refuses_bell(const char *region, const char *says, int in, int out)
{
	struct mbx_options o = { 0 };
	char bell[40];
	struct mbx *m;

	snprintf(bell, sizeof(bell), "eventfd:%d,%d", in, out);
	o.doorbell = bell;
	assert_mbx(mbx_open(&m, region, &o), MBX_EINVAL);
	if (!strstr(mbx_errmsg(), says))
		fail_msg("\"%s\" does not say \"%s\"", mbx_errmsg(), says);
}

/*
 * Numbers that nobody passed on become those of the region's own files, into
 * which a ring would be stored.
 */
static void test_eventfd_of_what_is_no_line_is_refused(void **state)
{
	const char *region = test_region();
	struct mbx *m = open_owner(region);
	int file = shm_open(strchr(region, '/'), O_RDWR, 0);
	int folder = open("/tmp", O_RDONLY), bell = eventfd(0, 0);
	int epoll = epoll_create1(0), next = dup(bell);

	(void)state;
	close(next);
	refuses_bell(region, "is closed", next, next + 1);
	refuses_bell(region, "is closed", bell, -1);
	refuses_bell(region, strchr(region, '/'), bell, file);
	refuses_bell(region, strchr(region, '/'), file, bell);
	refuses_bell(region, "is /tmp", bell, folder);
	refuses_bell(region, "[eventpoll]", bell, epoll);
	close(file);
	close(folder);
	close(bell);
	close(epoll);
	mbx_close(m);
	assert_mbx(mbx_region_remove(region), 0);
}

/* The thread behind it looks at the region, too. */
static void test_descriptor_of_futex_survives_truncation(void **state)
{
	const char *region = test_region();
	struct mbx *m = open_owner(region);
	int fd = shm_open(strchr(region, '/'), O_RDWR, 0);

	(void)state;
	open_end(m, "up");
	assert_true(mbx_fd(m) >= 0);
	assert_mbx(mbx_arm(m), 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	usleep(30000);
	assert_mbx(mbx_poll(m), MBX_EIO);
	mbx_close(m);
	assert_int_equal(shm_unlink(strchr(region, '/')), 0);
}

/* Each is refused with its name; and nothing is left of the attempt. */
static void test_bells_that_are_none_are_refused_by_name(void **state)
{
	static char far[200] = "socket:/";
	static const char *const none[] = {
		"poll:",
		"poll:x",
		"poll:5x",
		"poll:0",
		"poll:1000001",
		"futex:1",
		"eventfd",
		"eventfd:",
		"eventfd:x",
		"eventfd:1",
		"bell",
		"eventfd:0,1x",
		"eventfd:-1,-1",
		"socket",
		"socket:",
		far,

		"socket:/dev/null/x",
	};
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	struct mbx *m;
	size_t i;

	(void)state;
	memset(far + 8, 'x', sizeof(far) - 9);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		o.doorbell = none[i];
		if (mbx_open(&m, test_region(), &o) == 0)
			fail_msg("%s was accepted", none[i]);
		assert_null(m);
		assert_non_null(strstr(mbx_errmsg(), none[i]));
		assert_mbx(mbx_region_remove(test_region()), MBX_ENOENT);
	}
}

/* Whatever is a line is accepted, and more rings than one read takes. */
static void test_lines_of_every_kind_are_accepted_and_emptied(void **state)
{
	int pipes[2], sockets[2], null = open("/dev/null", O_RDWR), n;
	struct mbx_options o = { .side = MBX_REMOTE,
				 .create = 1,
				 .channels = host_channels,
				 .count = host_channels_count };
	char name[40];
	struct mbx *m;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	for (n = 0; n < 3; n++) {
		snprintf(name, sizeof(name), "eventfd:%d,%d",
			 n == 0	  ? pipes[0]
			 : n == 1 ? sockets[0]
				  : null,
			 n == 0	  ? pipes[1]
			 : n == 1 ? sockets[0]
				  : null);
		o.doorbell = name;
		assert_mbx(mbx_open(&m, test_region(), &o), 0);
		if (n == 0) {
			static const char rings[300];

			assert_int_equal(write(pipes[1], rings, 300), 300);
			assert_mbx(mbx_wait(m, 100), 0);
			assert_mbx(mbx_arm(m), 0);
			assert_int_equal(fcntl(pipes[0], F_GETFL) & O_NONBLOCK,
					 O_NONBLOCK);
			assert_int_equal(read(pipes[0], name, 1), -1);
		}
		mbx_close(m);
		assert_mbx(mbx_region_remove(test_region()), 0);
	}
	for (n = 0; n < 2; n++) {
		close(pipes[n]);
		close(sockets[n]);
	}
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		region_test(test_poll_carries_traffic_both_ways),
		region_test(test_futex_carries_traffic_both_ways),
		region_test(test_automatic_towards_a_poller_still_hears),
		region_test(test_eventfd_inherited_carries_traffic),
		region_test(test_socket_carries_traffic_both_ways),
		region_test(test_socket_without_anybody_listening_still_works),
		region_test(test_descriptor_of_futex_takes_no_signals),
		region_test(test_eventfd_without_descriptors_left_is_refused),
		region_test(test_descriptor_is_given_out_once_there_is_one),
		region_test(test_eventfd_of_what_is_no_line_is_refused),
		region_test(test_descriptor_of_futex_survives_truncation),
		region_test(test_bells_that_are_none_are_refused_by_name),
		region_test(test_lines_of_every_kind_are_accepted_and_emptied),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
